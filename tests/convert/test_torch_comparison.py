"""Modules of PyTorch stream what they give, as their users run them and as a comparison does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_torch, largest_difference

try:
    import torch
    from torch import nn

    from tests.convert.torch_streaming_networks import CASES, N
except ImportError:
    pytest.skip("it is PyTorch's: pip install 'pylstm[torch]'", allow_module_level=True)

SLOW = "ignore:LSTM with projections is not supported with oneDNN"
LAST = "The module gives its last row alone; a stream gives one for each frame."


def made(name: str) -> Any:
    """The network of that name, with statistics of its own."""
    torch.manual_seed(3)
    module = CASES[name].make()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.5, 0.5)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
    return module.eval()


def frames(name: str, n: int = 16) -> Any:
    if CASES[name].settings.get("one_hot"):
        return torch.eye(N)[torch.randint(0, N, (n,))]
    return torch.randn(n, N)


def rows_of(layers: Any, x: Any) -> np.ndarray[Any, Any]:
    """Of a stream in cuts, or of whole sequences in both directions."""
    if any(getattr(layer, "bidirectional", False) for layer in layers):
        for layer in layers:
            x = layer.forward(np.asarray(x))[0]
        return np.asarray(x)
    stream = pylstm.Model(None, layers).stream()
    parts = [stream.push_frames(np.ascontiguousarray(part)) for part in np.split(x, [1, 2, 9])]
    return np.concatenate([*parts, stream.flush()])


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings(SLOW)
@pytest.mark.parametrize("name", CASES)
def test_they_stream_what_they_give(name: str) -> None:
    module, case, notes = made(name), CASES[name], []
    layers = from_torch(module, notes=notes, **case.settings)
    x = frames(name)
    with torch.no_grad():
        expected = case.run(made(name), x).numpy()
    given = rows_of(layers, x.numpy())
    whole = slice(-1, None) if name == "recurrent_2d" else slice(None)  # it sees a later frame
    np.testing.assert_allclose(given[whole], expected[whole], rtol=0, atol=1e-5)
    assert (LAST in notes) == (case.run.__name__ == "of_each_end" or name == "squeezed")


def other(values: Any) -> Any:
    """Gates in another order: half of the rows are those of others."""
    return np.roll(values, len(values) // 2, 0)


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings(SLOW)
@pytest.mark.parametrize("name", CASES)
def test_a_comparison_runs_the_module_and_sees_one_other_weight(name: str) -> None:
    module, settings = made(name), dict(CASES[name].settings)
    layers = from_torch(module, **settings)
    module.train()
    settings.pop("input_size", None)
    assert largest_difference(layers, module, 16, **settings) < 1e-5
    assert module.training  # as it was
    own = list(layers.values()) if isinstance(layers, dict) else layers
    place, key = next(
        (k, key)
        for k, one in enumerate(own)
        for key, values in one_layer(one).weights.items()
        if (other(values) != values).any()
    )
    layer = one_layer(own[place])
    wrong = layer.with_weights({**layer.weights, key: other(layer.weights[key])})
    if isinstance(layers, dict):
        inputs = own[place][1:] if isinstance(own[place], tuple) else ()
        layers[[*layers][place]] = (wrong, *inputs) if inputs else wrong
    else:
        layers[place] = wrong
    assert largest_difference(layers, module, 16, **settings) > 1e-3


def one_layer(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings(SLOW)
@pytest.mark.parametrize("settings", [{}, {"bidirectional": True}])
@pytest.mark.parametrize(
    "kind",
    [
        lambda **settings: nn.LSTM(5, 4, 2, **settings),
        lambda **settings: nn.LSTM(5, 4, 3, bias=False, proj_size=2, **settings),
        lambda **settings: nn.GRU(5, 4, 2, batch_first=True, **settings),
        lambda **settings: nn.RNN(5, 4, nonlinearity="relu", **settings),
    ],
)
def test_recurrent_modules_in_one_direction_and_both(
    kind: Callable[..., Any], settings: dict[str, Any]
) -> None:
    module = kind(**settings)
    layer = from_torch(module)
    assert layer.bidirectional == bool(settings)
    assert largest_difference(layer, module, 50) < 1e-5
    activation = getattr(module, "nonlinearity", None)
    assert from_torch(module.state_dict(), activation=activation) == layer
    if settings:
        notes: list[str] = []
        inside = nn.Sequential(nn.BatchNorm1d(5), module).eval()
        layers = from_torch(inside, notes=notes)
        assert largest_difference(layers, inside, 50) < 1e-5
        assert "both directions" in notes[0]
        with pytest.raises(ValueError, match="cannot stream: a stream cannot hear the future"):
            pylstm.Model(None, layers)


@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell", "RNNCell", "Linear", "ReLU", "Embedding"])
def test_modules_by_themselves(name: str) -> None:
    module = getattr(nn, name)(*() if name == "ReLU" else (6, 4))
    settings = {"one_hot": True} if name == "Embedding" else {}
    sizes = {"input_size": 6} if name == "ReLU" else {}
    layer = from_torch(module, **sizes, **settings)
    assert largest_difference(layer, module, 30, **settings) < 1e-5


def test_a_chain_whose_axes_were_told() -> None:
    module = nn.Sequential(nn.Conv2d(2, 3, (3, 2)), nn.ReLU(), nn.Conv2d(3, 1, (1, 2))).eval()
    layers = from_torch(module, axes="BCFT", input_size=10)
    assert largest_difference(layers, module, 40, axes="BCFT") < 1e-5
    with pytest.raises(ValueError, match="axes is None; expected 'BCTF' or 'BCFT'"):
        largest_difference(layers, module, 40)


def test_double_precision_is_run_in_double_precision() -> None:
    module = nn.LSTM(4, 3).double()
    assert 0 < largest_difference(from_torch(module, dtype="float32"), module) < 1e-6


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"axes": "TF"},
            r"axes is 'TF', one_hot is False; expected None and False with a callable",
        ),
        ({"n_frames": 0}, "n_frames is 0; expected 1 or more"),
    ],
)
def test_what_fits_a_callable(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        largest_difference(pylstm.Dense(2, 3), lambda x: x, **settings)
    with pytest.raises(TypeError, match="source is of type int; expected a callable that takes fr"):
        largest_difference(pylstm.Dense(2, 3), 3)  # type: ignore[arg-type]


# --- what is refused, and what the message asks for -----------------------------------------------


class Own(nn.Module):  # type: ignore[name-defined, misc]
    """A forward pass over modules of many kinds."""

    def __init__(self, forward: Any) -> None:
        super().__init__()
        self.cell, self.gru_cell = nn.LSTMCell(N, N), nn.GRUCell(N, N)
        self.gru, self.embedding = nn.GRU(N, N, 2, batch_first=True), nn.Embedding(N, N)
        self.bi = nn.GRU(N, N, batch_first=True, bidirectional=True)
        self.initial = nn.Parameter(torch.ones(2, 1, N))
        self._run = forward


class Alone(Own):
    def forward(self, x: Any) -> Any:
        return self._run(self, x)


class WithStates(Own):
    def forward(self, x: Any, h: Any, c: Any) -> Any:
        return self._run(self, x, h, c)


def loop(m: Any, x: Any) -> Any:
    state = torch.zeros(x.size(0), N)
    return torch.stack([state := m.gru_cell(x[:, t], state) for t in range(x.size(1))], 1)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (
            Alone(lambda m, x: m.cell(x)[0]),
            "begins with zeros in each call, which has one frame; e",
        ),
        (Alone(lambda m, x: m.cell(x)), "begins with zeros in each call, which has one frame; exp"),
        (Alone(lambda m, x: (m.gru(x)[0], m.gru(x)[1][-1])), "gives the last row beside rows of a"),
        (Alone(lambda m, x: m.gru(x)[1].squeeze(1)), "squeezes a state along 1; expected h"),
        (Alone(loop), "expected a module whose forward torch.fx can trace"),
        (
            Alone(lambda m, x: m.gru(x)[1][0]),
            r"takes 0 of the h after the last frame; expected h\[",
        ),
        (Alone(lambda m, x: m.bi(x)[1][-1]), r"takes -1 of the h after the last frame; expected h"),
        (Alone(lambda m, x: m.gru(x)[1].mean(0)), "takes the state after the last frame; expected"),
        (Alone(lambda m, x: m.gru(m.gru(x)[1])[0]), "module gru takes a state; expected the outpu"),
        (Alone(lambda m, x: m.gru(x, m.initial)[0]), "takes an initial state; expected none: it b"),
        (
            Alone(lambda m, x: m.gru(x, m.initial.expand(-1, x.size(0), -1).contiguous())[0]),
            "takes an initial state; expected none: it begins with zeros",
        ),
        (Alone(lambda m, x: m.gru(x)[0].mean(1)), "is a mean over time, of .*; expected one over"),
        (Alone(lambda m, x: m.gru(x)[0].mean()), "is a mean over time, of .*; expected one over"),
        (
            Alone(lambda m, x: torch.log(m.gru(x)[0])),
            "is of values that may be 0; expected those b",
        ),
        (Alone(lambda m, x: m.gru(x)[0] ** 3), "has the exponent 3; expected 2 or 0.5 of rows"),
        (Alone(lambda m, x: m.embedding(x)), "looks up the numbers of symbols; expected these as"),
        (WithStates(lambda m, x, h, c: m.cell(x, (h, c))[0]), "'c' is a state that does not come"),
        (WithStates(lambda m, x, h, c: m.cell(x, (h, h))), "a state that something else begins"),
        (WithStates(lambda m, x, h, c: m.cell(x + h, (h, c))), "forward takes 'x', 'h', 'c'; expe"),
        (
            WithStates(lambda m, x, h, c: m.cell(x, h[:1])),
            r"takes slice\(None, 1, None\) of the st",
        ),
    ],
)
def test_what_cannot_be_is_named(module: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_torch(module)


def test_what_is_asked_for_works() -> None:
    """The state as argument and result, h of the last layer, an embedding on rows with one 1."""
    module = WithStates(lambda m, x, h, c: m.cell(x, (h, c)))
    assert largest_difference(from_torch(module), module, 30) < 1e-5
    assert from_torch(module.cell) == from_torch(module)["cell"]
    module = Alone(lambda m, x: m.gru(x)[1][-1])
    assert largest_difference(from_torch(module), module, 30) < 1e-5
    module = Alone(lambda m, x: m.gru(m.embedding(x))[0])
    layers = from_torch(module, one_hot=True)
    assert largest_difference(layers, module, 30, one_hot=True) < 1e-5
    with pytest.raises(ValueError, match="axes is 'BTF'; expected 'BT', 'TB'"):
        from_torch(module, one_hot=True, axes="BTF")
    with pytest.raises(ValueError, match=r"gru with batch_first=True takes .*; expected a tensor"):
        from_torch(module, one_hot=True, axes="TB")
    with pytest.raises(ValueError, match=r"takes the numbers of symbols; expected nn\.Embedding"):
        from_torch(nn.Sequential(nn.Linear(3, 4)), one_hot=True)
    module.embedding.max_norm = 1.0
    with pytest.raises(ValueError, match=r"has max_norm=1.0; expected None"):
        from_torch(module, one_hot=True)


def test_what_a_forward_pass_remembers_is_forgotten() -> None:
    module = made("remembering")
    from_torch(module)
    assert module.state is None
    assert list(module.__dict__) == list(made("remembering").__dict__)
