"""Networks of one's own become graphs of layers that stream what the network gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_torch

try:
    import torch
    from torch import nn

    from tests.convert.torch_networks import NETWORKS
except ImportError:
    pytest.skip("it is PyTorch's: pip install 'pylstm[torch]'", allow_module_level=True)

SIZES = [3, 8, 17]


def lively(module: Any) -> Any:
    """With statistics and scales that are not those of the beginning."""
    torch.manual_seed(7)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            with torch.no_grad():
                part.running_mean.uniform_(-0.5, 0.5)
                part.running_var.uniform_(0.5, 2)
                if part.affine:
                    part.weight.uniform_(-1.5, 1.5)
                    part.bias.uniform_(-1, 1)
    return module.eval()


def as_input(x: Any, axes: str) -> Any:
    """Rows (T, F) as an input of these axes."""
    x = x[:, None] if "B" in axes else x
    have = "TBF" if "B" in axes else "TF"
    return x.permute([have.index(letter) for letter in axes])


def as_rows(y: Any, axes: str) -> np.ndarray[Any, Any]:
    """What the network gives, as rows."""
    heads = [one for one in y if one.ndim == len(axes)] if isinstance(y, tuple) else [y]
    rows = []
    for head in heads:
        given = head.permute([axes.index(letter) for letter in "TBF" if letter in axes])
        rows.append(given.reshape(len(given), -1))
    return torch.cat(rows, 1).numpy()


def streamed(layers: Any, x: Any, seed: int = 0) -> np.ndarray[Any, Any]:
    """The rows of a stream that gets x in random cuts, to its end."""
    given = [layers] if isinstance(layers, pylstm.layers.Layer) else layers
    stream = pylstm.Model(None, given).stream()
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(x), 5))
    parts = [stream.push_frames(np.ascontiguousarray(part)) for part in np.split(x.numpy(), cuts)]
    return np.concatenate([*parts, stream.flush()])


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_stream_what_they_give(name: str, size: int) -> None:
    make, axes, width = NETWORKS[name]
    module = lively(make(size))
    settings: dict[str, Any] = {}
    if name in ("pictures", "chunks"):  # no weight says how wide a frame is
        with pytest.raises(ValueError, match="input_size is None; expected how many values"):
            from_torch(module, **settings)
        settings["input_size"] = width(size)
    if name == "chunks":  # its LSTM takes sequences usually
        with pytest.raises(ValueError, match=r"takes .*, or axes='TF', without sequences"):
            from_torch(module, **settings)
        settings["axes"] = "TF"
    layers = from_torch(module, **settings)
    x = torch.randn(70, width(size))
    with torch.no_grad():
        y = module(as_input(x, axes))
    out = "TBF" if name == "pictures" else axes
    rows = as_rows(y if name != "separable" else y[0], out)
    np.testing.assert_allclose(streamed(layers, x), rows, rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
def test_names_are_those_of_the_module() -> None:
    layers = from_torch(NETWORKS["separable"][0](4))
    assert list(layers) == ["depthwise", "pointwise", "add", "gru", "out"]
    assert layers["depthwise"].activation == "relu"
    assert layers["depthwise"].bias


def test_a_module_is_left_in_the_mode_that_it_was_in() -> None:
    module = NETWORKS["tagger"][0](4)
    module.drop.eval()
    from_torch(module)
    assert module.training
    assert module.lstm.training
    assert not module.drop.training


# --- modules one by one, and in a chain -----------------------------------------------------------

CHAINS: dict[str, tuple[Any, str, str]] = {
    "conv": (lambda n: [nn.Conv1d(n, 5, 3)], "BFT", "BFT"),
    "conv_stride": (lambda n: [nn.Conv1d(n, 5, 4, stride=2, dilation=2, bias=False)], "BFT", "BFT"),
    "conv_same": (lambda n: [nn.Conv1d(n, 5, 4, padding="same")], "BFT", "BFT"),
    "conv_groups": (lambda n: [nn.Conv1d(n, 2 * n, 3, groups=n, padding=1)], "BFT", "BFT"),
    "conv_norm": (lambda n: [nn.Conv1d(n, 5, 3), nn.BatchNorm1d(5), nn.ReLU()], "BFT", "BFT"),
    "norm_conv": (lambda n: [nn.BatchNorm1d(n), nn.Conv1d(n, 5, 3), nn.Tanh()], "BFT", "BFT"),
    "norm": (lambda n: [nn.BatchNorm1d(n)], "BFT", "BFT"),
    "norm_plain": (lambda n: [nn.BatchNorm1d(n, affine=False, eps=0.1)], "BFT", "BFT"),
    "linear_norm": (lambda n: [nn.Linear(n, 5), nn.BatchNorm1d(5), nn.Sigmoid()], "TF", "TF"),
    "no_bias": (lambda n: [nn.Linear(n, 5, bias=False), nn.BatchNorm1d(5)], "TF", "TF"),
    "act_norm": (lambda n: [nn.Linear(n, 5), nn.ReLU(), nn.BatchNorm1d(5)], "TF", "TF"),
    "layer_norm": (lambda n: [nn.LayerNorm(n, eps=1e-3)], "BTF", "BTF"),
    "layer_norm_plain": (lambda n: [nn.LayerNorm(n, elementwise_affine=False)], "BTF", "BTF"),
    "layer_norm_no_bias": (lambda n: [nn.LayerNorm(n, bias=False)], "BTF", "BTF"),
    "prelu": (lambda n: [nn.Linear(n, 5), nn.PReLU(init=0.3)], "BTF", "BTF"),
    "prelu_channels": (lambda n: [nn.Conv1d(n, 5, 2), nn.PReLU(5)], "BFT", "BFT"),
    "max_pool": (lambda n: [nn.Conv1d(n, 5, 3), nn.MaxPool1d(3, 2)], "BFT", "BFT"),
    "avg_pool": (lambda n: [nn.Conv1d(n, 5, 3), nn.AvgPool1d(5, 1, padding=2)], "BFT", "BFT"),
    "zero_pad": (lambda n: [nn.ZeroPad1d((4, 0)), nn.Conv1d(n, 5, 5)], "BFT", "BFT"),
    "softmax_channels": (lambda n: [nn.Conv1d(n, 5, 1), nn.Softmax(dim=1)], "BFT", "BFT"),
    **{
        f"linear_{name}": (
            lambda n, module=module: [nn.Linear(n, 5), module],
            "BTF",
            "BTF",
        )
        for name, module in {
            "sigmoid": nn.Sigmoid(),
            "tanh": nn.Tanh(),
            "relu": nn.ReLU(inplace=True),
            "relu6": nn.ReLU6(),
            "hardtanh": nn.Hardtanh(-0.2, 0.7),
            "leaky_relu": nn.LeakyReLU(0.3),
            "elu": nn.ELU(0.7),
            "gelu": nn.GELU(),
            "gelu_tanh": nn.GELU(approximate="tanh"),
            "silu": nn.SiLU(),
            "softsign": nn.Softsign(),
            "hardsigmoid": nn.Hardsigmoid(),
            "softmax": nn.Softmax(dim=-1),
            "log_softmax": nn.LogSoftmax(dim=-1),
        }.items()
    },
}


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CHAINS)
def test_chains_stream_what_they_give(name: str, size: int) -> None:
    make, axes, out = CHAINS[name]
    modules = make(size)
    chain = lively(nn.Sequential(*modules))
    x = torch.randn(50, size)
    with torch.no_grad():
        expected = as_rows(chain(as_input(x, axes)), out)
    layers = from_torch(chain)
    assert isinstance(layers, list)
    np.testing.assert_allclose(streamed(layers, x), expected, rtol=0, atol=1e-5)
    if len(modules) == 1:
        assert from_torch(modules[0]) == layers[0]

    class Own(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.chain = chain

        def forward(self, x: Any) -> Any:
            return self.chain(x)

    graph = from_torch(Own().eval())
    assert list(graph.values()) == layers


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", ["BCTF", "BCFT"])
@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": (3, 2)},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (0, 1), "dilation": (2, 1)},
        {"kernel_size": (1, 3), "groups": 2, "bias": False},
        {"kernel_size": (3, 1), "padding": (1, 0)},
    ],
)
def test_pictures(settings: dict[str, Any], axes: str, size: int) -> None:
    turned = {
        name: value[::-1] if axes == "BCFT" and isinstance(value, tuple) else value
        for name, value in settings.items()
    }
    module = nn.Sequential(nn.Conv2d(2, 4, **turned), nn.BatchNorm2d(4), nn.ReLU())
    module = lively(module)
    bands = size + 2
    layers = from_torch(module, axes=axes, input_size=2 * bands)
    assert len(layers) == 1
    x = torch.randn(40, bands, 2)
    pictures = x.permute(2, 0, 1) if axes == "BCTF" else x.permute(2, 1, 0)
    with torch.no_grad():
        y = module(pictures[None])[0]
    time = 1 if axes == "BCTF" else 2
    y = y.movedim(time, 0).movedim(1, 2).flatten(1).numpy()
    np.testing.assert_allclose(streamed(layers, x.flatten(1)), y, rtol=0, atol=1e-5)


def test_which_axis_is_time_is_asked_where_both_fit() -> None:
    with pytest.raises(ValueError, match="axes is None; expected 'BCTF' or 'BCFT'"):
        from_torch(nn.Conv2d(1, 2, 3), input_size=8)
    assert from_torch(nn.Conv2d(1, 2, 3), input_size=8, axes="BCTF").output_positions == 6


# --- what is refused ------------------------------------------------------------------------------


class Taking(nn.Module):  # type: ignore[name-defined, misc]
    """A function of an LSTM's outputs, and its parts."""

    def __init__(self, forward: Any, **parts: Any) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 4, batch_first=True)
        self.gru = nn.GRU(4, 4)
        for name, part in parts.items():
            self.add_module(name, part)
        self._run = forward

    def forward(self, x: Any) -> Any:
        return self._run(self, x)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("run", "says"),
    [
        (lambda m, x: m.lstm(x)[0][:, -2], "takes -2 of time; expected all of it, or the last fra"),
        (lambda m, x: m.lstm(x)[0][:, 2:], r"takes slice\(2, None, None\) of time; expected all"),
        (lambda m, x: m.lstm(x)[0][:, :-2], r"takes slice\(None, -2, None\) of time; expected"),
        (lambda m, x: m.linear(x)[:, :-2], r"takes slice\(None, -2, None\) of time; expected"),
        (lambda m, x: m.lstm(x)[1][1][-1], "takes -1 of the c after the last frame; expected h"),
        (lambda m, x: m.lstm(x)[0].sum(1), "calls sum, which no layer does; expected act"),
        (lambda m, x: m.lstm(x, (x, x))[0], "module lstm takes an initial state; expected none"),
        (lambda m, x: m.gru(m.lstm(x)[0])[0], r"gru with batch_first=False takes .*batch, time"),
        (lambda m, x: m.lstm(x)[0] + x[:, :, :3], "the inputs are .*; expected the same shapes"),
        (lambda m, x: torch.softmax(m.lstm(x)[0], 1), "softmax over dim=1; expected dim=-1"),
        (lambda m, x: m.lstm(x)[0].reshape(-1, 8), "the new shape is .*; expected one that keeps"),
        (
            lambda m, x: m.lstm(x)[0].flatten(1),
            "are flattened; expected dimensions of values al",
        ),
        (lambda m, x: torch.cat([m.lstm(x)[0], x], 1), "the dimension is 1; expected one of valu"),
        (lambda m, x: m.lstm(x) if x.sum() > 0 else x, "Taking; expected a module whose forward"),
        (lambda m, x: nn.functional.dropout(x), "drops values at inference as well; expected"),
        (lambda m, x: m.lstm(x)[0] * x.shape[1], "computes with how long a signal is; expected"),
        (lambda m, x: 3, "the forward pass gives int; expected rows"),
        (lambda m, x: x / m.lstm(x)[0], "divides by rows; expected a number or a tensor"),
        (
            lambda m, x: m.conv(x.transpose(1, 2)) + m.skip(x.transpose(1, 2)),
            "the rows of one input stand for frames",
        ),
        (lambda m, x: m.cell(m.lstm(x)[0]), "cell is of type LSTMCell, one step of a loop; expec"),
        (lambda m, x: m.attention(x, x, x)[0], "is of type MultiheadAttention; expected nn.LSTM"),
        (lambda m, x: m.embedding(m.lstm(x)[0]), "embedding looks up the numbers of symbols; exp"),
        (lambda m, x: torch.relu_(m.lstm(x)[0]) + 0 * x, None),
    ],
)
def test_steps_that_no_layer_does(run: Any, says: str | None) -> None:
    parts = {
        "conv": nn.Conv1d(4, 4, 2, stride=2),
        "linear": nn.Linear(4, 4),
        "skip": nn.Conv1d(4, 4, 1, stride=2),
        "cell": nn.LSTMCell(4, 4),
        "attention": nn.MultiheadAttention(4, 2),
        "embedding": nn.Embedding(4, 4),
    }
    module = Taking(run, **parts)
    if says is None:
        assert from_torch(module)
        return
    with pytest.raises(ValueError, match=says):
        from_torch(module)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("changing", "leaving"),
    [
        (lambda m, y: nn.functional.relu(y, inplace=True), lambda m, y: nn.functional.relu(y)),
        (lambda m, y: torch.relu_(y), lambda m, y: torch.relu(y)),
        (lambda m, y: y.transpose(0, 1).relu_().transpose(0, 1), lambda m, y: y.relu()),
        (lambda m, y: y.mul_(2), lambda m, y: y.mul(2)),
        (lambda m, y: m.changing(y), lambda m, y: m.leaving(y)),
    ],
)
def test_what_is_changed_in_place_is_not_taken_twice(changing: Any, leaving: Any) -> None:
    parts = {"changing": nn.ReLU(inplace=True), "leaving": nn.ReLU()}

    def run(changed: Any) -> Any:
        def forward(module: Any, x: Any) -> Any:
            y, _ = module.lstm(x)
            return changed(module, y) + y

        return Taking(forward, **parts)

    with pytest.raises(ValueError, match="changes in place what something else takes as well"):
        from_torch(run(changing))
    assert from_torch(run(leaving))


