"""Training in the child of a fork: threads, BLAS, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

for needed in ("scipy", "threadpoolctl"):
    pytest.importorskip(needed, reason="for training: pip install 'pylstm[train]'")

pytestmark = [
    pytest.mark.law_one_writer,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: Linux or macOS runs this"),
]

# `child` forks, ends the child with what the action says, and gives that; a child that hangs is
# ended by its alarm.
BEGINNING = """
import os, signal, sys, threading, time
import numpy as np
import pylstm
from pylstm.bulk import blas_threads
from pylstm.bulk.blas_threads import one_blas_thread
from pylstm.train import Arrays, CrossEntropy, Network, fit
from pylstm.train.loop.interrupts import Interrupts
from pylstm.train.thread_pool import ThreadPool

def child(action):
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        try:
            code = int(not action())
        except KeyboardInterrupt:
            code = 130
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

PROGRAMS = {
    "threads that have worked": """
pool = ThreadPool(2)
assert list(pool.map(str, range(9))) == list(map(str, range(9)))
def use():
    good = list(pool.map(str, range(9))) == list(map(str, range(9)))
    good &= pool.submit(str, 3).result() == "3"
    pool.shutdown()
    return good
assert child(use) == 0
assert child(lambda: child(use) == 0) == 0  # a fork of a fork
assert child(lambda: pool.shutdown() is None) == 0
assert use()  # the parent's are still there
""",
    "a fork between two batches": """
import tempfile, soundfile
from pathlib import Path
folder = Path(tempfile.mkdtemp())
for label in ("a", "b"):
    (folder / label).mkdir()
    for k in range(4):
        noise = np.random.default_rng(k).uniform(-0.1, 0.1, 4000)
        soundfile.write(folder / label / f"{k}.wav", noise, 16000)
from pylstm.train import Recordings
source = Recordings.from_folder(folder).source(pylstm.MFCC(), batch_size=2, workers=2)
batches = source.batches(0, 0)
first = next(batches)
assert child(lambda: len(list(batches)) == 3) == 0
assert len(list(batches)) == 3
""",
    "BLAS is no longer limited by threads that are not there": """
from threadpoolctl import threadpool_info, threadpool_limits
def threads():
    return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]
with one_blas_thread():
    pass
with threadpool_limits(2, user_api="blas"):
    before = threads()
    with one_blas_thread():
        assert set(threads()) == {1}
        def inside_still():  # the thread that forks is in the child, too
            return set(threads()) == {1}
        assert child(inside_still) == 0
        def use():
            good = threads() == before
            with one_blas_thread():
                good &= blas_threads._inside == [threading.get_ident()]
            return good and threads() == before
        ended = []
        thread = threading.Thread(target=lambda: ended.append(child(use)))
        thread.start()
        thread.join()
        assert ended == [0]
        assert set(threads()) == {1}
    assert threads() == before
""",
    "the lock is free in the child, whoever held it": """
taken, over = threading.Event(), threading.Event()
def switch_again_and_again():
    while not over.is_set():
        with one_blas_thread():
            taken.set()
thread = threading.Thread(target=switch_again_and_again)
thread.start()
taken.wait()
sys.setswitchinterval(1e-6)
def use():
    with one_blas_thread():
        return True
try:
    assert [child(use) for _ in range(40)] == [0] * 40
finally:
    over.set()
    thread.join()
""",
    "Ctrl-C in a child ends it, while the parent only stops after its step": """
signal.signal(signal.SIGINT, signal.default_int_handler)
with Interrupts() as interrupts:
    def wait():
        signal.raise_signal(signal.SIGINT)
        time.sleep(20)
    assert child(wait) == 130
    assert not interrupts.wanted
    signal.raise_signal(signal.SIGINT)
    assert interrupts.wanted
""",
    "a child in the middle of fit goes on training": """
x = np.random.default_rng(0).standard_normal((8, 10, 5)).astype(np.float32)
y = [0, 1] * 4
said = []
def fork_once(report):
    if not said:
        said.append(True)
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)
            said.append("child")
        else:
            said.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
data = Arrays(list(x), y, batch_size=4)
network = Network([pylstm.LSTM(5, 8, seed=0), pylstm.Dense(8, 2, "softmax", seed=1)], threads=2)
for epoch in range(3):
    for batch in data.batches(epoch, 0):
        outputs, _, tape = network.forward(batch.x, batch.lengths, training=True)
        network.backward(tape, np.ones_like(outputs))
    fork_once(None)
if said[1] == "child":
    os._exit(0)
assert said[1] == 0
""",
}


@pytest.mark.parametrize("situation", PROGRAMS)
def test_a_child_trains(situation: str) -> None:
    if "soundfile" in PROGRAMS[situation]:
        pytest.importorskip("soundfile", reason="reads audio: pip install 'pylstm[audio]'")
    program = BEGINNING + PROGRAMS[situation]
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr


def test_an_executor_of_the_parent_would_hang() -> None:
    """What the pool of threads mends: shown once, with a child that is then ended."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(int).result()
        pid = os.fork()
        if pid == 0:
            signal.alarm(1)
            executor.submit(int).result()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGALRM
