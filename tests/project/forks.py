"""Forks in many situations, watched: ``python -m tests.project.forks [FORKS [SITUATION ...]]``.

Each situation runs in a process of its own, which forks so often (200 by default) and watches every
child: a child that is not done after some seconds hangs, is killed, and is a failure, as is one
whose rows differ by a bit. ``python -m tests.project.forks --control`` forks children that do wait
for a thread of their parent, to show that the watchdog finds them. `test_forks.py` does a few of
each.
"""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

import pylstm
from tests.signals import audio
from tests.small_models import lively_model, small_model

PATIENCE = 20.0
"""Seconds after which a child hangs. All of them take well under one, but machines are shared."""

GOOD, WRONG, HANGS, INTERRUPTED = "good", "wrong", "hangs", "good, a push was interrupted"
CODES = {0: GOOD, 3: INTERRUPTED}
SLOTS = 4
PCM = audio(0.5)
CHUNKS = {slot: PCM[slot:] for slot in range(SLOTS)}

Child = Callable[[], object]
kept: list[object] = []
"""What lives until the interpreter ends."""


def is_good(rows: dict[int, np.ndarray], model: pylstm.Model) -> bool:
    """Whether a push of CHUNKS into new streams gave what each stream gives alone."""
    alone = {slot: model.stream().push(chunk) for slot, chunk in CHUNKS.items()}
    return all(np.array_equal(rows[slot], alone[slot]) for slot in CHUNKS)


def new_pool(model: pylstm.Model) -> pylstm.Streams:
    """A pool with threads that have worked already, its streams at the beginning."""
    pool = model.streams(SLOTS, threads=3)
    pool.push(CHUNKS)
    for stream in pool:
        stream.reset()
    return pool


@contextmanager
def repeated(action: Callable[[], object]) -> Iterator[None]:
    """Another thread does it again and again."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            action()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# --- situations: each yields what the child does -------------------------------------------------


@contextmanager
def child_pushes() -> Iterator[Child]:
    """A service that loads the model and makes its pool before it forks its workers."""
    model = small_model()
    pool = new_pool(model)
    yield lambda: is_good(pool.push(CHUNKS), model)
    assert is_good(pool.push(CHUNKS), model)  # the parent's threads are still there


@contextmanager
def child_exits() -> Iterator[Child]:
    """The interpreter of the child ends as usual, and destroys a pool that it never used."""
    kept.append(new_pool(small_model()))
    yield lambda: sys.exit(0)


@contextmanager
def child_drops_the_pool() -> Iterator[Child]:
    model = small_model()
    held = [new_pool(model)]

    def child() -> bool:
        held.clear()
        gc.collect()
        return is_good(new_pool(model).push(CHUNKS), model)

    yield child


@contextmanager
def fork_in_the_middle_of_a_push() -> Iterator[Child]:
    """Another thread is inside a push, of the pool or of a stream alone."""
    model = small_model()
    pool, lone = new_pool(model), model.stream()
    long = {slot: np.tile(PCM, 4) for slot in CHUNKS}

    def child() -> object:
        interrupted = 0
        for stream in (*pool, lone):
            try:
                stream.snapshot()
            except pylstm.StreamBusyError as error:
                if "forked" not in str(error):
                    raise
                interrupted += 1
            stream.reset()
        good = is_good(pool.push(CHUNKS), model)
        good &= np.array_equal(lone.push(PCM), model.stream().push(PCM))
        return INTERRUPTED if good and interrupted else good

    with repeated(lambda: pool.push(long)), repeated(lambda: lone.push(long[0])):
        yield child


@contextmanager
def fork_in_the_middle_of_listening() -> Iterator[Child]:
    """As before, with listeners: what they decide on is interrupted with their streams."""
    model = lively_model("softmax")
    pool, lone = model.listeners(SLOTS, threads=3), model.listener()
    long = {slot: np.tile(PCM, 8) for slot in CHUNKS}

    def child() -> object:
        interrupted = 0
        for listener in (*pool, lone):
            try:
                listener.snapshot()
            except pylstm.StreamBusyError as error:
                if "forked" not in str(error):
                    raise
                interrupted += 1
            listener.reset()
        alone = {slot: model.listener().push(chunk) for slot, chunk in CHUNKS.items()}
        good = all(alone.values()) and pool.push(CHUNKS) == alone and lone.push(PCM) == alone[0]
        return INTERRUPTED if good and interrupted else good

    with repeated(lambda: pool.push(long)), repeated(lambda: lone.push(long[0])):
        yield child


@contextmanager
def fork_of_a_fork() -> Iterator[Child]:
    """Each generation has used the pool before it forks the next."""
    model = small_model()
    pool = new_pool(model)

    def generation(left: int) -> bool:
        good = is_good(pool.push(CHUNKS), model)
        for stream in pool:
            stream.reset()
        return good and (not left or outcome(lambda: generation(left - 1)) == GOOD)

    yield lambda: generation(2)


@contextmanager
def training_in_another_thread() -> Iterator[Child]:
    """Another thread trains with two threads of its own; the child trains, too."""
    from pylstm.train import Network

    network = Network([pylstm.LSTM(7, 16, seed=1), pylstm.Dense(16, 3, seed=2)], threads=2)
    x = np.random.default_rng(0).standard_normal((20, 6, 7)).astype(np.float32)

    def step() -> np.ndarray:
        outputs, _, tape = network.forward(x, training=True)
        network.backward(tape, np.ones_like(outputs))
        return outputs

    expected = step()
    with repeated(step):
        yield lambda: np.array_equal(step(), expected)


@contextmanager
def multiprocessing_pool() -> Iterator[Child]:
    """The child starts a pool of workers, which inherit the streams in turn."""
    model = small_model()
    kept[:] = [new_pool(model), model]

    def child() -> bool:
        with multiprocessing.get_context("fork").Pool(2) as workers:
            return all(workers.map(pushes_what_is_kept, range(4), chunksize=2))

    yield child


def pushes_what_is_kept(number: int) -> bool:
    pool, model = kept
    for stream in pool:  # type: ignore[attr-defined]
        stream.reset()
    return is_good(pool.push(CHUNKS), model)  # type: ignore[attr-defined, arg-type]


@contextmanager
def interrupted_with_ctrl_c() -> Iterator[Child]:
    """The child pushes for ever; Ctrl-C ends it."""
    model = small_model()
    pool = new_pool(model)

    def child() -> bool:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                pool.push(CHUNKS)
        except KeyboardInterrupt:
            for stream in pool:
                stream.reset()
            return is_good(pool.push(CHUNKS), model)

    yield child


SITUATIONS = {
    function.__name__: function
    for function in (
        child_pushes,
        child_exits,
        child_drops_the_pool,
        fork_in_the_middle_of_a_push,
        fork_in_the_middle_of_listening,
        fork_of_a_fork,
        training_in_another_thread,
        multiprocessing_pool,
        interrupted_with_ctrl_c,
    )
}


@contextmanager
def control() -> Iterator[Child]:
    """Not a situation: a child that waits for a thread of its parent, as nothing here may."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(int).result()
        yield lambda: executor.submit(int).result() == 0


