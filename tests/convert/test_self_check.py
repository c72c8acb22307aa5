"""What is compared when a conversion checks itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert.self_check import largest_difference
from tests.layer_graphs import streamed

Array = NDArray[np.float32]


def model() -> pylstm.Model:
    layers = {
        "conv": pylstm.Conv(7, 5, 3, 2, padding=(1, 1), seed=0),
        "gru": pylstm.GRU(5, 4, seed=1),
    }
    return pylstm.Model(None, layers)


def layers_of(one: pylstm.Model) -> dict[str, tuple[object, ...]]:
    return {node.name: (node.layer, *node.inputs) for node in one.nodes}


def test_the_same_rows_differ_by_nothing() -> None:
    one = model()
    assert largest_difference(layers_of(one), lambda x: streamed(one, x)) == 0


@pytest.mark.parametrize("size", [1e-3, 0.5])
def test_one_value_of_one_row_is_seen(size: float) -> None:
    one = model()

    def other(x: Array) -> Array:
        y = streamed(one, x)
        y[-1, 2] += np.float32(size)
        return y

    assert largest_difference(layers_of(one), other) == pytest.approx(size, rel=1e-3)


def test_rows_of_another_number_or_width_are_refused() -> None:
    one = model()
    for cut in (np.s_[:-1], np.s_[:, :-1]):
        with pytest.raises(ValueError, match=r"the source gives rows of shape .*; expected \("):
            largest_difference(layers_of(one), lambda x, cut=cut: streamed(one, x)[cut])  # type: ignore[misc]


def test_what_is_not_finite_is_refused() -> None:
    one = model()
    with pytest.raises(ValueError, match="not finite"):
        largest_difference(layers_of(one), lambda x: streamed(one, x) * np.float32(np.nan))
