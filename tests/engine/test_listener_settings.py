"""Settings of a listener: those that are refused, and those that are in force."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings

import pylstm
from tests.decision_cases import SEEDS
from tests.engine.echo_model import ECHO, decisions, posteriors
from tests.engine.lively_listeners import listener_of
from tests.signals import audio
from tests.small_models import lively_model

PCM = audio(2.0)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "threshold 0": ({"threshold": 0.0}, r"threshold is 0; expected a number above 0"),
    "threshold 1.5": ({"threshold": 1.5}, r"threshold is 1\.5; expected"),
    "threshold text": ({"threshold": "high"}, r"threshold is 'high'; expected"),
    "threshold NaN": ({"threshold": math.nan}, r"threshold is nan; expected a finite"),
    "threshold of a stranger": ({"threshold": {"maybe": 0.5}}, r"threshold .*'maybe'; expected"),
    "smoothing": ({"smoothing_frames": 0}, r"smoothing_frames is 0; expected a whole number"),
    "half a frame": ({"smoothing_frames": 1.5}, r"smoothing_frames is 1\.5; expected"),
    "refractory": ({"refractory_frames": -1}, r"refractory_frames is -1; expected"),
    "min_frames": ({"min_frames": 0}, r"min_frames is 0; expected"),
    "background": ({"background": ["maybe"]}, r"background .*'maybe'; expected"),
    "all background": ({"background": ["silence", "yes", "no", "music"]}, "background has all"),
    "exclusive": ({"exclusive": "yes"}, "exclusive is 'yes'; expected"),
    "report": ({"report": "late"}, "report is late; expected one of: early, final"),
    "kind": ({"kind": "sentences"}, "kind is sentences; expected words, segments or symbols"),
    "no label": ({"kind": "segments"}, "label"),
    "label": ({"kind": "segments", "label": "maybe"}, "label is 'maybe'; expected"),
    "min_speech": ({"kind": "segments", "label": "no", "min_speech": -1}, "min_speech is -1"),
    "pad": ({"kind": "segments", "label": "no", "pad": math.inf}, "pad is inf; expected a finite"),
    "neg_threshold": (
        {"kind": "segments", "label": "no", "threshold": 0.3, "neg_threshold": 0.6},
        "neg_threshold is 0.6",
    ),
    "max_speech": ({"kind": "segments", "label": "no", "max_speech": 0}, "max_speech is 0"),
    "blank": ({"kind": "symbols", "blank": "maybe"}, "blank is 'maybe'; expected"),
    "another kind's": ({"kind": "symbols", "threshold": 0.5}, "threshold is no setting of symbols"),
    "unknown": ({"treshold": 0.5}, "'treshold' is no setting; expected .*threshold"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_are_refused_by_name(name: str) -> None:
    given_settings, message = WRONG[name]
    model = lively_model("softmax")
    for make in (model.listener, lambda **k: model.listeners(2, **k)):
        with pytest.raises((TypeError, ValueError), match=message):
            make(**given_settings)


def test_models_that_cannot_listen() -> None:
    frames_only = pylstm.Model(None, [pylstm.Dense(3, 2, "softmax", seed=0)], ["a", "b"])
    with pytest.raises(ValueError, match=r"no features, so that .* no times; expected one that"):
        frames_only.listener()
    unnamed = pylstm.Model(pylstm.MFCC(), [pylstm.Dense(13, 3, "softmax", seed=0)])
    with pytest.raises(ValueError, match="labels; expected segments or symbols"):
        unnamed.listener()
    # What the message says:
    assert dict(unnamed.listener(kind="symbols").decision)["blank"] == 0
    segments = unnamed.listener(kind="segments", label=2)
    assert segments.decision["label"] == 2
    assert [e.label for e in unnamed.listener(kind="symbols", blank=2).push(PCM)] == ["1"]


@settings(max_examples=100, deadline=None)
@given(given_settings=decisions(), seed=SEEDS)
def test_the_settings_in_force_make_the_same_listener(given_settings: dict, seed: int) -> None:
    first = ECHO.listener(**given_settings)
    again = ECHO.listener(**first.decision)
    assert dict(again.decision) == dict(first.decision)
    assert again.snapshot() == first.snapshot()
    for name, value in given_settings.items():
        if name == "background":
            assert set(first.decision[name]) == set(value)
        elif name != "threshold" or not isinstance(value, dict):
            assert first.decision[name] == value
        else:
            reported = {k: v for k, v in value.items() if k not in first.decision["background"]}
            same = len(set(reported.values())) == 1
            assert first.decision[name] == (reported[min(reported)] if same else reported)
    frames = posteriors(seed, 50)
    assert again.push_frames(frames) == first.push_frames(frames)


def test_the_settings_in_force_cannot_be_changed() -> None:
    listener = listener_of("exclusive words, final")
    told = listener.decision  # a copy
    told["threshold"]["yes"] = 0.1
    told["report"] = "early"
    with pytest.raises(AttributeError):
        listener.decision = {}  # type: ignore[misc]
    assert listener.decision["threshold"]["yes"] == 0.3
    assert listener.decision["report"] == "final"
    assert None not in listener.decision.values()


def test_settings_replace_those_of_the_file_one_by_one() -> None:
    keywords = pylstm.load("keywords")
    in_file = keywords.listener().decision
    replaced = keywords.listener(refractory_frames=1).decision
    assert {**in_file, "refractory_frames": 1} == dict(replaced)
    assert keywords.listener(kind="symbols").decision["kind"] == "symbols"
