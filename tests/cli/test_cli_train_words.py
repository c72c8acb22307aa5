"""pylstm train on words in running audio: negatives, thresholds, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import pylstm
from tests import training_on_tones
from tests.training_on_tones import refuse, scenes, succeed

data = training_on_tones.data  # a fixture

SMALL = ["--arch", "lstm", "--hidden", 4, "--layers", 1, "--epochs", 1, "--batch-size", 2]
SMALL += ["--threads", 1, "--validation", 0.2]


@pytest.fixture(scope="module")
def negatives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("negatives")
    for k in range(3):
        noise = 0.05 * np.random.default_rng(k).standard_normal(32000)
        soundfile.write(folder / f"{k}.wav", noise, 16000)
    return folder


@pytest.mark.slow
@pytest.mark.law_judged_as_used
def test_words_are_learnt_among_negatives_and_thresholds_are_chosen(data, negatives, tmp_path):
    path = tmp_path / "words.safetensors"
    result = succeed("train", data, "-o", path, *SMALL, "--negatives", negatives)
    assert "background: noise and silence are added" in result.stdout
    assert "listener: " in result.stderr  # after the epoch
    lines = {line.split("  ")[0].strip(): line for line in result.stdout.splitlines()}
    assert "words heard" in lines["listener"]
    assert "false alarm" in lines["listener"]
    model = pylstm.load(path)
    assert model.labels == ("high", "low", "background")
    decision = model.listener().decision
    assert decision["background"] == ("background",)
    for label in ("high", "low"):
        assert f"threshold {decision['threshold'][label]:.3g}" in result.stdout


@pytest.mark.slow
def test_one_word_is_enough_beside_negatives(data, negatives, tmp_path):
    one = tmp_path / "data" / "low"
    one.parent.mkdir()
    one.symlink_to(data / "low")
    refuse(1, ".*has only the label 'low'; expected at least two", "train", one.parent, "-o",
           tmp_path / "a.safetensors", *SMALL)  # fmt: skip
    path = tmp_path / "low.safetensors"
    succeed("train", one.parent, "-o", path, *SMALL, "--negatives", negatives)
    assert pylstm.load(path).labels == ("low", "background")


@pytest.mark.slow
def test_without_negatives_that_is_said(data, tmp_path):
    result = succeed("train", data, "-o", tmp_path / "a.safetensors", *SMALL)
    assert "there is nothing to learn negatives from: the model will report words" in result.stderr
    assert "thresholds stay as they are" in result.stderr


def test_targets_and_negatives_that_contradict(data, negatives, tmp_path):
    output = ["-o", tmp_path / "a.safetensors"]
    refuse(2, "--negatives is given and labels stand for sounds; .*", "train", data, *output,
           "--targets", "sounds", "--negatives", negatives)  # fmt: skip
    refuse(2, "--no-background-examples is given and labels stand for words; .*", "train", data,
           *output, "--no-background-examples")  # fmt: skip
    refuse(1, "cannot read .*absent.*", "train", data, *output, "--negatives", tmp_path / "absent")


@pytest.mark.slow
def test_words_of_a_manifest(negatives, tmp_path):
    manifest = scenes(tmp_path / "scenes")
    path = tmp_path / "a.safetensors"
    options = [*SMALL, "--targets", "words", "--negatives", negatives]
    succeed("train", manifest, "-o", path, *options)
    assert pylstm.load(path).labels == ("background", "high", "low")
