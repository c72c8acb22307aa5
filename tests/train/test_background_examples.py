"""Sequences of noise and silence among others: as many as asked for, and always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import soundfile

import pylstm
import pylstm.train
from pylstm.train.data.arrays import Arrays
from pylstm.train.data.background_examples import BackgroundExamples
from pylstm.train.data.truncated import Truncated

FEATURES = pylstm.MFCC(n_mfcc=5)


def source(n: int = 10, **options: Any) -> Arrays:
    draw = np.random.default_rng(0)
    xs = [draw.normal(size=(draw.integers(3, 9), 5)).astype(np.float32) for _ in range(n)]
    return Arrays(xs, list(range(n)), batch_size=5, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("share", "more"), [(0.01, 1), (0.2, 1), (1.0, 5)])
def test_batches_get_more_sequences(share, more, weighted):
    inner = source(weights=[0.5] * 10 if weighted else None)
    added = BackgroundExamples(inner, FEATURES, 99, share)
    assert added.n_batches == inner.n_batches
    for batch, plain in zip(added.batches(1, 2), inner.batches(1, 2), strict=True):
        assert batch.x.shape == (len(plain.x), 5 + more, 5)
        np.testing.assert_array_equal(batch.x[:, :5], plain.x)
        np.testing.assert_array_equal(batch.lengths[:5], plain.lengths)
        assert set(batch.lengths) <= set(plain.lengths)
        assert batch.targets.tolist() == [*plain.targets, *[99] * more]
        assert (batch.weights is None) == (not weighted)
        if weighted:
            assert batch.weights.tolist() == [0.5] * 5 + [1.0] * more
        for row, n in enumerate(batch.lengths):
            assert batch.x[:n, row].any(axis=1).all()
            assert not batch.x[n:, row].any()
        assert (batch.x.dtype, batch.lengths.dtype) == (np.float32, np.int64)


def test_chance_is_decided_by_epoch_and_seed():
    added = BackgroundExamples(source(shuffle=False), FEATURES, 0)

    def rows(epoch, seed):
        return [batch.x[:, 5:].tobytes() for batch in added.batches(epoch, seed)]

    assert rows(1, 2) == rows(1, 2)
    assert len({*rows(1, 2), *rows(2, 2), *rows(1, 3)}) == 6


def test_recorded_noise(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 32000)
    soundfile.write(tmp_path / "fan.wav", noise, 16000)
    path = str(tmp_path / "fan.wav")
    one, other = (BackgroundExamples(source(), FEATURES, 0, 5.0, noises) for noises in ([path], ()))
    [a, *_], [b, *_] = one.batches(0, 0), other.batches(0, 0)
    assert (a.x != b.x).any()


def test_what_is_refused():
    with pytest.raises(TypeError, match="source is int"):
        BackgroundExamples(3, FEATURES, 0)
    with pytest.raises(TypeError, match="features is NoneType"):
        BackgroundExamples(source(), None, 0)
    with pytest.raises(ValueError, match="label is -1"):
        BackgroundExamples(source(), FEATURES, -1)
    frames = Arrays([np.zeros((4, 5), np.float32)], [np.zeros(4, int)])
    for wrong in (frames, Truncated(frames, 2)):
        with pytest.raises(ValueError, match="without a label for each sequence"):
            list(BackgroundExamples(wrong, FEATURES, 0).batches(0, 0))


def test_the_former_name():
    with pytest.warns(DeprecationWarning, match="Quiet is now called BackgroundExamples"):
        assert pylstm.train.Quiet is BackgroundExamples
    with pytest.raises(AttributeError, match=r"module 'pylstm\.train' has no attribute 'Silent'"):
        _ = pylstm.train.Silent
