"""The resampler of an intake: what it holds back, its limits, and where there is none."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import pylstm
from pylstm.audio.resampler import Resampler
from tests.audio.intake_audio import RATES
from tests.small_models import small_model

MODEL = small_model()


@pytest.mark.parametrize("rate", [*RATES, 1000, 12345, 192_000, 1_000_000])
@pytest.mark.parametrize("new_rate", [8000, 16000, 44100])
def test_the_largest_samples_do_not_overflow(rate: int, new_rate: int) -> None:
    if rate == new_rate:
        return
    n = max(2000, rate // 4)
    rng = np.random.default_rng(0)
    for shape in (np.ones(n), np.sign(rng.uniform(-1, 1, n)), np.cos(np.pi * np.arange(n))):
        resampler = Resampler(rate, new_rate)
        samples = (shape * Resampler.LARGEST_SAMPLE).astype(np.float32)
        out = np.concatenate([resampler.push(samples), resampler.flush()])
        assert np.isfinite(out).all()
        assert np.abs(out).max() < 8 * Resampler.LARGEST_SAMPLE


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_delay_is_what_is_held(rate: int) -> None:
    intake = pylstm.Intake(MODEL, rate=rate)
    given = 0
    for _ in range(100):
        given += len(intake.push(np.zeros(rate // 100, np.float32)))
        assert intake.given == given
        assert intake.delay == pytest.approx(intake.position / rate - given / 16000, abs=1e-12)
        assert intake.delay < 0.12
    held = intake.delay
    assert held > 0.005
    assert len(intake.flush()) == pytest.approx(held * 16000, abs=1)
    assert intake.delay < 1 / 16000


def test_nothing_is_held_where_nothing_is_resampled() -> None:
    intake = pylstm.Intake(MODEL, rate=16000, encoding="int16")
    assert len(intake.push(bytes(2000))) == 1000
    assert intake.delay == 0
    assert intake.flush().shape == (0,)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_an_intake_that_got_nothing(rate: int) -> None:
    intake = pylstm.Intake(MODEL, rate=rate, encoding="int16")
    assert intake.push(b"").shape == (0,)
    assert intake.flush().dtype == np.float32
    assert intake.position == 0


PROGRAM = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("soxr", "soundfile"):
            raise ImportError("no " + name)
sys.meta_path.insert(0, Absent())
import numpy, pylstm
model = pylstm.load("vad")
intake = pylstm.Intake(model, rate=16000, channels=2, encoding="mulaw")
assert len(intake.push(bytes(100))) == 50 and len(intake.flush()) == 0
try:
    pylstm.Intake(model, rate=8000)
except ImportError as error:
    print(error)
"""


def test_numpy_is_enough_where_nothing_is_resampled(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 'which is missing: pip install "pylstm[cli]" (no soxr)' in done.stdout
