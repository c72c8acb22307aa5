"""Prefix beam search: the sum over all alignments, by trying them all, and by the loss of CTC."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.decisions.beam_search import prefix_beam_search
from pylstm.reference.decisions import symbols
from pylstm.train.losses.ctc import CTC

SEEDS = st.integers(0, 2**32 - 1)
EVERYTHING = 10_000
"""A beam in which all prefixes of a tiny case have room."""


def drawn(seed: int, n_rows: int, n_outputs: int, sharpness: float = 1.0) -> np.ndarray:
    """Rows of a softmax."""
    logits = np.random.default_rng(seed).normal(0, sharpness, (n_rows, n_outputs))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def collapsed(path: tuple[int, ...], blank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The symbols of an alignment, and the rows on which they begin."""
    begins = [
        t for t, k in enumerate(path) if k != blank and (t == 0 or path[t - 1] != k)
    ]  # fmt: skip
    return tuple(path[t] for t in begins), tuple(begins)


def by_trying(p: np.ndarray, blank: int) -> dict[tuple[int, ...], tuple[float, tuple[int, ...]]]:
    """The probability of each sequence, and the onsets of its likeliest alignment."""
    totals: dict[tuple[int, ...], list[float]] = {}
    likeliest: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        probability = math.prod(p[t, k] for t, k in enumerate(path))
        found, onsets = collapsed(path, blank)
        totals.setdefault(found, []).append(probability)
        likeliest[found] = max(likeliest.get(found, (-1.0, ())), (probability, onsets))
    return {found: (math.fsum(parts), likeliest[found][1]) for found, parts in totals.items()}


@settings(deadline=None, max_examples=60)
@given(
    seed=SEEDS,
    n_rows=st.integers(0, 6),
    n_outputs=st.integers(1, 4),
    sharpness=st.sampled_from([0.3, 1.0, 5.0]),
    logarithms=st.booleans(),
    data=st.data(),
)
def test_a_wide_beam_sums_over_all_alignments(
    seed: int, n_rows: int, n_outputs: int, sharpness: float, logarithms: bool, data: st.DataObject
) -> None:
    blank = data.draw(st.integers(0, n_outputs - 1))
    p = drawn(seed, n_rows, n_outputs, sharpness)
    expected = by_trying(p, blank)
    found = prefix_beam_search(
        np.log(p) if logarithms else p,
        blank=blank,
        beam_width=EVERYTHING,
        n_best=EVERYTHING,
        log_probabilities=logarithms,
    )
    assert {one.labels for one in found} == expected.keys()
    assert len(found) == len(expected)
    for one in found:
        probability, onsets = expected[one.labels]
        assert math.exp(one.log_probability) == pytest.approx(probability, rel=1e-9)
        assert one.onsets == onsets
    ranked = [one.log_probability for one in found]
    assert ranked == sorted(ranked, reverse=True)


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS, n_rows=st.integers(1, 6), n_outputs=st.integers(2, 4))
def test_outputs_that_are_impossible_are_never_found(
    seed: int, n_rows: int, n_outputs: int
) -> None:
    p = drawn(seed, n_rows, n_outputs)
    draw = np.random.default_rng(seed)
    p[draw.random(p.shape) < 0.4] = 0.0
    p[np.arange(n_rows), draw.integers(0, n_outputs, n_rows)] = 0.5
    possible = {k: total for k, (total, _) in by_trying(p, 0).items() if total > 0}
    for width in (1, 2, EVERYTHING):
        found = prefix_beam_search(p, beam_width=width, n_best=width)
        assert found
        for one in found:
            assert math.exp(one.log_probability) <= possible[one.labels] * (1 + 1e-9)
    assert {one.labels for one in found} == possible.keys()


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, width=st.integers(1, 8), n_rows=st.integers(1, 6))
def test_a_narrow_beam_gives_lower_bounds(seed: int, width: int, n_rows: int) -> None:
    p = drawn(seed, n_rows, 4)
    expected = by_trying(p, 0)
    found = prefix_beam_search(p, beam_width=width, n_best=width)
    assert len(found) <= width
    for one in found:
        probability, onsets = expected[one.labels]
        assert math.exp(one.log_probability) <= probability * (1 + 1e-9)
        assert one.onsets == onsets


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, n_rows=st.integers(0, 100), n_outputs=st.integers(2, 6), width=st.integers(1, 5))
def test_of_certain_rows_it_is_the_best_path(
    seed: int, n_rows: int, n_outputs: int, width: int
) -> None:
    p = np.eye(n_outputs)[np.random.default_rng(seed).integers(0, n_outputs, n_rows)]
    [found] = prefix_beam_search(p.reshape(-1, n_outputs), beam_width=width)
    greedy = symbols(p.reshape(-1, n_outputs), hop=1.0)
    assert found.labels == tuple(event.output for event in greedy)
    assert found.onsets == tuple(int(event.onset) for event in greedy)
    assert found.log_probability == 0.0


