"""What `segments_from_probabilities` refuses, and that following the message works."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy as numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pylstm
from pylstm.decisions import prefix_beam_search

P = np.array([0.1] * 10 + [0.9] * 20 + [0.1] * 10)
FOUND = pylstm.segments_from_probabilities(P, 0.032)
Q = 1 - P

SHAPES = {
    "a column": P[:, None],
    "a row": P[None],
    "a column of float32": P[:, None].astype(np.float32),
    "one channel of a batch of one": P[None, :, None],
    "two outputs": np.stack([Q, P], axis=1),
    "two outputs, transposed": np.stack([Q, P]),
    "a batch": np.stack([np.stack([Q, P], axis=1)] * 3),
    "a list of lists": np.stack([Q, P], axis=1).tolist(),
    "a list of lists of one": P[:, None].tolist(),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_code_in_the_message_gives_the_segments(name: str) -> None:
    p = SHAPES[name]
    with pytest.raises(ValueError, match=r"^p has shape .*; expected \(n,\): pass ") as error:
        pylstm.segments_from_probabilities(p, 0.032)
    code = re.search(r"pass (?:one column, such as )?(\S+.*)$", str(error.value))
    assert code
    found = pylstm.segments_from_probabilities(eval(code[1], {"p": p, "numpy": numpy}), 0.032)
    assert found == FOUND if "float32" not in name else len(found) == len(FOUND)


@pytest.mark.parametrize("p", [0.5, np.float32(0.5), np.array(0.5), 1])
def test_one_number_is_no_sequence(p: object) -> None:
    with pytest.raises(TypeError, match=r"^p is [\d.]+; expected a sequence .*: pass \[p\] if"):
        pylstm.segments_from_probabilities(p, 0.032)  # type: ignore[arg-type]
    assert pylstm.segments_from_probabilities([p], 0.032, min_speech=0.0)  # type: ignore[list-item]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nan_is_called_nan(dtype: type) -> None:
    p = P.astype(dtype)
    p[3] = math.nan
    words = r"^p\[3\] is nan; .*: NaN is none; (numpy\S+) takes it for silence$"
    with pytest.raises(ValueError, match=words) as error:
        pylstm.segments_from_probabilities(p, 0.032)
    code = re.search(words, str(error.value))
    assert code
    found = pylstm.segments_from_probabilities(eval(code[1], {"p": p, "numpy": numpy}), 0.032)
    assert len(found) == len(FOUND)


@pytest.mark.parametrize("value", [-3.5, 300.0, math.inf, -math.inf])
def test_logits_are_shown_as_plain_numbers(value: float) -> None:
    words = rf"^p\[1\] is {re.escape(repr(value))}; .*: pass logits through a sigmoid$"
    with pytest.raises(ValueError, match=words):
        pylstm.segments_from_probabilities(np.array([0.5, value]), 0.032)


def test_masked_values_are_not_taken() -> None:
    masked = np.ma.masked_greater(P, 0.5)
    with pytest.raises(TypeError, match=r"^p is a masked array; .*fill it"):
        pylstm.segments_from_probabilities(masked, 0.032)
    assert pylstm.segments_from_probabilities(masked.filled(0), 0.032) == []


def test_masked_posteriors_are_not_searched() -> None:
    masked = np.ma.array([[0.6, 0.4], [0.6, 0.4]], mask=[[0, 1], [0, 0]])
    with pytest.raises(TypeError, match=r"^posteriors is a masked array; .*fill it"):
        prefix_beam_search(masked)
    [best] = prefix_beam_search(masked.filled(0))
    assert math.isfinite(best.log_probability)


@pytest.mark.parametrize("value", [{"0": 0.5}, {}, "0.5", None, [0.5], True])
def test_a_threshold_is_a_number(value: object) -> None:
    with pytest.raises(TypeError, match=r"^threshold is .*; expected a number$"):
        pylstm.segments_from_probabilities(P, 0.032, threshold=value)  # type: ignore[arg-type]


@given(
    n=st.integers(1, 2000),
    hop=st.floats(1e-3, 3600),
    duration=st.sampled_from([1e9, math.inf, -math.inf, math.nan, -1e-9, -1e300]),
)
def test_both_ends_that_the_message_names_are_taken(n: int, hop: float, duration: float) -> None:
    p = np.zeros(n)
    with pytest.raises(ValueError, match=r"^duration is .*; expected ") as error:
        pylstm.segments_from_probabilities(p, hop, duration=duration)
    named = re.search(r"; expected (\S+) to (\S+) seconds, or None: ", str(error.value))
    assert named
    for end in named.groups():
        assert pylstm.segments_from_probabilities(p, hop, duration=float(end)) == []
    assert pylstm.segments_from_probabilities(p, hop, duration=None) == []


def test_more_than_a_year_ends_where_it_ends() -> None:
    with pytest.raises(ValueError, match=r"^duration is 1; expected None: the last"):
        pylstm.segments_from_probabilities(np.zeros(20000), 3600, duration=1)
    assert pylstm.segments_from_probabilities(np.zeros(20000), 3600) == []
