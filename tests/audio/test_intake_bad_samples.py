"""Samples that are no numbers, too large or on another scale: they are named."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pylstm
from pylstm.audio.resampler import Resampler
from tests.audio.intake_audio import STEREO, Y16, Y
from tests.small_models import small_model

MODEL = small_model()
BAD = (np.nan, np.inf, -np.inf)


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
@pytest.mark.parametrize("value", BAD)
def test_no_number_changes_nothing(value, dtype, rate) -> None:
    values = np.resize(STEREO, (800, 2)).astype(dtype)
    intake, clean = (pylstm.Intake(MODEL, rate=rate, channels=2) for _ in range(2))
    out = [intake.push(values)]
    bad = values.copy()
    bad[7, 1] = value
    where = rf"^sample 807 of channel 1 \(counted from 0, at {807 / rate:.3f} s\)"
    with pytest.raises(ValueError, match=rf"{where} is {value}; expected finite values\. Nothing"):
        intake.push(bad)
    with pytest.raises(ValueError, match=where):
        intake.push(bad.reshape(-1))
    assert intake.position == 800
    out += [intake.push(values), intake.flush()]
    expected = [clean.push(values), clean.push(values), clean.flush()]
    np.testing.assert_array_equal(np.concatenate(out), np.concatenate(expected))


@pytest.mark.law_nothing_poisons
def test_no_number_in_an_unfinished_frame() -> None:
    for channel in (None, 1):
        intake = pylstm.Intake(MODEL, rate=16000, channels=3, channel=channel)
        with pytest.raises(ValueError, match=r"sample 1 of channel 1 .* is nan"):
            intake.push(np.float32([0, 0, 0, 0, np.nan]))
        assert len(intake.push(np.zeros(6, np.float32))) == 2


def test_a_channel_that_is_not_taken_is_not_looked_at() -> None:
    columns = STEREO.copy()
    columns[:, 1] = np.nan
    got = pylstm.Intake(MODEL, rate=8000, channels=2, channel=0).push(columns)
    assert np.isfinite(got).all()
    with pytest.raises(ValueError, match=r"sample 0 of channel 1 .* is nan"):
        pylstm.Intake(MODEL, rate=8000, channels=2, channel=1).push(columns)


@pytest.mark.parametrize("value", [1e300, -3.5e38])
def test_what_no_float32_holds_is_named(value: float) -> None:
    values = np.zeros(50)
    values[20] = value
    with pytest.raises(ValueError, match=r"sample 20 .*; expected audio from -1 to 1, which float"):
        pylstm.Intake(MODEL, rate=16000).push(values)


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("value", [3.4e38, -3.4e38, 1e30])
def test_overflow_of_the_resampler_is_named(value, rate, channels) -> None:
    values = np.resize(Y, (3000, channels))
    bad = values.copy()
    bad[100:140] = value
    intake, clean = (pylstm.Intake(MODEL, rate=rate, channels=channels) for _ in range(2))
    out = [intake.push(values)]
    message = r"^sample 3100 .*e\+\d\d; expected audio from -1 to 1, because resampling overflows"
    with pytest.raises(ValueError, match=message):
        intake.push(bad)
    out += [intake.push(values), intake.flush()]
    expected = [clean.push(values), clean.push(values), clean.flush()]
    np.testing.assert_array_equal(np.concatenate(out), np.concatenate(expected))
    # Where nothing is resampled, nothing overflows.
    plain = pylstm.Intake(MODEL, rate=16000, channels=channels)
    assert np.abs(plain.push(bad)).max() >= 1e30


def test_the_limit_is_where_it_says() -> None:
    at = np.full(400, Resampler.LARGEST_SAMPLE, np.float32)
    assert np.isfinite(pylstm.Intake(MODEL, rate=8000).push(at)).all()
    with pytest.raises(ValueError, match=r"sample 0 .* overflows"):
        pylstm.Intake(MODEL, rate=8000).push(np.nextafter(at, np.float32(np.inf)))


@pytest.mark.parametrize("rate", [16000, 48000])
def test_floats_on_another_scale_are_the_streams_to_warn_of(rate: int) -> None:
    """Once: a warning of the intake would be the second."""
    intake, stream = pylstm.Intake(MODEL, rate=rate), MODEL.stream()
    block = np.resize(Y16, rate // 2).astype(np.float32)
    samples = [intake.push(block), intake.flush()]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for part in samples:
            stream.push(part)
    assert [str(one.message).partition("; ")[2][:30] for one in said] == [
        "expected float samples from -1"
    ]
