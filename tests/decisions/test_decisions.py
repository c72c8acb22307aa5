"""The engine's decisions are those of the reference, on the same rows and under any cut."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pylstm import _engine
from pylstm.decisions.event import Event, event
from pylstm.decisions.settings import settings_as_text
from pylstm.reference.decisions import DECISIONS
from pylstm.reference.decisions import Event as Told
from tests.decision_cases import SEEDS, SETTINGS, drawn_posteriors
from tests.speech_probabilities import drawn_case

LABELS = ("a", "b", "c")


def as_given(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of the reference, which names outputs by their numbers, as a user gives them."""
    given = {"kind": kind, **settings}
    if isinstance(given.get("threshold"), list):
        given["threshold"] = dict(zip(LABELS, given["threshold"], strict=True))
    if "background" in given:
        given["background"] = [LABELS[k] for k in given["background"]]
    for name in ("label", "blank"):
        if name in given:
            given[name] = LABELS[given[name]]
    return given


def listener(kind: str, hop: float, settings: dict[str, Any]) -> _engine.RowListener:
    text = settings_as_text(LABELS, as_given(kind, settings))
    return _engine.RowListener(_engine.Decision.for_rows(list(LABELS), 3, hop, text, event))


def equal(found: list[Event], told: list[Told], *, later: bool = False) -> None:
    """`later`: the engine may see later than the reference, which looks into the future, that
    nothing changes an event any more."""
    assert [(e.kind, LABELS.index(e.label)) for e in found] == [(t.kind, t.output) for t in told]
    for mine, theirs in zip(found, told, strict=True):
        if later:
            assert mine.time >= theirs.time - 1e-9
        else:
            assert mine.time == pytest.approx(theirs.time, abs=1e-9)
            assert mine.score == pytest.approx(theirs.score, abs=1e-9)
        assert mine.onset == pytest.approx(theirs.onset, abs=1e-9)
        assert (mine.offset is None) == (theirs.offset is None)
        if theirs.offset is not None:
            assert mine.offset == pytest.approx(theirs.offset, abs=1e-9)


def sees_later(report: str, given: dict[str, Any]) -> bool:
    """Whether a segment may be certain because it will reach its maximum length and be cut."""
    return report == "final" and given.get("max_speech", math.inf) < math.inf


@pytest.mark.law_chunk
@pytest.mark.parametrize("report", ["early", "final"])
@pytest.mark.parametrize("kind", DECISIONS)
@settings(deadline=None, max_examples=60)
@given(
    data=st.data(),
    seed=SEEDS,
    n_rows=st.integers(0, 60),
    hop=st.sampled_from([0.01, 0.02, 1 / 3]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_as_the_reference_decides(
    kind: str, report: str, data: st.DataObject, seed: int, n_rows: int, hop: float, dtype: Any
) -> None:
    given = {**data.draw(SETTINGS[kind]), "report": report}
    rows = drawn_posteriors(seed, n_rows, 3)
    end = max(0.0, n_rows - data.draw(st.sampled_from([0.0, 0.25, 1.0]))) * hop
    told = DECISIONS[kind](rows, hop=hop, end=end, **given)
    later = sees_later(report, given)
    engine = listener(kind, hop, given)
    whole = engine.push(rows.astype(dtype)) + engine.finish(end)
    equal(whole, told, later=later)
    # Each row gives what the reference gives on that row, and nothing later.
    engine.reset()
    one_by_one = []
    for t, row in enumerate(rows.astype(dtype)):
        one_by_one.append(engine.push(row[None]))
        if not later:
            equal(one_by_one[-1], [one for one in told if one.row == t])
    one_by_one.append(engine.finish(end))
    assert [event for events in one_by_one for event in events] == whole
    # Any cut gives the same bits.
    engine.reset()
    cuts = sorted(data.draw(st.lists(st.integers(0, n_rows), max_size=6)))
    parts = itertools.pairwise([0, *cuts, n_rows])
    pieces = [e for a, b in parts for e in engine.push(rows[a:b].astype(dtype))]
    assert pieces + engine.finish(end) == whole


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1))
@example(0)
def test_segments_of_speech_as_the_reference_has_them(seed: int) -> None:
    """Windows and settings of Silero VAD, whose segments the reference's are."""
    case = drawn_case(seed, longest=80)
    given = {name: v for name, v in case.seconds.items() if v is not None}
    end, hop = given.pop("end"), given.pop("hop")
    rows = np.zeros((len(case.steps), 3))
    rows[:, 1] = case.probabilities
    told = DECISIONS["segments"](rows, hop=hop, end=end, label=1, **given)
    engine = listener("segments", hop, {**given, "label": 1})
    equal(engine.push(rows) + engine.finish(end), told, later=sees_later("final", given))


def test_there_is_something_to_compare() -> None:
    """The drawn posteriors give events of all kinds."""
    for kind in DECISIONS:
        settings = {"label": 0} if kind == "segments" else {}
        found = [
            DECISIONS[kind](drawn_posteriors(seed, 100, 3), hop=0.02, **settings)
            for seed in range(20)
        ]
        assert sum(map(len, found)) > 20
