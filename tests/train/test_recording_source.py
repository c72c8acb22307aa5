"""From recordings to batches: frames, targets, augmentation, threads, normalisation."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.audio import AudioError
from pylstm.train.augment.noise import Noise
from pylstm.train.augment.spec_augment import SpecAugment
from pylstm.train.augment.waveform import Gain, Shift, Speed
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.normalisation import mean_and_std
from pylstm.train.data.recordings import Recordings
from pylstm.train.data.truncated import Truncated
from tests.audio_files import sound
from tests.train.recording_sets import csv, folders

FEATURES = pylstm.MFCC()


# --- sources -------------------------------------------------------------------------------------


@pytest.fixture
def some(tmp_path) -> Recordings:
    return Recordings.from_folder(
        folders(tmp_path / "set", [f"{'ab'[k % 2]}/{k}.wav" for k in range(9)])
    )


def rows_of(source, epoch: int = 0, seed: int = 0) -> dict[bytes, int]:
    """Frames of each recording, and its target."""
    return {
        batch.x[:n, row].tobytes(): int(batch.targets[row])
        for batch in source.batches(epoch, seed)
        for row, n in enumerate(batch.lengths)
    }


def test_batches_hold_every_recording_once(some):
    source = some.source(FEATURES, 4)
    assert (len(source), source.n_batches, source.n_features) == (9, 3, 13)
    expected = {
        item.frames(FEATURES).tobytes(): some.labels.index(item.label) for item in some.items
    }
    assert len(expected) == 9
    for epoch in range(3):
        assert rows_of(source, epoch) == expected


AUGMENT = [Speed(p=0.5), Shift(), Noise(p=0.5), Gain(), SpecAugment(p=0.5)]


def test_neither_batches_nor_threads_nor_cache_change_what_is_learnt(some, tmp_path):
    sources = [
        some.source(FEATURES, 4, augment=AUGMENT),
        some.source(FEATURES, 4, augment=AUGMENT, workers=3),
        some.source(FEATURES, 1, augment=AUGMENT, bucket=False),
        some.source(FEATURES, 9, augment=AUGMENT, shuffle=False, cache=tmp_path / "cache"),
    ]
    for epoch in range(3):
        first, *others = [rows_of(source, epoch, 5) for source in sources]
        assert all(other == first for other in others)
        assert first != rows_of(sources[0], epoch, 6)
        assert first != rows_of(sources[0], epoch + 1, 5)


def test_augmentation_that_leaves_frames_alone_uses_the_cache(some, tmp_path):
    cache = tmp_path / "cache"
    plain = rows_of(some.source(FEATURES, cache=cache))
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 9
    assert rows_of(some.source(FEATURES, cache=cache, augment=Gain(p=0.0))) == plain
    louder = rows_of(some.source(FEATURES, cache=cache, augment=Gain((6, 6))))
    assert not set(louder) & set(plain)
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 9


def test_masks_hide_values_with_their_deltas(some):
    features = pylstm.LogMel(n_mels=10, deltas=2)
    mask = SpecAugment(0, 0, frequency_masks=1, frequency_width=10)
    plain = rows_of(some.source(features))
    found = [np.frombuffer(x, np.float32).reshape(-1, 3, 10) for x in
             rows_of(some.source(features, augment=mask))]  # fmt: skip
    hidden = [(x == x[0]).all(axis=0) for x in found if x.tobytes() not in plain]
    assert len(hidden) > 4
    for blocks in hidden:
        assert blocks.any()
        assert (blocks == blocks[0]).all()


def test_an_epoch_that_is_left_early_ends_its_threads(some):
    import threading

    before = threading.active_count()
    epoch = some.source(FEATURES, 2, workers=3).batches(0, 0)
    next(epoch)
    epoch.close()
    assert threading.active_count() == before


def test_other_rates_are_said_or_agreed_to_or_refused(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    sound(root / "yes" / "c.wav", 0.3, rate=8000)
    sound(root / "no" / "d.wav", 0.3, channels=2)
    recordings = Recordings.from_folder(root)
    assert recordings.rates() == {8000: 1, 16000: 3}
    with pytest.warns(UserWarning, match="1 of 4 recordings is resampled to 16000 Hz") as said:
        source = recordings.source(FEATURES)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert "1 of 4 recordings is mixed down to mono" in str(said[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(source.batches(0, 0))
        recordings.source(FEATURES, resample=True)
    message = r"c\.wav is at 8000 Hz; expected 16000 Hz, as resample is False"
    with pytest.raises(RecordingsError, match=message):
        recordings.source(FEATURES, resample=False)


def test_recordings_that_are_too_short(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    sound(root / "no" / "c.wav", 0.055)
    recordings = Recordings.from_folder(root)
    recordings.source(FEATURES)
    message = r"c\.wav has 0\.055 s, 6 frames; expected 9 frames or more"
    with pytest.raises(RecordingsError, match=message):
        recordings.source(pylstm.MFCC(deltas=1))
    with pytest.raises(RecordingsError, match=r"has 0\.055 s, 0 frames"):
        recordings.source(pylstm.MFCC(center=False, n_fft=1024))
    with pytest.raises(
        RecordingsError, match=r"c\.wav .* 3 frames at the highest speed; expected 9"
    ):
        recordings.source(pylstm.MFCC(deltas=1), augment=Speed((1, 2)))
    path = csv(root / "m.csv", "path,transcript", "no/c.wav,abcc", "yes/a.wav,aaabc")
    Recordings.from_manifest(path).source(FEATURES)
    csv(path, "path,transcript", "no/c.wav,abccd")
    Recordings.from_manifest(path).source(FEATURES)
    csv(path, "path,transcript", "no/c.wav,aabccd")
    with pytest.raises(
        RecordingsError, match=r"0\.055 s, 6 frames; expected 8 frames for its 6 units"
    ):
        Recordings.from_manifest(path).source(FEATURES)


def test_a_file_that_goes_bad_meanwhile_is_named(some):
    source = some.source(FEATURES)
    Path(some.items[3].path).unlink()
    with pytest.raises(AudioError, match=f"cannot read {some.items[3].path}: No such file"):
        list(source.batches(0, 0))


def test_arguments_of_sources(some):
    empty = some.split(validation=0).validation
    with pytest.raises(ValueError, match="has no recordings; expected at least one"):
        empty.source(FEATURES)
    with pytest.raises(TypeError, match="features is str; expected MFCC, LogMel, Spectrum"):
        some.source("mfcc")
    with pytest.raises(TypeError, match="resample is 'yes'"):
        some.source(FEATURES, resample="yes")
    with pytest.raises(ValueError, match="workers is 0"):
        some.source(FEATURES, workers=0)
    with pytest.raises(ValueError, match="target per sequence"):
        Truncated(some.source(FEATURES), 10)


def test_problems_survive_pickling():
    import pickle

    error = RecordingsError("set", ["one", "two"])
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.problems) == (str(error), ("one", "two"))


# --- normalisation -------------------------------------------------------------------------------


@pytest.mark.slow
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.floats(-1e4, 1e4),
    st.floats(1e-2, 1e3),
    st.integers(0, 99),
)
@settings(deadline=None)
def test_mean_and_std_of_parts_are_those_of_the_whole(lengths, middle, width, seed):
    draw = np.random.default_rng(seed)
    parts = [(middle + width * draw.standard_normal((n, 3))).astype(np.float32) for n in lengths]
    whole = np.concatenate(parts).astype(float)
    mean, std = mean_and_std(parts)
    np.testing.assert_allclose(mean, whole.mean(axis=0), rtol=1e-6, atol=1e-6)
    expected = whole.std(axis=0)
    np.testing.assert_allclose(std, np.where(expected < 1e-6, 1, expected), rtol=1e-5)


def test_normalised_features_give_frames_of_mean_0_and_std_1(some, tmp_path):
    features = some.normalised(FEATURES, cache=tmp_path / "cache")
    frames = np.concatenate([item.frames(features) for item in some.items])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(frames.std(axis=0), 1, rtol=1e-4)
    assert features == some.normalised(FEATURES)
    with pytest.raises(ValueError, match="features has a mean and std"):
        some.normalised(features)
    with pytest.raises(ValueError, match="has no recordings; expected at least one"):
        some.split(validation=0).testing.normalised(FEATURES)
