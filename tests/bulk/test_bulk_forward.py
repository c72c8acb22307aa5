"""layer.forward and what is refused: sequences and batches through recurrent layers, in bulk."""

import threading

import numpy as np
import pytest

import pylstm
from pylstm.reference.layers import LAYERS as REFERENCES
from tests.network_passes import (
    LAYER,
    PLAIN,
    SMOOTH,
    X,
    as_state,
    frames,
    parts,
    passage,
    recurrent,
    with_value,
)

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")

TOLERANCE = 1e-5


# --- what comes out -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(13, 40, 2, True), (5, 64, 1, False), (40, 33, 3, True)])
def test_a_stream_gives_the_same(isa, shape):
    lstm = pylstm.LSTM(*shape, seed=1)
    x = frames(200, 3, shape[0])
    y, (h, c) = lstm.forward(x)
    model = pylstm.Model(None, [lstm])
    assert model.isa == isa
    for b in range(3):
        np.testing.assert_allclose(
            model.stream().push_frames(x[:, b]), y[:, b], rtol=0, atol=TOLERANCE
        )
        stream = model.stream()
        stream.push_frames(x[:120, b])
        rest = stream.push_frames(x[120:, b])
        np.testing.assert_allclose(rest, y[120:, b], rtol=0, atol=TOLERANCE)
        for k, (h_there, c_there) in enumerate(stream.state):
            np.testing.assert_allclose(h_there, h[k, b], rtol=0, atol=TOLERANCE)
            np.testing.assert_allclose(c_there, c[k, b], rtol=0, atol=TOLERANCE)


def test_lengths_of_any_whole_type():
    layer = recurrent("gru", 5, 8, seed=1)
    x = frames(6, 3, 5)
    expected, _ = layer.forward(x, None, np.array([6, 2, 4]))
    for lengths in ([6, 2, 4], *(np.array([6, 2, 4], t) for t in ("u1", "i2", "u8"))):
        assert layer.forward(x, None, lengths)[0].tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_inputs_in_any_order_of_memory_are_left_alone(kind):
    layer = recurrent(kind, 6, 17, seed=1, bidirectional=True)
    x = frames(12, 5, 6)
    expected, _ = layer.forward(x)
    views = [
        np.asfortranarray(x),
        np.repeat(x, 2, axis=0)[::2],
        np.repeat(x, 2, axis=2)[..., ::2],
        x[::-1, ::-1].copy()[::-1, ::-1],
        x.transpose(1, 0, 2).copy().transpose(1, 0, 2),
    ]
    read_only = x.copy()
    read_only.flags.writeable = False
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(x.shape)
    unaligned[...] = x
    for view in [*views, read_only, unaligned]:
        before = view.copy()
        assert layer.forward(view)[0].tobytes() == expected.tobytes()
        np.testing.assert_array_equal(view, before)
    state = passage([layer], 1, 5, 0).state[0]
    for part in parts(state):
        part.flags.writeable = False
    y, _ = layer.forward(x, state)
    again, _ = layer.forward(x, as_state(np.asfortranarray(part) for part in parts(state)))
    assert y.tobytes() == again.tobytes()


def test_what_comes_out_is_the_callers():
    """Nothing of it is written to later, and it may be written to."""
    layer = recurrent("lstm", 4, 6, seed=1)
    x = frames(3, 2, 4)
    y, state = layer.forward(x)
    kept = y.copy(), state[0].copy()
    layer.forward(-x)
    layer.forward(x, state)
    np.testing.assert_array_equal(y, kept[0])
    np.testing.assert_array_equal(state[0], kept[1])
    y[:], state[0][:] = 0, 0
    assert layer.forward(x)[0].tobytes() == kept[0].tobytes()


