"""Settings that are given, given back and overridden: what is in force, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import pylstm

PARTLY = {"detector.threshold": "0.5"}


def small_model(labels: list[str], **more: Any) -> pylstm.Model:
    layer = pylstm.Dense(13, len(labels), "softmax", seed=0)
    return pylstm.Model(pylstm.MFCC(), [layer], labels, **more)


@pytest.mark.parametrize("threshold", [0.005, 0.01, 0.1, 0.16, 0.5, 1.0])
def test_what_is_in_force_can_be_given_back(threshold: float) -> None:
    vad = pylstm.load("vad")
    listener = vad.listener(threshold=threshold)
    assert vad.listener(**listener.decision).decision == listener.decision
    assert listener.decision["neg_threshold"] <= threshold


def test_what_replaces_old_notes_wins() -> None:
    model = small_model(["a", "b", "c"], info=PARTLY)
    with pytest.raises(pylstm.ModelFileError, match=r"'detector\.smoothing_frames' is missing"):
        model.listener()
    given = {"smoothing_frames": 3, "refractory_frames": 4, "background": ["c"]}
    assert model.listener(**given).decision["threshold"] == 0.5
    assert model.listener(kind="symbols").decision["kind"] == "symbols"


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"kind": "segments"}, r"\[decision\] 'decision.label' is missing; expected which of"),
        ({"kind": "segments", "label": "a", "neg_threshold": 0.9}, "expected a number that is not"),
        ({"refractory_frames": 2_000_000_000}, r"\[decision\] 'decision.refractory_frames' is"),
    ],
)
def test_what_is_wrong_in_a_file_is_an_error_of_the_file(
    decision: dict[str, Any], message: str
) -> None:
    with pytest.raises(pylstm.ModelFileError, match=message):
        small_model(["a", "b"], decision=decision)


def test_an_empty_label_is_good_for_a_blank() -> None:
    model = small_model(["", "a", "b"])
    assert model.listener(kind="symbols", blank="").decision["blank"] == ""
    with pytest.raises(pylstm.ModelFileError, match=r"labels\.0 is empty; expected a name"):
        model.listener()


def test_a_setting_of_one_label_is_not_for_segments() -> None:
    with pytest.raises(
        ValueError, match=r"threshold\.1 is a setting of one output, which segments"
    ):
        pylstm.load("vad").listener(threshold={"speech": 0.5})
    with pytest.raises(ValueError, match="expected one of: kind, background, threshold"):
        pylstm.load("keywords").listener(pad=0.1)


def test_a_snapshot_under_other_settings_is_named_as_that() -> None:
    model = pylstm.load("keywords")
    snapshot = model.listener(threshold=0.5).snapshot()
    with pytest.raises(ValueError, match="another model, other settings of its decision"):
        model.listener().restore(snapshot)
    model.listener(threshold=0.5).restore(snapshot)
