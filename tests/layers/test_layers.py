"""Layers as data: what they take, what they refuse and how they travel."""

import pickle

import numpy as np
import pytest

from pylstm.layers import LSTM, Dense


@pytest.fixture
def lstm():
    return LSTM(13, 8, num_layers=2, seed=1)


@pytest.fixture
def dense():
    return Dense(8, 3, activation="softmax", seed=1)


class TestConstruction:
    def test_lstm_has_pytorchs_names_and_shapes(self, lstm):
        shapes = {name: array.shape for name, array in lstm.weights.items()}
        assert shapes == {
            "weight_ih_l0": (32, 13),
            "weight_hh_l0": (32, 8),
            "bias_ih_l0": (32,),
            "bias_hh_l0": (32,),
            "weight_ih_l1": (32, 8),
            "weight_hh_l1": (32, 8),
            "bias_ih_l1": (32,),
            "bias_hh_l1": (32,),
        }
        assert shapes == lstm.shapes

    def test_dense_has_pytorchs_names_and_shapes(self, dense):
        assert {name: array.shape for name, array in dense.weights.items()} == {
            "weight": (3, 8),
            "bias": (3,),
        }

    def test_no_bias_means_no_bias_entries(self):
        assert set(LSTM(3, 4, bias=False).weights) == {"weight_ih_l0", "weight_hh_l0"}
        assert set(Dense(3, 4, bias=False).weights) == {"weight"}

    def test_widths(self, lstm, dense):
        assert (lstm.input_size, lstm.n_outputs) == (13, 8)
        assert (dense.input_size, dense.n_outputs) == (8, 3)

    @pytest.mark.parametrize(
        ("layer", "bound"), [(LSTM(30, 16, 2, seed=0), 16**-0.5), (Dense(16, 99, seed=0), 16**-0.5)]
    )
    def test_weights_are_drawn_as_pytorch_draws_them(self, layer, bound):
        values = np.concatenate([array.ravel() for array in layer.weights.values()])
        assert np.abs(values).max() <= np.float32(bound)
        # A uniform distribution of more than a thousand values comes near both ends and the middle.
        assert values.min() < -0.9 * bound
        assert values.max() > 0.9 * bound
        assert abs(values.mean()) < 0.1 * bound

    def test_seed_decides(self):
        assert LSTM(3, 4, seed=5) == LSTM(3, 4, seed=5)
        assert LSTM(3, 4, seed=5) != LSTM(3, 4, seed=6)
        assert LSTM(3, 4) != LSTM(3, 4)

    def test_weights_are_float32_copies_in_c_order(self):
        given_weights = {"weight": np.asfortranarray(np.ones((4, 3), np.float32))}
        layer = Dense(3, 4, bias=False, weights=given_weights)
        weight = layer.weights["weight"]
        assert weight.dtype == np.float32
        assert weight.flags.c_contiguous
        assert weight.flags.writeable
        given_weights["weight"][:] = 7
        assert (weight == 1).all()

    def test_weights_keep_the_order_of_the_layer(self, lstm):
        backwards = dict(reversed(lstm.weights.items()))
        assert list(LSTM(13, 8, 2, weights=backwards).weights) == list(lstm.weights)

    def test_numpy_integers_are_sizes(self):
        layer = LSTM(np.int64(3), np.int32(4))
        assert layer.config()["input_size"] == "3"
        assert type(layer.hidden_size) is int


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((0, 4), "input_size is 0; expected 1 to 65536"),
            ((3, -1), "hidden_size is -1; expected 1 to 16384"),
            ((3, 16385), "hidden_size is 16385; expected 1 to 16384"),
            ((65537, 4), "input_size is 65537; expected 1 to 65536"),
            ((3, 4, 0), "num_layers is 0; expected 1 to 128"),
            ((3, 4, 129), "num_layers is 129; expected 1 to 128"),
        ],
    )
    def test_sizes_out_of_range(self, arguments, message):
        with pytest.raises(ValueError, match=f"^{message}$"):
            LSTM(*arguments)

    @pytest.mark.parametrize("size", [4.0, "4", None, True])
    def test_sizes_that_are_no_whole_numbers(self, size):
        with pytest.raises(TypeError, match=r"input_size is .*; expected a whole number"):
            LSTM(size, 4)
        with pytest.raises(TypeError, match=r"output_size is .*; expected a whole number"):
            Dense(4, size)

    def test_bias_that_is_no_flag(self):
        with pytest.raises(TypeError, match="bias is 1; expected True or False"):
            LSTM(3, 4, bias=1)

    def test_unknown_activation(self):
        with pytest.raises(ValueError, match="activation is 'swish'; expected 'linear', 'sigmoid'"):
            Dense(3, 4, "swish")

    @pytest.mark.parametrize("kind", [LSTM, Dense])
    def test_seed_beside_weights(self, kind):
        with pytest.raises(ValueError, match="seed and weights exclude each other"):
            kind(3, 4, weights=kind(3, 4).weights, seed=1)

    def test_missing_weight(self, lstm):
        del lstm.weights["bias_hh_l1"]
        with pytest.raises(ValueError, match=r"LSTM is missing 'bias_hh_l1'; expected .*\(32,\)"):
            LSTM(13, 8, 2, weights=lstm.weights)

    def test_unused_weight(self, lstm):
        with pytest.raises(ValueError, match="LSTM has no use for 'weight_ih_l1'; expected 'weigh"):
            LSTM(13, 8, 1, weights=lstm.weights)

    def test_misshapen_weight(self, dense):
        dense.weights["weight"] = dense.weights["weight"].T.copy()
        with pytest.raises(ValueError, match=r"'weight' of Dense has shape \(8, 3\); .*\(3, 8\)"):
            Dense(8, 3, weights=dense.weights)

    @pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, ">f4"])
    def test_weight_of_another_type(self, dense, dtype):
        if np.dtype(dtype).newbyteorder("=") == np.float32 and np.dtype(dtype) == np.float32:
            pytest.skip("a big-endian machine: a little-endian one runs this")
        dense.weights["weight"] = dense.weights["weight"].astype(dtype)
        with pytest.raises(TypeError, match=r"'weight' of Dense is .*astype\(np.float32\)"):
            Dense(8, 3, weights=dense.weights)

    def test_weight_that_is_no_array(self):
        with pytest.raises(TypeError, match="'weight' of Dense is of type list; expected a NumPy"):
            Dense(1, 1, bias=False, weights={"weight": [[1.0]]})

    def test_weights_that_are_no_mapping(self):
        with pytest.raises(
            TypeError, match="weights of Dense are of type list; expected a mapping"
        ):
            Dense(1, 1, weights=[np.ones((1, 1), np.float32)])

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_weight_that_is_not_finite(self, lstm, value):
        lstm.weights["weight_hh_l1"][3, 4] = value
        with pytest.raises(ValueError, match="'weight_hh_l1' of LSTM is not finite"):
            LSTM(13, 8, 2, weights=lstm.weights)


