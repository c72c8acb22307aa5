"""Label error rates: the naive recursion, and what every distance is."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylstm.evaluation.label_error_rate import LabelErrors, label_error_rate, label_errors

SEQUENCES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8)
LONGER = st.lists(st.integers(0, 5), max_size=60)


def naive(reference: list[str], hypothesis: list[str]) -> tuple[int, int, int]:
    """Substitutions, insertions and deletions of an alignment with the fewest errors, and of these
    the fewest substitutions."""

    @cache
    def least(i: int, j: int) -> tuple[int, int, int, int]:
        ways = [(0, 0, 0, 0)] if i == j == 0 else []
        if i and j:
            errors, s, n, d = least(i - 1, j - 1)
            wrong = int(reference[i - 1] != hypothesis[j - 1])
            ways.append((errors + wrong, s + wrong, n, d))
        if j:
            errors, s, n, d = least(i, j - 1)
            ways.append((errors + 1, s, n + 1, d))
        if i:
            errors, s, n, d = least(i - 1, j)
            ways.append((errors + 1, s, n, d + 1))
        return min(ways)

    return least(len(reference), len(hypothesis))[1:]


@given(reference=SEQUENCES, hypothesis=SEQUENCES)
def test_the_naive_recursion(reference: list[str], hypothesis: list[str]) -> None:
    found = label_errors(reference, hypothesis)
    assert found == (*naive(reference, hypothesis), len(reference))


@given(a=LONGER, b=LONGER, c=LONGER)
def test_it_is_a_distance(a: list[int], b: list[int], c: list[int]) -> None:
    found, back = label_errors(a, b), label_errors(b, a)
    assert (found.insertions, found.deletions) == (back.deletions, back.insertions)
    assert found.substitutions == back.substitutions
    assert found.errors <= label_errors(a, c).errors + label_errors(c, b).errors
    assert (found.errors == 0) == (a == b)
    assert abs(len(a) - len(b)) <= found.errors <= max(len(a), len(b))
    assert found.correct + found.substitutions + found.insertions == len(b)


@given(a=LONGER, at=st.integers(0, 60), label=st.integers(6, 9))
def test_a_new_label_is_one_insertion(a: list[int], at: int, label: int) -> None:
    longer = [*a[:at], label, *a[at:]]
    assert label_errors(a, longer) == (0, 1, 0, len(a))
    assert label_errors(longer, a) == (0, 0, 1, len(a) + 1)


@given(pairs=st.lists(st.tuples(SEQUENCES, SEQUENCES), max_size=5))
def test_the_rate_is_that_of_the_sums(pairs: list[tuple[list[str], list[str]]]) -> None:
    each = [label_errors(*pair) for pair in pairs]
    total = label_error_rate([r for r, _ in pairs], (h for _, h in pairs))
    assert list(total) == [sum(counts) for counts in zip([0] * 4, *each, strict=True)]
    if total.length:
        assert total.rate == sum(one.errors for one in each) / sum(one.length for one in each)
    else:
        assert math.isnan(total.rate)


def test_thousands_of_labels() -> None:
    draw = np.random.default_rng(0)
    said = draw.integers(0, 40, 4000)
    found = np.where(draw.random(4000) < 0.1, 99, said)
    errors = label_errors(said, np.delete(found, slice(1000, 1010)))
    changed = np.count_nonzero(np.delete(found, slice(1000, 1010)) == 99)
    assert errors == (changed, 0, 10, 4000)


def test_any_hashable_label() -> None:
    assert label_errors([("a", 1), None, 2.5], [("a", 1), 2.5]) == (0, 0, 1, 3)
    assert label_errors("abc", "abd") == LabelErrors(1, 0, 0, 3)
    assert label_errors([], "ab").rate != label_errors([], "ab").rate


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (label_errors, ({"a"}, ["a"]), TypeError, "reference is set; expected a sequence of lab"),
        (label_errors, (["a"], 3), TypeError, "hypothesis is int; expected a sequence of labels"),
        (label_errors, (["a"], [["a"]]), TypeError, "hypothesis holds a list; expected labels"),
        (label_error_rate, ("abc", ["abc"]), TypeError, "references is str; expected sequences of"),
        (label_error_rate, (["abc"], "abc"), TypeError, "for a single one [hypotheses]"),
        (label_error_rate, (["a"], 3), TypeError, "hypotheses is int; expected sequences of"),
        (label_error_rate, (["a", "b"], ["a"]), ValueError, "hypotheses has 1 sequence; expec"),
        (label_error_rate, ([3], [4]), TypeError, "reference is int; expected a sequence of"),
    ],
)  # fmt: skip
def test_bad_arguments(
    function: Any, arguments: tuple[Any, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        function(*arguments)
