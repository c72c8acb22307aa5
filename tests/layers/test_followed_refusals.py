"""What layers refuse from people who know other libraries, and what they are told to write."""

from __future__ import annotations

import re
from typing import Any

import pytest

import pylstm
from pylstm.layers import ACTIVATIONS, FUNCTIONS

NAMES = [*FUNCTIONS, "relu6", "hardtanh", "hardsigmoid", "swish", "leakyrelu", "logsoftmax"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_a_function_that_a_layer_lacks_stands_behind_it(kind: str, name: Any) -> None:
    def made(activation: Any) -> Any:
        if kind == "dense":
            return pylstm.Dense(12, 6, activation, seed=0)
        return pylstm.Conv(12, 3, positions=2, activation=activation, seed=0)

    if name in (ACTIVATIONS if kind == "dense" else ("linear", "sigmoid", "tanh", "relu")):
        assert made(name).activation == name
        return
    with pytest.raises(ValueError, match=f"activation is '{name}'; expected 'linear'") as told:
        made(name)
    [offer] = re.findall(r"or (pylstm\.Activation\(.*\)) behind the layer$", str(told.value))
    model = pylstm.Model(None, [made("linear"), eval(offer, {"pylstm": pylstm})])
    assert model.n_outputs == 6


@pytest.mark.parametrize("name", ["selu", "", "Sigmoid", None, 3])
def test_other_names_are_refused_with_all_that_there_are(name: Any) -> None:
    with pytest.raises(ValueError, match=r"'silu', 'softsign'$"):
        pylstm.Dense(3, 3, name)
    with pytest.raises(ValueError, match=r"'linear', 'sigmoid', 'tanh', 'relu'$"):
        pylstm.Conv(3, 3, activation=name)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("conv", {"kernel_size": (3, 5)}),
        ("conv", {"kernel_size": [3, 5]}),
        ("conv", {"kernel_size": 3, "stride": (2, 1)}),
        ("conv", {"kernel_size": 3, "dilation": (1, 2)}),
        ("pool", {"kernel_size": (3, 5)}),
        ("pool", {"kernel_size": 3, "stride": (2, 1)}),
    ],
)
def test_two_numbers_are_one_for_time_and_one_for_positions(
    kind: str, given: dict[str, Any]
) -> None:
    def made(**settings: Any) -> Any:
        if kind == "conv":
            return pylstm.Conv(40, 4, positions=40, seed=0, **settings)
        return pylstm.Pool(40, "max", positions=40, **settings)

    with pytest.raises(TypeError, match="; expected a whole number, for time: pass ") as told:
        made(**given)
    names = re.findall(r"(\w+)=(\d+)", str(told.value))
    mended = {**given, **{name: int(number) for name, number in names}}
    layer = made(**mended)
    [(name, pair)] = [(name, pair) for name, pair in given.items() if not isinstance(pair, int)]
    over = name.removesuffix("_size") + "_positions"
    assert (getattr(layer, name), getattr(layer, over)) == tuple(pair)


def test_a_kernel_over_positions_asks_for_them() -> None:
    with pytest.raises(
        ValueError, match=r"fits into 1 position: it takes 3: with positions=40, each"
    ):
        pylstm.Conv(40, 4, 3, kernel_positions=3, seed=0)
    assert pylstm.Conv(40, 4, 3, kernel_positions=3, positions=40, seed=0).output_positions == 38
    with pytest.raises(ValueError, match=r"it takes 3$"):  # no number of positions would do
        pylstm.Conv(2, 4, 3, kernel_positions=3, seed=0)


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        (pylstm.LogMel, "num_mel_bins", "n_mels"),
        (pylstm.MFCC, "num_ceps", "n_mfcc"),
        (pylstm.MFCC, "low_freq", "fmin"),
    ],
)
def test_a_preset_is_told_names_of_others(kind: Any, theirs: str, ours: str) -> None:
    with pytest.raises(TypeError, match=f"{theirs} is no setting; expected sr, n_.*; {ours} is "):
        kind.preset("kaldi", **{theirs: 12})
    assert getattr(kind.preset("kaldi", **{ours: 12}), ours) == 12


def test_a_preset_is_told_all_settings() -> None:
    with pytest.raises(TypeError, match=r"nmels is no setting; expected sr, .*, n_mels, .*floor$"):
        pylstm.LogMel.preset("torchaudio", nmels=12)
