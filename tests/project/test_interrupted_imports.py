"""Ctrl-C while modules are loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pylstm.interrupted_imports import importing, interrupts_postponed
from tests.project import interrupted_imports

only_posix = pytest.mark.skipif(
    os.name != "posix", reason="only POSIX has it: Linux or macOS runs this"
)
needs_fork = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="no fork here: Linux or macOS runs this"
)

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


@only_posix
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


# --- a library loads to the end ------------------------------------------------------------------


def test_ctrl_c_waits_for_the_end():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    done = []
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_postponed():  # noqa: PT012
            signal.raise_signal(signal.SIGINT)
            done.append("not broken off")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["not broken off"]


def test_the_handler_of_a_program_is_called_once_at_the_end():
    calls: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        with interrupts_postponed():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert calls == []
        assert calls == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
        assert calls == [signal.SIGINT] * 2
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_is_no_python_function_stays(handler: signal.Handlers):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with interrupts_postponed():
            assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


@only_posix
@pytest.mark.parametrize("delay", [0.0, 0.03, 0.08, 0.15])
def test_ctrl_c_while_pylstm_is_imported(delay: float):
    """`python -m tests.project.interrupted_imports` does it 300 times."""
    said = interrupted_imports.interrupted_after(delay)
    assert said in (interrupted_imports.INTERRUPTED, interrupted_imports.DONE)


@only_posix
def test_a_process_that_crashes_is_found():
    crash = "import os; os.kill(os.getpid(), signal.SIGSEGV)"
    said = interrupted_imports.interrupted_after(2.0, crash)
    assert said.startswith(f"ended with {-signal.SIGSEGV}")


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize(
    ("module", "before"), [("pylstm", ""), ("pylstm.train", "import pylstm"), ("pylstm.cli", "")]
)
def test_ctrl_c_at_any_line(module: str, before: str):
    """Then the same import works, and NumPy's does."""
    found = interrupted_imports.interrupted_at_lines(15, module, before)
    assert set(found) <= {interrupted_imports.INTERRUPTED, interrupted_imports.DONE}, found
    assert found[interrupted_imports.INTERRUPTED] > 10


# What the start of the compiled modules imports.
STARTING = ("inspect", "collections.abc", "types", "itertools", "operator", "collections", "numpy")


@pytest.mark.parametrize(
    "way",
    [
        "missing",
        pytest.param("forbidden", marks=pytest.mark.slow),
        pytest.param("empty", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("module", STARTING)
def test_what_the_compiled_modules_need_is_not_there(module: str, way: str):
    said = interrupted_imports.without(module, way)
    refused = "refused: ModuleNotFoundError: " if way != "empty" else ("refused: ", "done before")
    assert said.startswith(refused)
    assert way == "empty" or module in said


@pytest.mark.parametrize("module", ["inspect", "numpy"])
def test_the_second_compiled_module_is_refused_alike(module: str):
    said = interrupted_imports.without(module, "missing", "import pylstm._bulk")
    assert said == f"refused: ModuleNotFoundError: No module named '{module}'"
