"""pylstm tune: thresholds from recordings, written into the model file."""

from __future__ import annotations

import json

import pytest
import soundfile

import pylstm
from tests.cli import tone_model_file
from tests.tone_model import LABELS, tone_model
from tests.training_on_tones import folder_of_tones, refuse, succeed, tone

pytestmark = pytest.mark.law_judged_as_used

model = tone_model_file.model  # fixture


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return folder_of_tones(tmp_path_factory.mktemp("words") / "data", ("low", "high", "silence"), 3)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """Audio without the words, some of it in a folder inside."""
    folder = tmp_path_factory.mktemp("negatives") / "street"
    (folder / "deep" / "deeper").mkdir(parents=True)
    soundfile.write(folder / "a.wav", tone("", 1, 2.0), 16000)
    soundfile.write(folder / "deep" / "deeper" / "b.flac", tone("", 2, 3.0, 8000), 8000)
    return folder


def test_what_tune_promises_is_what_eval_finds(model, data, street, tmp_path):
    out = tmp_path / "tuned.safetensors"
    options = [data, "--negatives", street]
    facts = json.loads(succeed("tune", model, *options, "-o", out, "--json").stdout)
    assert facts["written"] == str(out)
    found = json.loads(succeed("eval", out, *options, "--json").stdout)["listener"]
    assert facts["after"]["missed"] == found["said"] - found["heard"]
    assert facts["after"]["false_alarms"] == sum(
        label["false_alarms"] + label["background_alarms"] for label in found["labels"].values()
    )
    tuned = pylstm.load(out).listener().decision
    chosen = {label: row["threshold"] for label, row in facts["labels"].items()}
    assert {label: row["threshold"] for label, row in found["labels"].items()} == chosen
    before = pylstm.load(model).listener().decision
    assert {**tuned, "threshold": 0} == {**before, "threshold": 0}
    assert pylstm.load(model).listener().decision == before


def test_tune_for_people(tmp_path, data, street):
    path = tmp_path / "tones.safetensors"
    tone_model().save(path)
    result = succeed("tune", path, data, "--negatives", street, "--false-alarms", 0.5)
    lines = result.stdout.splitlines()
    headings = "label said threshold before missed % before false alarms before"
    assert lines[0].split() == headings.split()
    assert [line.split()[:2] for line in lines[1:3]] == [["low", "3"], ["high", "3"]]
    assert lines[-3].startswith("before        ")
    assert lines[-2].startswith("after         0.0 % of words missed")
    assert lines[-1] == f"written       {path}"
    assert "so none was allowed" in result.stderr  # some seconds show no rate of one in two hours


def test_what_cannot_be_tuned(model, data, tmp_path):
    refuse(2, "keywords is a model that comes with pylstm; expected -o FILE.*", "tune", "keywords",
           data)  # fmt: skip
    refuse(1, "vad decides on segments; expected a model that decides on words", "tune", "vad",
           data)  # fmt: skip
    words = folder_of_tones(tmp_path / "words", ("low", "high"), n=1)
    message = r".*no audio without words.*; --negatives FOLDER names audio without the words.*"
    refuse(1, message, "tune", model, words)
    message = "--false-alarms is 0; expected above 0.*"
    refuse(2, message, "tune", model, data, "--false-alarms", 0)
    missing = tmp_path / "nowhere"
    message = f"cannot read {missing}: No such file or directory"
    refuse(1, message, "tune", model, data, "--negatives", missing)
    (tmp_path / "empty").mkdir()
    message = ".*empty holds no audio files; expected audio without the words"
    refuse(1, message, "tune", model, data, "--negatives", tmp_path / "empty")
    assert pylstm.load(model).labels == LABELS
