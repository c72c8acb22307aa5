"""Bad graphs, in Python and in files: each is refused with the layer's name and, mended as the
message says, taken."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pylstm
from pylstm import LSTM, Add, Concat, Conv, Dense, LogMel, Model, Mul, Pool, Select, Stack
from tests.engine.bad_graph_files import IN_FILES, Nodes, altered, dense, every

pytestmark = pytest.mark.law_nothing_hostile_loads


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
        "nobody takes the rows of layer 'a'; expected an input of another layer, or the last one:"
        " (pylstm.Concat(), 'a', 'b') at the end gives both out",
        {"b": (dense(), "features"), "a": (dense(), "b")},
    ),
    "two heads": Bad(
        {"a": dense(), "b": (dense(), "features")},
        "; expected an input of another layer, or the last one: (pylstm.Concat(), 'a', 'b')",
        {"a": dense(), "b": (dense(), "features"), "both": (Concat(), "a", "b")},
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
        "[rate] layer b joins a, with a stride of 2 in all, and features, with one of 1; expected"
        " equal ones: stacks behind them, with strides of 1 and 2, make them so",
        {"a": every(2), "f": (Stack(3, stride=2), "features"), "b": (Add(), "a", "f")},
    ),
    "another rate, the first one faster": Bad(
        {"a": every(6), "b": every(2), "c": (every(3), "features"), "d": (Add(), "c", "b")},
        "[rate] layer d joins c, with a stride of 3 in all, and b, with one of 12; expected equal"
        " ones: stacks behind them, with strides of 4 and 1, make them so",
        {
            "a": every(6),
            "b": every(2),
            "c": (every(3), "features"),
            "every4": Stack(3, stride=4),
            "d": (Add(), "every4", "b"),
        },
    ),
    "rates with no common one": Bad(
        {"a": every(6), "b": (every(4), "features"), "c": (Add(), "a", "b")},
        "[rate] layer c joins a, with a stride of 6 in all, and b, with one of 4; expected equal"
        " ones: stacks behind them, with strides of 2 and 3, make them so",
        {
            "a": every(6),
            "a2": Stack(3, stride=2),
            "b": (every(4), "features"),
            "b3": Stack(3, stride=3),
            "c": (Add(), "a2", "b3"),
        },
    ),
    "rows that never line up": Bad(
        {
            "late": Pool(3, "max", 2, 1),
            "a": every(2),
            "d": (every(2), "features"),
            "b": (Add(), "a", "d"),
        },
        "[rate] layer b joins rows that begin with frame 1 and, of d, with frame 0; expected a"
        ' multiple of their stride, 2, between these: a layer with "causal" padding begins where'
        " its input does",
        {
            "late": Pool(3, "max", 2, 1, padding="causal"),
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
        {"a": dense(3, 4), "b": dense(3, 3)},
        "layers['b'] takes 3 values but layers['a'] gives 4",
        {"a": dense(3, 4), "b": dense(4, 3)},
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
        {name: Pool(65536, "max", n, 1) for name, n in zip("abc", (128, 128, 9), strict=True)},
        "[memory] a stream would remember 17170432 numbers for the layers up to c; expected at"
        " most 16777216",
        {name: Pool(65536, "max", n, 1) for name, n in zip("abc", (128, 128, 3), strict=True)},
    ),
    "frames that cost too much": Bad(
        {"a": Pool(65536, "max", 2, positions=65536, kernel_positions=32768, stride_positions=1)},
        "operations; expected at most 2e+09: most of them are for the sizes of layer a",
        {"a": Pool(65536, "max", 2, positions=65536, kernel_positions=512, stride_positions=1)},
    ),
}


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


@pytest.mark.parametrize("what", IN_FILES)
def test_a_file_is_refused_and_taken_once_it_is_mended(what: str) -> None:
    bad = IN_FILES[what]
    sound = Model(None, bad.nodes)
    with pytest.raises(pylstm.ModelFileError, match=re.escape(bad.says)):
        Model.from_bytes(altered(sound, bad.changes))
    if bad.mended is not None:
        Model.from_bytes(altered(sound, bad.mended))


def test_each_rule_of_graphs_is_on_the_page_and_has_a_file_that_breaks_it() -> None:
    root = Path(__file__).parents[2]
    source = (root / "src" / "engine" / "graph_reading.c").read_text()
    rules = set(re.findall(r'"\[([a-z0-9-]+)\] ', source))
    page = (root / "docs" / "model-file.md").read_text(encoding="utf-8")
    section = re.findall(r"^## The graph$(.*?)^## ", page, re.M | re.S)[0]
    assert rules | {"layer-width"} == set(re.findall(r"^\| `\[([a-z0-9-]+)\]`", section, re.M))
    assert rules <= {bad.says[1:].partition("]")[0] for bad in IN_FILES.values()}


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
