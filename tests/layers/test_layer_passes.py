"""Passes over whole batches, for every kind of layer: row by row of tests/layer_kinds.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pylstm.layers import Layer
from tests.finite_differences import assert_gradients, clear_passage, differences
from tests.instruction_sets import BULK_ISAS
from tests.layer_kinds import (
    IN_TORCH,
    ROWS_AND_STATES,
    VARIANTS,
    draw_layer,
    has_corner,
    make_layer,
    reference,
    stacked,
)
from tests.network_passes import (
    Passage,
    as_state,
    clear,
    compare_with_torch,
    frames,
    parts,
    passage,
)

# The same weights give what the reference and what a framework gives within this.
TOLERANCE = 1e-5

every_variant = pytest.mark.parametrize("variant", VARIANTS)
# The fixtures set a variable that stays the same for all examples.
SHARED = [HealthCheck.function_scoped_fixture]

sizes = st.one_of(st.integers(1, 70), st.sampled_from([1, 15, 16, 17, 32, 48, 64]))


@pytest.fixture
def bulk() -> None:
    pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")


@pytest.fixture
def training(bulk: None) -> None:
    pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")


@pytest.fixture
def torch() -> Any:
    module = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    module.set_num_threads(1)
    return module


def assert_states(ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> None:
    assert type(ours) is type(theirs)
    for a, b in zip(parts(ours), parts(theirs), strict=True):
        if a is not None:
            assert a.dtype == np.float32
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def state_of(state: Any, change: Any) -> Any:
    """A state, each of its parts changed."""
    return None if state is None else as_state(change(part) for part in parts(state))


# --- outputs and gradients ------------------------------------------------------------------------


def draw_case(
    data: st.DataObject,
    variant: str,
    frames_at_most: int,
    sequences_at_most: int,
    widths: st.SearchStrategy[int] = sizes,
) -> tuple[Layer, Passage]:
    """A layer, and what goes into its passes."""
    seed = data.draw(st.integers(0, 2**32 - 1), "seed")
    count = data.draw(st.integers(1, frames_at_most), "frames")
    batch = data.draw(
        st.one_of(st.integers(1, sequences_at_most), st.sampled_from([1, sequences_at_most])),
        "sequences",
    )
    lengths, state = data.draw(st.booleans(), "lengths"), data.draw(st.booleans(), "state")
    layer = draw_layer(
        data, variant, data.draw(sizes, "input"), data.draw(sizes, "width"), seed=seed
    )
    return layer, passage([layer], count, batch, seed, lengths, state)


@pytest.mark.law_framework_exact
@every_variant
@settings(deadline=None, max_examples=10, suppress_health_check=SHARED)
@given(data=st.data())
def test_forward_is_the_reference(
    bulk: None, bulk_isa: str, variant: str, data: st.DataObject
) -> None:
    layer, at = draw_case(data, variant, 20, 6)
    begin = None if at.state is None else at.state[0]
    # A network leaves some activations to its loss, a layer none.
    x = np.where(at.present[..., None], at.x, 0).astype(np.float64)
    expected, end, *_ = reference(layer, layer.weights, x, begin, at.counts)
    y, found = layer.forward(at.x, begin, at.lengths)
    assert y.dtype == np.float32
    assert y.shape == (*at.x.shape[:2], layer.n_outputs)
    # A ReLU's outputs grow from layer to layer.
    tolerance = TOLERANCE * max(1, np.abs(expected).max())
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
    assert (y[~at.present] == 0).all()
    assert_states(found, end, tolerance)


@pytest.mark.slow
@pytest.mark.law_framework_exact
@pytest.mark.parametrize("variant", IN_TORCH)
@settings(deadline=None, max_examples=15, suppress_health_check=SHARED)
@given(data=st.data())
def test_outputs_and_gradients_are_those_of_torch(
    training: None, torch: Any, bulk_isa: str, variant: str, data: st.DataObject
) -> None:
    # With a ReLU or a limit fewer values, so that hardly any is near a corner.
    corners = has_corner(make_layer(variant, 3, 4))
    most = (14, 9, st.integers(1, 36)) if corners else (40, 33, sizes)
    layer, at = draw_case(data, variant, *most)
    assume(clear([layer], at))
    compare_with_torch([layer], at)


@pytest.mark.slow
@every_variant
@pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias"),
    [(1, False, True), (1, True, False), (2, False, False), (2, True, True)],
)
def test_gradients_are_differences_of_the_reference(
    training: None,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
    num_layers: int,
    bidirectional: bool,
    bias: bool,
) -> None:
    chosen = {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
    taken = {name: value for name, value in chosen.items() if name in VARIANTS[variant].settings}
    layer = make_layer(variant, 2, 3, seed=1, **taken)
    given = clear_passage([layer], 3, 2)
    expected = differences([layer], given)  # what takes long, once for all kernels
    for isa in BULK_ISAS:
        monkeypatch.setenv("PYLSTM_ISA", isa)
        assert_gradients([layer], given, expected=expected)


# --- sequences and states -------------------------------------------------------------------------


@every_variant
def test_one_sequence_without_a_batch(bulk: None, variant: str) -> None:
    layer = stacked(variant, 7, 20, bidirectional=True)
    x = frames(15, 1, 7)
    given = passage([layer], 1, 1, 0).state
    assert given is not None
    y, end = layer.forward(x, given[0])
    single, end_single = layer.forward(x[:, 0], state_of(given[0], lambda part: part[:, 0]))
    assert single.shape == (15, layer.n_outputs)
    assert single.tobytes() == y.tobytes()
    assert_states(end_single, state_of(end, lambda part: part[:, 0]), 0)
    short, _ = layer.forward(x[:, 0], None, np.array([9]))
    alone, _ = layer.forward(x[:9, 0])
    np.testing.assert_allclose(short[:9], alone, rtol=0, atol=1e-6)
    assert (short[9:] == 0).all()


@pytest.mark.parametrize("variant", ROWS_AND_STATES)
def test_a_state_goes_out_and_in(bulk: None, bulk_isa: str, variant: str) -> None:
    layer = stacked(variant, 9, 21)
    x = frames(50, 4, 9)
    whole, end = layer.forward(x)
    state, rows = None, []
    for part in np.split(x, [1, 2, 30]):
        y, state = layer.forward(part, state)
        rows.append(y)
    np.testing.assert_allclose(np.concatenate(rows), whole, rtol=0, atol=1e-6)
    assert_states(state, end, 1e-6)


@every_variant
def test_sequences_know_nothing_of_each_other(bulk: None, variant: str) -> None:
    """Nor of how long others are, or in which order they come."""
    layer = stacked(variant, 5, 18, bidirectional=True)
    lengths = np.array([3, 30, 1, 30, 17, 2])
    x = frames(30, 6, 5)
    y, end = layer.forward(x, None, lengths)
    for b, n in enumerate(lengths):
        alone, end_alone = layer.forward(x[:n, [b]])
        np.testing.assert_allclose(y[:n, [b]], alone, rtol=0, atol=1e-6)
        assert_states(state_of(end, lambda part, b=b: part[:, [b]]), end_alone, 1e-6)
    order = np.array([4, 2, 0, 5, 1, 3])
    other, end_other = layer.forward(x[:, order], None, lengths[order])
    np.testing.assert_allclose(other, y[:, order], rtol=0, atol=1e-6)
    assert_states(end_other, state_of(end, lambda part: part[:, order]), 1e-6)
    # All shorter than the batch is long.
    longer = np.concatenate([x, np.full((9, 6, 5), np.nan, np.float32)])
    padded, _ = layer.forward(longer, None, lengths)
    assert padded[:30].tobytes() == y.tobytes()
    assert (padded[30:] == 0).all()


@every_variant
def test_what_forward_refuses(bulk: None, variant: str) -> None:
    layer = make_layer(variant, 4, 6, seed=1)
    x = frames(5, 3, 4)
    bad = x.copy()
    bad[4, 2, 1] = np.nan
    for wrong, error, message in [
        (x.astype(np.float64), TypeError, "x is float64; expected"),
        (x[..., :3], ValueError, r"x has shape \(5, 3, 3\); expected"),
        (x[:0], ValueError, r"x has shape \(0, 3, 4\); expected"),
        (bad, ValueError, "x holds NaN or infinity; expected"),
    ]:
        with pytest.raises(error, match=message):
            layer.forward(wrong)
    with pytest.raises(ValueError, match=r"lengths\[0\] is 0; expected 1 to 5"):
        layer.forward(x, None, [0, 1, 1])
    with pytest.raises(TypeError, match="state is dict; expected"):
        layer.forward(x, {})
