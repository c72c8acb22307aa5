"""Networks that are ready to train: their shapes, their time, and that they learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm import train

LOGMEL = pylstm.LogMel(sr=16000, hop_length=160, n_mels=40)
NETWORKS = [train.networks.lstm, train.networks.gru, train.networks.crnn]


@settings(deadline=None)
@given(
    make=st.sampled_from(NETWORKS),
    bands=st.integers(1, 80),
    n=st.integers(1, 12),
    hidden=st.integers(1, 40),
    layers=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_any_sizes_make_a_model_that_streams_what_it_trains(make, bands, n, hidden, layers, seed):
    features = pylstm.LogMel(n_mels=bands)
    labels = [f"label {k}" for k in range(n)]
    stack = make(features, labels, hidden, layers, seed=seed)
    model = pylstm.Model(features, stack, labels)
    frames = np.random.default_rng(seed).normal(0, 1, (23, 1, bands)).astype(np.float32)
    whole, _, _ = train.Network(stack).forward(frames, logits=False)
    np.testing.assert_allclose(model.stream().push_frames(frames[:, 0]), whole[:, 0], atol=1e-5)
    again = make(features, labels, hidden, layers, seed=seed)
    other = make(features, labels, hidden, layers, seed=seed + 1)
    assert pylstm.Model(features, again, labels).to_bytes() == model.to_bytes()
    assert pylstm.Model(features, other, labels).to_bytes() != model.to_bytes()


def test_rows_of_the_crnn():
    layers = train.networks.crnn(LOGMEL, ["no", "yes"])
    model = pylstm.Model(LOGMEL, layers)
    assert model.hop_length == 4 * LOGMEL.hop_length
    assert train.Network(layers).row_times == (0, 4)  # the first row comes with the first frame


@given(seconds=st.floats(0, 100), hop=st.integers(80, 400), make=st.sampled_from(NETWORKS))
def test_rows_of_a_length_of_time(seconds, hop, make):
    features = pylstm.LogMel(sr=16000, hop_length=hop)
    layers = make(features, ["no", "yes"])
    rows = train.networks.rows_in(seconds, features, layers)
    row = pylstm.Model(features, layers).hop_length / 16000
    assert rows == 1 or abs(rows * row - seconds) <= row / 2 + 1e-9
    assert rows >= 1


def test_rows_keep_their_size_through_the_convolutions():
    layers = train.networks.crnn(LOGMEL, ["no", "yes"], seed=3)
    frames = np.random.default_rng(0).standard_normal((200, 8, 40), np.float32)
    for n in (1, 2, 3):
        rows, _, _ = train.Network(layers[:n]).forward(frames)
        # The mean square of relu's outputs is that of the inputs, and zeros at the edges take some.
        assert 0.5 < np.mean(rows**2) < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("make", NETWORKS)
def test_they_learn(make):
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 3
    xs = [draw.standard_normal((60, 40)).astype(np.float32) for _ in labels]
    for x, label in zip(xs, labels, strict=True):
        x[10:50, 10 * label : 10 * label + 8] += 1
    source = train.Arrays(xs, labels.tolist(), batch_size=8)
    fitted = train.fit(
        pylstm.Model(LOGMEL, make(LOGMEL, ["a", "b", "c"], hidden=16), ["a", "b", "c"]),
        source,
        loss=train.CrossEntropy(per="sequence", pooling="mean"),
        optimiser=train.AdamW(lr=3e-3),
        epochs=12,
        progress=False,
    )
    assert fitted.history[-1]["accuracy"] == 1.0


def test_what_cannot_be_is_refused():
    with pytest.raises(TypeError, match="features is MFCC; expected LogMel or Spectrum"):
        train.networks.crnn(pylstm.MFCC(), ["a", "b"])
    with pytest.raises(ValueError, match="features has deltas=1; expected 0"):
        train.networks.crnn(pylstm.LogMel(deltas=1), ["a", "b"])
    for make in NETWORKS:
        with pytest.raises(TypeError, match="labels is a string; expected a list"):
            make(LOGMEL, "ab")
        with pytest.raises(ValueError, match="acts between layers only"):
            make(LOGMEL, ["a", "b"], layers=1, dropout=0.1)
    for make in (train.networks.lstm, train.networks.gru):
        with pytest.raises(TypeError, match="features is int; expected MFCC"):
            make(40, ["a", "b"])
    with pytest.raises(ValueError, match="seconds is -1"):
        train.networks.rows_in(-1, LOGMEL, train.networks.lstm(LOGMEL, ["a"]))
