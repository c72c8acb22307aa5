"""Files of PyTorch's weights are compared with PyTorch's own modules that hold the same tensors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from pylstm.convert import largest_difference
from pylstm.convert.torch import weights
from pylstm.convert.torch.weights import from_weights

try:
    import torch
    from torch import nn
    from torch.nn import utils
    from torch.nn.utils import parametrizations, prune
except ImportError:
    pytest.skip("it is PyTorch's: pip install 'pylstm[torch]'", allow_module_level=True)

Difference = r"difference +(\S+) from the source, at most, over 400 random frames in random cuts\n"


def normed(module: Any, dim: int | None) -> Any:
    return parametrizations.weight_norm(module, "weight", dim=dim)


def formerly_normed(module: Any, name: str) -> Any:
    with pytest.warns(FutureWarning, match="weight_norm"):
        return utils.weight_norm(module, name)


def pruned(module: Any) -> Any:
    return prune.random_unstructured(module, "weight", 0.5)


Made = Callable[[], Any]
FILES: dict[str, tuple[Made, list[tuple[str, str | None]]]] = {
    "lstm": (lambda: nn.LSTM(5, 4, 2), [("", None)]),
    "projection": (lambda: nn.LSTM(5, 4, 2, bias=False, proj_size=3), [("", None)]),
    "gru": (lambda: nn.GRU(5, 4, 3), [("", None)]),
    "rnn": (lambda: nn.RNN(5, 4, nonlinearity="relu"), [("", "relu")]),
    "both": (lambda: nn.GRU(5, 4, 2, bidirectional=True), [("", None)]),
    "cells": (
        lambda: nn.ModuleList([nn.LSTMCell(5, 4), nn.GRUCell(4, 3), nn.RNNCell(3, 4)]),
        [("0.", None), ("1.", None), ("2.", "tanh")],
    ),
    "normed": (
        lambda: nn.ModuleList([normed(nn.Linear(5, 4), 0), normed(nn.Linear(4, 3), None)]),
        [("0.", "gelu_tanh"), ("1.", None)],
    ),
    "formerly_normed": (
        lambda: formerly_normed(nn.LSTM(5, 4), "weight_hh_l0"),
        [("", None)],
    ),
    "pruned": (lambda: pruned(nn.Linear(5, 4)), [("", "softmax")]),
}


def saved(name: str, folder: Path) -> Path:
    torch.manual_seed(1)
    path = folder / "weights.pt"
    torch.save({"epoch": 3, "state_dict": FILES[name][0]().state_dict()}, path)
    return path


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", FILES)
def test_they_give_what_pytorch_gives(name: str, tmp_path: Path) -> None:
    found = from_weights(saved(name, tmp_path), FILES[name][1])
    assert found.run_source is not None
    assert largest_difference(found.layers, found.run_source, 30) < 1e-5


ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "softmax", "log_softmax", "gelu", "silu"]


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "softsign", "gelu_tanh"])
def test_activations(activation: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(nn.Linear(5, 4).state_dict(), path)
    found = from_weights(path, [("", activation)])
    assert found.run_source is not None
    assert largest_difference(found.layers, found.run_source, 30) < 1e-5


def convert(*arguments: object) -> Any:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def tagger(folder: Path) -> list[object]:
    torch.manual_seed(1)
    module = nn.ModuleDict({"lstm": nn.LSTM(5, 4), "head": nn.Linear(4, 2)})
    path = folder / "weights.pt"
    torch.save(module.state_dict(), path)
    return [path, "--layer", "lstm.", "--layer", "head.=softmax", "-o", folder / "made.safetensors"]


def test_the_command_prints_the_difference(tmp_path: Path) -> None:
    result = convert(*tagger(tmp_path))
    assert result.exit_code == 0, result.output
    (difference,) = re.findall(Difference, result.stdout)
    assert 0 <= float(difference) < 1e-5
    again = convert(*tagger(tmp_path), "--force", "--no-check")
    assert "not looked at (--no-check)" in again.stdout


@pytest.mark.parametrize("wrong", ["gates", "transposed", "activation"])
def test_the_command_refuses_what_differs(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the importer took gates in another order, a square matrix the other way, and so on."""
    right = weights.layer_of_state_dict

    def other(*arguments: Any) -> Any:
        layer = right(*arguments)
        if wrong == "activation":
            settings = (
                {**layer.config(), "activation": "sigmoid"} if layer.kind == "dense" else None
            )
            return type(layer).from_config(settings, layer.weights) if settings else layer
        if layer.kind != "lstm":
            return layer
        name = "weight_hh_l0"
        gates = layer.weights[name].reshape(4, 4, 4)
        gates = gates[[1, 0, 2, 3]] if wrong == "gates" else gates.transpose(0, 2, 1)
        changed = np.ascontiguousarray(gates).reshape(16, 4)
        return layer.with_weights({**layer.weights, name: changed})

    monkeypatch.setattr(weights, "layer_of_state_dict", other)
    result = convert(*tagger(tmp_path))
    assert result.exit_code == 1
    assert re.search(r"weights.pt: what was made of it differs by \S+ from the so", result.stderr)
    assert not (tmp_path / "made.safetensors").exists()


def test_layers_in_both_directions_are_no_model(tmp_path: Path) -> None:
    result = convert(saved("both", tmp_path), "-o", tmp_path / "made.safetensors")
    assert result.exit_code == 1
    assert (
        "which no stream can run; expected forward layers: in Python the importer" in result.stderr
    )


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save([torch.ones(3)], path)
    with pytest.raises(TypeError, match="the file holds a list; expected a state dict"):
        from_weights(path, [("", None)])


def test_without_pytorch_there_is_nothing_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved("lstm", tmp_path)
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    found = from_weights(path, [("", None)])
    assert found.run_source is None
    assert isinstance(found.layers[0], pylstm.LSTM)  # type: ignore[index]
