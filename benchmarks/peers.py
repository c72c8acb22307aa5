"""The other libraries, where they are installed, kept to one thread."""

from __future__ import annotations

import functools
import importlib
import os
from types import ModuleType
from typing import Any

# BLAS and OpenMP libraries read these when they are loaded, so they are set before any of them is.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def one_thread() -> None:
    """Keeps every numerical library that this process, or a child of it, loads from here on to one
    thread."""
    for name in _THREADS:
        os.environ[name] = "1"


@functools.cache
def peer(name: str) -> Any:
    """A library by the name that it is imported by, or None and a line that says how to get it."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        print(f'  skipped: {name} is not installed (pip install -e ".[bench]")', flush=True)
        return None
    _calm(name, module)
    return module


def _calm(name: str, module: ModuleType) -> None:
    """One thread for those that do not read the environment, and BLAS loaded before it was set."""
    if name == "torch":
        module.set_num_threads(1)
        module.set_grad_enabled(False)
    try:
        import threadpoolctl  # type: ignore[import-untyped]
    except ImportError:
        return
    threadpoolctl.threadpool_limits(1)
