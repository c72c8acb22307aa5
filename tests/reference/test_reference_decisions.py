"""What decisions mean: as Silero VAD has it, as today's detector has it, and by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.reference.decisions import DECISIONS, Event, segments, symbols, words
from tests.golden.cases import silero_cases
from tests.golden.silero_oracle import WHAT_RUNS_IT, silero_events, silero_segments
from tests.speech_probabilities import SpeechCase, drawn_case

SEEDS = st.integers(0, 2**32 - 1)


def drawn_posteriors(seed: int, n_rows: int, n_outputs: int) -> np.ndarray:
    """Posteriors that come and go, in multiples of 1/64; averages of 64 of them are exact."""
    draw = np.random.default_rng(seed)
    walk = np.cumsum(draw.normal(0, 1.2, (n_rows, n_outputs)), axis=0) * draw.choice([0.3, 1.0])
    return np.rint(64 / (1 + np.exp(-walk))) / 64


# --- all kinds ------------------------------------------------------------------------------------

SETTINGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "words": st.fixed_dictionaries(
        {
            "smoothing_frames": st.integers(1, 12),
            "refractory_frames": st.integers(0, 20),
            "min_frames": st.integers(1, 5),
            "threshold": st.sampled_from([0.25, 0.5, [0.5, 0.75, 0.25], [0.3, 0.2, 0.6]]),
            "background": st.sampled_from([(), (0,), (1, 2)]),
            "exclusive": st.booleans(),
        }
    ),
    "segments": st.fixed_dictionaries(
        {
            "label": st.integers(0, 2),
            "smoothing_frames": st.sampled_from([1, 1, 3]),
            "min_speech": st.sampled_from([0.0, 0.04, 0.1, 0.33]),
            "min_silence": st.sampled_from([0.0, 0.03, 0.1, 0.4]),
            "pad": st.sampled_from([0.0, 0.004, 0.03, 0.1]),
            "max_speech": st.sampled_from([math.inf, 0.05, 0.3, 0.7]),
            "min_silence_at_max_speech": st.sampled_from([0.0, 0.02, 0.098]),
        }
    ),
    "symbols": st.fixed_dictionaries({"blank": st.integers(0, 2)}),
}


@pytest.mark.law_chunk
@pytest.mark.parametrize("report", ["early", "final"])
@pytest.mark.parametrize("kind", DECISIONS)
@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=SEEDS, n_rows=st.integers(0, 60), more=st.integers(0, 60))
def test_what_was_told_stays_true(
    kind: str, report: str, data: st.DataObject, seed: int, n_rows: int, more: int
) -> None:
    """Whatever rows follow, the events of the rows so far are the same."""
    given = data.draw(SETTINGS[kind])
    hop = 0.02
    before = drawn_posteriors(seed, n_rows, 3)
    told = []
    for follows in (drawn_posteriors(seed + 1, more, 3), drawn_posteriors(seed + 2, 40, 3)):
        p = np.concatenate([before, follows])
        # The last row's time is the shortest that a recording of these rows can be.
        end = max(0, len(p) - data.draw(st.sampled_from([0.0, 0.5, 1.0]))) * hop
        events = DECISIONS[kind](p, hop=hop, report=report, end=end, **given)
        told.append([event for event in events if event.row < n_rows])
        assert [event.row for event in events] == sorted(event.row for event in events)
    assert told[0] == told[1]


@pytest.mark.parametrize("report", ["early", "final"])
@pytest.mark.parametrize("kind", DECISIONS)
def test_no_rows_no_events(kind: str, report: str) -> None:
    assert DECISIONS[kind](np.zeros((0, 3)), hop=0.01, report=report) == []


# --- words ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(
    seed=SEEDS,
    n_rows=st.integers(0, 150),
    threshold=st.sampled_from([1 / 64, 0.25, 0.5, 0.75, 1.0]),
    smoothing=st.integers(1, 20),
    refractory=st.integers(0, 30),
    background=st.sampled_from([(), (0,), (1, 3)]),
)
def test_words_are_those_of_the_detector(
    seed: int,
    n_rows: int,
    threshold: float,
    smoothing: int,
    refractory: int,
    background: tuple[int, ...],
) -> None:
    labels = ["a", "b", "c", "d"]
    p = drawn_posteriors(seed, n_rows, 4)
    detector = pylstm.Detector(
        labels, threshold, smoothing, refractory, [labels[k] for k in background], hop_seconds=0.25
    )
    found = words(
        p,
        hop=0.25,
        threshold=threshold,
        smoothing_frames=smoothing,
        refractory_frames=refractory,
        background=background,
    )
    expected = [(event.time, event.label, event.score) for event in detector.push(p)]
    assert [(event.time, labels[event.output], event.score) for event in found] == expected


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, n=st.integers(1, 30), refractory=st.integers(0, 20), given=SETTINGS["words"])
def test_each_independent_label_is_by_itself(
    seed: int, n: int, refractory: int, given: dict[str, Any]
) -> None:
    p = drawn_posteriors(seed, 120, 3)
    given = given | {"smoothing_frames": n, "threshold": 0.5, "background": ()}
    together = words(p, hop=1.0, **given | {"exclusive": False})
    alone = [
        event._replace(output=k)
        for k in range(3)
        for event in words(p[:, [k]], hop=1.0, **given | {"exclusive": True})
    ]
    assert together == sorted(alone, key=lambda event: (event.time, event.output))


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, given=SETTINGS["words"])
def test_final_words_are_the_early_ones_with_their_ends(seed: int, given: dict[str, Any]) -> None:
    p = drawn_posteriors(seed, 120, 3)
    early = words(p, hop=0.5, report="early", **given)
    final = words(p, hop=0.5, report="final", **given)
    final.sort(key=lambda event: (event.time, event.output))
    assert [event._replace(offset=None, row=0) for event in early] == [
        event._replace(offset=None, row=0) for event in final
    ]
    for one, later in zip(early, final, strict=True):
        assert one.onset <= one.time < one.offset + given["smoothing_frames"] * 0.5
        assert one.onset + 0.5 <= one.offset <= min(later.offset, one.time + 0.5)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, n=st.integers(1, 9), threshold=st.floats(0.01, 1.0))
def test_averages_are_exact(seed: int, n: int, threshold: float) -> None:
    """The first event comes where the exact average of the rounded posteriors reaches the rounded
    threshold."""
    p = np.random.default_rng(seed).random((60, 1)) ** 0.25 * threshold
    p[30:] = threshold
    rounded = [Fraction(round(x * 2**32), 2**32) for x in p[:, 0].tolist()]
    averages = [sum(rounded[max(0, t - n + 1) : t + 1]) / n for t in range(60)]
    least = Fraction(round(threshold * 2**32), 2**32)
    first = next(t for t, average in enumerate(averages) if average >= least)
    event = words(p, hop=1.0, threshold=threshold, smoothing_frames=n)[0]
    assert event.time == first
    assert event.score == pytest.approx(float(averages[first]), rel=1e-15)


def columns(*texts: str) -> np.ndarray:
    """Posteriors in tenths, a text an output: "0055" is 0, 0, 0.5, 0.5; "x" is 1."""
    return np.array([[10 if c == "x" else int(c) for c in text] for text in texts]).T / 10


def told(events: list[Event]) -> list[tuple[int, float, float, float | None]]:
    return [(event.output, event.time, event.onset, event.offset) for event in events]


@pytest.mark.parametrize(
    ("p", "given", "early", "ends"),
    [
        # Support reaches back over a gap of as many rows as are averaged, and no further.
        (("030099900",), {"smoothing_frames": 2}, [(0, 5, 4, 6)], [7]),
        (("003009990",), {"smoothing_frames": 3}, [(0, 6, 2, 7)], [8]),
        (("999",), {"smoothing_frames": 1}, [(0, 0, 0, 1)], [3]),
        # For long enough, in a row.
        (("9909990",), {"smoothing_frames": 1, "min_frames": 3}, [(0, 5, 3, 6)], [6]),
        (("99099",), {"smoothing_frames": 1, "min_frames": 3}, [], []),
        # Once for each time that the average rises; not within the refractory rows.
        (("9990990",), {"smoothing_frames": 1}, [(0, 0, 0, 1), (0, 4, 4, 5)], [3, 6]),
        (("9990990",), {"smoothing_frames": 1, "refractory_frames": 3}, [(0, 0, 0, 1),
         (0, 4, 4, 5)], [3, 6]),
        (("9990990",), {"smoothing_frames": 1, "refractory_frames": 4}, [(0, 0, 0, 1),
         (0, 5, 4, 6)], [3, 6]),
        # The highest excludes the others, the first on a tie, and ends the word before it.
        (("888880", "007700"), {"smoothing_frames": 1}, [(0, 0, 0, 1)], [5]),
        (("666660", "007700"), {"smoothing_frames": 1}, [(0, 0, 0, 1), (1, 2, 2, 3)], [3, 4]),
        (("5550", "5550"), {"smoothing_frames": 1}, [(0, 0, 0, 1)], [3]),
        # Independent labels do not; on one row they come in their order.
        (("0990", "0990"), {"smoothing_frames": 1, "exclusive": False}, [(0, 1, 1, 2),
         (1, 1, 1, 2)], [3, 3]),
        # A threshold a label; the one that does not reach its own is no candidate.
        (("7770", "4440"), {"smoothing_frames": 1, "threshold": [0.8, 0.4]}, [(1, 0, 0, 1)], [3]),
        (("9990", "8880"), {"smoothing_frames": 1, "background": [0]}, [(1, 0, 0, 1)], [3]),
    ],
)  # fmt: skip
def test_words_by_hand(p: Any, given: dict[str, Any], early: Any, ends: list[float]) -> None:
    given = {"refractory_frames": 0} | given
    assert told(words(columns(*p), hop=1.0, **given)) == early
    final = words(columns(*p), hop=1.0, report="final", **given)
    assert sorted(told(final)) == sorted(
        (*one[:3], end) for one, end in zip(early, ends, strict=True)
    )


# --- segments -------------------------------------------------------------------------------------


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
        # A pad is known when no speech can come that close.
        ("0900000", {"min_speech": 0, "pad": 2}, [("start", 2, 0, None), ("end", 5, 0, 4)]),
        ("0900900", {"min_speech": 0, "pad": 2}, [("start", 2, 0, None), ("end", 5, 0, 3),
                                                  ("start", 5, 3, None), ("end", 7, 3, 7)]),
        # Too long: cut on the spot, or at the first of the longest pauses that are over.
        ("9999999000", {"min_speech": 0, "max_speech": 5}, [
            ("start", 1, 0, None), ("end", 5, 0, 5), ("start", 7, 6, None), ("end", 8, 6, 7)]),
        ("9099099999000", {"min_speech": 0, "max_speech": 9, "min_silence": 3}, [
            ("start", 1, 0, None), ("end", 9, 0, 1), ("start", 9, 2, None), ("end", 11, 2, 11)]),
    ],
)  # fmt: skip
def test_segments_by_hand(text: str, given: dict[str, Any], expected: Any) -> None:
    given = {"min_silence": 1, "pad": 0, "min_silence_at_max_speech": 0} | given
    found = segments(columns(text), hop=1.0, **given)
    assert [(event.kind, event.time, event.onset, event.offset) for event in found] == expected


def test_the_score_is_the_highest_so_far() -> None:
    p = columns("0657300")
    [started, ended] = segments(p, hop=1.0, min_speech=1, min_silence=1, pad=0)
    assert (started.time, started.score, ended.score) == (3.0, 0.7, 0.7)
    [started, ended] = segments(p, hop=1.0, min_speech=0, min_silence=1, pad=0, report="early")
    assert (started.time, started.score, ended.score) == (1.0, 0.6, 0.7)


# --- symbols --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(seed=SEEDS, n_rows=st.integers(1, 200), n_outputs=st.integers(1, 5), data=st.data())
def test_symbols_are_the_collapsed_argmax_of_torch(
    seed: int, n_rows: int, n_outputs: int, data: st.DataObject
) -> None:
    torch = pytest.importorskip("torch", reason='the oracle: pip install "pylstm[torch]"')
    blank = data.draw(st.integers(0, n_outputs - 1))
    # Few values: rows have ties.
    p = np.random.default_rng(seed).integers(0, 4, (n_rows, n_outputs)) / 4
    best = torch.from_numpy(p).argmax(dim=1)
    values, counts = torch.unique_consecutive(best, return_counts=True)
    lasts = counts.cumsum(0) - 1
    runs = [
        (k, last + 1 - n, last)
        for k, n, last in zip(values.tolist(), counts.tolist(), lasts.tolist(), strict=True)
        if k != blank
    ]
    early = symbols(p, hop=1.0, blank=blank)
    assert early == [
        Event("symbol", k, first, first, first + 1, p[first, k], first) for k, first, _ in runs
    ]
    final = symbols(p, hop=1.0, blank=blank, report="final")
    assert final == [
        Event("symbol", k, last + 1, first, last + 1, p[first : last + 1, k].max(), last + 1)
        for k, first, last in runs
    ]


@pytest.mark.parametrize(
    ("row_of", "expected"),
    [("0110122", [1, 1, 2]), ("000", []), ("1", [1]), ("1212", [1, 2, 1, 2]), ("1001", [1, 1])],
)
def test_symbols_by_hand(row_of: str, expected: list[int]) -> None:
    p = np.eye(3)[[int(k) for k in row_of]]
    assert [event.output for event in symbols(p, hop=0.01)] == expected