@pytest.mark.parametrize("kind", SMOOTH)
def test_huge_values_saturate(bulk_isa, kind):
    layer = recurrent(kind, 5, 19, num_layers=2, seed=1)
    for scale in (1e4, 1e20, 1e37):
        x = frames(20, 3, 5) * np.float32(scale)
        y, state = layer.forward(x)
        assert np.isfinite(y).all()
        settings = {**layer._arguments(), "weights": layer.weights}
        expected, _, _ = REFERENCES[layer.kind](x, settings)
        np.testing.assert_allclose(y, expected, rtol=0, atol=TOLERANCE)
        for part in parts(state):
            assert np.isfinite(part).all()


@pytest.mark.law_nothing_poisons
def test_subnormals_are_nothing(bulk_isa):
    layer = recurrent("gru", 5, 19, seed=1)
    tiny = frames(20, 3, 5) * np.float32(1e-41)
    np.testing.assert_allclose(
        layer.forward(tiny)[0], layer.forward(np.zeros_like(tiny))[0], rtol=0, atol=1e-7
    )


@pytest.mark.law_nothing_poisons
def test_the_mode_of_floating_point_stays_the_callers():
    """Subnormal numbers are flushed inside only, and no exception of inside is seen outside."""
    layer = recurrent("lstm", 5, 19, seed=1)
    smallest = np.full(100, 1e-40, np.float32)
    with np.errstate(all="raise", under="ignore"):
        layer.forward(frames(20, 3, 5) * np.float32(1e37))
        layer.forward(frames(20, 3, 5) * np.float32(1e-41))
        np.testing.assert_array_equal(smallest * np.float32(0.5) > 0, True)
        np.testing.assert_array_equal(smallest + np.float32(0) == smallest, True)


def test_two_threads_on_one_layer():
    layer = recurrent("lstm", 20, 64, num_layers=2, bidirectional=True, seed=1)
    xs = [frames(60, 4, 20, seed) for seed in range(2)]
    expected = [layer.forward(x)[0].tobytes() for x in xs]
    barrier = threading.Barrier(2)
    wrong = []

    def run(k):
        barrier.wait()
        for _ in range(4):
            if layer.forward(xs[k])[0].tobytes() != expected[k]:
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- what is refused ------------------------------------------------------------------------------

STATE = passage([LAYER], 1, 3, 0).state[0]


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        (X.astype(np.float64), TypeError, "x is float64; expected .* float32"),
        (X.astype(">f4"), TypeError, "x is >f4; expected .* float32"),
        (X.astype(np.int16), TypeError, "x is int16"),
        (X.tolist(), TypeError, "x is list; expected a NumPy array"),
        (None, TypeError, "x is NoneType"),
        (np.ma.masked_array(X, X > 1), TypeError, "masked"),
        (X[..., :3], ValueError, r"x has shape \(5, 3, 3\); expected \(T, 4\) or \(T, B, 4\)"),
        (X[None], ValueError, r"x has shape \(1, 5, 3, 4\)"),
        (X[0, 0], ValueError, r"x has shape \(4,\)"),
        (X[:0], ValueError, r"x has shape \(0, 3, 4\); .* T and B at least 1"),
        (X[:, :0], ValueError, r"x has shape \(5, 0, 4\)"),
        (X[:0, 0], ValueError, r"x has shape \(0, 4\)"),
        (with_value(np.nan), ValueError, "x holds NaN or infinity"),
        (with_value(np.inf), ValueError, "x holds NaN or infinity"),
        (with_value(-np.inf), ValueError, "x holds NaN or infinity"),
    ],
)
def test_bad_frames(x, kind, message):
    with pytest.raises(kind, match=message):
        LAYER.forward(x)


