"""The detector: one event a word, whatever the chunks, and nothing from background."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import pickle
import re
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.decisions import Detector, Event
from tests.detector_notes import ACCEPTED, GOOD, LABELS, changed, model_with


def posteriors(*runs: tuple[str, int]) -> np.ndarray:
    """Frames that are certain of a label, so many of each."""
    rows = [np.eye(len(LABELS), dtype=np.float32)[LABELS.index(label)] for label, n in runs
            for _ in range(n)]  # fmt: skip
    return np.array(rows, np.float32).reshape(-1, len(LABELS))


def test_a_word_is_one_event_at_the_crossing() -> None:
    detector = Detector(LABELS, threshold=0.5, smoothing_frames=4, refractory_frames=10)
    events = detector.push(posteriors(("silence", 20), ("yes", 25), ("silence", 20)))
    assert events == [
        Event(pytest.approx(0.21), "yes", 0.5, pytest.approx(0.2), pytest.approx(0.22))
    ]


def test_frames_before_the_start_count_as_zero() -> None:
    detector = Detector(LABELS, threshold=1.0, smoothing_frames=8)
    [event] = detector.push(posteriors(("no", 9)))
    assert event.time == pytest.approx(0.07)


def test_two_words_are_two_events() -> None:
    detector = Detector(LABELS, smoothing_frames=4, refractory_frames=10)
    events = detector.push(posteriors(("yes", 20), ("silence", 20), ("yes", 20), ("no", 20)))
    assert [event.label for event in events] == ["yes", "yes", "no"]


def test_nothing_is_reported_in_the_refractory_frames() -> None:
    for refractory, expected in ((5, 2), (14, 2), (15, 1), (60, 1)):
        detector = Detector(LABELS, smoothing_frames=1, refractory_frames=refractory)
        frames = posteriors(("yes", 3), ("silence", 12), ("yes", 1))
        assert len(detector.push(frames)) == expected


def test_a_long_word_does_not_fire_again_after_the_refractory_frames() -> None:
    detector = Detector(LABELS, smoothing_frames=3, refractory_frames=5)
    assert len(detector.push(posteriors(("no", 500)))) == 1


def test_background_never_fires() -> None:
    detector = Detector(LABELS, smoothing_frames=1)
    assert detector.push(posteriors(("unknown", 100), ("silence", 100))) == []


def test_without_background_every_label_fires() -> None:
    detector = Detector(LABELS, smoothing_frames=1, refractory_frames=0, background=())
    events = detector.push(posteriors(("unknown", 3), ("silence", 3)))
    assert [event.label for event in events] == ["unknown", "silence"]


def test_reset_starts_a_new_stream() -> None:
    detector = Detector(LABELS, smoothing_frames=5, refractory_frames=100)
    frames = posteriors(("silence", 7), ("yes", 10))
    first = detector.push(frames)
    detector.reset()
    assert detector.push(frames) == first != []


def test_no_frames_no_events() -> None:
    assert Detector(LABELS).push(np.zeros((0, 4), np.float32)) == []


def test_an_event_is_a_value() -> None:
    event = Event(1.0, "yes", 0.5)
    assert event == Event(1.0, "yes", 0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.time = 2.0  # type: ignore[misc]


@pytest.mark.law_chunk
@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 200),
    cuts=st.lists(st.integers(0, 200), max_size=30),
    smoothing=st.integers(1, 30),
    refractory=st.integers(0, 50),
    threshold=st.sampled_from([0.2, 0.35, 0.5, 0.9]),
)
def test_chunk_law(
    seed: int, count: int, cuts: list[int], smoothing: int, refractory: int, threshold: float
) -> None:
    draw = np.random.default_rng(seed)
    logits = np.cumsum(draw.normal(0, 1.5, (count, len(LABELS))), axis=0)
    frames = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    frames = (frames / frames.sum(axis=1, keepdims=True)).astype(np.float32)
    detector = Detector(
        LABELS, threshold=threshold, smoothing_frames=smoothing, refractory_frames=refractory
    )
    whole = detector.push(frames)
    detector.reset()
    edges = [0, *sorted(min(cut, count) for cut in cuts), count]
    pieces = [e for a, b in itertools.pairwise(edges) for e in detector.push(frames[a:b])]
    assert pieces == whole
    detector.reset()
    assert [e for row in frames for e in detector.push(row[None])] == whole
    assert not {event.label for event in whole} & {"silence", "unknown"}
    gaps = np.diff([round(event.time / 0.01) for event in whole])
    assert (gaps > refractory).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"labels": "yes"}, TypeError, "labels is str; expected a sequence of str"),
        ({"labels": ["yes", 1]}, TypeError, "labels is int; expected str"),
        ({"labels": ["yes", "yes"]}, ValueError, "expected distinct names"),
        ({"labels": ["yes", ""]}, ValueError, "labels holds an empty one; expected names"),
        ({"labels": ["unknown", "silence"]}, ValueError, "labels are all background; expected"),
        (
            {"background": ["noise"]},
            ValueError,
            "background names 'noise'; expected some of the labels",
        ),
        ({"background": "silence"}, TypeError, "background is str; expected a sequence of str"),
        ({"threshold": 0.0}, ValueError, "threshold is 0.0; expected above 0 and at most 1"),
        ({"threshold": 1.5}, ValueError, "threshold is 1.5; expected above 0 and at most 1"),
        ({"threshold": float("nan")}, ValueError, "threshold is nan; expected above 0"),
        ({"threshold": "0.5"}, TypeError, "threshold is '0.5'; expected a number"),
        ({"smoothing_frames": 0}, ValueError, "smoothing_frames is 0; expected 1 or more"),
        ({"smoothing_frames": 2.0}, TypeError, "smoothing_frames is 2.0; expected a whole number"),
        ({"refractory_frames": -1}, ValueError, "refractory_frames is -1; expected 0 or more"),
        (
            {"refractory_frames": True},
            TypeError,
            "refractory_frames is True; expected a whole number",
        ),
        ({"hop_seconds": 0}, ValueError, "hop_seconds is 0; expected above 0 and finite"),
        (
            {"hop_seconds": float("inf")},
            ValueError,
            "hop_seconds is inf; expected above 0 and finite",
        ),
    ],
)
def test_bad_arguments(change: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        Detector(**({"labels": LABELS} | change))
    assert message in str(caught.value)


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([[0.0] * 4], TypeError, "posteriors is list; expected a NumPy array"),
        (np.zeros((1, 4), np.int16), TypeError, "is int16; expected float32 or float64"),
        (np.zeros(4, np.float32), ValueError, "has shape (4,); expected (n, 4)"),
        (np.zeros((2, 3), np.float32), ValueError, "has shape (2, 3); expected (n, 4)"),
        (np.full((1, 4), np.nan, np.float32), ValueError, "expected finite values"),
    ],
)
def test_bad_posteriors_change_nothing(
    frames: np.ndarray, error: type[Exception], message: str
) -> None:
    detector = Detector(LABELS, threshold=0.8, smoothing_frames=2)
    detector.push(posteriors(("yes", 1)))
    with pytest.raises(error) as caught:
        detector.push(frames)
    assert message in str(caught.value)
    assert [event.time for event in detector.push(posteriors(("yes", 1)))] == [0.01]


def test_for_model_reads_the_info() -> None:
    detector = Detector.for_model(model_with(GOOD))
    assert detector.labels == tuple(LABELS)
    assert detector.threshold == 0.7
    assert detector.smoothing_frames == 3
    assert detector.refractory_frames == 9
    assert detector.background == ("unknown", "silence")
    assert detector.hop_seconds == 0.01
    assert Detector.for_model(model_with(changed("background", ""))).background == ()


@pytest.mark.parametrize("key", sorted(GOOD))
def test_for_model_needs_every_parameter(key: str) -> None:
    with pytest.raises(ValueError, match=f"'{key}' is missing; expected"):
        Detector.for_model(model_with(changed(key.removeprefix("detector."), None)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("threshold", "high", "'detector.threshold' is 'high'; expected a number above 0"),
        ("threshold", "nan", "'detector.threshold' is 'nan'; expected a number"),
        ("threshold", " 0.5", "'detector.threshold' is ' 0.5'; expected a number"),
        ("threshold", "2", "'detector.threshold' is '2'; expected a number above 0 and at most 1"),
        ("smoothing_frames", "3.0", "'detector.smoothing_frames' is '3.0'; expected a whole"),
        ("refractory_frames", "1_0", "'detector.refractory_frames' is '1_0'; expected a whole"),
        ("refractory_frames", "", "'detector.refractory_frames' is ''; expected a whole number"),
        ("background", "unknown,,silence", "'detector.background' names ''; expected labels"),
        ("background", "noise", "'detector.background' names 'noise'; expected labels of the"),
        ("background", "no,no", "'detector.background' names 'no' twice; expected each label once"),
    ],
)
def test_for_model_refuses_malformed_parameters(key: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Detector.for_model(model_with(changed(key, value)))


def test_the_numbers_are_those_of_the_notes() -> None:
    """What the reader accepts is what float and int make of it, and the detector takes it."""
    for key, read in {
        "threshold": float,
        "smoothing_frames": int,
        "refractory_frames": int,
    }.items():
        for text in ACCEPTED[key]:
            if int(float(text)) < 1000:  # frames of more take memory
                detector = Detector.for_model(model_with(changed(key, text)))
                assert getattr(detector, key) == read(text)
    for text in ACCEPTED["background"]:
        names = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
        assert Detector.for_model(model_with(changed("background", text))).background == names


def test_for_model_needs_labels_and_features() -> None:
    with pytest.raises(ValueError, match="model has no labels; expected"):
        Detector.for_model(model_with(GOOD, labels=None))
    without = pylstm.Model(None, [pylstm.Dense(4, 4, seed=0)], LABELS, GOOD)
    with pytest.raises(ValueError, match="model has no features; expected"):
        Detector.for_model(without)
    with pytest.raises(ValueError, match=r"labels\.3 is 'yes'; expected a name that no other"):
        Detector.for_model(model_with(GOOD, [*LABELS[:3], "yes"]))
    with pytest.raises(TypeError, match=r"model is str; expected a pylstm\.Model"):
        Detector.for_model("keywords")  # type: ignore[arg-type]


def test_the_bundled_model_hears_the_demo() -> None:
    with wave.open(str(Path(pylstm.__file__).parent / "models" / "demo.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    keywords = pylstm.load("keywords")
    events = Detector.for_model(keywords).push(keywords.run(pcm))
    assert [event.label for event in events] == ["stop", "go", "left", "right", "no"]
    ends = [1.926, 2.838, 5.59, 6.563, 7.531]
    assert all(-0.15 < event.time - end < 0.3 for event, end in zip(events, ends, strict=True))


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda detector: pickle.loads(pickle.dumps(detector))]
)
def test_a_copy_goes_on_by_itself(copied: Callable[[Detector], Detector]) -> None:
    detector = Detector(LABELS, smoothing_frames=4)
    detector.push(posteriors(("yes", 1)))
    other = copied(detector)
    assert [event.time for event in detector.push(posteriors(("yes", 3)))] == [0.01]
    assert [event.time for event in other.push(posteriors(("yes", 3)))] == [0.01]
