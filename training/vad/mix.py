"""Mix speech and noise into the sequences that the model learns from, with a target a frame.

What counts as speech: the time from the first sound of an utterance to its last, as the synthesiser
gives it (the silence before a plosive is speech, too). A pause that lasts 0.2 s or longer is not
speech; a shorter one counts for nothing, because a model that looks only back cannot know how long
a pause will be, and so do 30 ms around where speech begins and 30 ms before to 60 ms after where it
ends.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from material import (
    SAMPLE_RATE,
    another_speaker,
    coloured_noise,
    filter_gains,
    room_response,
    to_int16,
)
from noises import any_noise, faded, on_and_off
from scipy.fft import irfft, next_fast_len, rfft

LABELS = ("other", "speech")
HOP_LENGTH = 160
SHORT_PAUSE = 0.2
BEGINS = (-0.03, 0.03)
ENDS = (-0.03, 0.06)

Spans = list[tuple[float, float]]


class Mixer:
    """Endless sequences from the clips of one split.

    Parameters
    ----------
    cache : Path
        Folder that ``training/keywords/synthesise.py`` wrote.
    split : str
        ``training`` or ``validation``.
    seed : int
        The same seed gives the same sequences.
    """

    def __init__(self, cache: Path, split: str, seed: int) -> None:
        self._row = np.load(cache / f"{split}.pcm.npy", mmap_mode="r")
        records = json.loads((cache / f"{split}.json").read_text(encoding="utf-8"))
        self._pools: dict[str, list[dict]] = {}
        for number, record in enumerate(records):
            voice = record["voice"]
            if voice.startswith("pico"):
                continue  # they joined the clips after `vad` was trained
            family = voice if voice == "rms" else "kal" if voice.startswith("kal") else "espeak"
            # Single keywords are a third of the clips and nothing special here.
            if record["kind"] != "keyword" or number % 4 == 0:
                self._pools.setdefault(family, []).append(record)
        self._draw = np.random.default_rng([seed, len(split)])

    def sequence(self, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples (float32, rounded as 16 bits are), and for every frame a label and a weight."""
        draw = self._draw
        total = int(seconds * SAMPLE_RATE)
        if draw.random() < 0.22:
            dry, spans = np.zeros(total, np.float32), []
        else:
            dry, spans = self._speech(total)
        labels, weights = frame_targets(spans, total // HOP_LENGTH)
        heard = self._hear(dry, spans)
        if draw.random() < 0.1:
            self._mute(heard, labels, weights)
        return to_int16(heard * 32768).astype(np.float32) / 32768, labels, weights

    def _speech(self, total: int) -> tuple[np.ndarray, Spans]:
        """Clips of one family of voices with pauses between them, and when there is speech."""
        draw = self._draw
        family = str(draw.choice(["rms", "kal", "espeak"], p=[0.4, 0.15, 0.45]))
        changed = draw.random() < 0.75
        dry = np.zeros(int(2.3 * total) if changed else total, np.float32)
        longest = draw.choice([0.6, 1.5, 4.0])
        spans: Spans = []
        position = int(draw.uniform(0.0, longest) * SAMPLE_RATE)
        pool = self._pools[family]
        while position < len(dry):
            clip = pool[draw.integers(len(pool))]
            pcm = self._row[clip["offset"] : clip["offset"] + clip["length"]].astype(np.float32)
            pcm *= 10.0 ** (draw.uniform(-5, 5) / 20) / (np.sqrt(np.mean(pcm**2)) + 1.0)
            part = dry[position : position + len(pcm)]
            part += pcm[: len(part)]
            start = position / SAMPLE_RATE
            spans += [(start + s, start + e) for s, e in clip["speech"]]
            position += len(pcm) + int(draw.uniform(0.05, longest) * SAMPLE_RATE)
        if changed:
            dry, warp = another_speaker(draw, family, dry)
            spans = [(s * warp, e * warp) for s, e in spans]
        end = total / SAMPLE_RATE
        return dry[:total], [(s, min(e, end)) for s, e in spans if s < end]

    def _hear(self, dry: np.ndarray, spans: Spans) -> np.ndarray:
        """Filter, room, noise, level and the noise of a converter."""
        draw = self._draw
        heard = dry
        if spans:
            size = next_fast_len(len(dry) + SAMPLE_RATE // 2, real=True)
            spectrum = rfft(dry, size) * filter_gains(draw, size)
            if draw.random() < 0.5:
                spectrum *= rfft(room_response(draw), size)
            heard = irfft(spectrum, size)[: len(dry)]
            heard = heard / (speech_level(heard, spans) + 1e-9)
        # Nobody speaks: noise almost always. Somebody does: none at all, now and then.
        count = draw.choice(3, p=[0.15, 0.55, 0.3] if spans else [0.06, 0.6, 0.34])
        for _ in range(count):
            ratio = np.clip(draw.normal(11, 10), -8, 45)
            heard = heard + any_noise(draw, len(dry)) * 10.0 ** (-ratio / 20)
        if draw.random() < 0.4:
            # A voice's recordings have a floor that begins shortly before its speech, where there
            # was digital silence. Here are floors that begin and end without any speech.
            floor = coloured_noise(draw, len(dry)) * on_and_off(draw, len(dry))
            heard = heard + floor * 10.0 ** (-draw.uniform(35, 75) / 20)
        peak = 10.0 ** (draw.uniform(-40, 1) / 20)
        heard = heard * (peak / (np.max(np.abs(heard)) + 1e-9))
        if draw.random() < 0.6:
            heard = heard + draw.normal(0, 10.0 ** (draw.uniform(-92, -62) / 20), len(dry))
        return heard

    def _mute(self, heard: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
        """A second or so of digital silence, as when a line drops."""
        draw = self._draw
        size = int(draw.uniform(0.1, 2.5) * SAMPLE_RATE)
        start = int(draw.integers(len(heard) - size))
        heard[start : start + size] *= 1 - faded(size, 0.001)
        first, last = start // HOP_LENGTH, (start + size) // HOP_LENGTH
        labels[first:last] = LABELS.index("other")
        weights[first:last] = 1.0
        for edge in (first, last):
            weights[max(0, edge - 4) : edge + 5] = 0.0


def speech_level(samples: np.ndarray, spans: Spans) -> float:
    """Root mean square of the samples while somebody speaks."""
    parts = [samples[int(s * SAMPLE_RATE) : int(e * SAMPLE_RATE)] for s, e in spans]
    return float(np.sqrt(np.mean(np.concatenate(parts).astype(np.float64) ** 2)))


def frame_targets(spans: Spans, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (int8) and weights (float32) of the frames; frame t is centred on t * HOP_LENGTH."""
    times = np.arange(count) * HOP_LENGTH / SAMPLE_RATE
    labels, weights = np.zeros(count, np.int8), np.ones(count, np.float32)

    def frames(start: float, end: float) -> slice:
        return slice(int(np.searchsorted(times, start)), int(np.searchsorted(times, end)))

    before = -np.inf
    for start, end in spans:
        labels[frames(start, end)] = LABELS.index("speech")
        if start - before < SHORT_PAUSE:
            weights[frames(before + ENDS[0], start + BEGINS[1])] = 0.0
        else:
            weights[frames(start + BEGINS[0], start + BEGINS[1])] = 0.0
        weights[frames(end + ENDS[0], end + ENDS[1])] = 0.0
        before = end
    return labels, weights
