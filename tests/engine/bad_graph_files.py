"""Files of bad graphs: sound ones with other entries, what is said of them, what mends them."""

from __future__ import annotations

import json
import struct
from typing import Any, NamedTuple

from pylstm import LSTM, Add, Concat, Conv, Dense, Model, Pool, Select

Nodes = dict[str, Any]
Changes = dict[str, str | None]


def dense(width: int = 3, outputs: int = 3) -> Dense:
    return Dense(width, outputs, seed=0)


def every(stride: int) -> Pool:
    """One row of so many."""
    return Pool(3, "max", 1, stride)


def altered(model: Model, changes: Changes) -> bytes:
    """Its file with other entries (None: without them), in format 2, without a checksum."""
    data = model.to_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    entries = header["__metadata__"] | {"pylstm.format": "2", "pylstm.checksum": None} | changes
    header["__metadata__"] = {key: value for key, value in entries.items() if value is not None}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


CHAIN: Nodes = {"a": dense(), "b": dense(), "c": dense()}
JOIN: Nodes = {"a": Select(3, 0, 3), "b": (Add(), "a", "features")}
FIRST: Nodes = {"a": Select(3, 0, 3), "b": (Add(), "a", "a"), "c": dense()}
CONV: Nodes = {
    "in": dense(3, 12),
    "conv": Conv(12, 2, 3, positions=3, kernel_positions=2, padding=(1, 1), seed=0),
    "out": dense(4, 2),
}
POSITIONS: Nodes = {
    "conv": Conv(12, 2, 1, positions=6, seed=0),
    "pool": Pool(12, "max", positions=6),
}
LATE: Nodes = {
    "late": Pool(3, "max", 2, 1),
    "a": every(2),
    "d": (every(2), "late"),
    "b": (Add(), "a", "d"),
}
POOLS: Nodes = {"a": every(1), "b": every(1)}
WIDE: Nodes = {"a": Select(40000, 0, 1), "b": (Concat(), "a", "features")}


class BadFile(NamedTuple):
    """Layers of a sound file, other entries, what is said of it, and entries that mend it."""

    nodes: Nodes
    changes: Changes
    says: str
    mended: Changes | None


def inputs(place: int, text: str) -> Changes:
    return {f"layers.{place}.inputs": text}


def named(text: str) -> Changes:
    return {"layers.1.name": text}


def no_source(name: str) -> str:
    return (
        f"[inputs] layers.1.inputs names '{name}'; expected 'features' or a layer before layer 1"
        " (b): a layer cannot take its own rows or those of a later one"
    )


def no_name(text: str) -> str:
    return (
        f"[layer-name] layers.1.name is '{text}'; expected letters, digits and _, no digit first,"
        " and not 'features'"
    )


