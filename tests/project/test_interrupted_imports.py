"""Ctrl-C while modules are loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pylstm.interrupted_imports import importing

# Ctrl-C may be switched off where the tests run.
PROGRAM = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from pylstm.interrupted_imports import importing
with importing():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        print("swallowed")
"""


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has it: Linux or macOS runs this")
def test_it_ends_the_process_without_a_word():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("handler", [signal.default_int_handler, lambda number, frame: None])
def test_what_was_set_is_set_again(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(ImportError), importing():
            raise ImportError
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
