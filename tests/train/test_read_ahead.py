"""Batches that are computed ahead: the same ones, in the same order, whatever ends an epoch."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylstm.train.data.arrays import Arrays
from pylstm.train.data.carried_state import Continued
from pylstm.train.data.read_ahead import ReadAhead
from pylstm.train.data.truncated import Truncated
from tests.train.small_trainings import Sums, identical, sequences, source, train


class Numbered:
    """A source of numbers, not of batches, that ends in an error, warns, or counts what it made."""

    def __init__(self, n: int, error: BaseException | None = None, says: str = "") -> None:
        self.n_batches, self.error, self.says, self.made, self.closed = n, error, says, 0, False

    def batches(self, epoch: int, seed: int) -> Any:
        try:
            for place in range(self.n_batches):
                self.made += 1
                yield (epoch, seed, place)
            if self.says:
                warnings.warn(self.says, UserWarning, stacklevel=1)
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def equal(one: Any, other: Any) -> None:
    for own, others in zip(one, other, strict=True):
        np.testing.assert_equal(own, others)
        assert getattr(own, "dtype", None) == getattr(others, "dtype", None)


@given(
    n=st.integers(1, 30),
    size=st.integers(1, 8),
    ahead=st.integers(1, 40),
    epoch=st.integers(0, 5),
    seed=st.integers(0, 5),
    wrap=st.sampled_from([lambda inner: inner, Continued, lambda inner: Truncated(inner, 3)]),
)
def test_the_batches_are_those_of_the_source(n, size, ahead, epoch, seed, wrap):
    inner = wrap(Arrays(*sequences(n), batch_size=size))
    wrapped = ReadAhead(inner, batches=ahead)
    assert wrapped.n_batches == inner.n_batches
    for one, other in zip(wrapped.batches(epoch, seed), inner.batches(epoch, seed), strict=True):
        equal(one, other)


@given(n=st.integers(0, 9), ahead=st.integers(1, 9))
def test_an_error_comes_in_its_place(n, ahead):
    error = KeyError("a file")
    batches = ReadAhead(Numbered(n, error), ahead).batches(1, 2)
    assert list(itertools.islice(batches, n)) == [(1, 2, place) for place in range(n)]
    with pytest.raises(KeyError) as raised:
        next(batches)
    assert raised.value is error


@given(n=st.integers(1, 20), taken=st.integers(0, 20), ahead=st.integers(1, 9))
def test_no_more_is_computed_than_may_wait(n, taken, ahead):
    inner = Numbered(n)
    before = threading.active_count()
    batches = ReadAhead(inner, ahead).batches(0, 0)
    assert len(list(itertools.islice(batches, taken))) == min(n, taken)
    batches.close()
    assert inner.made <= (taken + ahead if taken else 0)
    assert inner.closed == (taken > 0)
    assert threading.active_count() == before


def test_what_the_source_warns_of_is_warned_of():
    with pytest.warns(UserWarning, match="cut off"):
        assert len(list(ReadAhead(Numbered(3, says="cut off")).batches(0, 0))) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = ReadAhead(Numbered(3, says="cut off")).batches(0, 0)
        assert len(list(itertools.islice(batches, 3))) == 3
        with pytest.raises(UserWarning, match="cut off"):
            next(batches)


def test_how_numpy_treats_errors_is_the_callers():
    class Dividing:
        n_batches = 1

        def batches(self, epoch: int, seed: int) -> Any:
            yield np.ones(1) / np.zeros(1)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        list(ReadAhead(Dividing()).batches(0, 0))
    with np.errstate(divide="ignore"):
        assert len(list(ReadAhead(Dividing()).batches(0, 0))) == 1


def test_what_is_no_source_is_refused():
    with pytest.raises(TypeError, match="source is int; expected something with batches"):
        ReadAhead(3)
    with pytest.raises(ValueError, match="batches is 0; expected 1 or more"):
        ReadAhead(Numbered(3), batches=0)


def test_a_training_is_the_same(tmp_path):
    options = {"network": Sums(), "checkpoint": tmp_path / "a"}
    plain = train(training=source(), **options)
    ahead = train(training=ReadAhead(source()), network=Sums(), checkpoint=tmp_path / "b")
    identical(plain, ahead)
    # Whether batches are computed ahead is no part of what a training is.
    more = train(
        training=ReadAhead(source()), network=Sums(), checkpoint=tmp_path / "a", resume=True,
        epochs=5,
    )  # fmt: skip
    identical(more, train(training=source(), network=Sums(), epochs=5))


@pytest.mark.parametrize("ahead", [1, 2])
def test_ctrl_c_ends_the_thread(ahead):
    before = threading.active_count()
    inner = Numbered(100)

    def until_pressed() -> None:
        for _, _, place in ReadAhead(inner, ahead).batches(0, 0):
            if place == 3:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        until_pressed()
    assert threading.active_count() == before
    assert inner.closed
    assert inner.made <= 4 + ahead


FORK = """
import os, signal, sys, threading, time
from pylstm.train.data.read_ahead import ReadAhead
class Slow:
    n_batches = 20
    def batches(self, epoch, seed):
        for place in range(20):
            time.sleep(0.001)
            yield place
batches = ReadAhead(Slow(), 3).batches(0, 0)
before = [next(batches) for _ in range(int(sys.argv[1]))]
pid = os.fork()
if pid == 0:
    signal.alarm(30)
    whole = before + list(batches) == list(range(20))
    del batches
    os._exit(0 if whole else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert before + list(batches) == list(range(20))
assert threading.active_count() == 1
"""


@pytest.mark.law_one_writer
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: Linux or macOS runs this")
@pytest.mark.parametrize("place", [0, 1, 7, 18, 20])
def test_a_child_gets_the_batches_that_it_lacks(place):
    run = [sys.executable, "-W", "error", "-c", FORK, str(place)]
    ran = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
