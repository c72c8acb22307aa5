"""State dicts of NumPy arrays become layers with the same weights, or an error that names the
tensor.

PyTorch is not needed for any of it.
"""

import re
import subprocess
import sys

import numpy as np
import pytest

import pylstm
from pylstm.convert import from_torch
from pylstm.layers import GRU, LSTM, RNN, Dense


def lstm_state(input_size=3, hidden_size=2, num_layers=1, bias=True, prefix="", seed=0):
    layer = LSTM(input_size, hidden_size, num_layers, bias, seed=seed)
    return {prefix + name: array for name, array in layer.weights.items()}


class TestStateDicts:
    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("num_layers", [1, 2, 4, 11])
    def test_lstm(self, num_layers, bias):
        state = lstm_state(5, 4, num_layers, bias, prefix="encoder.lstm.")
        layer = from_torch(state, prefix="encoder.lstm.")
        assert repr(layer) == (
            f"LSTM(input_size=5, hidden_size=4, num_layers={num_layers}, bias={bias})"
        )
        for name, array in layer.weights.items():
            np.testing.assert_array_equal(array, state["encoder.lstm." + name])

    @pytest.mark.law_framework_exact
    def test_lstm_cell(self):
        cell = {name.removesuffix("_l0"): array for name, array in lstm_state().items()}
        assert from_torch(cell) == from_torch(lstm_state())

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("bias", [True, False])
    def test_linear(self, bias):
        weights = Dense(4, 3, bias=bias, seed=0).weights
        layer = from_torch(weights, activation="softmax")
        assert layer == Dense(4, 3, "softmax", bias, weights)

    def test_weights_are_copied(self):
        state = lstm_state()
        layer = from_torch(state)
        state["weight_ih_l0"][:] = 0
        assert layer != from_torch(state)

    def test_prefix_picks_from_a_whole_model(self):
        state = lstm_state(prefix="lstm.") | {
            "head.weight": np.ones((2, 2), np.float32),
            "scale": np.ones(1, np.int64),
        }
        assert from_torch(state, prefix="lstm.").n_outputs == 2
        assert from_torch(state, prefix="head.", activation="linear").bias is False

    def test_a_model_is_not_converted_as_a_whole(self):
        state = lstm_state(prefix="lstm.") | {"head.weight": np.ones((2, 2), np.float32)}
        with pytest.raises(ValueError, match=re.escape("its names begin with 'head.', 'lstm.'")):
            from_torch(state)

    def test_nothing_under_the_prefix(self):
        with pytest.raises(ValueError, match=r"no name in .* begins with 'rnn\.': .* 'lstm\.'"):
            from_torch(lstm_state(prefix="lstm."), prefix="rnn.")

    def test_nothing_at_all(self):
        with pytest.raises(ValueError, match="the state dict is empty: it has no tensors; ex"):
            from_torch({})

    @pytest.mark.parametrize("name", sorted(lstm_state(num_layers=2)))
    def test_a_missing_tensor_is_named(self, name):
        state = lstm_state(num_layers=2, prefix="lstm.")
        del state["lstm." + name]
        with pytest.raises(ValueError, match=rf"is missing 'lstm\.{name}'"):
            from_torch(state, prefix="lstm.")

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize(
        "name", ["weight", "bias", "bias_ih_l00", "weight_ih", "h0", "inner.weight_ih_l0", ""]
    )
    def test_an_unused_tensor_is_named(self, name):
        state = lstm_state(prefix="lstm.") | {"lstm." + name: np.ones((8, 3), np.float32)}
        with pytest.raises(ValueError, match=rf"has no use for 'lstm\.{name}'"):
            from_torch(state, prefix="lstm.")

    @pytest.mark.law_framework_exact
    def test_an_unused_tensor_beside_a_linear_is_named(self):
        state = {"weight": np.ones((2, 3), np.float32), "scale": np.ones(2, np.float32)}
        with pytest.raises(ValueError, match="has no use for 'scale'; expected 'weight'"):
            from_torch(state)

    @pytest.mark.parametrize(
        ("name", "shape", "message"),
        [
            ("weight_ih_l1", (8, 3), r"shape \(8, 3\); expected \(8, 2\)"),
            ("weight_hh_l1", (2, 8), r"shape \(2, 8\); expected \(8, 2\)"),
            ("weight_ih_l0", (7, 3), r"shape \(7, 3\); expected \(8, 3\)"),
            ("bias_hh_l0", (8, 1), r"shape \(8, 1\); expected \(8,\)"),
            ("bias_ih_l1", (4,), r"shape \(4,\); expected \(8,\)"),
            ("weight_ih_l0", (8,), r"shape \(8,\); expected two dimensions"),
            ("weight_hh_l0", (1, 8, 2), r"shape \(1, 8, 2\); expected two dimensions"),
        ],
    )
    def test_a_misshapen_tensor_is_named(self, name, shape, message):
        state = lstm_state(num_layers=2) | {name: np.ones(shape, np.float32)}
        with pytest.raises(ValueError, match=f"'{name}' of the state dict has {message}"):
            from_torch(state)

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize(
        ("gates", "activation", "kind"),
        [(3, "linear", GRU), (1, "tanh", RNN), (1, "relu", RNN), (4, "linear", LSTM)],
    )
    def test_cells_are_told_by_their_gates(self, gates, activation, kind):
        state = {name: array[: gates * 2] for name, array in lstm_state(num_layers=2).items()}
        layer = from_torch(state, activation=activation)
        assert type(layer) is kind
        assert layer.num_layers == 2
        assert getattr(layer, "nonlinearity", "linear") == activation
        for name, array in state.items():
            np.testing.assert_array_equal(layer.weights[name], array)

    def test_a_plain_rnn_needs_its_nonlinearity(self):
        state = {name: array[:2] for name, array in lstm_state().items()}
        with pytest.raises(ValueError, match=r"for a plain RNN; expected 'tanh' or 'relu'"):
            from_torch(state)
        with pytest.raises(ValueError, match=r"activation is 'sigmoid' for a plain RNN"):
            from_torch(state, activation="sigmoid")

    def test_a_gru_takes_no_activation(self):
        state = {name: array[:6] for name, array in lstm_state().items()}
        with pytest.raises(ValueError, match="activation is 'tanh': the gates of a GRU"):
            from_torch(state, activation="tanh")

    @pytest.mark.parametrize("rows", [1, 4, 5, 7, 10])
    def test_gates_that_no_cell_has(self, rows):
        state = {
            name: np.ones((rows, *a.shape[1:]), np.float32) for name, a in lstm_state().items()
        }
        with pytest.raises(
            ValueError,
            match=r"'weight_hh_l0' .* has \d+ rows? for a hidden_size of 2; expected 8 of an LSTM,",
        ):
            from_torch(state)

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("kind", [LSTM, GRU, RNN])
    def test_both_directions(self, kind):
        layer = kind(3, 2, 2, bidirectional=True, seed=0)
        activation = "tanh" if kind is RNN else None
        state = dict(layer.weights)
        assert from_torch(state, activation=activation) == layer
        with pytest.raises(ValueError, match="cannot stream: a stream cannot hear the future"):
            pylstm.Model(None, [from_torch(state, activation=activation)])
        for name, shape in layer.shapes.items():
            lacking = {other: array for other, array in state.items() if other != name}
            with pytest.raises(ValueError, match=f"{name}'|a hidden_size|expected"):
                from_torch(lacking, activation=activation)
            wrong = {**state, name: np.ones((*shape, 1), np.float32)}
            with pytest.raises(ValueError, match=f"{name}' .*shape"):
                from_torch(wrong, activation=activation)

    @pytest.mark.law_framework_exact
    def test_a_projection_that_does_not_fit(self):
        state = lstm_state() | {"weight_hr_l0": np.ones((1, 2), np.float32)}
        with pytest.raises(
            ValueError, match=r"'weight_hh_l0' .* shape \(8, 2\); expected \(8, 1\)"
        ):
            from_torch(state)
        state["weight_hh_l0"] = np.ones((8, 1), np.float32)
        assert from_torch(state).proj_size == 1
        state |= {
            "weight_hr_l0": np.ones((2, 2), np.float32),
            "weight_hh_l0": np.ones((8, 2), "f4"),
        }
        with pytest.raises(ValueError, match="proj_size is 2; expected less than hidden_size 2"):
            from_torch(state)

    def test_a_hostile_layer_number_costs_nothing(self):
        state = lstm_state() | {"weight_ih_l999999999": np.ones((8, 2), np.float32)}
        with pytest.raises(ValueError, match="has a layer 999999999 but only 5 tensors"):
            from_torch(state)

    @pytest.mark.parametrize("dtype", [np.float64, np.float16])
    def test_other_types_of_numbers(self, dtype):
        state = {name: array.astype(dtype) for name, array in lstm_state().items()}
        with pytest.raises(TypeError, match=r"'weight_ih_l0' .*float32.* \.astype\(np\.float32\)"):
            from_torch(state)
        from_torch({name: array.astype(np.float32) for name, array in state.items()})

    def test_whole_numbers_are_not_told_to_lose_their_scale(self):
        state = {name: array.astype(np.int8) for name, array in lstm_state().items()}
        with pytest.raises(TypeError, match=r"'weight_ih_l0' .* is int8; expected float32$"):
            from_torch(state)

    def test_not_finite(self):
        state = lstm_state()
        state["bias_hh_l0"][3] = np.nan
        with pytest.raises(ValueError, match="'bias_hh_l0' of the state dict is not finite"):
            from_torch(state)

    def test_no_array(self):
        with pytest.raises(TypeError, match="'weight' of the state dict is of type list"):
            from_torch({"weight": [[1.0]]})

    def test_no_name(self):
        with pytest.raises(TypeError, match="a name in the state dict is 3; expected a string"):
            from_torch({3: np.ones((1, 1), np.float32)})

    def test_an_lstm_takes_no_activation(self):
        with pytest.raises(ValueError, match="activation is 'tanh': the gates of an LSTM"):
            from_torch(lstm_state(), activation="tanh")

    def test_an_unknown_activation(self):
        with pytest.raises(ValueError, match="activation is 'swish'; expected 'linear'"):
            from_torch(Dense(1, 1).weights, activation="swish")


class TestWithoutTorch:
    CODE = """
import sys
from pathlib import Path
sys.modules["torch"] = None
import numpy as np
import pylstm.convert
matrix = {"weight": np.ones((2, 3), np.float32)}
layer = pylstm.convert.from_torch(matrix, activation="linear")
assert layer.n_outputs == 2
try:
    pylstm.convert.from_torch(object())
except ImportError as error:
    assert 'pip install "pylstm[torch]"' in str(error), error
else:
    raise AssertionError("no ImportError")
"""

    def run(self, code):
        command = [sys.executable, "-W", "error", "-c", code]
        path = str(pylstm.__path__[0]).removesuffix("pylstm")
        return subprocess.run(command, cwd=path, capture_output=True, text=True)

    def test_state_dicts_of_arrays_work_and_modules_name_the_extra(self):
        done = self.run(self.CODE)
        assert done.returncode == 0, done.stderr

    def test_importing_the_converter_does_not_import_torch(self):
        done = self.run("import sys, pylstm.convert; sys.exit('torch' in sys.modules)")
        assert done.returncode == 0, done.stderr
