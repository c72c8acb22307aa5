"""The C level as a contender: core.c, linked with the core and asked over a pipe."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import pylstm
from tools import sources

ROOT = Path(__file__).parent.parent
FLAGS = ("-std=c11", "-O3", "-ffp-contract=off")


def compiler() -> str | None:
    """The C compiler: what the environment variable CC names, or the usual names."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return name
    return None


def missing() -> str | None:
    """Why the C level cannot be timed here, or None."""
    if compiler() is None:
        return "no C compiler (set CC)"
    if not (ROOT / "src" / "pylstm.h").is_file():
        return "no sources of the core beside the benchmarks"
    return None


@functools.cache
def _program() -> str:
    """The driver, compiled once; its folder goes when Python does."""
    folder = tempfile.mkdtemp(prefix="pylstm-benchmarks-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = [ROOT / "benchmarks" / "core.c", *sources.core()]
    objects = [f"{folder}/{file.parent.name}-{file.stem}.o" for file in files]
    compile_ = [str(compiler()), *FLAGS, *_left_out(), "-w", f"-I{ROOT / 'src'}", "-c"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(
            pool.map(
                _build,
                ([*compile_, str(s), "-o", o] for s, o in zip(files, objects, strict=True)),
            )
        )
    _build([str(compiler()), *objects, "-lm", "-o", f"{folder}/core"])
    return f"{folder}/core"


def _left_out() -> list[str]:
    """Kernels that this processor cannot run: half of what there is to compile."""
    supported = pylstm.show_config()["isa"]["supported"]
    return [] if any(isa.startswith("avx512") for isa in supported) else ["-DPYLSTM_NO_AVX512"]


def _build(command: list[str]) -> None:
    """Runs the compiler, whose words are shown only if it refuses."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"the C compiler refused:\n{answer.stderr}")


class Core:
    """One model in a process of its own. A context manager: the process ends with the block.

    Parameters
    ----------
    model : Model
    frames : array, shape (T, n_features), float32, optional
        What step and sequence feed.
    audio : array, shape (n,), float32, optional
        What hop, whole and latency feed.
    isa : str, optional
        The instruction set to run on; None: as this process would.
    """

    def __init__(
        self,
        model: pylstm.Model,
        *,
        frames: NDArray[np.float32] | None = None,
        audio: NDArray[np.float32] | None = None,
        isa: str | None = None,
    ) -> None:
        if reason := missing():
            raise RuntimeError(reason)
        program = _program()
        self._model = model
        self._folder = tempfile.TemporaryDirectory(prefix="pylstm-benchmarks-")
        path = Path(self._folder.name) / "model.safetensors"
        path.write_bytes(model.to_bytes())
        self._process = subprocess.Popen(
            [program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ if isa is None else os.environ | {"PYLSTM_ISA": isa},
        )
        facts = self._reply()
        self.isa: str = facts["isa"]
        self.memory: int = facts["memory"]
        for name, values in (("frames", frames), ("audio", audio)):
            if values is not None:
                np.ascontiguousarray(values, np.float32).tofile(self._path(name))
                self.ask(f"{name} {self._path(name)}")

    def _path(self, name: str) -> str:
        return str(Path(self._folder.name) / name)

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the benchmark's core ended early; its message stands above")
        return json.loads(line)

    def ask(self, command: str) -> float:
        """Seconds that a command took, as the process measured them."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._reply()["seconds"]

    def lap(self, verb: str) -> Callable[[int], float]:
        """The lap of a contender: a command without its number of calls."""
        return lambda count: self.ask(f"{verb} {count}")

    def outputs(self) -> NDArray[np.float32]:
        """The rows for the frames, or else the audio, from the beginning."""
        self.ask(f"outputs {self._path('outputs')}")
        rows = np.fromfile(self._path("outputs"), np.float32)
        return rows.reshape(-1, self._model.n_outputs)

    def latency(self, n_samples: int, count: int) -> NDArray[np.uint32]:
        """Every hop on its own.

        Returns
        -------
        array, shape (count, 3)
            Nanoseconds of the hop, nanoseconds of a control that only reads memory for about as
            long, and 1 and 2 added up where the scheduler interrupted the hop and the control.
        """
        self.ask(f"latency {n_samples} {count} {self._path('latency')}")
        return np.fromfile(self._path("latency"), np.uint32).reshape(count, 3)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
