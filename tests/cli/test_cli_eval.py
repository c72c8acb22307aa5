"""pylstm eval: a model judged by recordings, in words, JSON and figures."""

from __future__ import annotations

import json
import os
import re
import sys

import numpy as np
import pytest

import pylstm
from pylstm.train.data.recordings import Recordings
from tests.cli import training_on_tones
from tests.cli.training_on_tones import QUICK, folder_of_tones, refuse, succeed

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures


def test_eval_for_people(trained, data):
    path, _ = trained
    result = succeed("eval", path, data)
    assert result.stdout.splitlines() == [
        f"model         {path}",
        f"data          {data}: 20 recordings, 8 s",
        "accuracy      100.0 %: 20 of 20 recordings",
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
    for name in ("confusion.png", "det.png"):
        file = tmp_path / "new" / "figures" / name
        assert file.read_bytes().startswith(b"\x89PNG")
        assert f"drawn         {file}" in result.stdout
    assert ("matplotlib.pyplot" in sys.modules) == loaded


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
