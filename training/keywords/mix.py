"""Mix clips into the sequences that the model learns from, as a microphone would hear them.

A sequence is several seconds of one kind of voice: isolated words, sentences and pauses, warped
(vocal tract and pitch), filtered, put into a room, brought to a level and covered with noise.
Beside the samples stand a label and a weight for every frame.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from acoustics import NOISES, filter_gains, room_response
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
            # (`augment.py`).
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
