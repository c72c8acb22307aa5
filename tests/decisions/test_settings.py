"""Settings of decisions in Python: what is refused, what the message says to do, and what holds."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.decisions import Detector
from pylstm.decisions.settings import settings_as_text, settings_from_text

VAD = pylstm.load("vad")
KEYWORDS = pylstm.load("keywords")


def model_of(labels: list[str], **decision: object) -> pylstm.Model:
    layers = [pylstm.Dense(13, len(labels), "softmax", seed=0)]
    return pylstm.Model(pylstm.MFCC(), layers, labels, decision={"kind": "words", **decision})


@pytest.mark.parametrize("value", ["words", [("threshold", 0.5)], [], (), 0, False, b"", {"kind"}])
def test_a_decision_is_a_mapping(value: object) -> None:
    layers = [pylstm.Dense(13, 2, "softmax", seed=0)]
    with pytest.raises(TypeError, match=r"^decision is \w+; expected a mapping .*such as") as error:
        pylstm.Model(pylstm.MFCC(), layers, ["a", "b"], decision=value)  # type: ignore[arg-type]
    code = re.search(r"such as (\{.*\})", str(error.value))
    assert code
    model = pylstm.Model(pylstm.MFCC(), layers, ["a", "b"], decision=eval(code[1]))
    assert model.listener().decision["kind"] == "words"


@pytest.mark.parametrize("value", [None, "none", "inf", 0, -1.0, math.nan, -math.inf, 86401, 1e300])
def test_no_limit_of_speech_is_infinity(value: object) -> None:
    with pytest.raises(
        (TypeError, ValueError), match=r"^max_speech is .*; expected .* or math\.inf"
    ):
        VAD.listener(max_speech=value)  # type: ignore[arg-type]
    with pytest.raises(
        (TypeError, ValueError), match=r"^max_speech is .*; expected .* or math\.inf"
    ):
        pylstm.segments_from_probabilities([0.5], 0.032, max_speech=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.inf, np.float32(math.inf), 1e-9, 86400])
def test_what_the_message_about_a_limit_says(value: float) -> None:
    assert VAD.listener(max_speech=value).decision["max_speech"] == value


LABELS = [f"word {k}" for k in range(1200)] + ["no, thanks", " padded", "tab\t", ","]
SILENT = st.lists(st.sampled_from(LABELS[:4] + LABELS[-6:]), max_size=8)
MODELS = {
    "none": model_of(LABELS),
    "a list": model_of(LABELS, background=LABELS[1:3]),
    "keys": model_of(LABELS, background=LABELS[-3:]),
}


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(MODELS)), SILENT)
def test_background_that_is_given_is_the_background(name: str, silent: list[str]) -> None:
    """Whatever the file says, and whatever the labels are."""
    found = MODELS[name].listener(background=silent).decision["background"]
    assert found == tuple(label for label in LABELS if label in silent)


@pytest.mark.parametrize(
    "silent", [LABELS[-1:], LABELS[:1] + LABELS[-4:], LABELS[:-5], LABELS[3:], []], ids=len
)
def test_a_file_has_room_for_a_background_of_many_labels(silent: list[str]) -> None:
    model = model_of(LABELS, background=silent)
    told = tuple(label for label in LABELS if label in silent)
    assert pylstm.Model.from_bytes(model.to_bytes()).listener().decision["background"] == told


HUGE = 10**5000
TOO_LONG = {
    "smoothing_frames": lambda: KEYWORDS.listener(smoothing_frames=HUGE),
    "refractory_frames": lambda: KEYWORDS.listener(refractory_frames=-HUGE),
    "threshold": lambda: KEYWORDS.listener(threshold=HUGE),
    "max_speech": lambda: VAD.listener(max_speech=HUGE),
    "min_speech": lambda: VAD.listener(min_speech=-HUGE),
    "kind": lambda: KEYWORDS.listener(kind=HUGE),  # type: ignore[arg-type]
    "exclusive": lambda: KEYWORDS.listener(exclusive=HUGE),  # type: ignore[arg-type]
    "background": lambda: KEYWORDS.listener(background=[HUGE]),  # type: ignore[list-item]
    "label": lambda: VAD.listener(label=HUGE),
    "rate": lambda: pylstm.Intake(16000, rate=HUGE),
    "channels": lambda: pylstm.Intake(16000, rate=16000, channels=HUGE),
    "encoding": lambda: pylstm.Intake(16000, rate=16000, encoding=HUGE),  # type: ignore[arg-type]
    "n": lambda: KEYWORDS.listeners(HUGE),
    "threads": lambda: KEYWORDS.streams(1, threads=-HUGE),
    "slot": lambda: KEYWORDS.streams(1)[HUGE],
    "hop": lambda: pylstm.segments_from_probabilities([0.5], HUGE),
    "duration": lambda: pylstm.segments_from_probabilities([0.5], 0.032, duration=HUGE),
}


@pytest.mark.parametrize("name", sorted(TOO_LONG))
def test_a_number_too_long_to_write_is_shown_without_its_digits(name: str) -> None:
    with pytest.raises((TypeError, ValueError, IndexError)) as error:
        TOO_LONG[name]()
    message = str(error.value)
    assert re.match(rf"{name}\b.* whole number of about 50\d\d digits; expected ", message), message
    assert len(message) < 500


def test_counts_follow_their_message() -> None:
    with pytest.raises(ValueError, match=r"; expected 1 to 1000000$"):
        KEYWORDS.listener(smoothing_frames=HUGE)
    assert KEYWORDS.listener(smoothing_frames=1_000_000).decision["smoothing_frames"] == 1_000_000


def test_what_a_float_cannot_hold_is_shown() -> None:
    with pytest.raises(ValueError, match=r"^threshold is a whole number of about 401 digits; exp"):
        KEYWORDS.listener(threshold=10**400)


@pytest.mark.parametrize("kind", ["words", "segments"])
def test_settings_in_force_travel(kind: str) -> None:
    listener = KEYWORDS.listener(threshold={"yes": 0.7}) if kind == "words" else VAD.listener()
    told = listener.decision
    assert isinstance(told["threshold"], dict) == (kind == "words")
    for other in (pickle.loads(pickle.dumps(told)), copy.deepcopy(told), copy.copy(told)):
        assert other == told
    assert json.loads(json.dumps(told)).keys() == told.keys()
    assert listener.model.listener(**json.loads(json.dumps(told))).decision == told
    assert KEYWORDS.listeners(1, threshold=0.5).decision["threshold"] == 0.5


def test_settings_in_force_are_a_copy() -> None:
    listener = KEYWORDS.listener(threshold={"yes": 0.7})
    told, before = listener.decision, copy.deepcopy(listener.decision)
    told["threshold"]["yes"] = 0.1
    told["kind"] = "segments"  # type: ignore[index]
    assert listener.decision == before


@pytest.mark.parametrize("label", ["\ud800", "go\udc80"])
def test_labels_that_no_file_holds(label: str) -> None:
    with pytest.raises(ValueError, match=r"^labels\[1\] is .*; expected text without surrogates"):
        Detector(["go", label], background=[])
    with pytest.raises(ValueError, match=r"^background\[0\] is .*; expected text without"):
        Detector(["go", "stop"], background=[label])


ODD_LABELS = ("yes", "a,b", " no", "", "off")
NUMBERS = st.floats(0.01, 1.0)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["words", "segments"]),
            "report": st.sampled_from(["early", "final"]),
            "threshold": NUMBERS
            | st.dictionaries(st.sampled_from(ODD_LABELS), NUMBERS, min_size=1),
            "smoothing_frames": st.integers(1, 100),
            "background": st.lists(st.sampled_from(ODD_LABELS), unique=True),
            "exclusive": st.booleans(),
            "label": st.sampled_from(ODD_LABELS),
            "pad": NUMBERS,
            "max_speech": NUMBERS | st.just(math.inf),
        },
    )
)
def test_texts_become_the_settings_again(chosen: Any) -> None:
    texts = dict(settings_as_text(ODD_LABELS, chosen))
    again = settings_from_text(ODD_LABELS, texts)
    assert dict(settings_as_text(ODD_LABELS, again)) == texts


@pytest.mark.parametrize(
    "texts",
    [{"treshold": "1"}, {"threshold.9": "0.5"}, {"threshold": "0.5", "threshold.0": "0.4"}],
)
def test_texts_that_are_no_settings(texts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        settings_from_text(ODD_LABELS, texts)