# --- watching ------------------------------------------------------------------------------------


def outcome(child: Child, patience: float = PATIENCE) -> str:
    """Forks; what became of the child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = {True: 0, INTERRUPTED: 3}.get(child(), 1)  # type: ignore[call-overload]
        except SystemExit:
            raise  # the interpreter ends as usual
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    end = time.monotonic() + patience
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return CODES.get(os.waitstatus_to_exitcode(status), WRONG)
        time.sleep(0.002)
    os.kill(pid, signal.SIGABRT)  # faulthandler then prints where it hangs
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return HANGS


def outcomes(name: str, forks: int) -> Counter[str]:
    """What became of the children of one situation; a parent that hangs is one more of them."""
    command = [sys.executable, "-m", "tests.project.forks", "--here", name, str(forks)]
    try:
        ran = subprocess.run(
            command, timeout=PATIENCE * 3 + forks * 2, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return Counter([HANGS])
    counts = Counter(ran.stdout.splitlines())
    if ran.returncode or counts.total() != forks:
        counts[f"the parent ended with {ran.returncode}: {ran.stderr[-2000:]}"] += 1
    return counts


def fork_here(name: str, forks: int) -> None:
    """Prints what became of each child."""
    faulthandler.enable()
    situation, patience = (control, 1.0) if name == "control" else (SITUATIONS[name], PATIENCE)
    with situation() as child:
        for k in range(forks):
            time.sleep(k % 7 * 1e-3)
            print(outcome(child, patience), flush=True)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--here"]:
        fork_here(arguments[1], int(arguments[2]))
        return 0
    if arguments == ["--control"]:
        found = outcomes("control", 3)
        print(dict(found))
        return 0 if set(found) == {HANGS} else 1
    forks = int(arguments[0]) if arguments else 200
    bad = 0
    for name in arguments[1:] or SITUATIONS:
        begin = time.monotonic()
        found = outcomes(name, forks)
        told = ", ".join(f"{count} {what}" for what, count in sorted(found.items()))
        print(f"{name}: {told} ({time.monotonic() - begin:.0f} s)", flush=True)
        bad += sum(count for what, count in found.items() if what not in (GOOD, INTERRUPTED))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
