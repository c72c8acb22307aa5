"""Streams, files and values, for every kind of layer: row by row of tests/layer_kinds.py."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import layers
from pylstm.layers import LAYERS, PRECISIONS
from pylstm.reference.layers import LAYERS as REFERENCE
from tests.layer_kinds import KINDS, STREAMING, VARIANTS, draw_layer, kind_of, make_layer, stacked
from tests.network_passes import Array, frames

ROOT = Path(__file__).parents[2]

TOLERANCE = 1e-5

every_variant = pytest.mark.parametrize("variant", VARIANTS)
streaming_variant = pytest.mark.parametrize("variant", STREAMING)

# The fixtures set a variable that stays the same for all examples.
SHARED = [HealthCheck.function_scoped_fixture]

sizes = st.one_of(st.integers(1, 70), st.sampled_from([1, 15, 16, 17, 32, 48, 64]))


@pytest.fixture
def bulk() -> None:
    pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")


def test_every_kind_has_a_row() -> None:
    # What joins rows has tests of its own: test_joins.py.
    assert {kind.layer for kind in KINDS} == {k for k in LAYERS if not issubclass(k, layers.Join)}


def test_every_floor_knows_the_same_kinds() -> None:
    """What the core reads, what Python makes, what the reference and the page on files say."""
    registry = (ROOT / "src/layers/layers.c").read_text()
    assert set(re.findall(r"^    KIND\((\w+), PYLSTM_KIND_\1\)", registry, re.MULTILINE)) == set(
        layers.KINDS
    )
    assert set(REFERENCE) == {kind.kind for kind in LAYERS}
    assert all(getattr(pylstm, kind.__name__) is kind for kind in LAYERS)
    assert documented().keys() <= layers.KINDS.keys()


def documented() -> dict[str, str]:
    """The section of each kind on the page on files."""
    page = (ROOT / "docs/model-file.md").read_text()
    _, *rest = re.split(r"^### `(\w+)`$", page, flags=re.MULTILINE)
    return dict(zip(rest[::2], rest[1::2], strict=True))


@streaming_variant
def test_the_page_on_files_has_a_section_with_its_keys_and_tensors(variant: str) -> None:
    layer = stacked(variant, 3, 4)
    assert layer.kind in documented(), "docs/model-file.md needs a section for it"
    section = documented()[layer.kind]
    keys = {*layer.settings, *(["precision"] if len(layer.precisions) > 1 else [])}
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == keys - {"input_size"}
    names = {re.sub(r"_l\d+$", "_l0", name) for name in layer.shapes}
    assert {name for name in names if f"`{name}`" not in section} == set()


# --- streams --------------------------------------------------------------------------------------


@pytest.mark.law_chunk
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
    layer = draw_layer(data, variant, input_size, width, seed=0)
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
    layer = draw_layer(data, variant, input_size, width, seed=seed)
    assume(layer.obstacle is None)
    x = frames(60, 1, input_size)[:, 0]
    y, _ = layer.forward(x)
    streamed = pylstm.Model(None, [layer]).stream().push_frames(x)
    np.testing.assert_allclose(streamed, y, rtol=0, atol=TOLERANCE * max(1, np.abs(y).max()))


@every_variant
def test_what_cannot_stream_is_no_model_and_in_no_file(variant: str) -> None:
    layer = make_layer(variant, 4, 6, seed=1)
    assert (layer.kind in layers.KINDS) == layer.streams
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
    layer = draw_layer(data, variant, input_size, width, seed=seed)
    name = type(layer).__name__
    again = eval(repr(layer), {name: type(layer)})
    assert again.shapes == layer.shapes == {n: w.shape for n, w in layer.weights.items()}
    assert again.with_weights(layer.weights) == layer
    assert pickle.loads(pickle.dumps(layer)) == layer
    if kind_of(layer).draws:
        first, second = (type(layer)(**layer._arguments(), seed=seed) for _ in range(2))  # type: ignore[call-arg]
        assert first == second
    if not layer.weights:
        return
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
    layer = draw_layer(data, variant, input_size, width, seed=1)
    assume(layer.obstacle is None)
    if precision in layer.precisions[1:]:
        layer = layer.quantize(precision)
    config = layer.config()
    assert all(isinstance(value, str) for value in config.values())
    again = layers.KINDS[config["kind"]].from_config(config, layer.weights)
    assert again == layer
    assert type(again) is type(layer)
    model = pylstm.Model(None, [layer])
    assert pylstm.Model.from_bytes(model.to_bytes()).layers == (layer,)
    for key in config:
        if key != "precision" and key not in layer.later_settings:
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
    name = next(iter(layer.shapes), "weight")
    extra = {**layer.weights, "extra": np.ones(1, np.float32)}
    with pytest.raises(ValueError, match="has no use for 'extra'; expected"):
        layer.with_weights(extra)
    with pytest.raises(TypeError, match="expected a mapping"):
        layer.with_weights(list(layer.weights.values()))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed and weights exclude each other"):
        make_layer(variant, 4, 6, weights=layer.weights, seed=1)
    if not layer.weights:
        return

    def changed(change: Any) -> dict[str, Array]:
        return {**layer.weights, name: change(layer.weights[name])}

    missing = {n: w for n, w in layer.weights.items() if n != name}
    for weights, error, message in [
        (missing, ValueError, f"is missing '{name}'; expected"),
        (changed(lambda w: w[:-1]), ValueError, f"'{name}' of .* has shape .*; expected"),
        (changed(lambda w: w.astype(np.float64)), TypeError, f"'{name}' of .* is float64; exp"),
        (changed(lambda w: w * np.float32(np.nan)), ValueError, f"'{name}' of .* is not finite"),
    ]:
        with pytest.raises(error, match=message):
            layer.with_weights(weights)


@pytest.mark.law_nothing_poisons
@streaming_variant
def test_huge_input_and_weights_leave_rows_and_state_finite(isa: str, variant: str) -> None:
    rng = np.random.default_rng(0)
    layer = make_layer(variant, 12, 20, seed=1)
    huge = {name: np.where(w < 0, -3e38, 3e38).astype("f4") for name, w in layer.weights.items()}
    for weights in (layer.weights, huge):
        model = pylstm.Model(None, [layer.with_weights(weights) if weights else layer])
        for signs in (np.ones((20, 12)), -np.ones((20, 12)), rng.choice([-1, 1], (20, 12))):
            stream = model.stream()
            assert np.isfinite(stream.push_frames((3.4e38 * signs).astype("f4"))).all()
            assert np.isfinite(stream.flush()).all()
            model.stream().restore(stream.snapshot())  # which refuses what is not finite
