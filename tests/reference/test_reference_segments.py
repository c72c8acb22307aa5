"""Segments of speech as Silero VAD has them, and by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.reference.decisions import Event, segments
from tests.decision_cases import SEEDS, SETTINGS, columns, drawn_posteriors
from tests.golden.cases import silero_cases
from tests.golden.silero_oracle import WHAT_RUNS_IT, silero_events, silero_segments
from tests.speech_probabilities import SpeechCase, drawn_case


def in_samples(events: list[Event], rate: int) -> list[list[int]]:
    """The ends of segments as Silero VAD gives them: whole samples, rounded down."""
    ends = [event for event in events if event.kind == "end"]
    return [[whole(event.onset, rate), whole(event.offset, rate)] for event in ends]


def whole(seconds: float | None, rate: int) -> int:
    assert seconds is not None
    return math.floor(seconds * rate + 1e-6)


def column(case: SpeechCase) -> np.ndarray:
    return case.probabilities[:, np.newaxis]


@pytest.mark.parametrize("place", range(100))
def test_golden_segments(place: int) -> None:
    case, expected = silero_cases()[place]
    assert in_samples(segments(column(case), **case.seconds), case.sampling_rate) == expected


@settings(deadline=None, max_examples=300)
@given(seed=st.integers(0, 2**32 - 1))
def test_segments_are_those_of_silero(seed: int) -> None:
    pytest.importorskip("silero_vad.utils_vad", reason=WHAT_RUNS_IT)
    case = drawn_case(seed)
    found = segments(column(case), **case.seconds)
    assert in_samples(found, case.sampling_rate) == silero_segments(case)
    assert [event.kind for event in found] == ["start", "end"] * (len(found) // 2)


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 2**32 - 1))
def test_early_segments_are_those_of_the_iterator(seed: int) -> None:
    pytest.importorskip("silero_vad.utils_vad", reason=WHAT_RUNS_IT)
    case = drawn_case(seed)
    given = case.seconds | {"min_speech": 0.0, "max_speech": math.inf, "report": "early"}
    given["neg_threshold"] = given["threshold"] - 0.15
    found = [
        (
            event.row,
            event.kind,
            whole(event.onset if event.kind == "start" else event.offset, case.sampling_rate),
        )
        for event in segments(column(case), **given)
    ]
    # The iterator is not told that the recording ends.
    assert [one for one in found if one[0] < len(case.steps)] == silero_events(case)


@settings(deadline=None, max_examples=100)
@given(seed=SEEDS, given=SETTINGS["segments"])
def test_early_and_final_segments_are_the_same_before_padding(
    seed: int, given: dict[str, Any]
) -> None:
    p = drawn_posteriors(seed, 100, 3)
    given = given | {"pad": 0.0, "max_speech": math.inf}
    early, final = (segments(p, hop=0.02, report=report, **given) for report in ("early", "final"))
    extents = [
        [(event.onset, event.offset, event.score) for event in events if event.kind == "end"]
        for events in (early, final)
    ]
    # At the end, a silence may hide speech that early reports had not yet told.
    assert extents[0] == extents[1][: len(extents[0])]
    assert len(extents[1]) - len(extents[0]) <= 1
    for one, other in zip(early, final, strict=False):
        assert one.time <= other.time


@settings(deadline=None, max_examples=100)
@given(seed=SEEDS, given=SETTINGS["segments"])
def test_segments_are_apart_and_none_is_too_long(seed: int, given: dict[str, Any]) -> None:
    p = drawn_posteriors(seed, 150, 3)
    found = [event for event in segments(p, hop=0.02, **given) if event.kind == "end"]
    assert all(one.offset <= other.onset + 1e-9 for one, other in pairwise(found))
    # Two pads and two rows have to fit.
    if given["max_speech"] >= 2 * given["pad"] + 0.04:
        assert all(one.offset - one.onset <= given["max_speech"] + 1e-9 for one in found)


def extents(events: list[Event]) -> list[tuple[float, float | None]]:
    return [(event.onset, event.offset) for event in events]


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, given=SETTINGS["segments"])
def test_nothing_is_told_later_than_it_could(seed: int, given: dict[str, Any]) -> None:
    """With a row less something can follow that changes or removes the event."""
    hop, given = 0.02, given | {"smoothing_frames": 1}
    p = drawn_posteriors(seed, 25, 3)
    found = segments(p, hop=hop, **given)
    for i, event in enumerate(found):
        if event.row == 0:
            continue
        before = p[: event.row]
        futures = [segments(before, hop=hop, end=len(before) * hop - less, **given)
                   for less in (0.0, hop)]  # fmt: skip
        futures += [
            segments(np.concatenate([before, np.full((60, 3), level)]), hop=hop, **given)
            for level in (0.0, 0.4, 1.0)
        ]
        told = extents(found[: i + 1])
        assert any(extents(future[: i + 1]) != told for future in futures)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, given=SETTINGS["segments"], report=st.sampled_from(["early", "final"]))
def test_averaged_probabilities(seed: int, given: dict[str, Any], report: str) -> None:
    p = drawn_posteriors(seed, 80, 3)
    averages = np.array([p[max(0, t - 3) : t + 1].sum(axis=0) / 4 for t in range(80)])
    exact = {"hop": 0.02, "threshold": 0.5, "neg_threshold": 0.375, "report": report}
    assert segments(p, **given | exact | {"smoothing_frames": 4}) == segments(
        averages, **given | exact | {"smoothing_frames": 1}
    )


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        # 2 rows of speech are not more than 2; the third row tells, after it has passed.
        ("099000", {"min_speech": 2}, []),
        ("0999000", {"min_speech": 2}, [("start", 4, 1, None), ("end", 5, 1, 4)]),
        # A silence that is no silence yet hides nothing; one that ends the segment does.
        ("099909000", {"min_speech": 0}, [("start", 2, 1, None), ("end", 7, 1, 6)]),
        ("09990090", {"min_speech": 0}, [("start", 2, 1, None), ("end", 5, 1, 4),
                                         ("start", 7, 6, None), ("end", 8, 6, 8)]),
        # Between the thresholds speech goes on, and a silence too.
        ("094440", {"min_speech": 0}, [("start", 2, 1, None), ("end", 6, 1, 6)]),
        ("0904400", {"min_speech": 0}, [("start", 2, 1, None), ("end", 5, 1, 2)]),
        # The second threshold is 0.01 at least.
        ("0900", {"min_speech": 0, "threshold": 0.1}, [("start", 2, 1, None), ("end", 3, 1, 2)]),
        # A pad is known when no speech can come that close.
        ("0900000", {"min_speech": 0, "pad": 2}, [("start", 2, 0, None), ("end", 5, 0, 4)]),
        ("0900900", {"min_speech": 0, "pad": 2}, [("start", 2, 0, None), ("end", 5, 0, 3),
                                                  ("start", 5, 3, None), ("end", 7, 3, 7)]),
        # Too long: cut on the spot, or at the first of the longest pauses that are over.
        ("9999999000", {"min_speech": 0, "max_speech": 5}, [
            ("start", 1, 0, None), ("end", 5, 0, 5), ("start", 7, 6, None), ("end", 8, 6, 7)]),
        ("9099099999000", {"min_speech": 0, "max_speech": 9, "min_silence": 3}, [
            ("start", 1, 0, None), ("end", 9, 0, 1), ("start", 9, 2, None), ("end", 11, 2, 11)]),
        # A pause has to be longer than the shortest, as speech has.
        ("9099999000", {"min_speech": 0, "max_speech": 6, "min_silence": 3,
                        "min_silence_at_max_speech": 1}, [
            ("start", 1, 0, None), ("end", 6, 0, 6)]),
    ],
)  # fmt: skip
def test_segments_by_hand(text: str, given: dict[str, Any], expected: Any) -> None:
    given = {"min_silence": 1, "pad": 0, "min_silence_at_max_speech": 0} | given
    found = segments(columns(text), hop=1.0, **given)
    assert [(event.kind, event.time, event.onset, event.offset) for event in found] == expected


def test_lengths_that_fit_rows_are_whole() -> None:
    """0.3 / 0.1 is a little less than 3, and 1.1 / 0.1 a little more than 11."""
    given = {"hop": 0.1, "pad": 0.0}
    assert segments(columns("09990000"), **given, min_speech=0.3, min_silence=0.1) == []
    assert len(segments(columns("09999000"), **given, min_speech=0.3, min_silence=0.1)) == 2
    ended = segments(columns("9" + "0" * 14), **given, min_speech=0.0, min_silence=1.1)[1]
    assert (ended.row, ended.offset) == (12, 0.1)


def test_the_score_is_the_highest_so_far() -> None:
    p = columns("0657300")
    [started, ended] = segments(p, hop=1.0, min_speech=1, min_silence=1, pad=0)
    assert (started.time, started.score, ended.score) == (3.0, 0.7, 0.7)
    [started, ended] = segments(p, hop=1.0, min_speech=0, min_silence=1, pad=0, report="early")
    assert (started.time, started.score, ended.score) == (1.0, 0.6, 0.7)


def test_the_score_of_a_part_is_its_own() -> None:
    """It is cut at row 1 when row 9 is looked at, and what lies between belongs to the next one."""
    p = columns("6077888888000")
    given = {"min_speech": 0, "min_silence": 3, "max_speech": 9, "min_silence_at_max_speech": 0}
    for report in ("early", "final"):
        found = segments(p, hop=1.0, pad=0, report=report, **given)
        assert [event.score for event in found] == [0.6, 0.6, 0.8, 0.8]
        assert [event.row for event in found[1:3]] == [9, 9]
