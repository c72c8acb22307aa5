"""What lies between a voice and the model: filters, rooms, and noises beside the voice.

Every function takes a generator, and the same generator gives the same result.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from synthesisers import SAMPLE_RATE

from pylstm.train import Reverb
from pylstm.train.augment.noise import coloured


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
    """Impulse response of a room: that of `pylstm.train.Reverb`, and a few walls."""
    response = Reverb(decay=(0.08, 0.6), direct_db=(0.0, 20.0)).response(SAMPLE_RATE, draw)
    response = response[: int(0.45 * SAMPLE_RATE)]
    for _ in range(draw.integers(3, 8)):
        delay = int(draw.uniform(0.001, 0.03) * SAMPLE_RATE)
        response[delay] += draw.uniform(-0.5, 0.5)
    return response


def coloured_noise(draw: np.random.Generator, length: int) -> np.ndarray:
    """White, pink, brown or between, some of it swelling slowly."""
    colour = 2 * draw.choice([0, 0.5, 1.0, draw.random()])
    return coloured(draw, length, SAMPLE_RATE, colour) * swell(draw, length)


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
