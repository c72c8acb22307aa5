"""Mixes people and noises into scenes, with a target for every frame: endless variety.

A scene is ten seconds of one person, of several in turn or at once, or of nobody; each with a voice
that is a little faster or slower than it was, a filter and a room; under recorded and synthetic
noise; sometimes through a telephone; at any level from -50 dBFS to full scale.
"""

from __future__ import annotations

import numpy as np
from energy_labels import HOP_LENGTH, speech_frames, targets
from material import SAMPLE_RATE, coloured_noise, filter_gains, room_response, to_int16
from noises import any_noise, faded, on_and_off
from people import Pools, Utterance
from scipy.fft import irfft, next_fast_len, rfft

from pylstm.audio import soundfile_and_soxr

__all__ = ["scene"]

NOBODY = 0.32
# How many people speak, if anybody does.
PEOPLE = {1: 0.68, 2: 0.22, 3: 0.10}
# How often each source of speech is drawn; those that are not there are left out.
SOURCES = {"read": 0.46, "commands": 0.24, "wake": 0.06, "synthetic": 0.24}
# Noise that has pitch and formants, or comes and goes as words do, is the hardest: drawn oftener.
HARD = ("baby_cry", "rooster", "dog_bark", "person_sneeze")
# Somebody more than this below the loudest, dB, counts for nothing: neither speech nor pause.
FAR = 15.0


