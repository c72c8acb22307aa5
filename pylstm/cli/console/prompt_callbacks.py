"""An interpreter in which an audio device's callback does not wait long for other Python code."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["prompt_callbacks"]

# Seconds that another thread may keep the interpreter while the callback waits. Python's 5 ms
# are half a block of 10 ms, and the callback may wait again whenever the engine comes back.
_SWITCH_SECONDS = 0.0005


@contextmanager
def prompt_callbacks() -> Iterator[None]:
    """A context in which a callback gets the interpreter soon, and no long garbage collection.

    What exists at the beginning is not looked through again until the end: a full collection of
    what the command has imported takes as long as a block of audio lasts. What is made later is
    collected as always.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval)
