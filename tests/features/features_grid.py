"""The settings of MFCC and LogMel that tests and docs/accuracy.md compare with librosa."""

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPEECH = Path(__file__).parents[1] / "data" / "speech.wav"


@dataclass(frozen=True)
class Case:
    kind: str
    settings: dict[str, Any]
    usual: bool = False  # settings that people use: held to 1e-4

    @property
    def name(self) -> str:
        words = [f"{key}={value}" for key, value in self.settings.items()]
        return " ".join([self.kind, *words])

    def build(self) -> Any:
        import pylstm

        return {"mfcc": pylstm.MFCC, "logmel": pylstm.LogMel}[self.kind](**self.settings)


def _usual() -> list[Case]:
    classic: dict[str, Any] = {"sr": 22050, "n_fft": 2048, "win_length": 2048, "hop_length": 512}
    settings: list[dict[str, Any]] = [
        {},
        {"n_fft": 400, "win_length": 400},
        {"n_fft": 512, "win_length": 512},
        {"n_fft": 1024, "win_length": 1024, "hop_length": 256},
        {**classic, "n_mels": 128},
        {"win_length": 480},
        {"n_mels": 80},
        {"n_mels": 23, "fmin": 20.0},
        {"n_mels": 26, "htk": True, "norm": None},
        {"top_db": 80.0},
        {"pad_mode": "reflect"},
        {"center": False},
        {"deltas": 2},
        {"sr": 8000, "n_fft": 256, "win_length": 200, "hop_length": 80},
    ]
    cases = [Case("mfcc", chosen, usual=True) for chosen in settings]
    cases += [
        Case("mfcc", {"n_mfcc": 40}, usual=True),
        Case("mfcc", {**classic, "n_mels": 128, "n_mfcc": 20}, usual=True),
    ]
    cases += [Case("logmel", chosen, usual=True) for chosen in settings]
    return cases


def _unusual() -> list[Case]:
    cases: list[Case] = []
    # Lengths of the FFT: small, odd, prime, with large prime factors, long.
    for n_fft in (1, 2, 3, 5, 7, 62, 250, 331, 401, 662, 1200, 4096):
        cases.append(Case("mfcc", {"n_fft": n_fft, "win_length": n_fft, "n_mels": 23}))
    # Windows: where they stand in the frame, and which.
    for n_fft in (512, 401):
        for win_length in (1, 2, 3, 100, 201):
            cases.append(Case("logmel", {"n_fft": n_fft, "win_length": win_length}))
    for window in ("hamming", "blackman", "boxcar"):
        cases.append(Case("mfcc", {"window": window}))
    cases.append(Case("logmel", {"win_length": 101, "center": False, "window": "boxcar"}))
    cases.append(Case("logmel", {"n_fft": 401, "win_length": 300, "pad_mode": "reflect"}))
    # Hops: every sample, as long as the frame, longer, longer than the signal.
    for hop_length in (7, 80, 512, 513, 1000, 100_000):
        cases.append(Case("mfcc", {"hop_length": hop_length}))
        cases.append(Case("logmel", {"hop_length": hop_length, "center": False}))
    # Mel banks.
    for n_mels in (1, 2, 64, 128):
        for htk in (False, True):
            settings = {"n_mels": n_mels, "htk": htk, "norm": None if htk else "slaney"}
            cases.append(Case("logmel", settings))
    cases.append(Case("logmel", {"fmin": 300.0, "fmax": 3400.0}))
    cases.append(Case("logmel", {"sr": 44100, "n_fft": 2048, "hop_length": 441, "fmax": 16000.0}))
    cases.append(Case("logmel", {"sr": 48000, "n_fft": 2048, "win_length": 1200, "n_mels": 80}))
    for power in (1.0, 0.5, 3.0):
        cases.append(Case("logmel", {"power": power}))
    # The cosine transform.
    for dct_type in (1, 2, 3):
        for dct_norm in ("ortho", None):
            for n_mfcc, lifter in ((13, 0), (20, 22), (40, 40)):
                settings = {"dct_type": dct_type, "dct_norm": dct_norm, "n_mfcc": n_mfcc}
                cases.append(Case("mfcc", {**settings, "lifter": lifter}))
    # What follows, together.
    for top_db in (0.0, 40.0):
        cases.append(Case("mfcc", {"top_db": top_db}))
    cases.append(Case("mfcc", {"deltas": 1, "lifter": 22, "top_db": 80.0}))
    cases.append(Case("mfcc", {"deltas": 2, "center": False, "hop_length": 100}))
    cases.append(Case("logmel", {"deltas": 2, "pad_mode": "reflect", "top_db": 60.0}))
    return cases


GRID = [*_usual(), *_unusual()]


def speech() -> NDArray[np.int16]:
    """3.7 seconds of synthetic speech, 16 kHz, digital silence included."""
    with wave.open(str(SPEECH)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def signals() -> dict[str, NDArray[np.float32]]:
    """Speech, and a second of noise at three levels: the quietest is near the floor of 1e-10."""
    generator = np.random.default_rng(20)
    audio = {"speech": speech().astype(np.float32) / 32768}
    for name, level in (("noise", 0.1), ("quiet noise", 1e-4), ("faint noise", 1e-6)):
        audio[name] = (level * generator.standard_normal(16000)).astype(np.float32)
    return audio
