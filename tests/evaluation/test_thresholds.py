"""Thresholds that are chosen: what they promise is what a listener keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.evaluation.thresholds import tuned_thresholds, with_thresholds
from pylstm.evaluation.word_evaluation import evaluate_words
from tests.evaluation.word_tapes import rows_with, tape_of
from tests.tone_model import tone_model

pytestmark = pytest.mark.law_judged_as_used

MODEL = tone_model()
HOUR = 3600 / 1.5
"""Clips in an hour."""


@settings(deadline=None, max_examples=8)
@given(
    labels=st.permutations(["low", "low", "high"]),
    seed=st.integers(0, 2**32 - 1),
    events=st.integers(0, 5),
)
def test_no_more_false_alarms_than_allowed(labels, seed, events):
    draw = np.random.default_rng(seed)

    def random_rows(tape):
        blocks = draw.dirichlet([0.3] * 3, size=round(tape.seconds * 5)).astype(np.float32)
        return np.repeat(blocks, 20, axis=0)

    tapes = [tape_of(labels), tape_of(["silence"] * 2), tape_of([None] * 4)]
    rows = [random_rows(tape) for tape in tapes]
    budget = (events + 0.5) * 3600 / 9
    found = tuned_thresholds(MODEL, tapes, budget, rows)
    assert found.evaluation.false_alarms <= events
    again = evaluate_words(MODEL, tapes, {"threshold": found.thresholds}, rows)
    assert again.events == found.evaluation.events


def test_a_label_that_is_never_said_keeps_its_threshold():
    tape, wordless = tape_of(["low"]), tape_of([None] * 2)
    rows = [rows_with(tape, [(0.5, "low", 0.9)]), rows_with(wordless, [(0.5, "high", 0.9)])]
    found = tuned_thresholds(MODEL, [tape, wordless], 1.0, rows)
    assert found.thresholds["high"] == 0.7
    assert found.evaluation.false_alarms == 1
    assert "1 false alarm" in (found.note or "")


def test_words_and_noise_that_differ_are_told_apart():
    """And each label has the threshold that it needs, in the middle of what would do."""
    tape, wordless = tape_of(["low", "high"] * 3), tape_of([None] * 4)
    heard = [(k * 1.5 + 0.5, ("low", "high")[k % 2], (0.5, 0.95)[k % 2]) for k in range(6)]
    noises = [(0.5, "high", 0.8), (2.5, "low", 0.2), (4.0, "high", 0.72)]
    rows = [rows_with(tape, heard), rows_with(wordless, noises)]
    before = evaluate_words(MODEL, [tape, wordless], None, rows)
    assert (before.missed, before.false_alarms) == (3, 2)
    found = tuned_thresholds(MODEL, [tape, wordless], 1.0, rows)
    assert (found.evaluation.missed, found.evaluation.false_alarms) == (0, 0)
    assert 0.3 < found.thresholds["low"] < 0.45
    assert 0.85 < found.thresholds["high"] < 0.93
    assert found.before.events == before.events


def test_noise_that_sounds_as_sure_as_can_be():
    """No threshold tells it from a word: the highest one is what is left, and that is said."""
    tape, wordless = tape_of(["low", "high"]), tape_of([None] * 2)
    rows = [
        rows_with(tape, [(0.5, "low", 0.9), (2.0, "high", 0.9)]),
        rows_with(wordless, [(0.5, "low", 1.0)]),
    ]
    found = tuned_thresholds(MODEL, [tape, wordless], 1.0, rows)
    assert found.thresholds["low"] > 0.99
    assert found.thresholds["high"] < 0.9
    assert (found.evaluation.missed, found.evaluation.false_alarms) == (1, 1)
    assert "1 false alarm left" in (found.note or "")


def test_a_budget_that_cannot_be_seen_is_said_and_kept_with_a_margin():
    tape, wordless = tape_of(["low"]), tape_of([None])
    rows = [rows_with(tape, [(0.5, "low", 0.99)]), rows_with(wordless, [(0.5, "low", 0.9)])]
    found = tuned_thresholds(MODEL, [tape, wordless], 1.0, rows)
    assert "cannot show a rate of false alarms of 1 an hour" in (found.note or "")
    assert found.thresholds["low"] >= 0.9 + 0.1 * 0.1 - 1e-6
    longer = tape_of([None] * int(2 * HOUR))
    rows[1] = rows_with(longer, [(0.5, "low", 0.9)])
    seen = tuned_thresholds(MODEL, [tape, longer], 1.0, rows)
    assert seen.note is None
    assert (seen.evaluation.missed, seen.evaluation.false_alarms <= 2) == (0, True)


def test_a_miss_costs_as_much_as_a_word_that_is_taken_for_another():
    """One low is soft; twice something like it sounds in recordings of high."""
    tape, wordless = tape_of(["low", "low", "high", "high"]), tape_of([None])
    heard = [(0.5, "low", 0.9), (2.0, "low", 0.4)]
    heard += [(t + 0.2, "low", 0.5) for t in (3.0, 4.5)]
    heard += [(t + 0.7, "high", 0.9) for t in (3.0, 4.5)]
    found = tuned_thresholds(
        MODEL, [tape, wordless], 1.0, [rows_with(tape, heard), rows_with(wordless)]
    )
    assert (found.evaluation.missed, found.evaluation.another) == (1, 0)


@pytest.mark.parametrize(
    ("labels", "budget", "message"),
    [
        (["low"], 1.0, "no audio without words"),
        ([None], 1.0, "no word that the model can report"),
        (["low", None], 0.0, "false_alarms_an_hour is 0; expected above 0"),
        (["low", None], -1.0, "false_alarms_an_hour is -1"),
    ],
)
def test_what_cannot_be_tuned(labels, budget, message):
    tape = tape_of(labels)
    with pytest.raises(ValueError, match=message):
        tuned_thresholds(MODEL, [tape], budget, [rows_with(tape)])


def test_other_thresholds_leave_all_else_as_it_is():
    model = pylstm.load("keywords")
    changed = with_thresholds(model, {"yes": 0.875})
    before, after = model.listener().decision, changed.listener().decision
    assert after["threshold"] == {
        label: 0.875 if label == "yes" else 0.6
        for label in model.labels
        if label not in before["background"]
    }
    assert before | {"threshold": None} == after | {"threshold": None}
    assert (changed.info, changed.nodes) == (model.info, model.nodes)
    again = pylstm.Model.from_bytes(changed.to_bytes())
    assert again.listener().decision == after
