"""Mix clips into the sequences that the model learns from, as a microphone would hear them.

A sequence is several seconds of one kind of voice: isolated words, sentences and pauses, warped
(vocal tract and pitch), filtered, put into a room, brought to a level and covered with noise.
Beside the samples stand a label and a weight for every frame.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from synthesise import LABELS
from synthesisers import SAMPLE_RATE, to_int16
from voices import another_speaker

HOP_LENGTH = 160
SILENCE, UNKNOWN = LABELS.index("silence"), LABELS.index("unknown")

# When the model has to name a keyword, in seconds around the end of the word: late enough that it
# has heard whether the word goes on ("go", "goat"), early enough to feel instant.
NAMED_FROM, NAMED_UNTIL = -0.04, 0.20
FORGOTTEN_AFTER = 0.30
# A keyword that runs into the next word without a pause is harder to tell from the beginning of a
# longer word; at half weight it was hardly ever heard.
FLUENT_WEIGHT = 0.9
# Single words are mostly minimal pairs, closer to a keyword than speech often is.  At full weight
# they make the model demand the keywords exactly as its training voices say them.
SINGLE_WEIGHT = 0.4

KINDS = ("keyword", "word", "sentence", "running", "row")


class Mixer:
    """Endless sequences from the clips of one split.

    Parameters
    ----------
    cache : Path
        Folder that ``synthesise.py`` wrote.
    split : str
        ``training`` or ``validation``.
    seed : int
        The same seed gives the same sequences.
    """

    def __init__(self, cache: Path, split: str, seed: int) -> None:
        self._row = np.load(cache / f"{split}.pcm.npy", mmap_mode="r")
        records = json.loads((cache / f"{split}.json").read_text(encoding="utf-8"))
        self._pools: dict[tuple[str, str], list[dict]] = {}
        for record in records:
            voice = record["voice"]
            family = next((f for f in ("rms", "kal", "pico") if voice.startswith(f)), "espeak")
            self._pools.setdefault((family, record["kind"]), []).append(record)
        self._draw = np.random.default_rng([seed, len(split)])

    def sequence(
        self, seconds: float = 10.0, running: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples, and for every frame a label and a weight; `running`: no keywords at all."""
        draw = self._draw
        family = str(draw.choice(["rms", "kal", "espeak", "pico"], p=[0.35, 0.13, 0.28, 0.24]))
        total = int(seconds * SAMPLE_RATE)
        dry = np.zeros(int(2.3 * total), np.float32)
        words, speech, single = self._place(dry, family, running)
        dry, warp = another_speaker(draw, family, dry)
        dry = dry[:total]
        words = [(w, s * warp, e * warp, fluent) for w, s, e, fluent in words]
        speech = [(s * warp, e * warp) for s, e in speech]
        single = [(s * warp, e * warp) for s, e in single]
        labels, weights = frame_targets(words, speech, single, total // HOP_LENGTH)
        heard, babble = self._hear(dry, speech)
        if babble:
            # Speech in the background is unknown speech, not silence.
            labels[labels == SILENCE] = UNKNOWN
        return heard, labels, weights

    def _place(
        self, dry: np.ndarray, family: str, running: bool
    ) -> tuple[
        list[tuple[int, float, float, bool]], list[tuple[float, float]], list[tuple[float, float]]
    ]:
        """Fill a row with clips and pauses; times of keywords, of speech and of single words."""
        draw = self._draw
        # How much of a sequence is which kind; the last row is running speech alone.
        mixes = ([0.60, 0.16, 0.10, 0.07, 0.07], [0.2, 0.15, 0.35, 0.15, 0.15],
                 [0, 0.1, 0, 0.5, 0.4], [0.25, 0.05, 0.5, 0.1, 0.1], [0, 0, 0, 1, 0])  # fmt: skip
        mix = mixes[4 if running else draw.choice(4, p=[0.45, 0.2, 0.15, 0.2])]
        longest = draw.choice([0.5, 1.2, 3.0], p=[0.45, 0.4, 0.15])
        words: list[tuple[int, float, float, bool]] = []
        speech: list[tuple[float, float]] = []
        single: list[tuple[float, float]] = []
        position = int(draw.uniform(0.0, 0.8) * SAMPLE_RATE)
        while position < len(dry):
            kind = str(draw.choice(KINDS, p=mix))
            pool = self._pools[family, kind]
            clip = pool[draw.integers(len(pool))]
            pcm = self._row[clip["offset"] : clip["offset"] + clip["length"]].astype(np.float32)
            pcm *= 10.0 ** (draw.uniform(-5, 5) / 20) / (np.sqrt(np.mean(pcm**2)) + 1.0)
            start = position / SAMPLE_RATE
            room = len(dry) - position
            dry[position : position + len(pcm)] += pcm[:room]
            spans = [(start + s, start + e) for s, e in clip["speech"]]
            speech += spans
            if kind == "word":
                single += spans
            for word, s, e in clip["words"]:
                # Fluent: the speech goes on where the word ends.
                fluent = any(a <= e - 0.01 and b > e + 0.05 for a, b in clip["speech"])
                words.append((LABELS.index(word), start + s, start + e, fluent))
            pause = draw.uniform(0.05, longest) if draw.random() < 0.9 else draw.uniform(0, 0.1)
            position += len(pcm) + int(pause * SAMPLE_RATE)
        return words, speech, single

    def _hear(self, dry: np.ndarray, speech: list[tuple[float, float]]) -> tuple[np.ndarray, bool]:
        """Filter, room, level, noise and rounding; and whether the noise was babble."""
        draw = self._draw
        size = next_fast_len(len(dry) + SAMPLE_RATE // 2, real=True)
        spectrum = rfft(dry, size)
        spectrum *= filter_gains(draw, size)
        if draw.random() < 0.55:
            spectrum *= rfft(room_response(draw), size)
        wet = irfft(spectrum, size)[: len(dry)]
        active = [wet[int(s * SAMPLE_RATE) : int(e * SAMPLE_RATE)] for s, e in speech]
        active = [part for part in active if len(part)] or [wet]
        level = float(np.sqrt(np.mean(np.concatenate(active) ** 2))) + 1e-9
        wet /= level
        babble = False
        if draw.random() < 0.7:
            for _ in range(1 if draw.random() < 0.7 else 2):
                ratio = np.clip(draw.normal(19, 10), 0, 60)
                kind = str(draw.choice(
                    ["coloured", "shaped", "babble", "hum", "clicks", "tones"],
                    p=[0.4, 0.25, 0.12, 0.08, 0.08, 0.07],
                ))  # fmt: skip
                noise = self._babble(len(wet)) if kind == "babble" else NOISES[kind](draw, len(wet))
                if kind == "babble":
                    ratio = max(ratio, 8.0)
                    babble = babble or ratio < 25.0
                noise = noise / (np.sqrt(np.mean(noise**2)) + 1e-9)
                wet = wet + noise * 10.0 ** (-ratio / 20)
        peak = 10.0 ** (draw.uniform(-30, 1) / 20)
        wet = wet * (peak / (np.max(np.abs(wet)) + 1e-9))
        if draw.random() < 0.35:
            # A quiet converter, beneath the floors that every pass over the sequences draws anew
            # (`variation.py`).
            wet = wet + draw.normal(0, 10.0 ** (draw.uniform(-90, -65) / 20), len(wet))
        return to_int16(wet * 32768).astype(np.float32) / 32768, babble

    def _babble(self, length: int) -> np.ndarray:
        """Several voices at once, none of them saying a keyword."""
        draw = self._draw
        noise = np.zeros(length, np.float32)
        for _ in range(draw.integers(3, 8)):
            family = str(draw.choice(["rms", "kal", "espeak"]))
            pool = self._pools[family, "running"]
            position = -int(draw.integers(SAMPLE_RATE))
            while position < length:
                clip = pool[draw.integers(len(pool))]
                pcm = self._row[clip["offset"] : clip["offset"] + clip["length"]]
                pcm = pcm.astype(np.float32) / (np.sqrt(np.mean(np.square(pcm, dtype=float))) + 1)
                cut = pcm[max(0, -position) : length - position]
                noise[max(0, position) : max(0, position) + len(cut)] += cut
                position += len(pcm)
        return noise


def frame_targets(
    words: list[tuple[int, float, float, bool]],
    speech: list[tuple[float, float]],
    single: list[tuple[float, float]],
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and weights of the frames; frame t is centred on sample t * hop_length."""
    times = np.arange(count) * HOP_LENGTH / SAMPLE_RATE
    labels = np.full(count, SILENCE, np.int8)
    weights = np.ones(count, np.float32)

    def frames(start: float, end: float) -> slice:
        return slice(int(np.searchsorted(times, start)), int(np.searchsorted(times, end)))

    for start, end in speech:
        labels[frames(start, end)] = UNKNOWN
        # Where exactly speech begins and ends is nobody's business.
        weights[frames(end - 0.02, end + 0.06)] = 0.0
    for start, end in single:
        weights[frames(start, end - 0.02)] = SINGLE_WEIGHT
    for word, start, end, fluent in words:
        named = max(end + NAMED_FROM, start + 0.6 * (end - start))
        weights[frames(start, start + 0.6 * (end - start))] = 0.3
        weights[frames(start + 0.6 * (end - start), named)] = 0.0
        labels[frames(named, end + NAMED_UNTIL)] = word
        weights[frames(named, end + NAMED_UNTIL)] = FLUENT_WEIGHT if fluent else 1.0
        weights[frames(end + NAMED_UNTIL, end + FORGOTTEN_AFTER)] = 0.0
    return labels, weights


def filter_gains(draw: np.random.Generator, size: int) -> np.ndarray:
    """Gains of a random smooth filter: a tilt, some bumps, sometimes a narrow band."""
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    points = np.array([50, 120, 300, 600, 1000, 1700, 2600, 3800, 5500, 8000.0])
    octaves = np.log2(points / 1000)
    decibels = draw.normal(0, 1.5) * octaves + draw.normal(0, 3.0, len(points))
    gains = np.interp(np.log2(np.maximum(frequencies, 30) / 1000), octaves, decibels)
    if draw.random() < 0.3:
        gains -= np.clip(draw.uniform(80, 350) / np.maximum(frequencies, 1) - 1, 0, 3) * 15
    if draw.random() < 0.2:
        gains -= np.clip(frequencies / draw.uniform(3300, 7500) - 1, 0, 0.5) * 80
    return 10.0 ** (gains / 20)


def room_response(draw: np.random.Generator) -> np.ndarray:
    """Impulse response of a room: the direct sound, a few walls, a decaying tail of noise."""
    decay = draw.uniform(0.08, 0.6)
    time = np.arange(int(min(decay, 0.45) * SAMPLE_RATE)) / SAMPLE_RATE
    tail = draw.normal(0, 1, len(time)) * 10.0 ** (-3 * time / decay)
    tail[: int(draw.uniform(0.002, 0.02) * SAMPLE_RATE)] = 0.0
    tail *= 10.0 ** (-draw.uniform(0, 20) / 20) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] = 1.0
    for _ in range(draw.integers(3, 8)):
        delay = int(draw.uniform(0.001, 0.03) * SAMPLE_RATE)
        tail[delay] += draw.uniform(-0.5, 0.5)
    return tail


def coloured_noise(draw: np.random.Generator, length: int) -> np.ndarray:
    """White, pink, brown or between, some of it swelling slowly."""
    size = next_fast_len(length, real=True)
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 20.0)
    spectrum = rfft(draw.standard_normal(size).astype(np.float32))
    noise = irfft(spectrum * frequencies ** -draw.choice([0, 0.5, 1.0, draw.random()]), size)
    return noise[:length] * swell(draw, length)


def shaped_noise(draw: np.random.Generator, length: int) -> np.ndarray:
    """Noise through a random filter: fans, cars, rooms."""
    size = next_fast_len(length, real=True)
    spectrum = rfft(draw.standard_normal(size).astype(np.float32))
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 20.0)
    gains = filter_gains(draw, size) ** 2 * frequencies ** -draw.uniform(0, 0.8)
    return irfft(spectrum * gains, size)[:length] * swell(draw, length)


def swell(draw: np.random.Generator, length: int) -> np.ndarray | float:
    """A slow change of loudness, for half of the noises."""
    if draw.random() < 0.5:
        return 1.0
    points = 10.0 ** (draw.uniform(-12, 0, draw.integers(3, 20)) / 20)
    return np.interp(np.linspace(0, len(points) - 1, length), np.arange(len(points)), points)


def hum(draw: np.random.Generator, length: int) -> np.ndarray:
    """The mains and its harmonics."""
    time = np.arange(length) / SAMPLE_RATE
    base = draw.choice([50.0, 60.0])
    return sum(
        draw.random() / n * np.sin(2 * np.pi * (base * n * time + draw.random()))
        for n in range(1, 9)
    )


def clicks(draw: np.random.Generator, length: int) -> np.ndarray:
    """Keys, taps and switches: short bursts."""
    noise = np.zeros(length + 800)
    for _ in range(draw.integers(3, 40)):
        start = draw.integers(length)
        burst = int(draw.integers(8, 800))
        shape = np.exp(-np.arange(burst) / (burst / 5))
        noise[start : start + burst] += draw.normal(0, 1, burst) * shape * draw.random()
    return noise[:length]


def tones(draw: np.random.Generator, length: int) -> np.ndarray:
    """Beeps and chords with harmonics, as from an instrument or an appliance."""
    noise = np.zeros(length)
    position = 0
    while position < length:
        size = min(int(draw.uniform(0.1, 1.0) * SAMPLE_RATE), length - position)
        time = np.arange(size) / SAMPLE_RATE
        fade = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
        for _ in range(draw.integers(1, 4)):
            base = draw.uniform(80, 1200)
            for n in range(1, 6):
                noise[position : position + size] += (
                    fade * draw.random() / n * np.sin(2 * np.pi * base * n * time)
                )
        position += size + int(draw.uniform(0, 0.5) * SAMPLE_RATE)
    return noise


NOISES = {"coloured": coloured_noise, "shaped": shaped_noise, "hum": hum, "clicks": clicks,
          "tones": tones}  # fmt: skip
