"""The engine's LSTM against PyTorch, against what PyTorch once gave, and against the reference:
with every kernel that this processor runs."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pylstm
import pylstm.convert
from pylstm import reference
from tests.golden.cases import DENSE_CASES, LSTM_CASES, LstmCase, stored
from tests.golden.oracles import torch_lstm

# Law 2: the same weights give PyTorch's outputs within this, over 1,000 steps.
TOLERANCE = 1e-5

SIZES = (1, 13, 16, 40, 65, 127, 128)
# Every size as hidden_size and as input_size, each paired with a tail of another length, and 1000
# for fewer steps because a step then has 32 MB of weights.
SHAPES = [
    *(LstmCase(SIZES[(k + 3) % len(SIZES)], size, 1, 1000) for k, size in enumerate(SIZES)),
    *(LstmCase(SIZES[(k + 1) % len(SIZES)], size, 1, 300) for k, size in enumerate(SIZES)),
    LstmCase(40, 65, 2, 1000),
    LstmCase(13, 40, 3, 1000),
    LstmCase(16, 13, 4, 1000),
    LstmCase(13, 128, 2, 1000, bias=False),
    LstmCase(13, 40, 1, 1000, scale=10.0),
    LstmCase(1000, 13, 1, 100),
    LstmCase(13, 1000, 1, 20),
    LstmCase(1000, 1000, 1, 5),
]


def by_name(case):
    return f"{case.name}_{case.n_steps}"


def wide_ones_slow(cases):
    """Each under its name; those with a width of 1000 take as long as all others together."""
    return [
        pytest.param(case, id=by_name(case), marks=pytest.mark.slow)
        if 1000 in (case.input_size, case.hidden_size)
        else pytest.param(case, id=by_name(case))
        for case in cases
    ]


@pytest.fixture(params=pylstm.show_config()["isa"]["supported"])
def isa(request, monkeypatch):
    """Every instruction set in turn: the core reads the variable when a model is made."""
    monkeypatch.setenv("PYLSTM_ISA", request.param)
    return request.param


def lstm_layer(case):
    return pylstm.LSTM(
        case.input_size, case.hidden_size, case.num_layers, case.bias, case.weights()
    )


def engine(*layers):
    return pylstm.Model(features=None, layers=list(layers))


def run(model, x):
    y = model.stream().push_frames(x)
    assert y.dtype == np.float32
    return y


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("case", wide_ones_slow(SHAPES))
def test_torch(case, isa):
    pytest.importorskip("torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'")
    expected, _ = torch_lstm(case.x(), case.weights())
    model = engine(lstm_layer(case))
    assert model.isa == isa
    y = run(model, case.x())
    assert y.shape == (case.n_steps, case.hidden_size)
    np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("case", SHAPES[:17], ids=by_name)
def test_kernels_with_a_fused_multiply_add_agree_bit_for_bit(case, monkeypatch):
    """src/kernels/kernels.h: every table but scalar computes the same bits."""
    outputs = set()
    for isa in pylstm.show_config()["isa"]["supported"]:
        if isa != "scalar":
            monkeypatch.setenv("PYLSTM_ISA", isa)
            outputs.add(run(engine(lstm_layer(case)), case.x()).tobytes())
    assert len(outputs) <= 1


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("case", [case for case in LSTM_CASES if not case.with_state], ids=by_name)
def test_golden(case, isa):
    y = run(engine(lstm_layer(case)), case.x())
    expected = stored("lstm")[f"{case.name}.outputs"]
    np.testing.assert_allclose(y[case.steps], expected, rtol=0, atol=TOLERANCE)
    # What stands at the last step of the last layer is h.
    np.testing.assert_allclose(y[-1], stored("lstm")[f"{case.name}.h"][-1], rtol=0, atol=TOLERANCE)


@pytest.mark.law_framework_exact
def test_golden_with_its_weights(isa):
    golden = stored("stored_lstm")
    weights = {name: array for name, array in golden.items() if name.endswith("_l0")}
    y = run(engine(pylstm.LSTM(13, 16, weights=weights)), golden["x"])
    np.testing.assert_allclose(y, golden["outputs"], rtol=0, atol=TOLERANCE)


@pytest.mark.law_framework_exact
@settings(
    deadline=None,
    max_examples=40,
    # The fixture sets a variable that stays the same for all examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    input_size=st.integers(1, 70),
    hidden_size=st.integers(1, 70),
    num_layers=st.integers(1, 4),
    n_steps=st.integers(1, 60),
    bias=st.booleans(),
)
def test_reference(isa, input_size, hidden_size, num_layers, n_steps, bias):
    case = LstmCase(input_size, hidden_size, num_layers, n_steps, bias)
    expected, _, _ = reference.lstm(case.x(), case.weights(), num_layers)
    y = run(engine(lstm_layer(case)), case.x())
    np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.law_chunk
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    hidden_size=st.integers(1, 70),
    num_layers=st.integers(1, 4),
    chunks=st.lists(st.integers(0, 30), min_size=1, max_size=12),
)
def test_chunks_give_the_bits_of_the_whole(isa, hidden_size, num_layers, chunks):
    case = LstmCase(13, hidden_size, num_layers, 1 + sum(chunks))
    x, model = case.x(), engine(lstm_layer(case))
    whole = run(model, x)
    stream = model.stream()
    ends = np.cumsum(chunks)
    parts = [stream.push_frames(part) for part in np.split(x, ends)]
    assert [len(part) for part in parts] == [*chunks, 1]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.law_chunk
@pytest.mark.parametrize("case", wide_ones_slow([SHAPES[5], SHAPES[16], SHAPES[21]]))
@pytest.mark.parametrize("size", [1, 2, 7, 11, 12, 13, 100])
def test_equal_chunks_give_the_bits_of_the_whole(case, size, isa):
    x, model = case.x()[:150], engine(lstm_layer(case))
    stream = model.stream()
    parts = [stream.push_frames(x[start : start + size]) for start in range(0, len(x), size)]
    assert np.concatenate(parts).tobytes() == run(model, x).tobytes()


@pytest.mark.law_chunk
def test_streams_of_one_model_do_not_meet(isa):
    case = LstmCase(13, 40, 2, 50)
    x, model = case.x(), engine(lstm_layer(case))
    alone = run(model, x), run(model, -x)
    first, second = model.stream(), model.stream()
    rows = [(first.push_frames(row), second.push_frames(-row)) for row in x[:, np.newaxis]]
    for ours, expected in zip(zip(*rows, strict=True), alone, strict=True):
        assert np.concatenate(ours).tobytes() == expected.tobytes()


@pytest.mark.law_state_is_a_value
def test_reset_starts_anew(isa):
    case = LstmCase(13, 40, 2, 50)
    stream = engine(lstm_layer(case)).stream()
    first = stream.push_frames(case.x())
    assert stream.push_frames(case.x()).tobytes() != first.tobytes()
    stream.reset()
    assert stream.push_frames(case.x()).tobytes() == first.tobytes()


def test_padding_of_one_layer_does_not_reach_the_next(isa):
    """A stack of one-layer LSTMs is the LSTM of many layers, and splits at any width."""
    case = LstmCase(13, 33, 3, 40)
    weights = case.weights()
    layers = [
        pylstm.LSTM(
            13 if k == 0 else 33,
            33,
            weights={
                name.replace(f"_l{k}", "_l0"): array
                for name, array in weights.items()
                if name.endswith(f"_l{k}")
            },
        )
        for k in range(3)
    ]
    assert (
        run(engine(*layers), case.x()).tobytes()
        == run(engine(lstm_layer(case)), case.x()).tobytes()
    )


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("case", DENSE_CASES, ids=lambda case: case.name)
def test_dense_golden(case, isa):
    layer = pylstm.Dense(
        case.input_size, case.output_size, case.activation, case.bias, case.weights()
    )
    y = run(engine(layer), case.x())
    # Outputs reach 100 where they are not squashed: absolute near 1, relative above.
    np.testing.assert_allclose(y, stored("dense")[case.name], rtol=1e-6, atol=TOLERANCE)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "relu", "softmax"])
def test_a_head_on_an_lstm_is_the_reference(activation, isa):
    case = LstmCase(13, 33, 2, 200)
    lstm = lstm_layer(case)
    head = pylstm.Dense(33, 12, activation, seed=3)
    configs = [layer.config() | {"weights": layer.weights} for layer in (lstm, head)]
    expected = reference.model(case.x(), None, configs)
    y = run(engine(lstm, head), case.x())
    np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.law_framework_exact
def test_converted_modules_give_what_they_gave(isa):
    torch = pytest.importorskip("torch", reason="it is PyTorch's: pip install 'pylstm[torch]'")
    torch.set_num_threads(1)
    lstm, head = torch.nn.LSTM(13, 40, 2).eval(), torch.nn.Linear(40, 5).eval()
    layers = pylstm.convert.from_torch(torch.nn.Sequential(lstm, head, torch.nn.Softmax(dim=-1)))
    x = LstmCase(13, 40, 2, 1000).x()
    with torch.no_grad():
        expected = torch.softmax(head(lstm(torch.from_numpy(x))[0]), dim=-1).numpy()
    np.testing.assert_allclose(run(engine(*layers), x), expected, rtol=0, atol=TOLERANCE)
