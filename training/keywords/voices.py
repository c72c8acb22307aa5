"""Turn one voice into many: other vocal tracts, other articulations, at the same pitch.

A few synthetic voices are few speakers.  Resampling alone moves pitch and formants together, so a
deep voice never becomes a light one; here the spectral envelope moves by itself.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, rfft
from scipy.signal import resample_poly
from synthesisers import SAMPLE_RATE

N_FFT, HOP = 512, 128
# Cepstral coefficients that describe the envelope: fewer than the shortest pitch period holds.
ENVELOPE = 32

# Octaves by which pitch and formants may move, from and to, for each family of voices.  rms and
# kal are men and only go far up, pico's are women and go down, in pitch by themselves; espeak-ng
# already brings voices of every size.
PITCH = {
    "rms": (-0.25, 1.15), "kal": (-0.25, 0.8), "espeak": (-0.25, 0.35), "pico": (-0.3, 0.3),
}  # fmt: skip
FORMANTS = {
    "rms": (-0.1, 0.42), "kal": (-0.1, 0.42), "espeak": (-0.2, 0.3), "pico": (-0.38, 0.15),
}  # fmt: skip


def another_speaker(
    draw: np.random.Generator, family: str, dry: np.ndarray
) -> tuple[np.ndarray, float]:
    """Speech of another speaker, and by which factor it became longer."""
    formants = 2.0 ** draw.uniform(*FORMANTS[family])
    if draw.random() < 0.3:
        pitch = formants
    else:
        pitch = 2.0 ** draw.uniform(*PITCH[family])
    # Higher by resampling to fewer samples; the envelope then goes to where it should be.
    steps = int(np.clip(round(40 / pitch), 18, 50))
    pitch = 40 / steps
    dry = move_envelope(draw, dry, formants / pitch)
    return resample_poly(dry, steps, 40).astype(np.float32), steps / 40


def move_envelope(draw: np.random.Generator, dry: np.ndarray, factor: float) -> np.ndarray:
    """Stretch the spectral envelope by a factor, unevenly, and make its peaks duller or sharper."""
    window = np.sqrt(np.hanning(N_FFT + 1)[:-1]).astype(np.float32)
    count = 1 + (len(dry) - N_FFT) // HOP
    frames = np.lib.stride_tricks.sliding_window_view(dry, N_FFT)[::HOP][:count] * window
    spectra = rfft(frames, axis=1)
    loudness = np.log(np.abs(spectra) + 1e-4)
    cepstra = irfft(loudness, axis=1)
    cepstra[:, ENVELOPE : N_FFT - ENVELOPE + 1] = 0.0
    envelope = rfft(cepstra, axis=1).real.astype(np.float32)
    # Where each frequency of the result comes from; every formant region by a little more or less.
    knots = np.array([0.0, 400, 900, 1600, 2400, 3400, 5000, 8000])
    uneven = np.exp(draw.normal(0, 0.05, len(knots)))
    frequencies = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
    source = frequencies / (factor * np.interp(frequencies, knots, uneven))
    place = np.clip(source / frequencies[1], 0, N_FFT // 2 - 1e-3)
    below = place.astype(int)
    share = (place - below).astype(np.float32)
    moved = envelope[:, below] * (1 - share) + envelope[:, below + 1] * share
    mean = moved.mean(axis=1, keepdims=True)
    moved = mean + (moved - mean) * np.float32(draw.uniform(0.75, 1.2))
    gains = np.exp(np.clip(moved - envelope, -5.0, 4.0))
    # A frequency that nothing comes from falls silent.
    gains *= np.clip((SAMPLE_RATE / 2 - source) / 300.0, 0.03, 1.0)
    frames = irfft(spectra * gains, axis=1).astype(np.float32) * window
    result = np.zeros(len(dry), np.float32)
    for part in range(N_FFT // HOP):
        # Every fourth frame touches the next without overlap: they are added in one go.
        group = frames[part :: N_FFT // HOP]
        start = part * HOP
        result[start : start + group.size] += group.ravel()
    return result * np.float32(HOP * 2 / N_FFT)
