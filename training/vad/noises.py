"""The noises of training: what is heard where nobody speaks.

Every function takes a generator and a length and gives samples of any level; the same generator
gives the same samples. None of the kinds of ``unheard.py``, which evaluation uses, is made here.
"""

from __future__ import annotations

import numpy as np
from material import SAMPLE_RATE, clicks, coloured_noise, hum, shaped_noise, tones

# Semitones above the root.
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
INSTRUMENTS = ("plucked", "bowed", "blown", "organ", "bell")


def envelope(draw: np.random.Generator, length: int, rate: float, depth: float) -> np.ndarray:
    """Gains that wander: independent levels, `rate` a second, joined by lines; depth in dB."""
    count = max(2, int(length / SAMPLE_RATE * rate) + 2)
    levels = 10.0 ** (draw.normal(0, depth, count) / 20)
    return np.interp(np.arange(length) * (rate / SAMPLE_RATE), np.arange(count), levels)


def fan(draw: np.random.Generator, length: int) -> np.ndarray:
    """Air through blades: shaped noise that pulses, and the tone of the blades."""
    time = np.arange(length) / SAMPLE_RATE
    rate = draw.uniform(4, 90)
    pulse = 1 + draw.uniform(0, 0.9) * np.sin(2 * np.pi * rate * time)
    noise = shaped_noise(draw, length) * pulse
    noise /= np.sqrt(np.mean(noise**2)) + 1e-9
    whirr = sum(
        draw.random() / n * np.sin(2 * np.pi * (n * rate * draw.integers(1, 4) * time))
        for n in range(1, 6)
    )
    return noise + draw.uniform(0, 1) * whirr


def bursts(draw: np.random.Generator, length: int) -> np.ndarray:
    """Doors, steps, rustling: noise that comes in strokes of 10 ms to a second."""
    first, second = shaped_noise(draw, length), shaped_noise(draw, length)
    gains = np.zeros((2, length))
    longest = draw.choice([0.08, 0.3, 1.0])
    position = 0
    while position < length:
        rise = int(draw.uniform(0.001, 0.05) * SAMPLE_RATE) + 1
        fall = int(draw.uniform(0.01, longest) * SAMPLE_RATE) + 1
        stroke = np.concatenate([np.linspace(0, 1, rise), np.exp(-np.arange(2 * fall) / fall * 2)])
        part = gains[draw.integers(2), position : position + len(stroke)]
        part += draw.uniform(0.1, 1) * stroke[: len(part)]
        position += int(draw.exponential(0.15 + longest) * SAMPLE_RATE) + 80
    return gains[0] * first + gains[1] * second


def flutter(draw: np.random.Generator, length: int) -> np.ndarray:
    """Noise that swells as fast and as deep as speech does: rhythm alone is not speech."""
    noise = coloured_noise(draw, length) if draw.random() < 0.5 else shaped_noise(draw, length)
    return noise * envelope(draw, length, draw.uniform(1.5, 20), draw.uniform(4, 16))


def sweeps(draw: np.random.Generator, length: int) -> np.ndarray:
    """Tones that glide from one pitch to another, one after the other."""
    noise = np.zeros(length)
    position = int(draw.uniform(0, 1) * SAMPLE_RATE)
    while position < length:
        size = min(int(draw.uniform(0.15, 3.0) * SAMPLE_RATE), length - position)
        low, high = np.log(60), np.log(6000)
        pitch = np.exp(np.linspace(draw.uniform(low, high), draw.uniform(low, high), size))
        tone = np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
        noise[position : position + size] = tone * faded(size, 0.01) * draw.uniform(0.3, 1)
        position += size + int(draw.uniform(0, 1.0) * SAMPLE_RATE)
    return noise


