"""The bundled speech detector: hears speech of voices it never met, and none in other sounds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app

AUDIO = Path(__file__).parents[2] / "examples" / "audio"
RECORDINGS = ("slt_keywords", "awb_keywords", "slt_running", "espeak_keywords")
SR = 16000
T = np.arange(10 * SR) / SR


@pytest.fixture(scope="module")
def model() -> pylstm.Model:
    return pylstm.load("vad")


def speech_of(model: pylstm.Model, pcm: np.ndarray) -> np.ndarray:
    """The posterior of speech in every frame."""
    assert model.labels is not None
    return model.run(pcm.astype(np.float32))[:, model.labels.index("speech")]


def events_of(model: pylstm.Model, pcm: np.ndarray) -> list[pylstm.Event]:
    return pylstm.Detector.for_model(model).push(model.run(pcm.astype(np.float32)))


def read(name: str) -> np.ndarray:
    pcm, rate = soundfile.read(AUDIO / f"{name}.flac", dtype="float32")
    assert rate == SR
    return pcm


def keywords(name: str) -> list[tuple[float, float]]:
    manifest = json.loads((AUDIO / "manifest.json").read_text(encoding="utf-8"))
    return [(word["start"], word["end"]) for word in manifest[f"{name}.flac"]["keywords"]]


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(len(T))


def pulses(seed: int) -> np.ndarray:
    return noise(seed) * (np.random.default_rng(seed).random(len(T)) < 3e-4)


def dialling(seed: int) -> np.ndarray:
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    draw = np.random.default_rng(seed)
    pitches = [(draw.choice(rows), draw.choice(columns)) for _ in range(50)]
    keys = (T / 0.2).astype(int)
    low, high = (np.array([pair[k] for pair in pitches])[keys] for k in (0, 1))
    return (np.sin(2 * np.pi * low * T) + np.sin(2 * np.pi * high * T)) * (T % 0.2 < 0.1)


# What training had none of: how loud they are makes no difference.
SOUNDS: dict[str, Callable[[], np.ndarray]] = {
    "digital silence": lambda: np.zeros(len(T)),
    "a step to a constant": lambda: np.where(T > 3, 1.0, 0.0),
    "white noise": lambda: noise(1),
    "noise in square bursts": lambda: noise(2) * (np.sin(2 * np.pi * 1.3 * T) > 0),
    "noise in sawtooth swells": lambda: noise(3) * (T * 0.7 % 1),
    "Geiger counter": lambda: pulses(4),
    "dialling tones": lambda: dialling(5),
    "alarm clock": lambda: (
        np.sign(np.sin(2 * np.pi * 2100 * T)) * (T % 1 < 0.5) * (T % 0.12 < 0.06)
    ),
    "seven detuned sines": lambda: sum(np.sin(2 * np.pi * 220 * 1.013**k * T) for k in range(7)),
    "sawtooth": lambda: (T * 110) % 1 - 0.5,
}


def test_what_it_is(model: pylstm.Model) -> None:
    assert model.labels == ("other", "speech")
    assert model.sample_rate == SR
    assert len(model.to_bytes()) < 100_000
    detector = pylstm.Detector.for_model(model)
    assert detector.background == ("other",)
    assert detector.hop_seconds == 0.01


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_every_word_is_speech(model: pylstm.Model, name: str, gain: float) -> None:
    posteriors = speech_of(model, gain * read(name))
    for start, end in keywords(name):
        inside = posteriors[int(start * 100) + 5 : int(end * 100)]
        assert np.mean(inside > 0.5) > 0.5, (name, start)
    if not keywords(name):  # running speech
        assert np.mean(posteriors > 0.5) > 0.7


@pytest.mark.parametrize("name", ["slt_keywords", "awb_keywords"])
def test_the_pauses_are_not(model: pylstm.Model, name: str) -> None:
    posteriors, spoken = speech_of(model, read(name)), keywords(name)
    for (_, end), (start, _) in itertools.pairwise(spoken):
        pause = posteriors[int(end * 100) + 20 : int(start * 100) - 10]
        assert np.mean(pause > 0.5) < 0.1, (name, end)


@pytest.mark.parametrize("name", ["slt_keywords", "awb_keywords"])
def test_every_word_is_an_event_when_it_begins(model: pylstm.Model, name: str) -> None:
    times = [event.time for event in events_of(model, read(name))]
    spoken = keywords(name)
    assert len(times) == len(spoken)
    for time, (start, _) in zip(times, spoken, strict=True):
        assert 0 < time - start < 0.5


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("gain", [0.3, 0.01])
def test_what_nobody_says_is_not_speech(model: pylstm.Model, name: str, gain: float) -> None:
    sound = SOUNDS[name]()
    sound = gain * sound / max(1.0, np.max(np.abs(sound)))
    assert np.mean(speech_of(model, sound) > 0.5) < 0.05
    assert events_of(model, sound) == []


@pytest.mark.parametrize("before", ["digital silence", "white noise", "sawtooth"])
def test_what_came_before_is_forgotten(model: pylstm.Model, before: str) -> None:
    """Speech after a minute of something else is still heard."""
    sound = SOUNDS[before]()
    long = np.tile(0.1 * sound / max(1.0, np.max(np.abs(sound))), 6)
    speech = read("slt_running")
    posteriors = speech_of(model, np.concatenate([long, speech]))
    assert np.mean(posteriors[len(long) // 160 :] > 0.5) > 0.7


def test_speech_in_noise_is_above_the_noise(model: pylstm.Model) -> None:
    speech = read("slt_running")
    draw = np.random.default_rng(0).standard_normal(len(speech) + 3 * SR)
    hiss = draw * np.std(speech) * 10 ** (-10 / 20)  # 10 dB below
    posteriors = speech_of(model, hiss + np.concatenate([np.zeros(3 * SR), speech]))
    assert np.mean(posteriors[20:300]) + 0.5 < np.mean(posteriors[320:])


def test_the_command_prints_when_speech_begins_and_ends() -> None:
    result = CliRunner().invoke(app, ["run", str(AUDIO / "slt_keywords.flac"), "--model", "vad"])
    assert result.exit_code == 0, result.output
    events = [line.split() for line in result.stdout.splitlines() if " s  speech " in line]
    assert [event[3] for event in events] == ["start", "end"] * (len(events) // 2)
    times = [float(event[0]) for event in events]
    words = keywords("slt_keywords")
    for start, end in zip(times[::2], times[1::2], strict=True):
        assert any(start < last and first < end for first, last in words)
    assert len(words) - 1 <= len(times) // 2 <= len(words)  # one is short