def scene(
    pools: Pools, draw: np.random.Generator, seconds: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One scene.

    Parameters
    ----------
    pools : Pools
    draw : Generator
        The same one gives the same scene.
    seconds : float

    Returns
    -------
    samples : array, shape (n,), float32
        Rounded as 16 bits are.
    labels : array, shape (n // HOP_LENGTH,), int8
        1: speech.
    weights : array, shape (n // HOP_LENGTH,), float32
        0 where a frame counts for nothing.
    """
    total = int(seconds * SAMPLE_RATE) // HOP_LENGTH * HOP_LENGTH
    heard, speech, ignored = _people(pools, draw, total)
    labels, weights = targets(speech)
    weights[ignored & ~speech] = 0.0
    present = bool(speech.any())
    count = draw.choice(3, p=[0.12, 0.55, 0.33] if present else [0.05, 0.6, 0.35])
    for _ in range(count):
        ratio = np.clip(draw.normal(10, 9), -6, 45)
        heard = heard + _noise(pools, draw, total) * 10.0 ** (-ratio / 20)
    if present and draw.random() < 0.08:
        # Many people far away are no speech beside somebody near, and nothing where nobody is.
        heard = heard + _babble(pools, draw, total) * 10.0 ** (-draw.uniform(6, 25) / 20)
        weights[~speech] = 0.0
    if draw.random() < 0.4:
        # A recording has a floor that begins shortly before its speech, where there was digital
        # silence. Here are floors that begin and end without any speech.
        floor = coloured_noise(draw, total) * on_and_off(draw, total)
        heard = heard + floor * 10.0 ** (-draw.uniform(30, 70) / 20)
    heard = heard * (10.0 ** (draw.uniform(-45, 3) / 20) / (np.max(np.abs(heard)) + 1e-9))
    if draw.random() < 0.6:
        heard = heard + draw.normal(0, 10.0 ** (draw.uniform(-92, -62) / 20), total)
    if draw.random() < 0.12:
        heard = _telephone(draw, heard)
    if draw.random() < 0.08:
        _mute(draw, heard, labels, weights)
    return to_int16(heard * 32768).astype(np.float32) / 32768, labels, weights


# --- people ---------------------------------------------------------------------------------------


def _people(
    pools: Pools, draw: np.random.Generator, total: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everybody together; the frames of speech; those of people too far away to count."""
    frames = total // HOP_LENGTH
    heard, loud = np.zeros(total, np.float32), np.zeros(frames, bool)
    ignored = np.zeros(frames, bool)
    if draw.random() < NOBODY:
        return heard, loud, ignored
    count = int(draw.choice(list(PEOPLE), p=list(PEOPLE.values())))
    turns = draw.random() < 0.7
    owner = _turns(draw, frames, count) if turns else None
    for person in range(count):
        dry, own = _speaker(pools, draw, total)
        if owner is not None and count > 1:
            own = own & (owner == person)
            dry = dry * np.repeat(_smoothed(owner == person), HOP_LENGTH)
        if not own.any():
            continue
        dry = _placed(draw, dry)
        level = np.sqrt(np.mean(dry.reshape(frames, -1)[own] ** 2, dtype=np.float64)) + 1e-9
        below = 0.0 if person == 0 else draw.uniform(-3, 20)
        heard = heard + dry * np.float32(10.0 ** (-below / 20) / level)
        if below < FAR:
            loud |= own
        else:
            ignored |= speech_frames(own)
    return heard, speech_frames(loud), ignored


def _turns(draw: np.random.Generator, frames: int, count: int) -> np.ndarray:
    """Whose turn each frame is."""
    owner, position = np.zeros(frames, int), 0
    person = int(draw.integers(count))
    while position < frames:
        size = int(draw.uniform(30, 400))
        owner[position : position + size] = person
        position += size
        person = int(draw.integers(count))
    return owner


def _smoothed(on: np.ndarray) -> np.ndarray:
    """Gains of frames that rise and fall over five of them."""
    return np.convolve(on.astype(np.float32), np.full(5, 0.2, np.float32), "same")


def _speaker(pools: Pools, draw: np.random.Generator, total: int) -> tuple[np.ndarray, np.ndarray]:
    """What one person says, with pauses, and the loud frames of it."""
    names = [name for name in SOURCES if pools.speakers.get(name)]
    shares = np.array([SOURCES[name] for name in names])
    speakers = pools.speakers[str(draw.choice(names, p=shares / shares.sum()))]
    said = speakers[draw.integers(len(speakers))]
    factor = draw.uniform(0.85, 1.2) if draw.random() < 0.6 else 1.0
    needed = int(total * factor) // HOP_LENGTH + 2
    dry, loud = np.zeros(needed * HOP_LENGTH, np.float32), np.zeros(needed, bool)
    longest = draw.choice([0.3, 0.8, 2.0, 5.0])
    position = int(draw.uniform(0, longest) * 100)
    while position < needed:
        one = _piece(draw, said[draw.integers(len(said))])
        one = one.part(0, min(len(one.loud), needed - position))
        gain = 10.0 ** (draw.uniform(-5, 5) / 20)
        spoken = one.samples[: len(one.loud) * HOP_LENGTH].reshape(len(one.loud), -1)
        level = np.sqrt(np.mean(spoken[one.loud] ** 2)) + 1e-6 if one.loud.any() else 1.0
        dry[position * HOP_LENGTH :][: spoken.size] = spoken.reshape(-1) * np.float32(gain / level)
        loud[position : position + len(one.loud)] = one.loud
        position += len(one.loud) + int(draw.uniform(0.0, longest) * 100)
    if factor != 1.0:
        _, soxr = soundfile_and_soxr()
        dry = soxr.resample(dry, SAMPLE_RATE * factor, SAMPLE_RATE, quality="LQ")
        frames = np.minimum((np.arange(total // HOP_LENGTH) * factor).astype(int), needed - 1)
        loud = loud[frames]
    return np.resize(dry, total), loud[: total // HOP_LENGTH]


def _piece(draw: np.random.Generator, whole: Utterance) -> Utterance:
    """A stretch of an utterance, cut where nothing is loud if it is a long one."""
    count = len(whole.loud)
    if count < 250:
        return whole.part(0, count)
    quiet = np.flatnonzero(~whole.loud)
    size = int(np.exp(draw.uniform(np.log(50), np.log(900))))
    start = int(draw.integers(max(1, count - size)))
    first, last = start, min(count, start + size)
    if len(quiet):
        first = int(quiet[np.argmin(np.abs(quiet - first))])
        after = quiet[quiet > first + 20]
        last = int(after[np.argmin(np.abs(after - last))]) if len(after) else count
    piece = whole.part(first, last)
    fade = np.minimum(1.0, np.arange(len(piece.samples), dtype=np.float32) / 160)
    return Utterance(piece.samples * fade * fade[::-1], piece.loud)


def _placed(draw: np.random.Generator, dry: np.ndarray) -> np.ndarray:
    """Through a filter, and two of three times in a room."""
    size = next_fast_len(len(dry) + SAMPLE_RATE // 2, real=True)
    spectrum = rfft(dry, size) * _gains(draw, size)
    if draw.random() < 0.65:
        spectrum *= rfft(room_response(draw).astype(np.float32), size)
    return irfft(spectrum, size)[: len(dry)]


def _gains(draw: np.random.Generator, size: int) -> np.ndarray:
    """Gains of a random smooth filter, drawn at fewer frequencies than the spectrum has."""
    coarse = filter_gains(draw, 4096)
    places = np.arange(size // 2 + 1, dtype=np.float32) * np.float32(4096 / size)
    return np.interp(places, np.arange(len(coarse)), coarse).astype(np.float32)


# --- noises ---------------------------------------------------------------------------------------


def _noise(pools: Pools, draw: np.random.Generator, total: int) -> np.ndarray:
    """A noise of root mean square 1 where it is heard, recorded or synthetic."""
    kind = draw.random()
    if kind < 0.32:
        return any_noise(draw, total)
    if kind < 0.52:
        return _steady(pools, draw, total)
    kinds = list(pools.noises)
    shares = np.array([2.5 if kind in HARD else 1.0 for kind in kinds])
    kind = kinds[int(draw.choice(len(kinds), p=shares / shares.sum()))]
    files = pools.noises[kind]
    row = np.zeros(total, np.float32)
    position = 0
    gaps = draw.random() < 0.4
    while position < total:
        samples = files[draw.integers(len(files))].samples
        start = int(draw.integers(max(1, len(samples) - SAMPLE_RATE)))
        part = samples[start : start + int(draw.uniform(1, 10) * SAMPLE_RATE)]
        if draw.random() < 0.3:
            part = part[::-1]
        if draw.random() < 0.5:
            _, soxr = soundfile_and_soxr()
            part = soxr.resample(part, SAMPLE_RATE * draw.uniform(0.7, 1.4), SAMPLE_RATE, "LQ")
        part = part[: total - position]
        level = np.sqrt(np.mean(part**2)) + 1e-5
        row[position : position + len(part)] = part * faded(len(part), 0.01) / level
        position += len(part) + (int(draw.uniform(0, 3) * SAMPLE_RATE) if gaps else 0)
    if draw.random() < 0.6:
        size = next_fast_len(total + SAMPLE_RATE // 2, real=True)
        spectrum = rfft(row, size) * _gains(draw, size)
        if draw.random() < 0.4:
            spectrum *= rfft(room_response(draw).astype(np.float32), size)
        row = irfft(spectrum, size)[:total]
    return row / (np.sqrt(np.mean(row[row != 0] ** 2)) + 1e-9) if row.any() else row


def _steady(pools: Pools, draw: np.random.Generator, total: int) -> np.ndarray:
    """Noise that has the spectrum of speech or of a recorded noise, and goes on and on.

    The phases are drawn anew, so that nothing of the rhythm is left. A spectrum alone is not
    speech, whatever it looks like.
    """
    if draw.random() < 0.5:
        source, _ = _speaker(pools, draw, total)
    else:
        files = pools.noises[str(draw.choice(list(pools.noises)))]
        source = files[draw.integers(len(files))].samples
    size = int(SAMPLE_RATE * np.exp(draw.uniform(np.log(0.1), np.log(5.0))))
    start = int(draw.integers(max(1, len(source) - size)))
    part = source[start : start + size]
    row = np.resize(part, next_fast_len(total, real=True)).astype(np.float32)
    spectrum = rfft(row)
    turns = draw.uniform(0, 2 * np.pi, len(spectrum)).astype(np.float32)
    row = irfft(spectrum * np.exp(1j * turns), len(row))[:total].astype(np.float32)
    if draw.random() < 0.5:
        points = 10.0 ** (draw.uniform(-15, 0, draw.integers(3, 30)) / 20)
        row *= np.interp(np.linspace(0, len(points) - 1, total), np.arange(len(points)), points)
    row /= np.sqrt(np.mean(row**2)) + 1e-6
    return row * on_and_off(draw, total) if draw.random() < 0.3 else row


def _babble(pools: Pools, draw: np.random.Generator, total: int) -> np.ndarray:
    """Six to nine people at once, of root mean square 1."""
    row = sum(_speaker(pools, draw, total)[0] for _ in range(draw.integers(6, 10)))
    row = _placed(draw, np.asarray(row, np.float32))
    return row / (np.sqrt(np.mean(row**2)) + 1e-9)


# --- the way to the model -------------------------------------------------------------------------


def _telephone(draw: np.random.Generator, heard: np.ndarray) -> np.ndarray:
    """A band from 300 Hz to 3400 Hz, and half of the times the steps of μ-law."""
    size = next_fast_len(len(heard), real=True)
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    low, high = draw.uniform(150, 350), draw.uniform(3200, 3800)
    spectrum = rfft(heard, size) * ((frequencies > low) & (frequencies < high))
    heard = irfft(spectrum, size)[: len(heard)]
    if draw.random() < 0.5:
        # ITU-T G.711 without its segments.
        steps = np.round(np.sign(heard) * np.log1p(255 * np.minimum(np.abs(heard), 1)) / np.log(256)
                         * 127) / 127  # fmt: skip
        heard = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    return heard


def _mute(
    draw: np.random.Generator, heard: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> None:
    """A second or so of digital silence, as when a line drops."""
    size = int(draw.uniform(0.1, 2.5) * SAMPLE_RATE)
    start = int(draw.integers(len(heard) - size))
    heard[start : start + size] *= 1 - faded(size, 0.001)
    first, last = start // HOP_LENGTH, (start + size) // HOP_LENGTH
    labels[first:last] = 0
    weights[first:last] = 1.0
    for edge in (first, last):
        weights[max(0, edge - 4) : edge + 5] = 0.0