def drums(draw: np.random.Generator, length: int) -> np.ndarray:
    """A bar of kick, snare and hat, again and again."""
    noise = np.zeros(length)
    step = int(draw.uniform(0.09, 0.22) * SAMPLE_RATE)
    time = np.arange(int(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    hiss = draw.standard_normal(len(time))
    kick = np.sin(
        2 * np.pi * (draw.uniform(40, 70) * time - draw.uniform(2, 6) * np.exp(-30 * time))
    )
    kick *= np.exp(-draw.uniform(8, 25) * time)
    snare = hiss + 0.7 * np.sin(2 * np.pi * draw.uniform(150, 260) * time)
    snare *= np.exp(-draw.uniform(12, 40) * time)
    hat = np.diff(hiss, n=2, prepend=[0, 0]) * np.exp(-draw.uniform(30, 120) * time)
    bar = draw.random((3, 16)) < np.array([[0.25], [0.2], [0.5]])
    bar[draw.integers(3), 0] = True
    for beat, position in enumerate(range(0, length, step)):
        for struck, sound in zip(bar[:, beat % 16], (kick, snare, 0.5 * hat), strict=True):
            if struck:
                part = noise[position : position + len(sound)]
                part += draw.uniform(0.5, 1) * sound[: len(part)]
    return noise


def music(draw: np.random.Generator, length: int) -> np.ndarray:
    """One to three instruments in one key: melodies, arpeggios, chords; drums now and then."""
    noise = np.zeros(length)
    root, scale = draw.uniform(45, 57), SCALES[draw.integers(len(SCALES))]
    beat = draw.uniform(0.12, 0.5)
    for _ in range(draw.integers(1, 4)):
        sound = Instrument(draw)
        octave = 12 * int(draw.integers(-1, 4))
        role = draw.choice(["melody", "arpeggio", "chords"])
        degree, position, count = int(draw.integers(7)), 0, 0
        while position < length:
            beats = 4 if role == "chords" else int(draw.choice([1, 1, 2, 3]))
            if role == "melody":
                degree += int(draw.integers(-3, 4))
            elif count % 8 == 0:
                degree = int(draw.integers(7))
            steps = [degree, degree + 2, degree + 4]
            if role != "chords":
                steps = steps[count % 3 : count % 3 + 1] if role == "arpeggio" else [degree]
            size = min(int(beats * beat * draw.uniform(0.7, 1.3) * SAMPLE_RATE), length - position)
            if size > 200 and draw.random() < 0.9:
                for step in steps:
                    up, place = divmod(step, len(scale))
                    key = root + octave + 12 * up + scale[place]
                    while key > 100:
                        key -= 12
                    noise[position : position + size] += sound.note(key, size)
            position += int(beats * beat * SAMPLE_RATE)
            count += 1
    if draw.random() < 0.3:
        noise = noise / (np.std(noise) + 1e-9) + draw.uniform(0.3, 3) * drums(draw, length)
    return noise


class Instrument:
    """A way to sound: how partials begin, end and stand to each other; drawn once, then played."""

    def __init__(self, draw: np.random.Generator) -> None:
        self._draw = draw
        self._kind = str(draw.choice(INSTRUMENTS))
        count = int(draw.integers(2, 5) if self._kind == "blown" else draw.integers(4, 16))
        partials = np.arange(1, count + 1)
        self._gains = partials ** -draw.uniform(0.4, 2.0) * draw.uniform(0.2, 1, count)
        if draw.random() < 0.25:
            self._gains[1::2] *= 0.1  # a tube that is closed at one end
        self._stretch = 1 + draw.uniform(0.1, 0.5) * draw.random(count)
        self._attack = draw.uniform(0.03, 0.25) if self._kind == "bowed" else 0.008
        self._decay = draw.uniform(1, 12)
        self._vibrato = draw.uniform(4, 7), draw.uniform(0.0, 0.012)

    def note(self, key: float, size: int) -> np.ndarray:
        """Samples of one note; keys as in MIDI, 69 is 440 Hz."""
        draw = self._draw
        base = 440.0 * 2.0 ** ((key - 69) / 12)
        time = np.arange(size, dtype=np.float32) / SAMPLE_RATE
        phase = 2 * np.pi * base * time
        if self._kind in ("bowed", "blown"):
            rate, depth = self._vibrato
            phase += base * depth / rate * np.sin(2 * np.pi * rate * time + draw.uniform(0, 6))
        decay = np.exp(-self._decay * time) if self._kind in ("plucked", "bell") else None
        sound = np.zeros(size, np.float32)
        # sin((n + 1) x) = 2 cos(x) sin(n x) - sin((n - 1) x): one sine for all partials.
        sine, before, twice = np.sin(phase), np.zeros(size, np.float32), 2 * np.cos(phase)
        fading = decay
        for n, gain in enumerate(self._gains, 1):
            if n * base > 0.47 * SAMPLE_RATE:
                break
            if self._kind == "bell" and n > 1:
                ratio = n * self._stretch[n - 1]
                if ratio * base > 0.47 * SAMPLE_RATE:
                    break
                partial = np.sin(ratio * phase)
            else:
                partial = sine
            sound += gain * (partial if fading is None else partial * fading)
            sine, before = twice * sine - before, sine
            if fading is not None and n < 6:
                fading = fading * decay
        if self._kind == "blown":
            sound += draw.normal(0, 0.03, size)
        return sound * faded(size, self._attack) * draw.uniform(0.5, 1)


def faded(size: int, seconds: float) -> np.ndarray:
    """Gains that rise from 0 and fall to 0 within so many seconds."""
    steps = np.arange(size) / (seconds * SAMPLE_RATE)
    return np.minimum(1.0, np.minimum(steps, steps[::-1]))


# Name: how it is made, and how often it is drawn.
NOISES = {
    "coloured": (coloured_noise, 0.14), "shaped": (shaped_noise, 0.11), "fan": (fan, 0.08),
    "flutter": (flutter, 0.11), "bursts": (bursts, 0.10), "clicks": (clicks, 0.06),
    "hum": (hum, 0.03), "tones": (tones, 0.08), "sweeps": (sweeps, 0.05),
    "drums": (drums, 0.04), "music": (music, 0.20),
}  # fmt: skip


def any_noise(draw: np.random.Generator, length: int) -> np.ndarray:
    """One noise of a kind drawn at random, of root mean square 1; some of them come and go."""
    kinds, shares = list(NOISES), [share for _, share in NOISES.values()]
    kind = kinds[draw.choice(len(kinds), p=shares)]
    noise = NOISES[kind][0](draw, length)
    noise = noise / (np.sqrt(np.mean(noise**2)) + 1e-9)
    return noise * (on_and_off(draw, length) if draw.random() < 0.4 else 1.0)


def on_and_off(draw: np.random.Generator, length: int) -> np.ndarray:
    """Gains of something that is switched on and off a few times."""
    gains = np.zeros(length)
    position = int(draw.uniform(-1, 2) * SAMPLE_RATE)
    while position < length:
        size = int(draw.uniform(0.3, 4.0) * SAMPLE_RATE)
        shape = faded(size, draw.choice([0.002, 0.02, 0.3]))
        part = slice(max(0, position), max(0, position + size))
        gains[part] = shape[part.start - position : part.start - position + len(gains[part])]
        position += size + int(draw.uniform(0.2, 3.0) * SAMPLE_RATE)
    return gains
