"""What PyTorch exports comes in: recurrent layers, convolutions, norms, states.

The exporter by `torch.export` takes a minute for each; what it writes in other ways is among the
operators of `test_onnx_operators.py`."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest

from pylstm.convert import from_onnx
from tests.convert.onnx_graphs import converted

torch = pytest.importorskip("torch", reason="it writes the files: pip install torch")
pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")

nn, functional = torch.nn, torch.nn.functional

TIME = {"x": {1: "time"}}


class Chain(nn.Module):  # type: ignore[misc, name-defined]
    """Modules one after the other, of which recurrent ones give their rows."""

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, x: Any) -> Any:
        for module in self.parts:
            x = module(x)
            x = x[0] if isinstance(x, tuple) else x
        return x


class OverTime(nn.Module):  # type: ignore[misc, name-defined]
    """A module of (batch, channels, time) among those of (batch, time, channels)."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.module(x.transpose(1, 2)).transpose(1, 2)


class Padded(nn.Module):  # type: ignore[misc, name-defined]
    """A causal convolution: by a padding before it, or by one on both sides that is cut off."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 8, 3, dilation=2, padding=4 if cut else 0, groups=2)

    def forward(self, x: Any) -> Any:
        if self.conv.padding[0]:
            return functional.relu(self.conv(x)[:, :, :-4])
        return functional.relu(self.conv(functional.pad(x, (4, 0))))


class Stateful(nn.Module):  # type: ignore[misc, name-defined]
    """Rows and the state, both in and out."""

    def __init__(self, cells: Any) -> None:
        super().__init__()
        self.cells, self.head = cells, nn.Linear(6, 2)

    def forward(self, x: Any, h: Any, c: Any = None) -> Any:
        if isinstance(self.cells, nn.LSTM | nn.LSTMCell):
            out = self.cells(x, (h, c))
            rows, (h, c) = out if isinstance(self.cells, nn.LSTM) else (out[0], out)
            return torch.sigmoid(self.head(rows)), h, c
        out = self.cells(x, h)
        rows, h = out if isinstance(out, tuple) else (out, out)
        return torch.sigmoid(self.head(rows)), h


class Norm(nn.Module):  # type: ignore[misc, name-defined]
    """A layer norm by its formula."""

    def forward(self, x: Any) -> Any:
        deviations = x - x.mean(-1, keepdim=True)
        return deviations * torch.rsqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-5)


class Residual(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.inner = Chain(nn.LayerNorm(8), nn.Linear(8, 16), nn.GLU(), nn.Softsign())

    def forward(self, x: Any) -> Any:
        return x + self.inner(x) * torch.sigmoid(x)


def batch_norm() -> Any:
    norm = nn.BatchNorm1d(8)
    with torch.no_grad():
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return norm


def sequence(module: Any, batch_first: bool = True) -> tuple[Any, tuple[Any, ...], Any]:
    x = torch.randn(1, 9, 8) if batch_first else torch.randn(9, 1, 8)
    return module, (x,), TIME if batch_first else {"x": {0: "time"}}


def stateful(kind: str, **settings: Any) -> tuple[Any, tuple[Any, ...], Any]:
    is_cell = kind.endswith("Cell")
    cells = getattr(nn, kind)(8, 6, **({} if is_cell else {"batch_first": True}), **settings)
    shape = (1, 6) if is_cell else (cells.num_layers, 1, 6)
    states = [torch.randn(shape) for _ in range(2 if kind.startswith("LSTM") else 1)]
    x = torch.randn(1, 8) if is_cell else torch.randn(1, 9, 8)
    return Stateful(cells), (x, *states), {} if is_cell else TIME


NETWORKS: dict[str, Any] = {
    "lstm": lambda: sequence(Chain(nn.LSTM(8, 6, 2, batch_first=True), nn.Linear(6, 2))),
    "lstm, time first": lambda: sequence(Chain(nn.LSTM(8, 6), nn.Linear(6, 2)), False),
    "gru": lambda: sequence(Chain(nn.GRU(8, 6, bias=False, batch_first=True), nn.Sigmoid())),
    "rnn": lambda: sequence(Chain(nn.RNN(8, 6, nonlinearity="relu", batch_first=True))),
    "causal": lambda: sequence(Chain(OverTime(nn.Sequential(Padded(False), batch_norm())))),
    "cut": lambda: sequence(Chain(OverTime(nn.Sequential(Padded(True), nn.PReLU(8))))),
    "same": lambda: sequence(Chain(OverTime(nn.Conv1d(8, 4, 5, padding="same")), nn.ELU())),
    "stride": lambda: sequence(Chain(OverTime(nn.Conv1d(8, 4, 5, stride=2)), nn.GELU())),
    "residual": lambda: sequence(Residual()),
    "norm": lambda: sequence(Chain(Norm(), nn.Linear(8, 2), nn.LogSoftmax(-1))),
    "lstm with states": lambda: stateful("LSTM", num_layers=2),
    "gru with a state": lambda: stateful("GRU"),
    "rnn with a state": lambda: stateful("RNN"),
    "LSTMCell": lambda: stateful("LSTMCell"),
    "GRUCell": lambda: stateful("GRUCell"),
    "RNNCell": lambda: stateful("RNNCell"),
}


def exported(made: tuple[Any, tuple[Any, ...], Any]) -> bytes:
    module, inputs, axes = made
    file = io.BytesIO()
    with warnings.catch_warnings():  # on what will change in later versions of the exporter
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            inputs,
            file,
            input_names=["x", "h", "c"][: len(inputs)],
            dynamic_axes=axes,
            dynamo=False,
            opset_version=17,
        )
    return file.getvalue()


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", NETWORKS)
def test_an_export(name: str) -> None:
    torch.manual_seed(0)
    found = converted(exported(NETWORKS[name]()))
    assert not any("Dense of ones and zeros" in note for note in found.notes)


@pytest.mark.law_framework_exact
def test_both_directions() -> None:
    """Over whole sequences."""
    gru = nn.GRU(8, 6, 2, batch_first=True, bidirectional=True)
    found: Any = from_onnx(exported(sequence(Chain(gru, nn.Linear(12, 2)))))
    x = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    y = x
    for layer, *_ in found.layers.values():
        y = layer.forward(y)[0]
    np.testing.assert_allclose(y, found.run_source(x), rtol=0, atol=1e-5)


def test_statistics_over_time_are_refused_by_name() -> None:
    data = exported(sequence(OverTime(nn.GroupNorm(2, 8))))
    with pytest.raises(ValueError, match=r"node '.*' \(InstanceNormalization\): .*; expected"):
        from_onnx(data)
