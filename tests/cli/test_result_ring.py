"""The ring between the audio's thread and the display: nothing is lost, twice or out of order."""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.cli.console.result_ring import ResultRing


@pytest.fixture(scope="module", autouse=True)
def _eager_threads() -> Iterator[None]:
    """Threads that change places as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=60))
def test_it_is_a_queue_that_refuses_what_has_no_room(capacity: int, puts: list[bool]) -> None:
    ring: ResultRing[int] = ResultRing(capacity)
    expected: deque[int] = deque()
    refused = 0
    for number, is_put in enumerate(puts):
        if is_put:
            has_room = len(expected) < capacity
            assert ring.put(number) is has_room
            if has_room:
                expected.append(number)
            else:
                refused += 1
        else:
            assert ring.take() == (expected.popleft() if expected else None)
        assert ring.refused == refused


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(0, 300), st.booleans())
def test_two_threads_lose_nothing_and_keep_the_order(
    capacity: int, n_results: int, is_patient: bool
) -> None:
    """What the ring took comes out once, in order; what it did not take is counted."""
    ring: ResultRing[int] = ResultRing(capacity)
    taken_in: list[int] = []
    is_over = threading.Event()

    def produce() -> None:
        for number in range(n_results):
            while not ring.put(number):
                if not is_patient:
                    break
                sleep(0)
            else:
                taken_in.append(number)
        is_over.set()

    producer = threading.Thread(target=produce)
    producer.start()
    taken_out = []
    while True:
        last_look = is_over.is_set()
        while (number := ring.take()) is not None:
            taken_out.append(number)
        if last_look:
            break
        sleep(0)
    producer.join()
    assert taken_out == taken_in
    if is_patient:
        assert taken_in == list(range(n_results))
    else:
        assert len(taken_in) + ring.refused == n_results


def test_what_was_taken_is_not_kept() -> None:
    class Result:
        pass

    ring: ResultRing[Result] = ResultRing(2)
    ring.put(Result())
    result = ring.take()
    assert result is not None
    watched = weakref.ref(result)
    del result
    assert watched() is None


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_ring_has_room(capacity: int) -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        ResultRing(capacity)
