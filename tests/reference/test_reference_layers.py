"""The reference's layers against PyTorch where it is installed, and always against what it once
gave (tests/golden)."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm import reference
from tests.golden.cases import DENSE_CASES, LSTM_CASES, stored
from tests.golden.oracles import torch_dense, torch_lstm

# PyTorch in float32 against float64: a few roundings of values near 1.
TOLERANCE = 1e-5
# Both sides in float64 leave nothing but the order of summation.
EXACT = 1e-11


def by_name(case):
    return case.name


class TestActivations:
    def test_sigmoid_is_half_of_one_plus_tanh(self):
        x = np.linspace(-50, 50, 10_001)
        np.testing.assert_allclose(
            reference.sigmoid(x), 0.5 * (1 + np.tanh(x / 2)), rtol=0, atol=1e-15
        )

    def test_sigmoid_of_minus_x_is_its_ratio_to_exp(self):
        x = np.linspace(0, 700, 1001)
        np.testing.assert_allclose(
            reference.sigmoid(-x), reference.sigmoid(x) * np.exp(-x), rtol=1e-14
        )

    def test_extremes_neither_overflow_nor_warn(self):
        x = np.array([-np.inf, -1e300, 1e300, np.inf])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(reference.sigmoid(x), [0, 0, 1, 1])
            np.testing.assert_array_equal(reference.tanh(x), [-1, -1, 1, 1])
            np.testing.assert_array_equal(reference.softmax([[1e300, -1e300]]), [[1, 0]])

    def test_softmax_sums_to_one_and_ignores_a_shift(self):
        x = np.random.default_rng(0).normal(size=(20, 12)) * 30
        y = reference.softmax(x)
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-14)
        np.testing.assert_allclose(reference.softmax(x + 100), y, rtol=1e-12)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("name", ["relu", "sigmoid", "softmax", "tanh"])
    def test_dtype_is_kept(self, name, dtype):
        assert getattr(reference, name)([0.5, 1.0], dtype).dtype == dtype


class TestLstm:
    @pytest.mark.slow
    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("case", LSTM_CASES, ids=by_name)
    def test_golden(self, case):
        golden = stored("lstm")
        outputs, (h, c), _ = reference.lstm(case.x(), case.weights(), case.num_layers, case.state())
        for name, value in {"outputs": outputs[case.steps], "h": h, "c": c}.items():
            expected = golden[f"{case.name}.{name}"]
            np.testing.assert_allclose(value, expected, rtol=0, atol=TOLERANCE)

    @pytest.mark.law_framework_exact
    def test_golden_with_its_weights(self):
        golden = stored("stored_lstm")
        weights = {name: array for name, array in golden.items() if name.endswith("_l0")}
        outputs, (h, c), _ = reference.lstm(golden["x"], weights)
        for name, value in {"outputs": outputs, "h": h, "c": c}.items():
            np.testing.assert_allclose(value, golden[name], rtol=0, atol=TOLERANCE)

    @pytest.mark.law_framework_exact
    @settings(deadline=None, max_examples=25)
    @given(
        input_size=st.integers(1, 20),
        hidden_size=st.integers(1, 20),
        num_layers=st.integers(1, 4),
        n_steps=st.integers(1, 30),
        bias=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_torch_in_float64(self, input_size, hidden_size, num_layers, n_steps, bias, seed):
        pytest.importorskip("torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'")
        rng = np.random.RandomState(seed)
        rows, weights = 4 * hidden_size, {}
        for k in range(num_layers):
            weights[f"weight_ih_l{k}"] = rng.normal(size=(rows, hidden_size if k else input_size))
            weights[f"weight_hh_l{k}"] = rng.normal(size=(rows, hidden_size)) / hidden_size
            if bias:
                weights[f"bias_ih_l{k}"] = rng.normal(size=rows)
                weights[f"bias_hh_l{k}"] = rng.normal(size=rows)
        x = rng.normal(size=(n_steps, input_size))
        state = rng.normal(size=(2, num_layers, hidden_size))
        expected, (h, c) = torch_lstm(x, weights, (state[0], state[1]))
        outputs, (h_ours, c_ours), _ = reference.lstm(x, weights, num_layers, (state[0], state[1]))
        np.testing.assert_allclose(outputs, expected, rtol=0, atol=EXACT)
        np.testing.assert_allclose(h_ours, h, rtol=0, atol=EXACT)
        np.testing.assert_allclose(c_ours, c, rtol=0, atol=EXACT)

    def test_a_cut_changes_nothing(self):
        case = LSTM_CASES[8]
        x, weights = case.x(), case.weights()
        whole, state, _ = reference.lstm(x, weights, case.num_layers)
        first, between, _ = reference.lstm(x[:101], weights, case.num_layers)
        second, end, _ = reference.lstm(x[101:], weights, case.num_layers, between)
        np.testing.assert_array_equal(np.concatenate([first, second]), whole)
        np.testing.assert_array_equal(end, state)

    def test_trace_obeys_the_equations(self):
        case = LSTM_CASES[10]
        outputs, (h, c), trace = reference.lstm(
            case.x(), case.weights(), case.num_layers, case.state()
        )
        assert len(trace) == case.num_layers
        for k, layer in enumerate(trace):
            before = np.concatenate([case.state()[1][k : k + 1], layer["c"][:-1]])
            np.testing.assert_array_equal(layer["c"], layer["f"] * before + layer["i"] * layer["g"])
            np.testing.assert_array_equal(layer["h"], layer["o"] * np.tanh(layer["c"]))
            np.testing.assert_array_equal(layer["h"][-1], h[k])
            np.testing.assert_array_equal(layer["c"][-1], c[k])
        np.testing.assert_array_equal(trace[-1]["h"], outputs)

    def test_the_state_that_is_given_is_left_alone(self):
        case = LSTM_CASES[10]
        h, c = case.state()
        reference.lstm(case.x(), case.weights(), case.num_layers, (h, c))
        np.testing.assert_array_equal((h, c), case.state())

    def test_no_steps(self):
        weights = {"weight_ih_l0": np.ones((8, 3)), "weight_hh_l0": np.ones((8, 2))}
        outputs, (h, _), _ = reference.lstm(np.zeros((0, 3)), weights)
        assert outputs.shape == (0, 2)
        np.testing.assert_array_equal(h, 0)


class TestRecurrent:
    """Every cell and option of `reference.sequences`, sequences of different lengths."""

    @pytest.mark.law_framework_exact
    @settings(deadline=None, max_examples=30)
    @given(
        kind=st.sampled_from(["lstm", "projected", "gru", "tanh", "relu"]),
        input_size=st.integers(1, 9),
        hidden_size=st.integers(2, 9),
        num_layers=st.integers(1, 3),
        lengths=st.lists(st.integers(1, 8), min_size=1, max_size=4),
        bidirectional=st.booleans(),
        bias=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_torch_in_float64(
        self, kind, input_size, hidden_size, num_layers, lengths, bidirectional, bias, seed
    ):
        torch = pytest.importorskip(
            "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
        )
        torch.manual_seed(seed)
        own = {
            "lstm": (torch.nn.LSTM, {}, reference.lstm, {}),
            "projected": (torch.nn.LSTM, {"proj_size": hidden_size - 1}, reference.lstm, {}),
            "gru": (torch.nn.GRU, {}, reference.gru, {}),
            "tanh": (torch.nn.RNN, {}, reference.rnn, {}),
            "relu": (torch.nn.RNN, {"nonlinearity": "relu"}, reference.rnn,
                     {"nonlinearity": "relu"}),
        }  # fmt: skip
        make, settings_there, run, settings_here = own[kind]
        module = make(
            input_size, hidden_size, num_layers, bias=bias, bidirectional=bidirectional,
            dtype=torch.float64, **settings_there,
        )  # fmt: skip
        weights = {name: w.detach().numpy() for name, w in module.named_parameters()}
        x = torch.randn(max(lengths), len(lengths), input_size, dtype=torch.float64)
        places, width = num_layers * (1 + bidirectional), weights["weight_hh_l0"].shape[1]
        state = [torch.randn(places, len(lengths), width, dtype=torch.float64)]
        if make is torch.nn.LSTM:
            state.append(torch.randn(places, len(lengths), hidden_size, dtype=torch.float64))
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        with torch.no_grad():
            packed, end = module(packed, tuple(state) if len(state) == 2 else state[0])
            expected, _ = torch.nn.utils.rnn.pad_packed_sequence(packed)
        begin = [part.numpy() for part in state]
        y, ours, trace = run(
            x.numpy(), weights, num_layers, tuple(begin) if len(begin) == 2 else begin[0],
            bidirectional=bidirectional, lengths=lengths, **settings_here,
        )  # fmt: skip
        np.testing.assert_allclose(y, expected.numpy(), rtol=0, atol=EXACT)
        for part, theirs in zip(
            *((s if len(begin) == 2 else (s,)) for s in (ours, end)), strict=True
        ):
            np.testing.assert_allclose(part, theirs.numpy(), rtol=0, atol=EXACT)
        assert len(trace) == places
        # One sequence without a batch is the first of the batch.
        own_state = [part[:, 0] for part in begin]
        alone, _, _ = run(
            x[: lengths[0], 0].numpy(), weights, num_layers,
            tuple(own_state) if len(begin) == 2 else own_state[0],
            bidirectional=bidirectional, **settings_here,
        )  # fmt: skip
        np.testing.assert_array_equal(alone, y[: lengths[0], 0])


class TestDense:
    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("case", DENSE_CASES, ids=by_name)
    def test_golden(self, case):
        weights = case.weights()
        y = reference.dense(case.x(), weights["weight"], weights.get("bias"), case.activation)
        # Outputs reach 100 where they are not squashed: absolute near 1, relative above.
        np.testing.assert_allclose(y, stored("dense")[case.name], rtol=1e-6, atol=TOLERANCE)

    @pytest.mark.law_framework_exact
    @pytest.mark.parametrize("case", DENSE_CASES, ids=by_name)
    def test_torch_in_float64(self, case):
        pytest.importorskip("torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'")
        x, weights = case.x().astype(np.float64), case.weights()
        y = reference.dense(x, weights["weight"], weights.get("bias"), case.activation)
        expected = torch_dense(x, weights, case.activation)
        np.testing.assert_allclose(y, expected, rtol=0, atol=EXACT)
