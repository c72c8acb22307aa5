"""PyTorch modules and their state dicts become layers with the same weights, or an error that says
why not."""

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_torch
from pylstm.layers import GRU, LSTM, RNN, Dense
from tests.golden.cases import LSTM_CASES

try:
    import torch
    from torch import nn
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(
    torch is None, reason="it is PyTorch's: pip install 'pylstm[torch]'"
)


def assert_same_weights(layer, module):
    expected = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    assert layer.weights.keys() == expected.keys()
    for name, array in layer.weights.items():
        np.testing.assert_array_equal(array, expected[name])


@needs_torch
class TestModules:
    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("num_layers", [1, 3])
    def test_lstm_with_a_projection(self, num_layers, bias):
        module = nn.LSTM(5, 7, num_layers, bias=bias, proj_size=3)
        layer = from_torch(module)
        assert (layer.hidden_size, layer.proj_size, layer.bias) == (7, 3, bias)
        assert_same_weights(layer, module)

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("batch_first", [True, False])
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("num_layers", [1, 3])
    def test_lstm(self, num_layers, bias, batch_first):
        module = nn.LSTM(5, 4, num_layers, bias=bias, batch_first=batch_first)
        layer = from_torch(module)
        assert isinstance(layer, LSTM)
        assert (layer.num_layers, layer.bias) == (num_layers, bias)
        assert_same_weights(layer, module)
        assert from_torch(module.state_dict()) == layer

    @pytest.mark.law_framework_exact
    def test_lstm_cell(self):
        module = nn.LSTMCell(5, 4)
        layer = from_torch(module)
        for name, tensor in module.state_dict().items():
            np.testing.assert_array_equal(layer.weights[name + "_l0"], tensor.numpy())
        assert from_torch(module.state_dict()) == layer

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("num_layers", [1, 3])
    @pytest.mark.parametrize("name", ["GRU", "RNN tanh", "RNN relu"])
    def test_gru_and_rnn_stream_what_the_module_gives(self, name, num_layers, bias):
        name, _, nonlinearity = name.partition(" ")
        settings = {"nonlinearity": nonlinearity} if nonlinearity else {}
        module = getattr(nn, name)(5, 4, num_layers, bias=bias, **settings)
        layer = from_torch(module)
        assert type(layer) is {"GRU": GRU, "RNN": RNN}[name]
        assert_same_weights(layer, module)
        assert from_torch(module.state_dict(), activation=nonlinearity or "linear") == layer
        x = torch.randn(50, 5)
        with torch.no_grad():
            expected, _ = module(x)
        rows = pylstm.Model(None, [layer]).stream().push_frames(x.numpy())
        np.testing.assert_allclose(rows, expected.numpy(), rtol=0, atol=1e-5)

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("name", ["GRUCell", "RNNCell"])
    def test_other_cells(self, name):
        module = getattr(nn, name)(5, 4)
        layer = from_torch(module)
        assert type(layer) is {"GRUCell": GRU, "RNNCell": RNN}[name]
        for of, tensor in module.state_dict().items():
            np.testing.assert_array_equal(layer.weights[of + "_l0"], tensor.numpy())

    def test_a_module_names_its_own_nonlinearity(self):
        with pytest.raises(ValueError, match="activation is 'relu': source names its own"):
            from_torch(nn.RNN(3, 2), activation="relu")

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("bias", [True, False])
    def test_linear(self, bias):
        module = nn.Linear(5, 4, bias=bias)
        layer = from_torch(module, activation="sigmoid")
        assert (layer.activation, layer.bias) == ("sigmoid", bias)
        assert_same_weights(layer, module)

    def test_training_does_not_reach_the_layer(self):
        module = nn.Linear(5, 4)
        layer = from_torch(module)
        before = layer.weights["weight"].copy()
        with torch.no_grad():
            module.weight.add_(1)
        np.testing.assert_array_equal(layer.weights["weight"], before)

    def test_transposed_tensors_arrive_in_c_order(self):
        layer = from_torch({"weight": torch.arange(6.0).reshape(2, 3).T}, activation="linear")
        np.testing.assert_array_equal(layer.weights["weight"], [[0, 3], [1, 4], [2, 5]])
        assert layer.weights["weight"].flags.c_contiguous

    def test_parameters_are_tensors(self):
        module = nn.Linear(5, 4)
        assert from_torch(dict(module.named_parameters())) == from_torch(module)

    def test_prefix_in_a_whole_model(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm = nn.LSTM(5, 4, 2)
                self.head = nn.Linear(4, 3)

        net = Net()
        assert from_torch(net.state_dict(), prefix="lstm.") == from_torch(net.lstm)
        assert from_torch(net.state_dict(), prefix="head.") == from_torch(net.head)
        with pytest.raises(
            ValueError, match=r"source is of type Net; expected .*its state_dict\(\) with a prefix"
        ):
            from_torch(net)
        with pytest.raises(ValueError, match=r"prefix is 'lstm\.': .* the submodule itself"):
            from_torch(net, prefix="lstm.")

    @pytest.mark.law_framework_exact
    def test_the_same_weights_as_the_golden_ones(self):
        case = LSTM_CASES[4]
        module = nn.LSTM(case.input_size, case.hidden_size, case.num_layers)
        module.load_state_dict({k: torch.from_numpy(v) for k, v in case.weights().items()})
        for name, array in from_torch(module).weights.items():
            np.testing.assert_array_equal(array, case.weights()[name])


@needs_torch
class TestUnsupportedModules:
    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("name", ["double", "half", "bfloat16"])
    def test_other_precisions(self, name):
        module = getattr(nn.LSTM(3, 2), name)()
        with pytest.raises(TypeError, match=r"'weight_ih_l0' of LSTM is torch\..*\.float\(\)"):
            from_torch(module)
        assert isinstance(from_torch(module.float()), LSTM)

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("name", ["ConvTranspose1d", "Bilinear", "ModuleList"])
    def test_other_modules(self, name):
        arguments = {"ModuleList": ()}.get(name, (3, 2, 1))
        with pytest.raises(ValueError, match=rf"source is of type {name}; expected nn\.LSTM"):
            from_torch(getattr(nn, name)(*arguments))

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("kind", ["LSTM", "Linear", "Sequential"])
    def test_subclasses_that_compute_something_else(self, kind):
        base = getattr(nn, kind)

        class Other(base):
            def forward(self, x):
                return -super().forward(x)

        if kind == "Sequential":  # of which the parts are known
            linear = nn.Linear(3, 2)
            weights = {name: -array for name, array in from_torch(linear).weights.items()}
            assert from_torch(Other(linear)) == {"_0": Dense(3, 2, weights=weights)}
            return
        with pytest.raises(
            ValueError, match=r"source is of type Other; exp|linear.* no layer does"
        ):
            from_torch(Other(3, 2))

    def test_meta_tensors(self):
        with pytest.raises(ValueError, match="'weight' of Linear is on the meta device"):
            from_torch(nn.Linear(3, 2, device="meta"))

    def test_sparse_tensors(self):
        with pytest.raises(ValueError, match="'weight' of the state dict is sparse"):
            from_torch({"weight": torch.eye(3).to_sparse()})

    @pytest.mark.parametrize("source", [None, 3, [nn.Linear(1, 1)] if torch else []])
    def test_other_things(self, source):
        with pytest.raises(TypeError, match=r"source is of type .*; expected a torch\.nn"):
            from_torch(source)


@needs_torch
class TestSequential:
    @pytest.mark.law_framework_exact
    def test_layers_and_activations(self):
        module = nn.Sequential(
            nn.LSTM(13, 8, 2, dropout=0.1),
            nn.Dropout(0.5),
            nn.Linear(8, 6),
            nn.Dropout(0.5),
            nn.ReLU(),
            nn.Identity(),
            nn.Linear(6, 5),
            nn.Linear(5, 4),
            nn.Tanh(),
            nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Sequential(nn.Linear(3, 2))),
            nn.Softmax(dim=-1),
        )
        layers = from_torch(module)
        assert [repr(layer) for layer in layers] == [
            "LSTM(input_size=13, hidden_size=8, num_layers=2, bias=True)",
            "Dense(input_size=8, output_size=6, activation='relu', bias=True)",
            "Dense(input_size=6, output_size=5, activation='linear', bias=True)",
            "Dense(input_size=5, output_size=4, activation='tanh', bias=True)",
            "Dense(input_size=4, output_size=3, activation='sigmoid', bias=True)",
            "Dense(input_size=3, output_size=2, activation='softmax', bias=True)",
        ]
        assert_same_weights(layers[0], module[0])
        assert_same_weights(layers[-1], module[9][2][0])

    def test_names_instead_of_numbers(self):
        module = nn.Sequential()
        module.add_module("lstm", nn.LSTM(3, 2))
        module.add_module("head", nn.Linear(2, 1))
        assert [type(layer) for layer in from_torch(module)] == [LSTM, Dense]

    def test_a_module_that_stands_there_twice_counts_twice(self):
        square, tanh = nn.Linear(3, 3), nn.Tanh()
        layers = from_torch(nn.Sequential(square, tanh, square, tanh))
        assert [layer.activation for layer in layers] == ["tanh", "tanh"]

    @pytest.mark.law_framework_exact
    def test_an_activation_that_follows_no_linear_is_a_layer(self):
        layers = from_torch(nn.Sequential(nn.ReLU(), nn.LSTM(3, 2), nn.Sigmoid(), nn.Tanh()))
        assert [repr(layer) for layer in layers] == [
            "Activation(input_size=3, function='relu')",
            "LSTM(input_size=3, hidden_size=2, num_layers=1, bias=True)",
            "Activation(input_size=2, function='sigmoid')",
            "Activation(input_size=2, function='tanh')",
        ]

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("dim", [None, 0, 1, 2])
    def test_softmax_runs_over_the_outputs(self, dim):
        with pytest.raises(ValueError, match=f"module 1 is a Softmax over dim={dim}; exp"):
            from_torch(nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=dim)))

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("name", ["Softmin", "Mish", "InstanceNorm1d", "Bilinear"])
    def test_other_modules_are_named(self, name):
        arguments = {"InstanceNorm1d": (2,), "Bilinear": (2, 2, 2)}.get(name, ())
        module = nn.Sequential(nn.Linear(3, 2), nn.Sequential(getattr(nn, name)(*arguments)))
        with pytest.raises(ValueError, match=rf"module 1\.0 is of type {name}; expected nn\.LSTM"):
            from_torch(module)

    def test_sizes_fit_together(self):
        with pytest.raises(ValueError, match="module 1 takes 5 inputs, but the layer before it"):
            from_torch(nn.Sequential(nn.LSTM(3, 2), nn.Linear(5, 1)))

    @pytest.mark.parametrize("modules", [(), ("Dropout",), ("Identity", "Dropout")])
    def test_nothing_to_convert(self, modules):
        with pytest.raises(ValueError, match="a Sequential without a recurrent layer or a Linear"):
            from_torch(nn.Sequential(*(getattr(nn, name)() for name in modules)))

    def test_no_activation_argument(self):
        with pytest.raises(ValueError, match="activation is 'relu': a Sequential names its own"):
            from_torch(nn.Sequential(nn.Linear(3, 2)), activation="relu")
