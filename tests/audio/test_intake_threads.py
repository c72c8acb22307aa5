"""An intake that two threads call, and one that was being called when the process was forked."""

from __future__ import annotations

import os
import sys
import threading
import warnings

import numpy as np
import pytest

import pylstm
from pylstm.audio.one_call import OneCall

BUSY = "^another thread is inside a call on this intake; give every thread an intake of its own$"
NOISE = np.random.default_rng(0).integers(-9000, 9000, 4001, np.int16)


def doors(intake: pylstm.Intake) -> dict:
    return {
        "push": lambda: intake.push(NOISE.tobytes()),
        "flush": intake.flush,
        "reset": intake.reset,
        "resume": lambda: intake.resume(b"", position=0, given=0),
    }


@pytest.mark.law_one_writer
def test_threads_in_one_intake_are_refused_and_nothing_else_changes() -> None:
    """The samples of the accepted pushes are those of as many pushes, whatever the timing."""
    intake = pylstm.Intake(16000, rate=8000, encoding="int16")
    busy: list[str] = []
    taken: list[int] = []

    def work() -> None:
        for _ in range(300):
            try:
                taken.append(len(intake.push(bytes(4002))))
            except pylstm.StreamBusyError as error:
                busy.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(busy) + len(taken) == 1200
    assert all(text.startswith("another thread is inside a call") for text in busy)
    assert (intake.position, intake.given) == (2001 * len(taken), sum(taken))
    assert sum(taken) + len(intake.flush()) == 2 * 2001 * len(taken)


class Held:
    """An intake inside of whose push another thread stands: in a warning of doubled samples."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()

        def wait(*args: object, **keywords: object) -> None:
            self.inside.set()
            self.go_on.wait(60)

        self.intake = pylstm.Intake(16000, rate=8000, encoding="int16")
        monkeypatch.setattr(warnings, "warn", wait)
        doubled = np.repeat(NOISE, 2).tobytes()
        self.thread = threading.Thread(target=lambda: self.intake.push(doubled))
        self.thread.start()
        assert self.inside.wait(60)

    def end(self) -> None:
        self.go_on.set()
        self.thread.join()


@pytest.mark.parametrize("door", ["push", "flush", "reset", "resume"])
def test_every_call_is_refused_while_another_one_is_inside(
    door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    try:
        with pytest.raises(pylstm.StreamBusyError, match=BUSY):
            doors(held.intake)[door]()
    finally:
        held.end()
    told = pylstm.Intake(16000, rate=8000, encoding="int16")
    told.push(np.repeat(NOISE, 2).tobytes())
    np.testing.assert_array_equal(held.intake.flush(), told.flush())
    assert (held.intake.position, held.intake.given) == (told.position, told.given)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork; POSIX runs it")
@pytest.mark.parametrize("door", ["push", "flush", "resume"])
def test_after_a_fork_reset_makes_it_usable(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a process with threads forks, since Python 3.12
            child = os.fork()
        if child == 0:
            code = 1
            try:
                intake = held.intake
                with pytest.raises(pylstm.StreamBusyError, match=r"was forked .*; reset it$"):
                    doors(intake)[door]()
                with pytest.raises(pylstm.StreamBusyError, match=r"was forked .*; reset it$"):
                    doors(intake)[door]()
                intake.reset()
                told = pylstm.Intake(16000, rate=8000, encoding="int16")
                for each in (intake, told):
                    each.push(NOISE.tobytes())
                assert np.array_equal(intake.flush(), told.flush())
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        held.end()
    assert held.intake.position == 2 * len(NOISE)


def test_a_call_that_raises_leaves() -> None:
    intake = pylstm.Intake(16000, rate=8000, encoding="int16")
    for _ in range(3):
        with pytest.raises(TypeError, match=r"^data is str"):
            intake.push("audio")  # type: ignore[arg-type]
    intake.push(NOISE.tobytes())
    intake.reset()


def test_a_call_that_is_interrupted_on_its_way_in_leaves() -> None:
    """Ctrl-C may come between the entry and the first line of the call."""
    calls = OneCall("intake")
    entered = calls.alone()
    entered.__enter__()
    with pytest.raises(pylstm.StreamBusyError), calls.alone():
        pass
    del entered
    with calls.alone():
        pass