@pytest.mark.parametrize(
    ("lengths", "kind", "message"),
    [
        ([5, 0, 5], ValueError, r"lengths\[1\] is 0; expected 1 to 5"),
        ([5, 5, 6], ValueError, r"lengths\[2\] is 6; expected 1 to 5"),
        ([-1, 5, 5], ValueError, r"lengths\[0\] is -1; expected 1 to 5"),
        (np.array([5, 5, 2**63], np.uint64), ValueError, r"lengths\[2\] is 9223372036854775808"),
        ([5.0, 5.0, 5.0], ValueError, "lengths is float64"),
        ([True, True, True], ValueError, "lengths is bool"),
        (["5", "5", "5"], ValueError, "lengths is <U1"),
        ([5, 5], ValueError, r"shape \(2,\); expected shape \(3,\) of whole numbers"),
        ([[5, 5, 5]], ValueError, r"shape \(1, 3\)"),
        (5, ValueError, r"shape \(\)"),
        ([], ValueError, r"shape \(0,\)"),
    ],
)
def test_bad_lengths(lengths, kind, message):
    with pytest.raises(kind, match=message):
        LAYER.forward(X, None, lengths)


@pytest.mark.parametrize(
    ("layer", "state", "kind", "message"),
    [
        (LAYER, STATE[0], TypeError, r"state is ndarray; expected \(h, c\)"),
        (LAYER, STATE[:1], TypeError, r"state is .*; expected \(h, c\)"),
        (LAYER, (*STATE, STATE[0]), TypeError, r"state is .*; expected \(h, c\)"),
        (LAYER, (STATE[0], None), TypeError, "c of state is NoneType"),
        (LAYER, (STATE[0].astype(np.float64), STATE[1]), TypeError, "h of state is float64"),
        (LAYER, (STATE[0][:1], STATE[1]), ValueError, r"h of state has shape \(1, 3, 6\)"),
        (LAYER, (STATE[0], STATE[1][:, :1]), ValueError, r"c of state has shape \(2, 1, 6\)"),
        (LAYER, (STATE[0][..., :5], STATE[1]), ValueError, r"shape .*; expected \(2, 3, 6\)"),
        (LAYER, (STATE[0][:, 0], STATE[1][:, 0]), ValueError, r"shape \(2, 6\)"),
        (LAYER, (STATE[0] * np.float32(np.nan), STATE[1]), ValueError, "h of state holds NaN"),
        (LAYER, (STATE[0], np.ma.masked_array(STATE[1])), TypeError, "c of state is a masked"),
        (PLAIN, STATE, TypeError, "h of state is tuple"),
        (PLAIN, STATE[0], ValueError, r"h of state has shape \(2, 3, 6\); expected \(1, 3, 6\)"),
    ],
)
def test_bad_states(layer, state, kind, message):
    with pytest.raises(kind, match=message):
        layer.forward(X, state)


def test_what_is_past_the_lengths_is_not_read():
    x = X.copy()
    x[3:, 1] = np.nan
    y, _ = LAYER.forward(x, None, [5, 3, 5])
    expected, _ = LAYER.forward(X, None, [5, 3, 5])
    assert y.tobytes() == expected.tobytes()
    with pytest.raises(ValueError, match="x holds NaN"):
        LAYER.forward(x, None, [5, 4, 5])


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_quantised_layers_are_refused(precision):
    with pytest.raises(ValueError, match=f"is {precision}: bulk passes run float32"):
        LAYER.quantize(precision).forward(X)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (recurrent("gru", 4, 6, bidirectional=True), "bidirectional=False"),
        (recurrent("rnn_relu", 4, 6, bidirectional=True), "bidirectional=False"),
        (recurrent("lstm", 4, 6, bidirectional=True), "bidirectional=False"),
    ],
)
def test_no_model_of_what_cannot_stream(layer, message):
    with pytest.raises(ValueError, match=rf"layers\[1\], .* cannot stream: .*{message}"):
        pylstm.Model(None, [pylstm.Dense(3, 4), layer])
    with pytest.raises(ValueError, match="fits in no model file"):
        layer.config()
    if isinstance(layer, pylstm.LSTM):
        with pytest.raises(ValueError, match="cannot be traced"):
            layer.trace(X)
