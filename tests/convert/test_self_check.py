"""What is compared when a conversion checks itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert.self_check import TOLERANCE, largest_difference, steady_difference
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


def chaotic(seed: int = 3) -> pylstm.LSTM:
    """An LSTM that enlarges roundings until its rows are unrelated."""
    layer = pylstm.LSTM(3, 24, seed=seed)
    return layer.with_weights({name: 12 * array for name, array in layer.weights.items()})


def in_float64(layer: pylstm.LSTM) -> Any:
    """Another program, which rounds elsewhere."""

    def run(frames: Any) -> Any:
        w = {name: array.astype(np.float64) for name, array in layer.weights.items()}
        h, c, rows = np.zeros(24), np.zeros(24), []
        for x in frames.astype(np.float64):
            sums = w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
            i, f, g, o = np.split(sums, 4)
            with np.errstate(over="ignore"):
                i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            rows.append(h)
        return np.array(rows, np.float32)

    return run


def test_a_chaotic_network_is_judged_before_it_runs_away() -> None:
    layer = chaotic()
    run = in_float64(layer)
    assert largest_difference([layer], run) > TOLERANCE
    steady = steady_difference([layer], run)
    assert steady is not None
    assert steady.difference <= TOLERANCE
    assert 5 <= steady.rows < 400


def test_a_wrong_chaotic_network_is_still_wrong() -> None:
    run = in_float64(chaotic(seed=4))
    steady = steady_difference([chaotic()], run)
    assert steady is not None
    assert steady.difference > 100 * TOLERANCE


def test_a_network_that_enlarges_nothing_has_no_such_rows() -> None:
    layer = pylstm.LSTM(3, 24, seed=3)
    assert steady_difference([layer], in_float64(layer)) is None
