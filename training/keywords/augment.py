"""Change mixed sequences anew every time they are trained on: rhythm, vocal tract, level, floor.

A sequence is kept as its log-mel spectrogram in decibels, from which its cepstrum is one matrix
product away. What a room, a filter or a second voice does to it is done to the samples, once
(`mix.py`); what is cheap on 40 bands is done here, and never twice in the same way.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct
from synthesisers import SAMPLE_RATE

import pylstm

N_MELS, N_MFCC = 40, 13
SPECTRUM = {
    "sr": SAMPLE_RATE, "n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": N_MELS,
    "fmin": 20, "fmax": 7600, "center": True, "pad_mode": "constant", "top_db": None, "deltas": 0,
}  # fmt: skip

SOFTEST = -100.0  # where the features cut decibels off
# Cepstra of spectrograms: what MFCC does after the decibels.
CEPSTRUM = dct(np.eye(N_MELS), norm="ortho", axis=1)[:, :N_MFCC].astype(np.float32)
KNOT = 12  # frames between the points of a slow change


def mfcc(**normalisation: np.ndarray) -> pylstm.MFCC:
    """The frames that the model hears."""
    return pylstm.MFCC(n_mfcc=N_MFCC, **SPECTRUM, **normalisation)


def log_mel() -> pylstm.LogMel:
    """The spectrogram on the way to them."""
    return pylstm.LogMel(**SPECTRUM)


def mel_hertz() -> np.ndarray:
    """Where Slaney's mel scale puts the middle of each band, in Hz."""
    low, high = 20 / (200 / 3), 15 + np.log(7600 / 1000) / (np.log(6.4) / 27)
    mels = np.linspace(low, high, N_MELS + 2)[1:-1]
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))


