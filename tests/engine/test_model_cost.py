"""What a model costs is what it does: the operations of the rule against counted instructions.

``python -m tests.engine.cost 10`` draws models and counts for ten minutes.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import pylstm
from tests.engine.cost.counted import LEAST, MOST, counts
from tests.engine.cost.drawn_models import (
    LENGTHS,
    RATES,
    costliest,
    drawn,
    grid,
    hop_asked_for,
)

pytestmark = pytest.mark.law_nothing_hostile_loads


@pytest.mark.slow
def test_a_model_does_no_more_than_the_rule_says() -> None:
    models = grid()[::11] + [drawn(random.Random(seed)) for seed in (1, 4, 6, 7)]
    found = counts(models, "scalar", 4e6) + counts(costliest(), "scalar", 2e5)
    for count, model in zip(found, models + costliest(), strict=True):
        assert LEAST < count.ratio < MOST, model
        assert count.per_second <= 2e10


def least_hop(**settings: object) -> int:
    """The shortest hop that is taken, as the refusal of hop 1 names it."""
    try:
        pylstm.MFCC(**settings, hop_length=1)  # type: ignore[arg-type]
    except ValueError as error:
        ending = "operations, more than 2e+10, most of them for n_"
        return hop_asked_for(error) if ending in str(error) else 0
    return 1


@pytest.mark.parametrize("n_fft", LENGTHS)
def test_the_hop_that_a_refusal_asks_for_is_taken(n_fft: int) -> None:
    for rate in RATES[:: 1 + n_fft % 3]:
        for n_mels in (8, 512):
            settings = {"n_fft": n_fft, "win_length": n_fft, "sr": rate, "n_mels": n_mels}
            settings |= {"n_mfcc": n_mels, "deltas": 2}
            hop = least_hop(**settings)
            pylstm.MFCC(**settings, hop_length=hop)  # type: ignore[arg-type]
            if hop > 1:
                with pytest.raises(
                    ValueError, match=f"hop_length is {hop - 1}; .* at least {hop}:"
                ):
                    pylstm.MFCC(**settings, hop_length=hop - 1)  # type: ignore[arg-type]


def test_a_prime_length_costs_what_its_transforms_cost() -> None:
    """Two of twice the length, rounded up to a power of two."""
    hops = {n: least_hop(n_fft=n, win_length=n) for n in (65521, 65535, 65536)}
    assert hops[65536] < 8
    assert hops[65521] > 3 * hops[65536]
    assert hops[65535] > 3 * hops[65536]  # 3, 5, 17 and 257


@pytest.mark.parametrize("precision", ["float32", "bf16", "int8"])
def test_layers_count_too(precision: str) -> None:
    features = {
        "hop_length": 1,
        "sr": 192000,
        "n_fft": 64,
        "win_length": 64,
        "n_mels": 8,
        "n_mfcc": 8,
    }
    layer = pylstm.LSTM(8, 300, seed=0)
    layers = [layer if precision == "float32" else layer.quantize(precision)]
    with pytest.raises(
        pylstm.ModelFileError, match=r"^\[cost\] .* for the sizes of its layers, of layer 0"
    ) as told:
        pylstm.Model(pylstm.MFCC(**features), layers)  # type: ignore[arg-type]
    hop = hop_asked_for(told.value)
    assert 1 < hop < 20
    pylstm.Model(pylstm.MFCC(**{**features, "hop_length": hop}), layers)  # type: ignore[arg-type]
    with pytest.raises(pylstm.ModelFileError, match=rf"is {hop - 1}; expected at least {hop}:"):
        pylstm.Model(pylstm.MFCC(**{**features, "hop_length": hop - 1}), layers)  # type: ignore[arg-type]


def test_frames_from_outside_have_a_limit_of_their_own() -> None:
    pylstm.Model(None, [pylstm.LSTM(3, 400, num_layers=2, seed=0)])
    pool = {"positions": 65536, "kernel_positions": 30000, "stride_positions": 1}
    with pytest.raises(pylstm.ModelFileError, match=r"^\[cost\] a frame would cost 1.2e\+10 oper"):
        pylstm.Model(None, [pylstm.Pool(65536, "max", 1, 1, **pool)])  # type: ignore[arg-type]


def test_the_page_and_the_docstring_name_the_limit() -> None:
    root = Path(__file__).parents[2]
    assert "2·10^10" in (root / "docs" / "model-file.md").read_text(encoding="utf-8")
    assert "2e10" in (pylstm.LogMel.__doc__ or "")