@pytest.mark.slow
def test_ten_thousand_rows() -> None:
    """No probability underflows, and the bound is between the best path and the loss of CTC."""
    logits = np.random.default_rng(1).normal(0, 4, (10_000, 12))
    logits[:, 0] += 12  # most rows of a recording are blanks
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    [found] = prefix_beam_search(p)
    loss = CTC()(np.log(p)[:, np.newaxis], [np.array(found.labels)])
    exact = -loss.value * len(found.labels)  # which divides by the length
    assert np.log(p.max(axis=1)).sum() < found.log_probability < exact + 0.01
    assert len(found.onsets) == len(found.labels) > 100
    assert all(before < after for before, after in itertools.pairwise(found.onsets))
    assert np.exp(found.log_probability) == 0.0  # too small to have been multiplied


def test_float32_and_labels() -> None:
    p = drawn(3, 20, 3).astype(np.float32)
    numbers = prefix_beam_search(p, blank=1, n_best=4)
    names = prefix_beam_search(p, ["a", "-", "b"], blank="-", n_best=4)
    by_number = prefix_beam_search(p, ["a", "-", "b"], blank=1, n_best=4)
    assert names == by_number
    assert [one.labels for one in names] == [
        tuple("a-b"[k] for k in one.labels) for one in numbers
    ]  # fmt: skip


def test_without_rows_it_is_the_empty_sequence() -> None:
    assert prefix_beam_search(np.zeros((0, 3))) == [((), 0.0, ())]


P = np.full((2, 3), 1 / 3)


def test_of_equally_likely_prefixes_the_first_go_on() -> None:
    [found] = prefix_beam_search(P, beam_width=1)
    assert found.labels == ()
    assert math.exp(found.log_probability) == pytest.approx(1 / 9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"posteriors": [[1.0]]}, TypeError, "posteriors is list; expected a NumPy array"),
        ({"posteriors": P.astype(int)}, TypeError, "is int64; expected float32 or float64"),
        ({"posteriors": P[0]}, ValueError, "is float64 with shape (3,); expected (T, n_outputs)"),
        ({"posteriors": P[:, :0]}, ValueError, "with shape (2, 0); expected (T, n_outputs)"),
        ({"posteriors": P * np.nan}, ValueError, "posteriors holds NaN; expected probabilities"),
        ({"posteriors": P * 9}, ValueError, "holds 3; expected probabilities, 0 to 1, as a softm"),
        ({"posteriors": -P}, ValueError, "For their logarithms use log_probabilities=True"),
        ({"log_probabilities": True}, ValueError, "For probabilities use log_probabilities=False"),
        ({"posteriors": P * [[1], [0]]}, ValueError, "posteriors[1] has probability 0 everywhere"),
        ({"log_probabilities": 1}, TypeError, "log_probabilities is 1; expected True or False"),
        ({"labels": "abc"}, TypeError, "labels is str; expected a sequence of str"),
        ({"labels": [1, 2, 3]}, TypeError, "labels holds 1; expected str"),
        ({"labels": ["a"]}, ValueError, "labels has 1 name; expected 3, one for each output"),
        ({"labels": ["a", "b", "c"], "blank": "-"}, ValueError, "blank is '-'; expected one of"),
        ({"labels": ["-", "-", "c"], "blank": "-"}, ValueError, "and one that is there once"),
        ({"blank": "-"}, ValueError, "blank is '-' but there are no labels; expected the number"),
        ({"blank": 3}, ValueError, "blank is 3; expected 0 to 2"),
        ({"blank": 0.0}, TypeError, "blank is 0.0; expected a whole number"),
        ({"beam_width": 0}, ValueError, "beam_width is 0; expected 1 or more"),
        ({"n_best": 17}, ValueError, "n_best is 17; expected 1 to 16"),
    ],
)
def test_bad_arguments(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        prefix_beam_search(**({"posteriors": P} | change))


def test_what_the_messages_ask_for_works() -> None:
    assert prefix_beam_search(np.log(P), log_probabilities=True) == prefix_beam_search(P)
    assert prefix_beam_search(P, ["-", "a", "b"], blank="-", n_best=16)
