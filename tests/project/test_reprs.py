"""The repr of every public object: one short line that says what it is, whatever it has gone
through."""

from __future__ import annotations

import inspect
import re
import threading
import tracemalloc
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

import pylstm
from pylstm import train
from pylstm.audio import AudioFile
from pylstm.brief_repr import brief
from pylstm.evaluation.label_evaluation import LabelEvaluation
from pylstm.evaluation.metrics import DetCurve
from pylstm.train.losses.loss import LossResult
from tests.audio_files import sound

MODEL = pylstm.load("vad")
LONGEST = 600


def frames(n: int = 2000) -> np.ndarray:
    return np.zeros((n, MODEL.n_features), np.float32)


def arrays() -> train.Arrays:
    return train.Arrays([frames() for _ in range(40)], [np.zeros(2000, int) for _ in range(40)])


def recordings(folder: Path) -> train.Recordings:
    for label in ("yes", "no"):
        (folder / label).mkdir(parents=True)
        for k in range(3):
            sound(folder / label / f"v{k}_nohash_0.wav")
    return train.Recordings.from_folder(folder)


def instances(folder: Path) -> dict[str, object]:
    """One of each kind of public object, with much in it."""
    pool = MODEL.streams(1000)
    network = train.Network(MODEL.layers)
    outputs = np.zeros((500, 2, 2), np.float32)
    found = recordings(folder / "set")
    features = pylstm.MFCC()
    return {
        "Stream": MODEL.stream(),
        "Streams": pool,
        "Listener": MODEL.listener(),
        "Listeners": MODEL.listeners(1000),
        "Detector": pylstm.Detector([f"word {k}" for k in range(1000)], background=[]),
        "Intake": pylstm.Intake(MODEL, rate=48000, channels=2, channel=1, encoding="int24-be"),
        "Event": pylstm.Event(1.5, "yes", 0.9),
        "Model": MODEL,
        "MFCC": pylstm.MFCC(mean=np.zeros(13), std=np.ones(13)),
        "LogMel": pylstm.LogMel(),
        "LSTM": MODEL.layers[0],
        "GRU": pylstm.GRU(40, 64),
        "RNN": pylstm.RNN(40, 64),
        "Dense": MODEL.layers[1],
        "Gates": pylstm.LSTM(4, 8, seed=0).trace(np.zeros((900, 4), np.float32))[0],
        "CSource": pylstm.convert.to_c(MODEL, "vad"),
        "Network": network,
        "Arrays": arrays(),
        "Batch": next(arrays().batches(0, 0)),
        "Truncated": train.Truncated(arrays(), 100),
        "Continued": train.Continued(arrays()),
        "BackgroundExamples": train.BackgroundExamples(arrays(), features, 0),
        "LossResult": train.CrossEntropy()(outputs, np.zeros((500, 2), int)),
        "Recordings": found,
        "Split": found.split(validation=0.4, testing=0.0),
        "RecordingSource": found.source(features),
        "FeatureCache": train.FeatureCache(folder / "cache"),
        "Chain": train.Chain([train.Gain(), train.Speed()]),
        "AudioFile": AudioFile(folder / "set" / "yes" / "v0_nohash_0.wav", 16000),
        "DetCurve": DetCurve(*(np.zeros(900) for _ in range(3))),
        "LabelEvaluation": LabelEvaluation(
            ("yes", "no"), "sequence", np.zeros(900, int), np.zeros((900, 2), np.float32)
        ),
        "Adam": train.Adam(1e-3),
        "Cosine": train.Cosine(100),
        "CTC": train.CTC(),
        "Report": train.Report(
            "epoch", 1, 2, 3, 4, 5, 0.5, None, 0.1, 1.0, None, None, True, 2.0, network
        ),
        "Fitted": train.Fitted(network, None, [{"epoch": 1}] * 900, 3, "epochs"),
    }


def is_helpful(text: str, name: str) -> bool:
    return (
        text.startswith(name)
        and len(text) <= LONGEST
        and "\n" not in text
        and " object at 0x" not in text
        and not re.search(r"\barray\(", text)
    )


def test_every_public_object_has_a_short_repr(tmp_path: Path) -> None:
    made = instances(tmp_path)
    assert {name: repr(one) for name, one in made.items() if not is_helpful(repr(one), name)} == {}


