"""pylstm eval: a model judged by recordings, in words, JSON and figures."""

from __future__ import annotations

import json
import os
import re
import sys

import numpy as np
import pytest
import soundfile

import pylstm
from pylstm.train.data.recordings import Recordings
from tests import training_on_tones
from tests.cli import tone_model_file
from tests.training_on_tones import QUICK, folder_of_tones, refuse, succeed, tone

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures
model = tone_model_file.model  # fixture


def test_eval_for_people(trained, data):
    path, _ = trained
    result = succeed("eval", path, data)
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"model         {path}", f"data          {data}: 20 recordings, 8 s"]
    assert re.fullmatch(r"listener      [\d.]+ % of 20 words heard, another reported.*", lines[2])
    assert lines[3] == "false alarms  not measured: --negatives FOLDER names audio without words"
    assert [line.split()[:2] for line in lines[5:8]] == [
        ["label", "said"], ["high", "10"], ["low", "10"],
    ]  # fmt: skip
    assert lines[9:] == [
        "no trade-off of misses and false alarms: there is no audio without words",
        "",
        "accuracy      100.0 %: 20 of 20 recordings, by the best moment of each",
        "",
        "      taken for",
        "was   high  low",
        "high    10    .",
        "low      .   10",
        "",
        " " * 44 + "misses at false alarms of",
        "label, %  count  precision  recall     F1    AUC  EER  1 %  5 %  10 %",
        "high         10      100.0   100.0  100.0  100.0  0.0  0.0  0.0   0.0",
        "low          10      100.0   100.0  100.0  100.0  0.0  0.0  0.0   0.0",
    ]
    assert result.stderr.startswith("note: the model may have been trained on some of these")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Words, the folders of Speech Commands, and tones where there should be none."""
    folder = folder_of_tones(tmp_path_factory.mktemp("sounds") / "set", ("low", "high"), n=2)
    for name, seconds in (("_silence_", 1.0), ("_background_noise_", 4.0), ("kitchen", 2.0)):
        place = folder / name if name.startswith("_") else folder.parent / name
        place.mkdir()
        soundfile.write(place / "a.wav", tone("", 1, seconds), 16000)
    soundfile.write(folder.parent / "kitchen" / "b.wav", tone("low", 3, 2.0, 8000), 8000)
    return folder


@pytest.mark.law_judged_as_used
def test_false_alarms_are_counted_in_what_holds_no_words(model, sounds):
    kitchen = sounds.parent / "kitchen"
    result = succeed("eval", model, sounds, "--negatives", kitchen)
    assert "1 file in _background_noise_ counts as audio without words" in result.stderr
    assert re.search(r"^false alarms  [\d.]+ an hour .*: 1 event in 10 s", result.stdout, re.M)
    assert re.search(r"^other words   something reported in 0.0 % of 1 recording of silence$",
                     result.stdout, re.M)  # fmt: skip
    facts = json.loads(
        succeed("eval", model, sounds, "--negatives", kitchen, "--gap", 1, "--json").stdout
    )
    heard = facts["listener"]
    assert (heard["gap"], heard["said"], heard["heard"]) == (1.0, 4, 4)
    assert heard["without_words"] == {
        str(kitchen): {"seconds": 6.0, "events": 1},
        "_background_noise_": {"seconds": 5.0, "events": 0},
    }
    assert heard["labels"]["low"]["false_alarms"] == 1
    assert heard["background"]["silence"]["said"] == 1
    assert facts["judged_by"] == "best moment"
    assert [row["count"] for row in facts["labels"].values()] == [1, 2, 2]
    curve = heard["trade_off"]
    assert len(curve["misses"]) == len(curve["thresholds"]) == len(curve["false_alarms_an_hour"])
    assert curve["labels"].keys() == {"low", "high"}


def test_one_word_is_enough_to_judge_a_model(model, sounds, tmp_path):
    data = folder_of_tones(tmp_path / "set", ("low",), n=2)
    facts = json.loads(
        succeed("eval", model, data, "--negatives", sounds.parent / "kitchen", "--json").stdout
    )
    heard = facts["listener"]
    assert (heard["said"], heard["heard"], heard["labels"]["low"]["false_alarms"]) == (2, 2, 1)


def test_models_that_decide_on_no_words_are_judged_by_the_mean(data, tmp_path):
    layers = [pylstm.Dense(13, 2, "softmax", seed=0)]
    path = tmp_path / "a.safetensors"
    decision = {"kind": "segments", "label": "high"}
    pylstm.Model(pylstm.MFCC(), layers, ["high", "low"], decision=decision).save(path)
    facts = json.loads(succeed("eval", path, data, "--json").stdout)
    assert facts["judged_by"] == "mean posterior"
    assert "listener" not in facts
    message = "--negatives is given, but .* has no times; expected .* segments, and a manifest .*"
    refuse(2, message, "eval", path, data, "--negatives", data)


def test_eval_of_the_validation_says_what_training_said(trained, data):
    path, _ = trained
    result = succeed("eval", path, data, "--split", "validation", "--json")
    facts = json.loads(result.stdout)
    assert (facts["split"], facts["judged"], facts["accuracy"]) == ("validation", 2, 1.0)
    assert result.stderr == ""
    others = json.loads(succeed("eval", path, data, "--split", "training", "--json").stdout)
    assert others["judged"] == 18


@pytest.mark.slow
def test_recordings_are_judged_as_they_are_trained(data, tmp_path):
    """The loss and the accuracy on the validation are those of the scores."""
    path = tmp_path / "a.safetensors"
    result = succeed("train", data, "-o", path, *QUICK[:4], "--epochs", 1, *QUICK[6:],
                     "--validation", 0.5)  # fmt: skip
    loss = float(re.search(r"validation loss ([\d.]+)", result.stderr)[1])
    from pylstm.evaluation.label_evaluation import evaluate_labels

    judgement = evaluate_labels(
        pylstm.load(path), Recordings.from_folder(data).split(0.5, 0.0, 0).validation
    )
    right = judgement.scores[np.arange(len(judgement.targets)), judgement.targets]
    assert -np.log(right).mean() == pytest.approx(loss, abs=1e-3)
    np.testing.assert_allclose(judgement.scores.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_figures(trained, data, tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    path, _ = trained
    # Figures are drawn without pyplot, whose state is the whole process's; other tests may load it.
    loaded = "matplotlib.pyplot" in sys.modules
    result = succeed("eval", path, data, "--figures", tmp_path / "new" / "figures")
    names = ["confusion.png", "det.png"]
    assert not (tmp_path / "new" / "figures" / "trade-off.png").exists()
    for name in names:
        file = tmp_path / "new" / "figures" / name
        assert file.read_bytes().startswith(b"\x89PNG")
        assert f"drawn         {file}" in result.stdout
    assert ("matplotlib.pyplot" in sys.modules) == loaded


@pytest.mark.slow
def test_the_figure_of_misses_and_false_alarms_of_a_model_without_any(model, sounds, tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    result = succeed("eval", model, sounds, "--figures", tmp_path)
    file = tmp_path / "trade-off.png"
    assert file.read_bytes().startswith(b"\x89PNG")
    assert f"drawn         {file}" in result.stdout


def test_a_pipe_in_place_of_a_figure_is_not_waited_for(trained, data, tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    os.mkfifo(tmp_path / "det.png")
    message = r"cannot write .*det\.png: it is not a regular file"
    refuse(1, message, "eval", trained[0], data, "--figures", tmp_path)


@pytest.mark.slow
def test_figures_without_matplotlib(trained, data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = r'--figures needs matplotlib; pip install "pylstm\[plot\]"'
    refuse(1, message, "eval", trained[0], data, "--figures", tmp_path)


def test_a_label_that_the_model_does_not_know(trained, tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "mid"), n=1)
    message = r".*data has the label 'mid'; expected labels of the model: high, low; --others .*"
    refuse(1, message, "eval", trained[0], data)
    message = "--others is unknown; expected a label of the model: high, low"
    refuse(1, message, "eval", trained[0], data, "--others", "unknown")


def test_a_folder_of_others_beside_empty_ones(trained, tmp_path):
    """With --others the folders are those of the model's labels: one may hold nothing."""
    layers = [pylstm.Dense(13, 3, "softmax", seed=0)]
    model = tmp_path / "a.safetensors"
    pylstm.Model(pylstm.MFCC(), layers, ["high", "low", "rest"]).save(model)
    data = folder_of_tones(tmp_path / "set", ("low", "hum"), n=2)
    (data / "high").mkdir()
    (data / "high" / "notes.txt").write_text("none yet")
    facts = json.loads(succeed("eval", model, data, "--others", "rest", "--json").stdout)
    assert [row["count"] for row in facts["labels"].values()] == [0, 2, 2]


def test_many_labels_are_a_list_of_confusions(tmp_path):
    labels = [f"l{k:02}" for k in range(15)]
    data = folder_of_tones(tmp_path / "data", labels, n=1)
    layers = [pylstm.Dense(13, 15, "softmax", seed=0)]
    pylstm.Model(pylstm.MFCC(), layers, labels).save(tmp_path / "a.safetensors")
    text = succeed("eval", tmp_path / "a.safetensors", data).stdout
    assert re.search(r"^most often confused \(of 1[45] pairs\):$", text, re.M)
    assert re.search(r"^      1  l00 taken for l\d\d$", text, re.M)


def test_a_side_with_nothing_in_it(trained, data):
    refuse(
        1, ".*data has no recordings for testing", "eval", trained[0], data, "--split", "testing"
    )
