"""What holds for every kind of layer, row by row of tests/layer_kinds.py."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.layers import KINDS as STREAMING
from pylstm.layers import LAYERS, PRECISIONS, Layer
from tests.finite_differences import assert_gradients, clear_passage, differences
from tests.layer_kinds import KINDS, VARIANTS, make_layer
from tests.network_passes import (
    Array,
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
streaming_variant = pytest.mark.parametrize(
    "variant", [v for v, kind in VARIANTS.items() if make_layer(v, 3, 4).obstacle is None]
)

# The fixtures set a variable that stays the same for all examples.
SHARED = [HealthCheck.function_scoped_fixture]

sizes = st.one_of(st.integers(1, 70), st.sampled_from([1, 15, 16, 17, 32, 48, 64]))


@pytest.fixture
def bulk() -> None:
    pytest.importorskip("scipy", reason="bulk passes need SciPy's BLAS")


@pytest.fixture
def training(bulk: None) -> None:
    pytest.importorskip("threadpoolctl", reason="training needs threadpoolctl")


@pytest.fixture
def torch() -> Any:
    module = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    module.set_num_threads(1)
    return module


def drawn(data: st.DataObject, variant: str, input_size: int, width: int, **more: Any) -> Layer:
    """A layer with settings that the row leaves to chance."""
    found = data.draw(st.fixed_dictionaries(dict(VARIANTS[variant].settings)))
    return make_layer(variant, input_size, width, **found, **more)


def stacked(variant: str, input_size: int, width: int) -> Layer:
    """A layer with more of everything that makes sequences differ, as far as its kind has it."""
    most = {"num_layers": 2, "bidirectional": True}
    found = {name: value for name, value in most.items() if name in VARIANTS[variant].settings}
    return make_layer(variant, input_size, width, seed=1, **found)


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


def test_every_kind_has_a_row() -> None:
    assert {kind.layer for kind in KINDS} == set(LAYERS)


# --- outputs and gradients ------------------------------------------------------------------------


@every_variant
@settings(deadline=None, max_examples=10, suppress_health_check=SHARED)
@given(
    data=st.data(),
    count=st.integers(1, 20),
    batch=st.integers(1, 6),
    input_size=st.integers(1, 40),
    width=sizes,
    lengths=st.booleans(),
    state=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_forward_is_the_reference(
    bulk: None,
    bulk_isa: str,
    variant: str,
    data: st.DataObject,
    count: int,
    batch: int,
    input_size: int,
    width: int,
    lengths: bool,
    state: bool,
    seed: int,
) -> None:
    layer = drawn(data, variant, input_size, width, seed=seed)
    at = passage([layer], count, batch, seed, lengths, state)
    begin = None if at.state is None else at.state[0]
    # A network leaves some activations to its loss, a layer none.
    x = np.where(at.present[..., None], at.x, 0).astype(np.float64)
    expected, end, _ = VARIANTS[variant].reference(layer, layer.weights, x, begin, at.counts)
    y, found = layer.forward(at.x, begin, at.lengths)
    assert y.dtype == np.float32
    assert y.shape == (count, batch, layer.n_outputs)
    # A ReLU's outputs grow from layer to layer.
    tolerance = TOLERANCE * max(1, np.abs(expected).max())
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
    assert (y[~at.present] == 0).all()
    assert_states(found, end, tolerance)


@every_variant
@settings(deadline=None, max_examples=15, suppress_health_check=SHARED)
@given(
    data=st.data(),
    count=st.integers(1, 40),
    batch=st.one_of(st.integers(1, 33), st.sampled_from([1, 33])),
    input_size=sizes,
    width=sizes,
    lengths=st.booleans(),
    state=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_outputs_and_gradients_are_those_of_torch(
    training: None,
    torch: Any,
    bulk_isa: str,
    variant: str,
    data: st.DataObject,
    count: int,
    batch: int,
    input_size: int,
    width: int,
    lengths: bool,
    state: bool,
    seed: int,
) -> None:
    if "relu" in variant:  # fewer values, so that hardly any is near a corner
        count, batch, width = 1 + count // 3, 1 + batch // 4, 1 + width // 2
    layer = drawn(data, variant, input_size, width, seed=seed)
    at = passage([layer], count, batch, seed, lengths, state)
    assume(clear([layer], at))
    compare_with_torch([layer], at)


@functools.cache
def small_case(variant: str, chosen: tuple[tuple[str, Any], ...]) -> tuple[Layer, Any, Any]:
    """A layer, a passage, its gradients: the same for all kernels."""
    layer = make_layer(variant, 2, 3, seed=1, **dict(chosen))
    given = clear_passage([layer], 3, 2)
    return layer, given, differences([layer], given)


@every_variant
@pytest.mark.parametrize(
    ("num_layers", "bidirectional", "bias"),
    [(1, False, True), (1, True, False), (2, False, False), (2, True, True)],
)
def test_gradients_are_differences_of_the_reference(
    training: None, bulk_isa: str, variant: str, num_layers: int, bidirectional: bool, bias: bool
) -> None:
    chosen = {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
    taken = tuple((name, v) for name, v in chosen.items() if name in VARIANTS[variant].settings)
    layer, given, expected = small_case(variant, taken)
    assert_gradients([layer], given, expected=expected)


# --- sequences and states -------------------------------------------------------------------------


@every_variant
def test_one_sequence_without_a_batch(bulk: None, variant: str) -> None:
    layer = stacked(variant, 7, 20)
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


@every_variant
def test_a_state_goes_out_and_in(bulk: None, bulk_isa: str, variant: str) -> None:
    found = {"num_layers": 2} if "num_layers" in VARIANTS[variant].settings else {}
    layer = make_layer(variant, 9, 21, seed=1, **found)
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
    layer = stacked(variant, 5, 18)
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


# --- streams --------------------------------------------------------------------------------------


@streaming_variant
@settings(deadline=None, max_examples=15, suppress_health_check=SHARED)
@given(
    data=st.data(),
    input_size=st.integers(1, 40),
    width=sizes,
    cuts=st.lists(st.integers(0, 30), min_size=1, max_size=12),
    precision=st.sampled_from(PRECISIONS),
)
def test_any_cut_and_any_company_give_the_same_bits(
    isa: str,
    variant: str,
    data: st.DataObject,
    input_size: int,
    width: int,
    cuts: list[int],
    precision: str,
) -> None:
    layer = drawn(data, variant, input_size, width, seed=0)
    assume(layer.obstacle is None)
    if precision in layer.precisions[1:]:
        layer = layer.quantize(precision)
    model = pylstm.Model(None, [layer])
    x = frames(1 + sum(cuts), 1, input_size)[:, 0]
    whole, stream = model.stream().push_frames(x), model.stream()
    rows = [stream.push_frames(part) for part in np.split(x, np.cumsum(cuts))]
    assert [len(part) for part in rows] == [*cuts, 1]
    assert np.concatenate(rows).tobytes() == whole.tobytes()
    pool = model.streams(len(cuts))
    for slot, part in pool.push_frames({k: x[: 2 * k] for k in range(len(cuts))}).items():
        assert part.tobytes() == whole[: 2 * slot].tobytes()


@streaming_variant
@settings(deadline=None, max_examples=10, suppress_health_check=SHARED)
@given(data=st.data(), input_size=st.integers(1, 40), width=sizes, seed=st.integers(0, 2**32 - 1))
def test_a_stream_gives_what_forward_gives(
    bulk: None,
    isa: str,
    variant: str,
    data: st.DataObject,
    input_size: int,
    width: int,
    seed: int,
) -> None:
    layer = drawn(data, variant, input_size, width, seed=seed)
    assume(layer.obstacle is None)
    x = frames(60, 1, input_size)[:, 0]
    y, _ = layer.forward(x)
    streamed = pylstm.Model(None, [layer]).stream().push_frames(x)
    np.testing.assert_allclose(streamed, y, rtol=0, atol=TOLERANCE * max(1, np.abs(y).max()))


@every_variant
def test_what_cannot_stream_is_no_model_and_in_no_file(variant: str) -> None:
    layer = make_layer(variant, 4, 6, seed=1)
    assert (layer.kind in STREAMING) == layer.streams
    if layer.obstacle is None:
        assert pylstm.Model(None, [layer]).layers == (layer,)
        return
    with pytest.raises(ValueError, match=r"layers\[0\], .* cannot stream: "):
        pylstm.Model(None, [layer])
    with pytest.raises(ValueError, match="fits in no model file"):
        layer.config()


# --- layers as values -----------------------------------------------------------------------------


@every_variant
@settings(deadline=None, max_examples=10)
@given(data=st.data(), input_size=st.integers(1, 40), width=sizes, seed=st.integers(0, 99))
def test_values(variant: str, data: st.DataObject, input_size: int, width: int, seed: int) -> None:
    layer = drawn(data, variant, input_size, width, seed=seed)
    name = type(layer).__name__
    again = eval(repr(layer), {name: type(layer)})
    assert again.shapes == layer.shapes == {n: w.shape for n, w in layer.weights.items()}
    assert again.with_weights(layer.weights) == layer
    assert pickle.loads(pickle.dumps(layer)) == layer
    settings_of = layer._arguments()
    assert type(layer)(**settings_of, seed=seed) == layer  # type: ignore[call-arg]
    other = layer.with_weights(layer.weights)
    other.weights[list(other.weights)[-1]].flat[-1] += 1
    assert other != layer


@streaming_variant
@settings(deadline=None, max_examples=20)
@given(
    data=st.data(),
    input_size=st.integers(1, 40),
    width=sizes,
    precision=st.sampled_from(PRECISIONS),
)
def test_configurations_come_back(
    variant: str, data: st.DataObject, input_size: int, width: int, precision: str
) -> None:
    layer = drawn(data, variant, input_size, width, seed=1)
    assume(layer.obstacle is None)
    if precision in layer.precisions[1:]:
        layer = layer.quantize(precision)
    config = layer.config()
    assert all(isinstance(value, str) for value in config.values())
    again = STREAMING[config["kind"]].from_config(config, layer.weights)
    assert again == layer
    assert type(again) is type(layer)
    model = pylstm.Model(None, [layer])
    assert pylstm.Model.from_bytes(model.to_bytes()).layers == (layer,)
    for key in config:
        if key != "precision":
            short = {name: value for name, value in config.items() if name != key}
            with pytest.raises(ValueError, match=f"is missing '{key}'"):
                type(layer).from_config(short, layer.weights)
    with pytest.raises(ValueError, match="has no 'colour'; expected"):
        type(layer).from_config(config | {"colour": "red"}, layer.weights)


@every_variant
def test_quantisation(variant: str) -> None:
    layer = make_layer(variant, 13, 21, seed=1)
    for precision in PRECISIONS[1:]:
        if precision not in layer.precisions:
            with pytest.raises(ValueError, match=f"precision is '{precision}'; expected"):
                layer.quantize(precision)
            continue
        small = layer.quantize(precision)
        assert (small.precision, small.shapes) == (precision, layer.shapes)
        assert sum(w.nbytes for w in small.tensors().values()) < sum(
            w.nbytes for w in layer.tensors().values()
        )
        with pytest.raises(ValueError, match=f"the layer is {precision} already"):
            small.quantize(precision)
        with pytest.raises(ValueError, match=f"is {precision}: bulk passes run float32"):
            small.forward(frames(5, 1, 13))


@every_variant
def test_weights_that_do_not_fit(variant: str) -> None:
    layer = make_layer(variant, 4, 6, seed=1)
    name = next(iter(layer.shapes))

    def changed(change: Any) -> dict[str, Array]:
        return {**layer.weights, name: change(layer.weights[name])}

    missing = {n: w for n, w in layer.weights.items() if n != name}
    for weights, error, message in [
        (missing, ValueError, f"is missing '{name}'; expected"),
        ({**layer.weights, "extra": layer.weights[name]}, ValueError, "has no use for 'extra'"),
        (changed(lambda w: w[:-1]), ValueError, f"'{name}' of .* has shape .*; expected"),
        (changed(lambda w: w.astype(np.float64)), TypeError, f"'{name}' of .* is float64; exp"),
        (changed(lambda w: w * np.float32(np.nan)), ValueError, f"'{name}' of .* is not finite"),
        (list(layer.weights.values()), TypeError, "expected a mapping"),
    ]:
        with pytest.raises(error, match=message):
            layer.with_weights(weights)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed and weights exclude each other"):
        make_layer(variant, 4, 6, weights=layer.weights, seed=1)