def test_no_public_class_keeps_pythons_own() -> None:
    classes = {
        found
        for module in (pylstm, train, pylstm.convert)
        for found in (getattr(module, name) for name in module.__all__)
        if inspect.isclass(found) and not issubclass(found, Exception)
    } | {AudioFile, LossResult}
    assert len(classes) > 35
    assert [c.__name__ for c in classes if c.__repr__ is object.__repr__] == []


def test_what_a_stream_went_through_shows() -> None:
    stream = MODEL.stream()
    stream.push(np.zeros(1600, np.float32))
    assert repr(stream) == "Stream(position=1600, frames=9, n_outputs=2)"
    stream.flush()
    assert repr(stream) == "Stream(position=1600, frames=11, n_outputs=2)"
    stream.reset()
    assert repr(stream) == repr(MODEL.stream()) == "Stream(position=0, frames=0, n_outputs=2)"
    assert repr(pylstm.MFCC().stream()) == "Stream(position=0, frames=0, n_outputs=13)"


def test_what_a_pool_went_through_shows() -> None:
    pool = MODEL.streams(3, threads=2)
    slot = pool.join()
    assert repr(pool) == "Streams(n=3, joined=1, threads=2)"
    stream = pool[slot]
    pool.leave(slot)
    assert repr(pool) == "Streams(n=3, joined=0, threads=2)"
    assert repr(stream) == f"Stream(of slot {slot}, which has left its pool)"
    stays = pool[2]
    del pool
    assert repr(stays) == "Stream(position=0, frames=0, n_outputs=2)"  # it outlives its pool


def test_what_a_listener_went_through_shows() -> None:
    listener = MODEL.listener(kind="symbols")
    listener.push(np.zeros(1600, np.float32))
    assert repr(listener) == "Listener(symbols, position=1600, frames=9, n_outputs=2)"
    listener.reset()
    assert repr(listener) == "Listener(symbols, position=0, frames=0, n_outputs=2)"
    pool = MODEL.listeners(3, threads=2, kind="symbols")
    held = pool[pool.join()]
    pool.grow(4)
    assert repr(pool) == "Listeners(n=7, joined=1, threads=2)"
    pool.leave(0)
    assert repr(held) == "Listener(of slot 0, which has left its pool)"


def test_a_closed_file_has_one(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    with AudioFile(tmp_path / "a.wav", None) as audio:
        during = repr(audio)
    assert repr(audio) == during


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "'", "é\x85"])
def test_hostile_labels_are_escaped(text: str) -> None:
    detector = repr(pylstm.Detector(["silence", text], background=["silence"]))
    assert repr(text) in detector
    assert "\n" not in detector
    assert "\x1b" not in detector


def test_it_can_be_asked_for_while_another_thread_pushes() -> None:
    stream, stop = MODEL.stream(), threading.Event()
    audio = np.zeros(16000, np.float32)

    def push() -> None:
        while not stop.is_set():
            stream.push(audio)

    thread = threading.Thread(target=push)
    thread.start()
    try:
        assert all(repr(stream).startswith("Stream(position=") for _ in range(2000))
    finally:
        stop.set()
        thread.join()


def test_it_copies_no_array() -> None:
    large = np.zeros((4000, 1000), np.float32)
    batch = train.Batch(large, np.array([4000]), large)
    repr(batch)
    tracemalloc.start()
    try:
        repr(batch)
        assert tracemalloc.get_traced_memory()[1] < large.nbytes / 100
    finally:
        tracemalloc.stop()


CASES = MappingProxyType(
    {
        "an array": (np.zeros((3, 2), np.int16), "int16 with shape (3, 2)"),
        "a few numbers": ([1, 2.5], "[1, 2.5]"),
        "a few arrays": ((np.zeros(2), None), "(float64 with shape (2,), None)"),
        "many": (list(range(1000)), "<1,000 items>"),
        "a text": ("yes", "'yes'"),
        "a long text": ("a" * 1234, "<1,234 characters>"),
        "many bytes": (bytes(1234), "<1,234 bytes>"),
    }
)


@pytest.mark.parametrize("name", CASES)
def test_brief(name: str) -> None:
    value, expected = CASES[name]
    assert brief(value) == expected
