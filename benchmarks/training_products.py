"""How do the products of a training step compare with BLAS, at their sizes?"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.core import ROOT
from benchmarks.many_streams import one_blas_thread
from benchmarks.result import Result, Table
from benchmarks.speech import frames
from benchmarks.training_step import BATCH, FRAMES, SHAPES
from tools import sources

QUESTION = "How do the products of a training step compare with BLAS, at their sizes?"

Array = NDArray[np.float32]


class Kernels(ctypes.Structure):
    """src/bulk/bulk_kernels.h, as far as it is called here."""

    _fields_ = [
        ("isa", ctypes.c_char_p),
        ("product", ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p,
            ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t,
        )),
        ("outer", ctypes.CFUNCTYPE(
            None, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p,
            ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t,
        )),
    ]  # fmt: skip


def kernels(folder: Path) -> tuple[ctypes.CDLL, Kernels]:
    """The kernels of bulk passes, compiled as setup.py does it."""
    library = folder / "bulk.so"
    subprocess.run(
        ["cc", "-std=c11", "-O3", "-ffp-contract=off", "-Wno-psabi", "-shared", "-fPIC",
         f"-I{ROOT / 'src'}", *map(str, sources.bulk()), "-o", str(library)],
        check=True,
    )  # fmt: skip
    loaded = ctypes.CDLL(str(library))
    loaded.pylstm_bulk_kernels_for.restype = ctypes.POINTER(Kernels)
    isa = pylstm.show_config()["isa"]["used"].encode()
    return loaded, loaded.pylstm_bulk_kernels_for(isa).contents


def blas(a: Array, b: Array, out: Array) -> Callable[[], Array]:
    """out = a b, by the BLAS of SciPy."""
    from scipy.linalg.blas import sgemm

    def call() -> Array:
        # BLAS thinks in columns: out^T = b^T a^T. It reads transposed views without copies.
        left, right = b.T, a.T
        turned = [not m.flags.f_contiguous for m in (left, right)]
        sgemm(
            1.0, left.T if turned[0] else left, right.T if turned[1] else right, 0.0, out.T,
            trans_a=turned[0], trans_b=turned[1], overwrite_c=1,
        )  # fmt: skip
        return out

    return call


def address(array: Array) -> int:
    return array.ctypes.data


def run(effort: Effort) -> Result:
    forward = Table(f"h W for {BATCH} rows: one step", "H → gates", "µs", "pylstm")
    back = Table(f"Gradients of gates times W for {BATCH} rows", "gates → H", "µs", "pylstm")
    rows = FRAMES * BATCH
    sums = Table(
        f"Gradient of a matrix over {rows:,} rows",
        "gates × width",
        "µs",
        "pylstm",
    )
    with tempfile.TemporaryDirectory() as folder, one_blas_thread():
        loaded, table = kernels(Path(folder))
        for input_size, hidden_size in SHAPES:
            gates = 4 * hidden_size
            for result, inputs, outputs in (
                (forward, hidden_size, gates),
                (back, gates, hidden_size),
            ):
                times = contest(product(loaded, table, inputs, outputs), effort, tolerance=1e-3)
                result.add(f"{inputs} → {outputs}", times)
            for width in (hidden_size, (input_size + 15) // 16 * 16):
                times = contest(outer(table, gates, width, rows), effort, tolerance=1e-2)
                sums.add(f"{gates} × {width}", times)
    notes = [
        "Sizes of the steps in `training_step`; pylstm's matrix of a product is packed beforehand,"
        " once for all steps. In a backward pass the rows that a gradient is summed from are in the"
        " cache, a few steps at a time; here all of them come from memory."
    ]
    return Result(QUESTION, [forward, back, sums], notes)


def product(loaded: ctypes.CDLL, table: Kernels, inputs: int, outputs: int) -> list[Contender]:
    x, w = frames(BATCH, inputs), np.ascontiguousarray(frames(inputs, outputs))
    packed = np.empty(w.size, np.float32)
    pack = loaded.pylstm_bulk_pack
    pack.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
        ctypes.c_void_p,
    ]  # fmt: skip
    pack(address(w), outputs, 1, inputs, outputs, address(packed))
    y, other = np.zeros((BATCH, outputs), np.float32), np.zeros((BATCH, outputs), np.float32)

    matrix, begin, end, kernel = address(packed), address(x), address(y), table.product

    def ours(kept: Array = packed) -> Array:  # an address alone does not keep its array alive
        y.fill(0)
        kernel(matrix, inputs, outputs, BATCH, begin, inputs, end, outputs)
        return y

    theirs = blas(x, w, other)
    return [
        Contender("sgemm", calls(theirs), lambda: theirs().copy()),
        Contender("pylstm", calls(ours), lambda: ours().copy()),
    ]


def outer(table: Kernels, gates: int, width: int, rows: int) -> list[Contender]:
    a, b = frames(rows, gates), frames(rows, width)
    y, other = np.zeros((gates, width), np.float32), np.zeros((gates, width), np.float32)

    left, right, sums, kernel = address(a), address(b), address(y), table.outer

    def ours() -> Array:
        y.fill(0)
        kernel(rows, left, gates, gates, right, width, width, sums, width)
        return y

    theirs = blas(a.T, b, other)
    return [
        Contender("sgemm", calls(theirs), lambda: theirs().copy()),
        Contender("pylstm", calls(ours), lambda: ours().copy()),
    ]
