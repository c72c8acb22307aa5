"""ONNX files beyond what a reader takes: memory, layers, no files, and a runtime that refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pylstm.convert import from_onnx
from pylstm.convert.onnx import layers, memory
from pylstm.convert.onnx_export import onnx_stream
from tests.convert.onnx_graphs import converted, drawn, graph, node

onnx = pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
pytest.importorskip("onnxruntime", reason="it is what is compared with: pip install onnxruntime")

ROWS = [1, None, 6]


def chain(kind: str, length: int, weights: np.ndarray[Any, Any]) -> bytes:
    """A graph of one operator, many times."""
    names = ["x", *(f"t{k}" for k in range(1, length)), "y"]
    nodes = [node(kind, f"{before} W", after) for before, after in pairwise(names)]
    return graph(nodes, {"x": ROWS}, "y", {"W": weights})


def of_constants(count: int, at_once: bool) -> bytes:
    """A graph that adds numbers of 4 kB each: all of them at the end, or one after the other."""
    made = [node("ConstantOfShape", "n", f"k{k}") for k in range(count)]
    sums = [node("Add", f"s{k - 1} k{k}" if k else "k0 k0", f"s{k}") for k in range(count)]
    nodes = [one for both in zip(made, sums, strict=True) for one in both]
    if at_once:
        nodes = [*made, *sums]
    nodes += [node("ReduceSum", f"s{count - 1}", "s", keepdims=0), node("Add", "x s", "y")]
    return graph(nodes, {"x": ROWS}, "y", {"n": np.array([1024])})


def test_tensors_that_are_needed_together_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_BYTES", 80_000)
    converted(of_constants(24, at_once=False))
    with pytest.raises(ValueError, match=r"\(ConstantOfShape\): the tensors that the graph still"):
        from_onnx(of_constants(24, at_once=True))


def test_rows_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"t{k}" for k in range(40)]
    nodes = [node("Relu", "x", "t0"), *(node("Tile", "t0 n", one) for one in names[1:])]
    data = graph([*nodes, node("Sum", " ".join(names[1:]), "y")], {"x": ROWS}, "y", {"n": ONES})
    converted(data)
    monkeypatch.setattr(memory, "MOST_BYTES", 10_000)
    with pytest.raises(ValueError, match=r"\(Tile\): the tensors that the graph still needs here"):
        from_onnx(data)


ONES = np.ones(3, np.int64)


def test_layers_are_counted_while_a_graph_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = converted(chain("Mul", 110, drawn(6) / 100 + 1), tolerance=1e-4)
    assert len(found.layers) == 1
    monkeypatch.setattr(layers, "MOST_LAYERS", 100)
    with pytest.raises(ValueError, match="more than 100 layers before any are merged"):
        from_onnx(chain("MatMul", 102, drawn(6, 6)))


def test_other_things_than_files(tmp_path: Path) -> None:
    fifo, zero, large = tmp_path / "fifo", tmp_path / "zero", tmp_path / "large"
    os.mkfifo(fifo)
    zero.symlink_to("/dev/zero")
    for path in (tmp_path, fifo, zero):
        with pytest.raises(ValueError, match="is not a regular file; expected a file"):
            from_onnx(path)
    with large.open("wb") as file:
        file.truncate(1 << 31)
    with pytest.raises(ValueError, match="of 2147483648 bytes; expected at most 2147483647"):
        from_onnx(large)


# --- ONNX Runtime ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("by_a_node", [False, True])
def test_hidden_size_may_be_left_to_the_weights(kind: str, gates: int, by_a_node: bool) -> None:
    weights = {"W": drawn(1, 4 * gates, 6), "R": drawn(1, 4 * gates, 4), "one": np.array([1])}
    nodes = [node(kind, "x W R", "h"), node("Squeeze", "h one", "y")]
    if by_a_node:
        nodes.insert(0, node("Constant", "", "R", value=onnx.numpy_helper.from_array(weights["R"])))
        del weights["R"]
    converted(graph(nodes, {"x": [None, 1, 6]}, "y", weights))


def test_what_onnx_runtime_does_not_take(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(chain("MatMul", 2, drawn(6, 6)))
    model.graph.output[0].type.tensor_type.elem_type = 65
    found = from_onnx(model.SerializeToString())
    assert found.run_source is not None
    words = r"ONNX Runtime [\d.]+ does not run the file \(.*\); expected a file that it runs, or no"
    with pytest.raises(ValueError, match=words):
        found.run_source(drawn(5, 6))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=words):
        onnx_stream.OnnxStream(tmp_path / "m.onnx")
    assert capfd.readouterr() == ("", "")


def test_what_onnx_runtime_does_not_run(capfd: pytest.CaptureFixture[str]) -> None:
    found = from_onnx(chain("MatMul", 2, drawn(6, 6)))
    source: Any = found.run_source
    wrong = type(source)(**{**vars(source), "shape": (1, 1, 3)})
    with pytest.raises(ValueError, match=r"ONNX Runtime [\d.]+ does not run the file \("):
        wrong(drawn(5, 3))
    assert capfd.readouterr() == ("", "")


def test_onnx_runtime_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "m.onnx").write_bytes(chain("MatMul", 1, drawn(6, 6)))
    program = (
        "import os, sys, numpy as np; from pylstm.convert.onnx_runtime import RuntimeSession;"
        " RuntimeSession(sys.argv[1]).run(['y'], {'x': np.zeros((1, 2, 6), np.float32)});"
        " assert 'ORT_DISABLE_TELEMETRY' not in os.environ"
    )
    home = str(tmp_path / "home")
    own = {key: one for key, one in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    environment = {**own, "HOME": home, "TMPDIR": home, "XDG_CACHE_HOME": home}
    command = [sys.executable, "-c", program, str(tmp_path / "m.onnx")]
    subprocess.run(command, env=environment, check=True)
    assert list((tmp_path / "home").iterdir()) == []


# --- what goes over time --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("ReduceMean", {"axes": [2]}),
        ("ReduceMax", {"axes": [2]}),
        ("ReduceSum", {}),
        ("GlobalAveragePool", {}),
        ("GlobalMaxPool", {}),
    ],
)
def test_what_goes_over_time_names_itself(
    kind: str, attributes: dict[str, Any], tmp_path: Path
) -> None:
    nodes = [
        node("Conv", "x K", "c"),
        node(kind, "c axis" if kind == "ReduceSum" else "c", "m", **attributes),
        node("Flatten", "m", "f"),
        node("Gemm", "f W", "y"),
    ]
    weights = {"K": drawn(4, 6, 3), "W": drawn(4, 2)}
    if kind == "ReduceSum":
        weights["axis"] = np.array([2])  # type: ignore[assignment]
    data = graph(nodes, {"x": [1, 6, None]}, "y", weights)
    words = rf"'the {kind}' \({kind}\): it goes over time, axis 2, .* onnx.utils.extract_model"
    with pytest.raises(ValueError, match=words) as error:
        from_onnx(data, shapes={"x": (1, 6, None)})
    assert "shapes=" not in str(error.value)
    with pytest.raises(ValueError, match=words + r".*; shapes=\{'x': ...\} says along which axis"):
        from_onnx(data)
    whole, before = tmp_path / "whole.onnx", tmp_path / "before.onnx"
    model = onnx.ModelProto.FromString(data)
    for _ in range(2):  # it wants shapes of outputs, which exporters write
        model.graph.output[0].type.tensor_type.shape.dim.add()
    whole.write_bytes(model.SerializeToString())
    onnx.utils.extract_model(str(whole), str(before), ["x"], ["c"])
    converted(before.read_bytes())


def test_an_axis_of_time_that_was_guessed_is_said() -> None:
    shape = [None, 2, 9, 9]
    picture = graph([node("Conv", "x K", "y")], {"x": shape}, "y", {"K": drawn(3, 2, 3, 3)})
    with pytest.raises(ValueError, match=r"one axis of positions at most; shapes=.* says along"):
        from_onnx(picture)
    converted(picture, shapes={"x": (1, 2, None, 9)})
