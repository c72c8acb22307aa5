"""The noises of evaluation: kinds that training never makes.

Every function takes a generator and a length and gives samples of any level. Some are nearer to
what training has than others: typing and crackling are made of clicks, gusts are noise that swells;
a siren, an engine, birds and rain have no relative there.
"""

from __future__ import annotations

import numpy as np
from material import SAMPLE_RATE
from scipy.signal import butter, fftconvolve, sosfilt

STRETCH = 20.0  # seconds after which a noise is drawn anew


def filtered(samples: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    """What lies between two frequencies, in Hz; second order."""
    if low is None or high is None:
        kind, edge = ("lowpass", high) if low is None else ("highpass", low)
        return sosfilt(butter(2, edge, kind, fs=SAMPLE_RATE, output="sos"), samples)
    return sosfilt(butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos"), samples)


def struck(draw: np.random.Generator, times: np.ndarray, length: int, sound: np.ndarray,
           spread: float) -> np.ndarray:  # fmt: skip
    """A sound at many times, in seconds, each as loud as a log-normal draw of `spread` dB."""
    places = (times * SAMPLE_RATE).astype(int)
    train = np.zeros(length)
    inside = places[(places >= 0) & (places < length)]
    np.add.at(train, inside, 10.0 ** (draw.normal(0, spread, len(inside)) / 20))
    return fftconvolve(train, sound)[:length]


def rain(draw: np.random.Generator, length: int) -> np.ndarray:
    """Drops on leaves and sills, each a short ringing, before a hiss of all the distant ones."""
    seconds = length / SAMPLE_RATE
    noise = np.zeros(length)
    rate = draw.uniform(15, 200)
    for _ in range(8):
        time = np.arange(int(0.03 * SAMPLE_RATE)) / SAMPLE_RATE
        drop = np.sin(2 * np.pi * draw.uniform(700, 6500) * (1 + 2 * time) * time)
        drop *= np.exp(-time * draw.uniform(150, 700))
        times = draw.uniform(0, seconds, draw.poisson(rate * seconds / 8))
        noise += struck(draw, times, length, drop, 6.0)
    hiss = filtered(draw.standard_normal(length), draw.uniform(800, 3000), None)
    return noise / np.std(noise) + draw.uniform(0.1, 0.8) * hiss / np.std(hiss)


def engine(draw: np.random.Generator, length: int) -> np.ndarray:
    """Cylinders that fire at a rate which rises and falls, unevenly, with the roar of the air."""
    points = np.exp(draw.normal(np.log(draw.uniform(25, 110)), 0.3, 2 + length // 24000))
    rate = np.interp(np.linspace(0, len(points) - 1, length), np.arange(len(points)), points)
    phase = 2 * np.pi * np.cumsum(rate) / SAMPLE_RATE
    noise = np.zeros(length)
    for n in np.arange(0.5, 24, 0.5):
        gain = draw.random() * n**-0.7 * (0.4 if n % 1 else 1.0)
        # Above the edge of the band a partial falls silent.
        noise += gain * np.sin(n * phase + draw.uniform(0, 6)) * (n * rate < 7000)
    roar = filtered(draw.standard_normal(length), None, draw.uniform(400, 2000))
    roar *= 1 + 0.8 * np.sin(phase)
    return noise / np.std(noise) + draw.uniform(0.2, 0.8) * roar / np.std(roar)


def typewriter(draw: np.random.Generator, length: int) -> np.ndarray:
    """Types that strike paper in the rhythm of words; at the end of a line a bell, the carriage."""
    time = np.arange(int(0.12 * SAMPLE_RATE)) / SAMPLE_RATE
    stroke = draw.standard_normal(len(time)) * np.exp(-time * 250)
    for _ in range(3):
        ring = np.sin(2 * np.pi * draw.uniform(500, 5000) * time)
        stroke += draw.uniform(0.2, 0.8) * ring * np.exp(-time * draw.uniform(60, 200))
    seconds, now = length / SAMPLE_RATE, 0.0
    strokes, slides = [], []
    speed = draw.uniform(3.5, 9)
    while now < seconds:
        for _ in range(draw.integers(20, 45)):
            now += draw.gamma(6, 1 / (6 * speed)) * (2.5 if draw.random() < 0.15 else 1.0)
            strokes.append(now)
        slides.append(now + 0.3)
        now += draw.uniform(1.0, 2.0)
    noise = struck(draw, np.array(strokes), length, stroke, 3.0)
    time = np.arange(int(0.8 * SAMPLE_RATE)) / SAMPLE_RATE
    bell = sum(np.sin(2 * np.pi * f * time) for f in draw.uniform(1800, 5200, 3))
    bell = bell * np.exp(-5 * time)
    time = time[: SAMPLE_RATE // 2]
    ratchet = draw.standard_normal(len(time)) * (np.sin(2 * np.pi * 45 * time) > 0.3)
    loud = np.max(np.abs(noise))
    noise += 0.15 * loud * struck(draw, np.array(slides) - 0.3, length, bell, 1.0)
    return noise + 0.1 * loud * struck(draw, np.array(slides), length, ratchet, 1.0)


def siren(draw: np.random.Generator, length: int) -> np.ndarray:
    """Wail, yelp or two tones, with harmonics, coming nearer and going."""
    time = np.arange(length) / SAMPLE_RATE
    low, high = draw.uniform(350, 700), draw.uniform(900, 1700)
    kind = draw.choice(["wail", "yelp", "two tones"])
    rate = {"wail": draw.uniform(0.15, 0.5), "yelp": draw.uniform(2, 4),
            "two tones": draw.uniform(0.5, 1.2)}[str(kind)]  # fmt: skip
    swing = np.sin(2 * np.pi * rate * time + draw.uniform(0, 6))
    swing = np.sign(swing) if kind == "two tones" else swing
    pitch = low * (high / low) ** (0.5 + 0.5 * swing)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    noise = sum(draw.random() / n * np.sin(n * phase) for n in range(1, 5))
    return noise * (1.2 + np.sin(2 * np.pi * draw.uniform(0.02, 0.1) * time + draw.uniform(0, 6)))


def birds(draw: np.random.Generator, length: int) -> np.ndarray:
    """Several birds, each with a phrase of quick whistled notes that it repeats."""
    noise = np.zeros(length)
    for _ in range(draw.integers(2, 6)):
        phrase = [np.zeros(1)]
        for _ in range(draw.integers(2, 9)):
            size = int(draw.uniform(0.03, 0.22) * SAMPLE_RATE)
            time = np.arange(size) / SAMPLE_RATE
            ends = draw.uniform(1800, 6800, 2)
            pitch = np.linspace(*ends, size)
            pitch += draw.uniform(0, 500) * np.sin(2 * np.pi * draw.uniform(15, 60) * time)
            note = np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE) * np.hanning(size)
            phrase += [note] * draw.integers(1, 5)
            phrase.append(np.zeros(int(draw.uniform(0.02, 0.2) * SAMPLE_RATE)))
        song = np.concatenate(phrase)
        times = np.cumsum(len(song) / SAMPLE_RATE + draw.exponential(2.0, 40)) - draw.uniform(0, 3)
        noise += draw.uniform(0.2, 1) * struck(draw, times, length, song, 2.0)
    return noise + 1e-3 * draw.standard_normal(length)


def vinyl(draw: np.random.Generator, length: int) -> np.ndarray:
    """Crackle and pops, surface noise, and the rumble of 33 revolutions a minute."""
    seconds = length / SAMPLE_RATE
    noise = np.zeros(length)
    for _ in range(6):
        time = np.arange(64) / SAMPLE_RATE
        tick = np.exp(-time * draw.uniform(1000, 6000)) * np.cos(
            2 * np.pi * draw.uniform(500, 5000) * time
        )
        times = draw.uniform(0, seconds, draw.poisson(draw.uniform(2, 15) * seconds))
        noise += struck(draw, times, length, tick, 9.0)
    turn = 1 + 0.7 * np.sin(2 * np.pi * np.arange(length) / SAMPLE_RATE * 33.3 / 60)
    rumble = filtered(draw.standard_normal(length), None, 70) * turn
    surface = filtered(draw.standard_normal(length), 1000, None)
    noise = filtered(noise, 200, 6500)
    noise /= np.std(noise)
    return noise + draw.uniform(0.1, 1) * rumble / np.std(rumble) + 0.1 * surface


def wind(draw: np.random.Generator, length: int) -> np.ndarray:
    """Gusts in a microphone: the stronger, the higher the rush reaches."""
    count = 3 + int(length / SAMPLE_RATE * draw.uniform(0.5, 2))
    gust = np.interp(
        np.linspace(0, count - 1, length), np.arange(count), draw.uniform(0, 1, count) ** 2
    )
    noise = np.zeros(length)
    for power, (low, high) in enumerate(((20, 120), (120, 400), (400, 1200), (1200, 4000)), 1):
        band = filtered(draw.standard_normal(length), low, high)
        noise += gust**power * band / np.std(band) * 0.6**power
    whistle = np.cumsum(2 * np.pi * (400 + 500 * gust)) / SAMPLE_RATE
    return noise + draw.uniform(0, 0.2) * gust**3 * np.sin(whistle)


NOISES = {"rain": rain, "engine": engine, "typewriter": typewriter, "siren": siren,
          "birds": birds, "vinyl": vinyl, "wind": wind}  # fmt: skip


def tape(kind: str, length: int, seed: int) -> np.ndarray:
    """So many samples of one kind, drawn anew every 20 s, each draw of root mean square 1."""
    draw = np.random.default_rng([seed, list(NOISES).index(kind)])
    size = int(STRETCH * SAMPLE_RATE)
    parts = []
    for start in range(0, length, size):
        part = NOISES[kind](draw, size)
        part = part / np.sqrt(np.mean(part**2))
        parts.append(part[: length - start])
    return np.concatenate(parts)