class TestConfig:
    def test_lstm(self, lstm):
        assert lstm.config() == {
            "kind": "lstm",
            "input_size": "13",
            "hidden_size": "8",
            "num_layers": "2",
            "bias": "true",
        }

    def test_dense(self):
        assert Dense(8, 3, "tanh", bias=False).config() == {
            "kind": "dense",
            "input_size": "8",
            "output_size": "3",
            "activation": "tanh",
            "bias": "false",
        }

    @pytest.mark.parametrize("key", ["kind", "input_size", "hidden_size", "num_layers", "bias"])
    def test_missing_key(self, lstm, key):
        config = lstm.config()
        del config[key]
        with pytest.raises(ValueError, match=f"configuration of a lstm layer is missing '{key}'"):
            LSTM.from_config(config, lstm.weights)

    def test_unused_key(self, lstm):
        with pytest.raises(ValueError, match="configuration of a lstm layer has no 'dropout'"):
            LSTM.from_config(lstm.config() | {"dropout": "0"}, lstm.weights)

    def test_another_kind(self, lstm):
        with pytest.raises(ValueError, match="configuration is of a 'gru' layer; expected 'lstm'"):
            LSTM.from_config(lstm.config() | {"kind": "gru"}, lstm.weights)

    @pytest.mark.parametrize("text", ["08", "+8", " 8", "8.0", "", "0", "-8", "8_0", "٨", "9" * 10])
    def test_numbers_have_one_spelling(self, lstm, text):
        with pytest.raises(ValueError, match=r"'hidden_size' in a configuration is .*whole number"):
            LSTM.from_config(lstm.config() | {"hidden_size": text}, lstm.weights)

    @pytest.mark.parametrize("text", ["True", "1", "yes", ""])
    def test_flags_have_one_spelling(self, lstm, text):
        with pytest.raises(ValueError, match=r"'bias' in a configuration is .*; expected true"):
            LSTM.from_config(lstm.config() | {"bias": text}, lstm.weights)

    def test_values_are_strings(self, lstm):
        with pytest.raises(
            TypeError, match=r"'hidden_size' in a configuration is 8; expected a str"
        ):
            LSTM.from_config(lstm.config() | {"hidden_size": 8}, lstm.weights)


class TestValue:
    def test_repr_makes_a_layer_of_the_same_shape(self, lstm, dense):
        assert repr(lstm) == "LSTM(input_size=13, hidden_size=8, num_layers=2, bias=True)"
        for layer in (lstm, dense):
            again = eval(repr(layer), {"LSTM": LSTM, "Dense": Dense})
            assert again.shapes == layer.shapes
            assert again.config() == layer.config()

    def test_equality_needs_every_weight(self, lstm):
        other = LSTM(13, 8, 2, weights=lstm.weights)
        assert other == lstm
        other.weights["bias_hh_l1"][7] += 1
        assert other != lstm

    def test_equality_needs_the_activation(self, dense):
        assert Dense(8, 3, "tanh", weights=dense.weights) != dense

    def test_layers_of_other_kinds_differ(self):
        assert LSTM(3, 4) != Dense(3, 4)
        assert LSTM(3, 4) != "LSTM"

    def test_no_hash(self, lstm):
        with pytest.raises(TypeError, match="unhashable"):
            hash(lstm)

    def test_pickle(self, lstm, dense):
        for layer in (lstm, dense):
            assert pickle.loads(pickle.dumps(layer)) == layer
