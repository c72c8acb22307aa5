"""Channels: mixed or chosen, and interleaved stereo that is taken for one channel."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pylstm
from tests.audio.followed_messages import MAKE
from tests.audio.intake_audio import Y16, Y, noise
from tests.small_models import small_model

MODEL = small_model()


# --- mixed or chosen ------------------------------------------------------------------------------


def test_speech_in_one_of_six() -> None:
    columns = np.zeros((1600, 6), np.int32)
    columns[:, 4] = np.round(noise(0.1, 16000, 1)[:, 0] * 2.0**31)
    chosen = pylstm.Intake(MODEL, rate=16000, channels=6, channel=4).push(columns)
    mixed = pylstm.Intake(MODEL, rate=16000, channels=6).push(columns)
    np.testing.assert_array_equal(chosen, columns[:, 4].astype(np.float32) / 2**31)
    np.testing.assert_allclose(mixed, chosen / 6, rtol=1e-6)


def test_stereo_in_antiphase_is_nothing_when_mixed() -> None:
    y = noise(0.1, 16000, 1)[:, 0].astype(np.float32)
    columns = np.stack([y, -y], axis=1)
    assert not pylstm.Intake(MODEL, rate=16000, channels=2).push(columns).any()
    for channel, sign in ((0, 1), (1, -1)):
        intake = pylstm.Intake(MODEL, rate=16000, channels=2, channel=channel)
        np.testing.assert_array_equal(intake.push(columns), sign * y)


def test_the_sum_of_large_channels_is_finite() -> None:
    columns = np.full((4, 3), 3.4e38, np.float32)
    got = pylstm.Intake(MODEL, rate=16000, channels=3).push(columns)
    np.testing.assert_array_equal(got, columns[:, 0])


# --- interleaved stereo, taken for one channel ----------------------------------------------------


@pytest.mark.law_chunk
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("size", [1, 7, 160, 5000])
@pytest.mark.parametrize("silence", [0, 501])
def test_stereo_of_one_voice_is_noticed(rate: int, size: int, silence: int) -> None:
    """On the same sample, whatever the cut: the one with which the 200th change comes."""
    voice = np.concatenate([np.zeros(silence, np.int16), Y16])
    data = np.repeat(voice, 2)
    changes = np.flatnonzero(np.diff(data, prepend=np.int16(0)))
    intake = pylstm.Intake(MODEL, rate=rate)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for start in range(0, len(data), size):
            intake.push(data[start : start + size])
            assert len(said) == (min(start + size, len(data)) > changes[199])
    assert str(said[0].message).startswith("all samples come twice, as those of interleaved stereo")
    assert said[0].filename == __file__


def test_the_warning_as_an_error_changes_nothing() -> None:
    data = np.repeat(Y, 2)
    intake = pylstm.Intake(MODEL, rate=8000)
    for _ in range(2):
        with pytest.raises(RuntimeWarning, match="make the intake with channels=2") as error:
            intake.push(data)
        assert intake.position == 0
    make = MAKE.search(str(error.value))
    assert make
    intake = pylstm.Intake(MODEL, rate=16000, **{make[1]: int(make[2])})
    np.testing.assert_array_equal(intake.push(data), Y)


def test_a_session_that_moved_is_not_warned_again() -> None:
    data = np.repeat(Y16, 2)
    old, new = pylstm.Intake(MODEL, rate=16000), pylstm.Intake(MODEL, rate=16000)
    with pytest.warns(RuntimeWarning, match="all samples come twice"):
        old.push(data)
    new.resume(data, position=old.position, given=old.given)
    new.push(data)


@pytest.mark.parametrize(
    "data",
    [
        Y16,
        np.sign(Y16).astype(np.int16),
        np.zeros(100_000, np.int16),
        np.full(100_000, 5, np.int16),
        np.concatenate([np.repeat(Y16[:150], 2), Y16]),
        np.concatenate([np.zeros(1, np.int16), np.repeat(Y16, 2)]),
        np.repeat(Y16, 3),
    ],
    ids=["noise", "signs", "silence", "offset", "doubled at first", "between pairs", "thrice"],
)
def test_one_channel_is_not_taken_for_two(data: np.ndarray) -> None:
    """Warnings are errors here."""
    intake = pylstm.Intake(MODEL, rate=8000)
    for start in range(0, len(data), 999):
        intake.push(data[start : start + 999])


def test_two_channels_may_be_equal() -> None:
    got = pylstm.Intake(MODEL, rate=16000, channels=2).push(np.repeat(Y, 2))
    np.testing.assert_array_equal(got, Y)