IN_FILES = {
    "its own rows": BadFile(CHAIN, inputs(1, "b"), no_source("b"), inputs(1, "a")),
    "a later layer": BadFile(CHAIN, inputs(1, "c"), no_source("c"), inputs(1, "a")),
    "nobody's name": BadFile(CHAIN, inputs(1, "x"), no_source("x"), inputs(1, "a")),
    "a number for a name": BadFile(CHAIN, inputs(1, "0"), no_source("0"), inputs(1, "a")),
    "no inputs": BadFile(JOIN, inputs(1, ""), no_source(""), inputs(1, "a,features")),
    "a space": BadFile(JOIN, inputs(1, "a, a"), no_source(" a"), inputs(1, "a,a")),
    "a comma at the end": BadFile(JOIN, inputs(1, "a,"), no_source(""), inputs(1, "a,a")),
    "nine inputs": BadFile(
        JOIN,
        inputs(1, ",".join("a" * 9)),
        "[inputs] layers.1.inputs has more than 8 names; expected at most that many for layer b",
        inputs(1, ",".join("a" * 8)),
    ),
    "two inputs, no join": BadFile(
        CHAIN,
        inputs(1, "a,a"),
        "[inputs] layers.1.inputs has 2 names; expected 1 for the kind dense (layers.1 is 'b')",
        inputs(1, "a"),
    ),
    "a join of one": BadFile(
        JOIN,
        inputs(1, "a"),
        "[inputs] layers.1 has one input; expected 2 to 8 for the kind add (layers.1 is 'b')",
        inputs(1, "a,a"),
    ),
    "a join in a chain": BadFile(
        JOIN, {"layers.1.inputs": None}, "[inputs] layers.1 has one input; expected 2 to 8", None
    ),
    "nobody's input": BadFile(
        CHAIN,
        inputs(1, "features"),
        "[inputs] nobody takes the rows of layer a; expected an input of another layer, or the"
        " last one: a concat of a and c at the end gives both out",
        inputs(1, "a"),
    ),
    "a doubled name": BadFile(
        CHAIN,
        named("a"),
        "[layer-name] layers.1.name is 'a'; expected a name that layer 0 has not",
        named("d"),
    ),
    "no name": BadFile(CHAIN, named("1a"), no_name("1a"), named("_1a")),
    "a number as a name": BadFile(CHAIN, named("0"), no_name("0"), named("_0")),
    "an empty name": BadFile(CHAIN, named(""), no_name(""), named("_")),
    "a long name": BadFile(
        CHAIN,
        named("x" * 32),
        "[value] 'layers.1.name' has 32 bytes; expected at most 31",
        named("x" * 31),
    ),
    "the name of the features": BadFile(
        CHAIN, named("features"), no_name("features"), named("feature")
    ),
    "another rate": BadFile(
        JOIN | {"a": every(1)},
        {"layers.0.stride": "2"},
        "[rate] layer b joins a, with a stride of 2 in all, and features, with one of 1; expected"
        " equal ones: stacks behind them, with strides of 1 and 2, make them so",
        {"layers.0.stride": "1"},
    ),
    "rows that never line up": BadFile(
        LATE,
        inputs(2, "features"),
        "[rate] layer b joins rows that begin with frame 1 and, of d, with frame 0; expected a"
        ' multiple of their stride, 2, between these: a layer with "causal" padding begins where'
        " its input does",
        inputs(2, "features") | {"layers.0.kernel_size": "3"},
    ),
    "other widths in a sum": BadFile(
        JOIN,
        {"layers.0.stop": "2"},
        "[layer-width] input 1 of layers.1 is 3 wide; expected 2, as input 0 is, for the kind add"
        " (layers.1 is 'b')",
        {"layers.0.stop": "3"},
    ),
    "other widths in a product": BadFile(
        JOIN,
        {"layers.0.stop": "2", "layers.1.kind": "mul"},
        "expected 2, as input 0 is, for the kind mul (layers.1 is 'b')",
        {"layers.0.stop": "3", "layers.1.kind": "mul"},
    ),
    "another width": BadFile(
        CHAIN,
        {"layers.1.input_size": "4"},
        "[layer-width] layers.1.input_size is 4; expected 3, the width of what comes before it"
        " (layers.1 is 'b')",
        {"layers.1.input_size": "3"},
    ),
    "beyond the row": BadFile(
        JOIN,
        {"layers.0.stop": "4"},
        "[value] 'layers.0.stop' is '4'; expected a whole number from 1 to 3 (layers.0 is 'a')",
        {"layers.0.stop": "3"},
    ),
    "nothing of the row": BadFile(
        JOIN,
        {"layers.0.start": "3", "layers.0.stop": "3"},
        "[value] 'layers.0.start' is '3'; expected a whole number from 0 to 2 (layers.0 is 'a')",
        {"layers.0.start": "0", "layers.0.stop": "3"},
    ),
    "positions that do not divide": BadFile(
        CONV,
        {"layers.1.positions": "5"},
        "[value] layers.1.positions is 5; expected a divisor of its input_size, 12 (layers.1 is"
        " 'conv')",
        {"layers.1.positions": "3"},
    ),
    "positions that disagree": BadFile(
        POSITIONS,
        {"layers.1.positions": "3"},
        "[positions] layers.1.positions is 3; expected 6, as layer conv gives them to layer pool",
        {"layers.1.positions": "6"},
    ),
    "groups that do not divide": BadFile(
        CONV,
        {"layers.1.groups": "3"},
        "expected a divisor of 4 channels of a position and of 2 output_channels (layers.1 is"
        " 'conv')",
        {"layers.1.groups": "1"},
    ),
    "a large window": BadFile(
        CONV,
        {"layers.1.kernel_size": "129"},
        "[value] 'layers.1.kernel_size' is '129'; expected a whole number from 1 to 128 (layers.1"
        " is 'conv')",
        {"layers.1.kernel_size": "3"},
    ),
    "a large dilation": BadFile(
        CONV,
        {"layers.1.dilation": "2049"},
        "[value] layers.1.dilation is 2049; expected at most 2048 with a kernel_size of 3"
        " (layers.1 is 'conv')",
        {"layers.1.dilation": "2048"},
    ),
    "a large look-ahead": BadFile(
        CONV,
        {"layers.1.padding": "1,2"},
        "[value] layers.1.padding is 1,2; expected a sum of at most 2, so that a window sees a row"
        " (layers.1 is 'conv')",
        {"layers.1.padding": "0,2"},
    ),
    "one number for two": BadFile(
        CONV,
        {"layers.1.padding": "1"},
        "[value] 'layers.1.padding' is '1'; expected two whole numbers from 0 to 4096 with a comma"
        " between them (layers.1 is 'conv')",
        {"layers.1.padding": "1,1"},
    ),
    "no rows": BadFile(
        CONV,
        {"layers.1.stride": "0"},
        "[value] 'layers.1.stride' is '0'; expected a whole number from 1 to 4096 (layers.1 is"
        " 'conv')",
        {"layers.1.stride": "1"},
    ),
    "a join too wide": BadFile(
        WIDE,
        {"layers.0.stop": "40000"},
        "[layer-width] the rows of layers.1 are 80000 wide; expected at most 65536 (layers.1 is"
        " 'b')",
        {"layers.0.stop": "25536"},
    ),
    "65 layers": BadFile(
        CHAIN,
        {"layers.count": "65"},
        "[value] 'layers.count' is '65'; expected a whole number from 1 to 64",
        {"layers.count": "3"},
    ),
    "no layers": BadFile(
        CHAIN,
        {"layers.count": "0"},
        "[value] 'layers.count' is '0'; expected a whole number from 1 to 64",
        {"layers.count": "3"},
    ),
    "nobody says how wide": BadFile(
        FIRST,
        {
            "layers.0.kind": "add",
            "layers.0.inputs": "features,features",
            **dict.fromkeys(f"layers.0.{key}" for key in ("input_size", "start", "stop")),
            "layers.0.positions": None,
        },
        "[inputs] layer a is the first one and joins frames from outside; expected a layer before"
        " it that says how wide they are",
        {},
    ),
    "both directions": BadFile(
        {"a": LSTM(3, 3, seed=0)},
        {"layers.0.bidirectional": "true"},
        "[unused-key] nothing in this configuration reads the metadata key"
        " 'layers.0.bidirectional'",
        {"layers.0.bidirectional": None},
    ),
    "rows far apart": BadFile(
        POOLS,
        {"layers.0.stride": "4096", "layers.1.stride": "4096"},
        "[time] layer b begins at frame 0, has a row every 16777216 frames and looks 0 ahead;"
        " expected at most 1048576 of each",
        {"layers.0.stride": "4096", "layers.1.stride": "256"},
    ),
    "too much to remember": BadFile(
        {"a": Pool(65536, "max", 2, 1), "b": Pool(65536, "max", 2, 1), "c": Pool(65536, "max", 2)},
        {f"layers.{k}.kernel_size": "128" for k in range(3)},
        "[memory] a stream would remember 24969216 numbers for the layers up to c; expected at"
        " most 16777216",
        {f"layers.{k}.kernel_size": "64" for k in range(3)},
    ),
    "frames that cost too much": BadFile(
        {"a": Pool(65536, "max", 2, positions=65536)},
        {"layers.0.kernel_positions": "32768"},
        "operations; expected at most 2e+09: most of them are for the sizes of layer a",
        {"layers.0.kernel_positions": "512"},
    ),
    "a kind of another format": BadFile(
        JOIN,
        {"pylstm.format": "1"},
        "[format] layers.0.kind is select, which pylstm.format 1 has not; expected pylstm.format 2",
        {"pylstm.format": "2"},
    ),
}
