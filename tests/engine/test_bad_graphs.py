"""Bad graphs, in Python and in files: each is refused with the layer's name and, mended as the
message says, taken."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import pylstm
from pylstm import LSTM, Add, Concat, Conv, Dense, LogMel, Model, Mul, Pool, Select, Stack

Nodes = dict[str, Any]
Changes = dict[str, str | None]

pytestmark = pytest.mark.law_nothing_hostile_loads


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


# --- in Python ------------------------------------------------------------------------------------


class Bad(NamedTuple):
    """Layers, what the refusal says, and the layers that it asks for (None: it asks for none)."""

    nodes: Nodes | list[Any]
    says: str
    mended: Nodes | list[Any] | None


IN_PYTHON = {
    "its own rows": Bad(
        {"a": dense(), "b": (dense(), "b")},
        "layers['b'] takes the rows of 'b'; expected a name before it: 'features', 'a'",
        {"a": dense(), "b": (dense(), "a")},
    ),
    "a later layer": Bad(
        {"a": (dense(), "b"), "b": dense()},
        "layers['a'] takes the rows of 'b'; expected a name before it: 'features'",
        {"a": (dense(), "features"), "b": dense()},
    ),
    "nobody's name": Bad(
        {"a": dense(), "b": (dense(), "x")},
        "layers['b'] takes the rows of 'x'; expected a name before it: 'features', 'a'",
        {"a": dense(), "b": (dense(), "a")},
    ),
    "a number for a name": Bad(
        {"a": dense(), "b": (dense(), 0)},
        "layers['b'] takes the rows of 0; expected a name before it: 'features', 'a'",
        {"a": dense(), "b": (dense(), "a")},
    ),
    "nine inputs": Bad(
        {"a": dense(), "b": (Add(), *["a"] * 9)},
        "layers['b'] has 9 inputs; expected 1 to 8",
        {"a": dense(), "b": (Add(), *["a"] * 8)},
    ),
    "two inputs, no join": Bad(
        {"a": dense(), "b": (dense(), "a", "features")},
        "layers['b']: input_widths is [3, 3]; expected [3], one input",
        {"a": dense(), "b": (dense(), "a")},
    ),
    "a join of one": Bad(
        {"a": dense(), "b": (Add(), "a")},
        "layers['b']: Add has 1 input; expected 2 to 8",
        {"a": dense(), "b": (Add(), "a", "a")},
    ),
    "a join in a chain": Bad([dense(), Add()], "layers[1]: Add has 1 input; expected 2 to 8", None),
    "no inputs": Bad(
        {"a": dense(), "b": (Add(),)}, "layers['b'] has 0 inputs; expected 1 to 8", None
    ),
    "an empty tuple": Bad(
        {"a": ()},
        "layers['a'] is tuple; expected a layer, or a tuple of a layer and the names of its inputs",
        {"a": (dense(), "features")},
    ),
    "nobody's input": Bad(
        {"a": dense(), "b": (dense(), "features")},
        "nobody takes the rows of layer 'a'; expected an input of another layer, or the last one",
        {"b": (dense(), "features"), "a": (dense(), "b")},
    ),
    "no name": Bad(
        {"1a": dense()},
        "a layer is called '1a'; expected 1 to 31 letters, digits and _, no digit first, and not"
        " 'features'",
        {"_1a": dense()},
    ),
    "a long name": Bad({"x" * 32: dense()}, "; expected 1 to 31 letters", {"x" * 31: dense()}),
    "the name of the features": Bad(
        {"features": dense()}, "a layer is called 'features'; expected", {"feature": dense()}
    ),
    "another rate": Bad(
        {"a": every(2), "b": (Add(), "a", "features")},
        "[rate] layer b takes a row every 1 frames from features; expected one every 2, as from"
        " its first input",
        {"a": every(2), "f": (every(2), "features"), "b": (Add(), "a", "f")},
    ),
    "rows that never line up": Bad(
        {
            "late": Pool(3, "max", 2, 1),
            "a": every(2),
            "d": (every(2), "features"),
            "b": (Add(), "a", "d"),
        },
        "[rate] layer b takes rows from d that begin at frame 0; expected a multiple of 2 frames"
        " before frame 1, where others begin",
        {
            "late": Pool(3, "max", 3, 1),
            "a": every(2),
            "d": (every(2), "features"),
            "b": (Add(), "a", "d"),
        },
    ),
    "other widths in a sum": Bad(
        {"a": dense(3, 4), "b": (Add(), "a", "features")},
        "layers['b']: the widths of what Add joins are [4, 3]; expected the same",
        {"a": dense(3, 3), "b": (Add(), "a", "features")},
    ),
    "other widths in a product": Bad(
        {"a": dense(3, 4), "b": (Mul(), "a", "features")},
        "layers['b']: the widths of what Mul joins are [4, 3]; expected the same",
        {"a": dense(3, 3), "b": (Mul(), "a", "features")},
    ),
    "another width": Bad(
        {"a": dense(3, 4), "b": dense(3, 3)}, "layers['b'] takes 3 values but layers['a'] gives 4", None
    ),
    "positions that do not divide": Bad(
        {"a": dense(3, 4), "b": (Concat(2), "a", "features")},
        "layers['b']: positions is 2; expected a divisor of 3, the width of an input",
        {"a": dense(3, 4), "b": (Concat(1), "a", "features")},
    ),
    "positions that disagree": Bad(
        {"conv": Conv(12, 2, 1, positions=6, seed=0), "pool": Pool(12, "max", positions=3)},
        "[positions] layers.1.positions is 3; expected 6, as layer conv gives them to layer pool",
        {"conv": Conv(12, 2, 1, positions=6, seed=0), "pool": Pool(12, "max", positions=6)},
    ),
    "a join too wide": Bad(
        {"a": Select(40000, 0, 40000), "b": (Concat(), "a", "features")},
        "layers['b']: the width of Concat is 80000; expected at most 65536",
        {"a": Select(40000, 0, 65536 - 40000), "b": (Concat(), "a", "features")},
    ),
    "65 layers": Bad(
        {f"n{k}": dense() for k in range(65)},
        "there are 65 layers; expected at most 64",
        {f"n{k}": dense() for k in range(64)},
    ),
    "nobody says how wide": Bad(
        {"a": (Add(), "features", "features"), "b": dense()},
        "layers['a'] joins frames from outside; expected a layer before it that says how wide they"
        " are",
        {"first": dense(), "a": (Add(), "first", "features"), "b": dense()},
    ),
    "both directions": Bad(
        {"a": LSTM(3, 3, bidirectional=True, seed=0)},
        "cannot stream: a stream cannot hear the future: make it with bidirectional=False",
        {"a": LSTM(3, 3, bidirectional=False, seed=0)},
    ),
    "rows far apart": Bad(
        {"a": every(4096), "b": every(4096)},
        "[time] layer b begins at frame 0, has a row every 16777216 frames and looks 0 ahead;"
        " expected at most 1048576 of each",
        {"a": every(4096), "b": every(256)},
    ),
    "too much to remember": Bad(
        {"a": Pool(65536, "max", 128, 1), "b": Pool(65536, "max", 128, 1), "c": Pool(65536, "max", 9, 1)},
        "[memory] a stream would remember 17170432 numbers for the layers up to c; expected at"
        " most 16777216",
        {"a": Pool(65536, "max", 128, 1), "b": Pool(65536, "max", 128, 1), "c": Pool(65536, "max", 3, 1)},
    ),
    "frames that cost too much": Bad(
        {"a": Pool(65536, "max", 2, positions=65536, kernel_positions=32768, stride_positions=1)},
        "operations; expected at most 2e+09: most of them are for the sizes of layer a",
        {"a": Pool(65536, "max", 2, positions=65536, kernel_positions=512, stride_positions=1)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", IN_PYTHON)
def test_python_refuses_it_and_takes_what_is_mended(what: str) -> None:
    bad = IN_PYTHON[what]
    with pytest.raises((ValueError, TypeError), match=re.escape(bad.says)):
        Model(None, bad.nodes)
    if bad.mended is not None:
        Model(None, bad.mended)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Select(3, 1, 4), "stop is 4; expected 2 to 3"),
        (lambda: Select(3, 3, 4), "start is 3; expected 0 to 2"),
        (lambda: Conv(12, 2, positions=5), "positions is 5; expected a divisor of input_size"),
        (lambda: Conv(3, 3, 129), "kernel_size is 129; expected 1 to 128"),
        (lambda: Conv(3, 3, 0), "kernel_size is 0; expected 1 to 128"),
        (lambda: Conv(3, 3, 3, dilation=2049), "expected 1 to 2048 with a kernel_size of 3"),
        (lambda: Conv(3, 3, 3, padding=(1, 2)), "padding is (1, 2); expected a sum of at most 2"),
        (lambda: Conv(3, 0, 1), "output_channels is 0; expected 1 to 65536"),
        (lambda: Dense(3, 0), "output_size is 0; expected 1 to 65536"),
        (lambda: Stack(40000, 1), "left is 1; expected 0 to 0"),
    ],
)
def test_a_layer_that_cannot_be_is_refused_before_there_is_a_graph(
    make: Callable[[], Any], says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        make()


def test_a_join_may_take_the_features_twice() -> None:
    Model(LogMel(n_mels=3), {"a": (Add(), "features", "features")})


# --- in files -------------------------------------------------------------------------------------

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
    """Layers of a sound file, other entries, what the refusal says, and entries that it asks for."""

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
        " last one",
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
        "[rate] layer b takes a row every 1 frames from features; expected one every 2, as from"
        " its first input",
        {"layers.0.stride": "1"},
    ),
    "rows that never line up": BadFile(
        LATE,
        inputs(2, "features"),
        "[rate] layer b takes rows from d that begin at frame 0; expected a multiple of 2 frames"
        " before frame 1, where others begin",
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


@pytest.mark.parametrize("what", IN_FILES)
def test_a_file_is_refused_and_taken_once_it_is_mended(what: str) -> None:
    bad = IN_FILES[what]
    sound = Model(None, bad.nodes)
    with pytest.raises(pylstm.ModelFileError, match=re.escape(bad.says)):
        Model.from_bytes(altered(sound, bad.changes))
    if bad.mended is not None:
        Model.from_bytes(altered(sound, bad.mended))


# --- what it costs, and whose weights there are ---------------------------------------------------


def test_a_costly_layer_is_named_and_the_hop_that_is_asked_for_taken() -> None:
    settings = {"n_mels": 40, "n_fft": 64, "win_length": 64}
    nodes = {"wide": Conv(40, 500, 100, seed=0), "head": dense(500, 2)}
    with pytest.raises(pylstm.ModelFileError, match=r"of layer wide above all$") as told:
        Model(LogMel(**settings, hop_length=1), nodes)  # type: ignore[arg-type]
    hop = int(re.findall(r"hop_length is 1; expected at least (\d+):", str(told.value))[0])
    sound = Model(LogMel(**settings, hop_length=hop), nodes)  # type: ignore[arg-type]
    with pytest.raises(pylstm.ModelFileError, match=r"of layer wide above all$"):
        Model.from_bytes(altered(sound, {"features.hop_length": str(hop - 1)}))


@pytest.mark.parametrize("place", ["2", "63", "64", "99", "4294967295", "-1", "x"])
@pytest.mark.parametrize("features", [None, LogMel(n_mels=3)])
def test_a_tensor_of_a_layer_that_is_not_there_is_refused(
    features: LogMel | None, place: str
) -> None:
    data = altered(Model(features, {"a": dense(), "b": dense()}), {})
    (length,) = struct.unpack_from("<Q", data)
    text = data[8 : 8 + length].replace(b'"layers.1.weight"', f'"layers.{place}.weight"'.encode())
    changed = struct.pack("<Q", len(text)) + text + data[8 + length :]
    with pytest.raises(pylstm.ModelFileError, match=r"^\[(missing-tensor|tensor-name)\]"):
        Model.from_bytes(changed)
    extra = (
        b'"layers.%s.more":{"dtype":"F32","shape":[1],"data_offsets":[96,100]},' % place.encode()
    )
    text = data[8 : 8 + length].replace(b'"layers.0.weight"', extra + b'"layers.0.weight"')
    changed = struct.pack("<Q", len(text)) + text + data[8 + length :] + bytes(4)
    with pytest.raises(pylstm.ModelFileError, match=r"^\[(unused-tensor|tensor-name)\]"):
        Model.from_bytes(changed)