@pytest.mark.law_framework_exact
def test_hooks_of_what_holds_modules_are_refused() -> None:
    for module in (nn.Sequential(nn.Linear(4, 4)), Taking(lambda m, x: m.lstm(x)[0])):
        assert from_torch(module)
        module.register_forward_hook(lambda module, args, output: 2 * output)
        with pytest.raises(ValueError, match="source has the hook '<lambda>'; expected a module"):
            from_torch(module)


@pytest.mark.law_framework_exact
def test_rows_that_a_convolution_has_not_made_of_zeros_are_not_cut_off() -> None:
    conv = nn.Conv1d(4, 4, 3, padding=1)
    module = Taking(lambda m, x: m.conv(x)[:, :, :-2], conv=conv)
    with pytest.raises(ValueError, match="makes 2 rows that are cut off; expected a stride of 1"):
        from_torch(module, axes="BFT")
    module = Taking(lambda m, x: torch.relu(m.conv(x))[:, :, :-1], conv=conv)
    with pytest.raises(ValueError, match=r"takes slice\(None, -1, None\) of time; expected all"):
        from_torch(module, axes="BFT")


@pytest.mark.law_framework_exact
def test_one_gate_for_all_values() -> None:
    module = Taking(
        lambda m, x: m.wide(x) * torch.sigmoid(m.gate(x)) + m.gate(x),
        wide=nn.Linear(4, 5),
        gate=nn.Linear(4, 1),
    )
    x = torch.randn(20, 4)
    with torch.no_grad():
        expected = module(x).numpy()
    np.testing.assert_allclose(streamed(from_torch(module), x), expected, rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_compiled_part_of_a_network() -> None:
    inner = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    layers = from_torch(Taking(lambda m, x: m.inner(m.lstm(x)[0]), inner=torch.compile(inner)))
    assert list(layers) == ["lstm", "inner_0"]
    assert layers["inner_0"] == from_torch(inner)[0]


def test_a_variance_below_zero() -> None:
    norm = nn.BatchNorm1d(4)
    norm.running_var.fill_(-1)
    with pytest.raises(ValueError, match=r"BatchNorm1d: 'weight' of Affine is not finite"):
        from_torch(norm)


def test_what_gives_what_it_takes() -> None:
    with pytest.raises(ValueError, match="source gives what it takes; expected at least one layer"):
        from_torch(Taking(lambda m, x: x.transpose(0, 1).transpose(0, 1)), input_size=3)


def test_a_forward_with_two_inputs() -> None:
    class Two(nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: Any, y: Any) -> Any:
            return x + y

    with pytest.raises(ValueError, match="whose forward takes 'x', 'y'; expected one input"):
        from_torch(Two())


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.Conv1d(3, 2, 3, padding=1, padding_mode="reflect"), "padding_mode='reflect'; expected"),
        (nn.BatchNorm1d(3, track_running_stats=False), "track_running_stats=False; expected"),
        (nn.MaxPool1d(3, padding=1), "pads time with what does not count; expected padding=0"),
        (nn.MaxPool1d(3, ceil_mode=True), "ceil_mode=True; expected False"),
        (nn.ConvTranspose1d(3, 2, 3), "is of type ConvTranspose1d; expected nn.LSTM"),
        (nn.GroupNorm(1, 3), "is of type GroupNorm; expected nn.LSTM"),
        (nn.ConstantPad1d((1, 0), 3.0), "pads with mode='constant', value=3.0; expected zeros"),
    ],
)
def test_options_that_no_layer_has(module: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_torch(nn.Sequential(nn.Conv1d(4, 3, 1), module))


def test_axes_and_input_size_are_checked() -> None:
    with pytest.raises(ValueError, match="axes is 'XYZ'; expected 'BTF', 'TBF'"):
        from_torch(nn.ReLU(), axes="XYZ")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="input_size is 0; expected 1 or more"):
        from_torch(nn.ReLU(), input_size=0)
    with pytest.raises(ValueError, match="input_size is None; expected how many values"):
        from_torch(nn.ReLU())
    assert from_torch(nn.ReLU(), input_size=3) == pylstm.Activation(3, "relu")
    with pytest.raises(ValueError, match="takes 3 inputs, but the layer before it has 4 outputs"):
        from_torch(nn.Sequential(nn.ReLU(), nn.Linear(3, 2)), input_size=4)
