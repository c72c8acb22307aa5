"""``python -m benchmarks rtneural``: steps of layers beside RTNeural's, at the C and C++ level.

RTNeural's headers and Eigen's are not here: clone both (github.com/jatinchowdhury18/RTNeural has
Eigen among its submodules) and name the folders that hold ``RTNeural/`` and ``Eigen/``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks import core, machine
from benchmarks.contest import FULL, QUICK, Contender, Effort, contest
from benchmarks.report import aligned
from benchmarks.speech import frames

Array = NDArray[np.float32]

SHAPES = (
    *(("gru", *shape) for shape in ((12, 16), (24, 24), (40, 64), (40, 128), (114, 96))),
    *(("lstm", *shape) for shape in ((13, 32), (40, 128))),
    *(("conv", *shape) for shape in ((12, 12), (40, 64), (64, 64), (128, 128))),
)
"""Those that rtneural.cpp is compiled for."""

BLOCK = 48
"""Frames of a call where they come in blocks, as audio does."""

FLAGS = ("-std=c++17", "-O3", "-mavx2", "-mfma", "-DRTNEURAL_USE_EIGEN=1")
NAMES = ("pylstm, a frame a call", "pylstm, blocks", "compile time", "run time")


def layer_of(kind: str, inputs: int, outputs: int) -> pylstm.layers.Layer:
    if kind == "gru":
        return pylstm.GRU(inputs, outputs, seed=0)
    if kind == "lstm":
        return pylstm.LSTM(inputs, outputs, seed=0)
    return pylstm.Conv(inputs, outputs, 3, padding="causal", seed=0)


def keras_weights(layer: pylstm.layers.Layer) -> Array:
    """The weights as the C++ program reads them: transposed, a GRU's gates as z, r, n."""
    weights = layer.weights
    if layer.kind == "conv":
        # The newest of the rows that the kernel sees comes first.
        kernel = weights["weight"].reshape(layer.n_outputs, -1, 3)[:, :, ::-1]  # type: ignore[attr-defined]
        return np.concatenate([kernel.ravel(), weights["bias"]])
    order = [1, 0, 2] if layer.kind == "gru" else [0, 1, 2, 3]

    def gates(name: str) -> Array:
        parts = np.split(weights[name], len(order))
        return np.concatenate([parts[gate] for gate in order])

    biases = np.stack([gates("bias_ih_l0"), gates("bias_hh_l0")])
    if layer.kind == "lstm":
        biases = biases.sum(axis=0)
    parts = [gates("weight_ih_l0").T.ravel(), gates("weight_hh_l0").T.ravel(), biases.ravel()]
    return np.concatenate(parts)


class Peer:
    """One layer of RTNeural's in a process of its own."""

    def __init__(
        self, program: Path, layer: tuple[str, int, int], weights: Array, x: Array
    ) -> None:
        folder = program.parent
        weights.astype(np.float32).tofile(folder / "weights")
        x.tofile(folder / "frames")
        words = [*map(str, layer), str(folder / "weights"), str(folder / "frames")]
        self._process = subprocess.Popen(
            [str(program), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer, self._n_outputs = folder / "outputs", layer[2]

    def ask(self, command: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return float(json.loads(self._process.stdout.readline())["seconds"])

    def outputs(self, name: str) -> Array:
        self.ask(f"outputs {name} {self._answer}")
        return np.fromfile(self._answer, np.float32).reshape(-1, self._n_outputs)

    def contender(self, name: str, verb: str) -> Contender:
        return Contender(name, lambda n: self.ask(f"{verb} {n}"), lambda: self.outputs(verb))

    def close(self) -> None:
        self._process.communicate()


def blocks(c: core.Core) -> Callable[[int], float]:
    """The lap of frames in blocks: n frames, in calls of BLOCK."""

    def lap(count: int) -> float:
        calls = max(1, round(count / BLOCK))
        return c.ask(f"sequence {calls}") * count / (calls * BLOCK)

    return lap


def row(program: Path, shape: tuple[str, int, int], effort: Effort) -> list[str]:
    layer = layer_of(*shape)
    x = frames(BLOCK, shape[1])
    peer = Peer(program, shape, keras_weights(layer), x)
    try:
        with core.Core(pylstm.Model(None, [layer]), frames=x) as c:
            contenders = [
                Contender(NAMES[0], c.lap("step"), c.outputs),
                Contender(NAMES[1], blocks(c), c.outputs),
                peer.contender(NAMES[2], "fixed"),
                peer.contender(NAMES[3], "run_time"),
            ]
            timings = contest(contenders, effort, tolerance=1e-4)
    finally:
        peer.close()
    figures = [f"{timings[name].fastest * 1e6:.3f}" for name in NAMES]
    return [f"{shape[0]} {shape[1]} → {shape[2]}", *figures]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks rtneural", description=__doc__)
    parser.add_argument("--rtneural", type=Path, required=True, help="the folder with RTNeural/")
    parser.add_argument("--eigen", type=Path, required=True, help="the folder with Eigen/")
    parser.add_argument("--quick", action="store_true", help="rougher figures")
    options = parser.parse_args(sys.argv[1:])
    facts: dict[str, Any] = machine.facts()
    print(aligned([["", "machine"], *([name, fact] for name, fact in facts.items())], words=True))
    with tempfile.TemporaryDirectory(prefix="pylstm-rtneural-") as folder:
        program = Path(folder) / "rtneural"
        source = core.ROOT / "benchmarks" / "rtneural.cpp"
        headers = [f"-I{options.rtneural}", f"-isystem{options.eigen}"]
        subprocess.run(["c++", *FLAGS, "-w", *headers, source, "-o", program], check=True)
        rows = [["µs a frame, the fastest round", *NAMES]]
        rows += [row(program, shape, QUICK if options.quick else FULL) for shape in SHAPES]
    print(aligned(rows))
    return 0