class Augmentation:
    """Changes spectrograms at random, and turns them into cepstra.

    White noise of 0 dBFS is measured once: how strong it is in each band, and how much it
    fluctuates there from frame to frame.

    Parameters
    ----------
    strength : float
        How far rhythm and vocal tract move: 1, or less to end a training with. Level and noise
        floor do not depend on it.
    """

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength
        noise = np.random.default_rng(0).standard_normal(60 * SAMPLE_RATE).astype(np.float32)
        powers = 10.0 ** (log_mel()(noise)[10:-10] / 10).astype(np.float64)
        self._white = 10 * np.log10(powers.mean(0)).astype(np.float32)
        self._freedom = (powers.mean(0) ** 2 / powers.var(0)).astype(np.float32)
        self._hertz = mel_hertz()

    def __call__(
        self,
        draw: np.random.Generator,
        spectra: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cepstra (B, T, N_MFCC) of spectrograms (B, T, N_MELS), with labels and weights."""
        spectra, labels, weights = another_rhythm(draw, spectra, labels, weights, self.strength)
        spectra = self.another_vocal_tract(draw, spectra)
        spectra = self.another_floor(draw, spectra)
        return spectra @ CEPSTRUM, labels, weights

    def another_vocal_tract(self, draw: np.random.Generator, spectra: np.ndarray) -> np.ndarray:
        """Move the frequencies of each sequence, every formant region by a little more or less."""
        rows = len(spectra)
        knots = np.array([0.0, 400, 900, 1600, 2400, 3400, 5000, 8000])
        matrices = np.zeros((rows, N_MELS, N_MELS), np.float32)
        bands = np.arange(N_MELS)
        for row in range(rows):
            octaves = draw.normal(0, 0.07) + draw.normal(0, 0.035, len(knots))
            octaves *= self.strength
            source = self._hertz * 2.0 ** np.interp(self._hertz, knots, octaves)
            place = np.minimum(np.interp(source, self._hertz, bands), N_MELS - 1.001)
            below = place.astype(int)
            share = place - below
            matrices[row, below, bands] = 1 - share
            matrices[row, below + 1, bands] += share
        return spectra @ matrices

    def another_floor(self, draw: np.random.Generator, spectra: np.ndarray) -> np.ndarray:
        """Another level, and the noise that every microphone and converter has, soft or loud.

        Half of the sequences get a floor that stays, some one that comes and goes, some none: what
        a pause sounds like must not say what comes after it.
        """
        rows, count, _ = spectra.shape
        gain = draw.uniform(-12, 8, rows) * (draw.random(rows) < 0.7)
        spectra = spectra + gain.astype(np.float32)[:, None, None]
        loud = np.percentile(spectra.max(axis=2), 95, axis=1)
        octaves = np.log2(self._hertz / 1000).astype(np.float32)
        points = np.linspace(0, N_MELS - 1, 7)
        power = np.empty_like(spectra)
        for row in range(rows):
            level = draw.uniform(-95, -48)
            # White, pink and brown, and what a filter makes of them.
            shape = -draw.uniform(0, 6) * octaves * (draw.random() < 0.7)
            shape += np.interp(np.arange(N_MELS), points, draw.normal(0, 3, len(points)))
            floor = (self._white + shape).astype(np.float32)
            # Never so loud that it covers the speech: that is for the noises of the mixing.
            level = min(level, loud[row] - 20 - floor.max())
            path = np.full(count, level, np.float32)
            kind = draw.random()
            if kind < 0.25:
                path[:] = -200.0
            elif kind < 0.55:
                # Cut recordings and noise gates: pieces of another floor, or of none.
                edge = 0
                while edge < count:
                    until = edge + int(draw.integers(20, 400))
                    path[edge:until] = (
                        -200.0 if draw.random() < 0.4 else level - draw.uniform(0, 30)
                    )
                    edge = until
            power[row] = floor + path[:, None]
        # Neighbouring frames share half of their samples.
        wobble = draw.standard_gamma(
            np.broadcast_to(self._freedom / 2, (rows, count + 1, N_MELS)), dtype=np.float32
        )
        wobble = (wobble[:, 1:] + wobble[:, :-1]) / self._freedom
        power = np.exp(power * np.float32(np.log(10) / 10)) * wobble
        power += np.exp(spectra * np.float32(np.log(10) / 10))
        return np.maximum(np.log(power + 1e-20) * np.float32(10 / np.log(10)), SOFTEST)


def another_rhythm(
    draw: np.random.Generator,
    spectra: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    strength: float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences whose sounds are drawn out and shortened at random, with their targets.

    A synthesiser says a word with the same inner timing every time; people do not.
    """
    rows, count, _ = spectra.shape
    knots = np.arange(0, count + 25, KNOT)
    places = np.empty((rows, count))
    for row in range(rows):
        pace = np.exp(draw.normal(0, 0.3 * strength, len(knots)))
        passed = np.cumsum(np.interp(np.arange(count), knots, pace / pace.mean()))
        # Half of the sequences also become slower: a voice made higher has become faster.
        part = draw.uniform(0.62, 1.0) if draw.random() < 0.5 * strength else 1.0
        places[row] = (passed - passed[0]) * (part * (count - 1.001) / (passed[-1] - passed[0]))
    below = places.astype(int)
    share = (places - below).astype(np.float32)[:, :, None]
    across = np.arange(rows)[:, None]
    first, second = spectra[across, below], spectra[across, below + 1]
    warped = first * (1 - share) + second * share
    return warped, labels[across, below], weights[across, below]


def another_articulation(
    draw: np.random.Generator, batch: np.ndarray, strength: float = 1.0
) -> np.ndarray:
    """Normalised frames as another mouth and microphone would have given them.

    A constant offset of the cepstrum is a filter; a factor is more or less pronounced speech; a
    slow drift is what no two utterances of a word have in common.
    """
    rows, count, width = batch.shape
    offset = draw.normal(0, 0.35 * strength, (rows, 1, width))
    factor = np.exp(draw.normal(0, 0.12 * strength, (rows, 1, width)))
    knots = draw.normal(0, 0.3 * strength, (rows, count // KNOT + 2, width)).astype(np.float32)
    place = np.arange(count) / KNOT
    below = place.astype(int)
    share = (place - below).astype(np.float32)[None, :, None]
    drift = knots[:, below] * (1 - share) + knots[:, below + 1] * share
    return (batch * factor + offset + drift).astype(np.float32)
