"""What decisions mean: as the detector and PyTorch have it, and by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.reference.decisions import DECISIONS, Event, symbols, words
from tests.decision_cases import SEEDS, SETTINGS, columns, drawn_posteriors

# --- all kinds ------------------------------------------------------------------------------------


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
        # A threshold that rounds to 0 stays above it.
        (("000",), {"threshold": 1e-10}, [], []),
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
