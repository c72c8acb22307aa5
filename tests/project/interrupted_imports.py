"""Ctrl-C during imports, missing modules: ``python -m tests.project.interrupted_imports [TIMES]``.

The command starts so many processes (300 by default) that import pylstm, and sends each one Ctrl-C
at another moment of its first second. It counts what became of them: an import may be interrupted
or done, and after it the next import in the same process has to work. A process that dies, or says
anything else, makes the exit code 1. `test_interrupted_imports.py` does a few.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter

INTERRUPTED, DONE, REFUSED = "interrupted", "done before", "refused"

# Ctrl-C may be switched off where this runs.
PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready", flush=True)
try:
    {first}
    said = "done before"
    time.sleep(60)
except KeyboardInterrupt:
    said = said if "said" in dir() else "interrupted"
except ImportError as error:
    said = f"refused: {{error}}"
import numpy, pylstm, pylstm.train
assert pylstm.load("vad").run(numpy.zeros(1600, numpy.float32)).shape[1] == 2
print(said)
"""

# Line by line, so that the moments are the same on every machine: of a copy of this interpreter,
# which has not imported anything of pylstm yet.
LINE_BY_LINE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}

def lines(interrupted):
    count = 0
    def trace(frame, event, argument):
        nonlocal count
        count += 1
        if count == interrupted:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return trace
    sys.settrace(trace)
    try:
        import {module}
        said = "done before"
    except KeyboardInterrupt:
        said = "interrupted"
    except ImportError as error:
        said = f"refused: {{error}}"
    sys.settrace(None)
    return count, said

def child(action):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = str(action()).encode()
        import numpy, pylstm, {module}
        assert pylstm.load("vad").run(numpy.zeros(1600, numpy.float32)).shape[1] == 2
        os.write(writing, said)
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 1000).decode()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return said if code == 0 else f"ended with {{code}}"

whole = int(child(lambda: lines(0)[0]))
for k in range({times}):
    print(child(lambda: lines(1 + k * whole // {times})[1]), flush=True)
"""


def interrupted_after(delay: float, first: str = "import pylstm") -> str:
    """What becomes of a process that gets Ctrl-C so many seconds after it began to import."""
    program = PROGRAM.format(first=first)
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", program], stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    try:
        said, complaint = process.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        process.kill()
        return "hangs"
    if process.returncode:
        last = complaint.strip().splitlines()[-1:]
        return f"ended with {process.returncode}: {' '.join(last)}"
    return said.strip()


def interrupted_at_lines(times: int, module: str, before: str = "") -> Counter[str]:
    """What becomes of imports that get Ctrl-C at so many lines, spread over all that they run."""
    program = LINE_BY_LINE.format(times=times, module=module, before=before)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    found = Counter(ran.stdout.splitlines())
    if ran.returncode or found.total() != times:
        found[f"the parent ended with {ran.returncode}: {ran.stderr[-500:]}"] += 1
    return found


def without(module: str, way: str, first: str = "import pylstm") -> str:
    """What an import says where everything else is loaded already, and a module is ``"missing"``,
    ``"forbidden"`` (None stands for it) or ``"empty"``. With the module all of it then has to work,
    but where an empty one was taken for it.
    """
    program = f"""
import contextlib, importlib.abc, importlib.util, signal, sys, threading, types
import collections.abc, inspect, itertools, operator, typing, numpy

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

kept, missing = sys.modules.pop({module!r}), Missing()
if {way!r} == "missing":
    sys.meta_path.insert(0, missing)
else:
    sys.modules[{module!r}] = None if {way!r} == "forbidden" else types.ModuleType("empty")
try:
    {first}
    said = "done before"
except Exception as error:
    said = f"refused: {{type(error).__name__}}: {{error}}"
sys.meta_path = [finder for finder in sys.meta_path if finder is not missing]
sys.modules[{module!r}] = kept
if {way!r} != "empty":
    import numpy, pylstm, pylstm.train
    assert pylstm.load("vad").run(numpy.zeros(1600, numpy.float32)).shape[1] == 2
print(said)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if ran.returncode == 0:
        return ran.stdout.strip()
    return f"ended with {ran.returncode}: {ran.stderr[-300:]}"


def main(arguments: list[str]) -> int:
    times = int(arguments[0]) if arguments else 300
    # Half of the moments are in the first quarter of the second, where the import is.
    delays = [(k / times) ** 2 for k in range(times)]
    found = Counter(interrupted_after(delay) for delay in delays)
    for said, count in found.most_common():
        print(count, said)
    return 0 if set(found) <= {INTERRUPTED, DONE} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
