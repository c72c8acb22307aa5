"""pylstm train, from a folder of tones to a model that hears them."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import pylstm
from tests import training_on_tones
from tests.training_on_tones import QUICK, TONES, folder_of_tones, refuse, scenes, succeed, tone

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures


# --- a folder -------------------------------------------------------------------------------------


def test_what_training_says(trained):
    path, result = trained
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "recordings    20, 8 s in all",
        "labels        high 10, low 10",
        "split         18 to learn from, 2 to judge by",
        "model         13 MFCC, 1 x LSTM 8, 2 outputs, 754 parameters",
    ]
    assert re.fullmatch(r"accuracy      100.0 % on the validation, epoch [1-6]", lines[4])
    assert lines[5:] == [
        f"file          {path}  ({path.stat().st_size:,} bytes)",
        f"hear it       pylstm run AUDIO --model {path}",
    ]
    epochs = result.stderr.splitlines()
    assert [line[:12] for line in epochs] == [f"epoch {k} of 6" for k in range(1, 7)]
    assert sorted(p.name for p in path.parent.iterdir()) == ["tones.checkpoint", path.name]


def test_the_model_runs_at_once(trained, tmp_path):
    path, _ = trained
    audio = tmp_path / "a.wav"
    soundfile.write(audio, tone("high", 999, 1.0), 16000)
    heard = [
        json.loads(line)
        for line in succeed("run", audio, "--model", path, "--json").stdout.splitlines()
    ]
    assert heard[0]["label"] == "high"
    model = pylstm.load(path)
    assert model.labels == ("high", "low")
    assert model.info["training.data"] == "data"
    assert model.info["training.validation_accuracy"] == "1.0000"
    assert model.features.mean is not None


@pytest.mark.slow
def test_noise_and_silence_are_learnt_as_well(data, tmp_path):
    path = tmp_path / "a.safetensors"
    result = succeed("train", data, "-o", path, *QUICK, "--background-examples", "--epochs", 10)
    line = "labels        high 10, low 10; background: noise and silence are added"
    assert line in result.stdout
    model = pylstm.load(path)
    assert model.labels == ("high", "low", "background")
    assert model.decision["background"] == "background"
    stretch = 0.002 * np.random.default_rng(5).standard_normal(16000).astype(np.float32)
    parts = [stretch, tone("low", 999, 0.5), stretch, np.zeros(8000, np.float32)]
    events = pylstm.Detector.for_model(model).push(model.run(np.concatenate(parts)))
    assert [event.label for event in events] == ["low"]
    facts = json.loads(succeed("eval", path, data, "--json").stdout)
    nothing = {"count": 0, "auc": None, "equal_error_rate": None, "misses": None, "recall": None}
    assert nothing.items() <= facts["labels"]["background"].items()
    assert facts["judged"] == 20


@pytest.mark.slow
def test_silence_that_is_there_is_not_added(tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "silence"), n=4)
    path = tmp_path / "a.safetensors"
    assert (
        "are added"
        not in succeed("train", data, "-o", path, *QUICK, "--background-examples").stdout
    )
    model = pylstm.load(path)
    assert (model.labels, model.decision["background"]) == (("low", "silence"), "silence")
    data = folder_of_tones(tmp_path / "more", n=4)
    arguments = ["--background-examples", "--background", "low"]
    message = (
        "--background is low, a label of recordings; expected another, or --no-background-examples"
    )
    refuse(2, message, "train", data, "-o", tmp_path / "b.safetensors", *QUICK, *arguments)


def test_equal_trainings_give_equal_models(trained, data, tmp_path):
    succeed("train", data, "-o", tmp_path / "again.safetensors", *QUICK)
    assert (tmp_path / "again.safetensors").read_bytes() == trained[0].read_bytes()


@pytest.mark.slow
def test_another_seed_another_model(trained, data, tmp_path):
    succeed("train", data, "-o", tmp_path / "b.safetensors", *QUICK, "--seed", 1)
    assert (tmp_path / "b.safetensors").read_bytes() != trained[0].read_bytes()


@pytest.mark.slow
def test_with_everything_that_there_is(data, tmp_path):
    path = tmp_path / "all.safetensors"
    (tmp_path / "noise").mkdir()
    soundfile.write(tmp_path / "noise" / "fan.wav", 0.1 * tone("", 5, 2.0), 16000)
    arguments = [*QUICK, "--augment", "--noise", tmp_path / "noise", "--cache", tmp_path / "cache"]
    arguments += ["--patience", 5, "--n-mfcc", 20, "--sample-rate", 8000, "--threads", 2]
    result = succeed("train", data, "-o", path, *arguments)
    assert "note: 20 of 20 recordings are resampled to 8000 Hz" in result.stderr
    features = pylstm.load(path).features
    assert (features.sr, features.hop_length, features.win_length) == (8000, 80, 200)
    assert any((tmp_path / "cache").rglob("*"))


@pytest.mark.slow
def test_without_a_validation(data, tmp_path):
    result = succeed("train", data, "-o", tmp_path / "a.safetensors", *QUICK, "--validation", 0)
    assert "20 to learn from, 0 to judge by" in result.stdout
    assert re.search(r"% on the training itself, as there is no validation, epoch 6", result.stdout)


@pytest.mark.slow
def test_labels_and_others(tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "high", "hum", "buzz"), n=4)
    path = tmp_path / "a.safetensors"
    succeed("train", data, "-o", path, *QUICK, "--labels", "low, high", "--others", "unknown")
    model = pylstm.load(path)
    assert model.labels == ("high", "low", "unknown")
    assert model.decision["background"] == "unknown"
    facts = json.loads(succeed("eval", path, data, "--json").stdout)
    assert [row["count"] for row in facts["labels"].values()] == [4, 4, 8]


@pytest.mark.slow
def test_sides_that_a_list_names(tmp_path):
    data = folder_of_tones(tmp_path / "data", n=6)
    for name, place in (("validation", 0), ("testing", 1)):
        lines = [f"{label}/{place}.wav" for label in TONES]
        (data / f"{name}_list.txt").write_text("\n".join(lines))
    path = tmp_path / "a.safetensors"
    result = succeed("train", data, "-o", path, *QUICK)
    assert "8 to learn from, 2 to judge by, 2 left for pylstm eval" in result.stdout
    facts = json.loads(succeed("eval", path, data, "--json").stdout)
    assert (facts["split"], facts["judged"]) == ("testing", 2)


# --- a manifest -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_events_are_learnt_frame_by_frame(tmp_path):
    manifest, path = scenes(tmp_path / "scenes"), tmp_path / "a.safetensors"
    arguments = [*QUICK, "--epochs", 25, "--validation", 0.2]
    result = succeed("train", manifest, "-o", path, *arguments)
    assert "labels        background (the rest), high 6, low 6" in result.stdout
    model = pylstm.load(path)
    assert model.decision["background"] == "background"
    heard = succeed("run", tmp_path / "scenes" / "0.wav", "--model", path, "--json").stdout
    events = [json.loads(line) for line in heard.splitlines()[:-1]]
    assert [event["label"] for event in events] == ["low", "high"]
    facts = json.loads(succeed("eval", path, manifest, "--json").stdout)
    assert (facts["per"], facts["judged"]) == ("frame", 6 * 201)
    assert facts["accuracy"] > 0.9
    assert sum(map(sum, facts["confusion"])) == facts["judged"]


@pytest.mark.slow
def test_clips_are_cut_out(tmp_path):
    manifest, path = scenes(tmp_path / "scenes"), tmp_path / "a.safetensors"
    result = succeed("train", manifest, "-o", path, *QUICK, "--clips", "--validation", 0)
    assert "recordings    12, 6 s in all" in result.stdout
    facts = json.loads(succeed("eval", path, manifest, "--clips", "--json").stdout)
    assert (facts["per"], facts["judged"]) == ("recording", 12)


# --- data that cannot be used ---------------------------------------------------------------------


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.slow
def test_data_that_cannot_be_used(tmp_path):
    def no(message: str, data: Path, *options: object, code: int = 1) -> list[str]:
        output = tmp_path / "a.safetensors"
        found = refuse(code, message, "train", data, "-o", output, *QUICK, *options)
        assert not output.exists()
        assert not output.with_suffix(".checkpoint").exists()
        return found

    no("cannot read .*absent: No such file or directory", tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    no(".*empty: holds no folders.*", tmp_path / "empty")
    one = folder_of_tones(tmp_path / "one", ("low",), n=2)
    no(".*one.*only the label 'low'.*", one)
    few = folder_of_tones(tmp_path / "few", n=3)
    (few / "low" / "0.wav").unlink()
    (few / "low" / "1.wav").unlink()
    no(".*label 'low' has one example, .*low/2.wav; .*", few)
    bad = folder_of_tones(tmp_path / "bad", n=2)
    write_text(bad / "low" / "note.wav", "no sound")
    no(".*bad: cannot read .*low/note.wav: .*", bad)
    write_text(bad / "high" / "empty.wav", "")
    notes = no(".*bad: 2 problems, above; --skip-unreadable .*", bad)
    assert [("note.wav" in line, "empty.wav" in line) for line in notes] == [
        (False, True),
        (True, False),
    ]
    rows = write_text(tmp_path / "m.csv", "path,label\nbad/low/0.wav,a\nnone.wav,b\n")
    no(
        ".*m.csv: line 3: cannot read .*none.wav: No such file or directory; --skip-missing .*",
        rows,
    )
    said = write_text(tmp_path / "t.csv", "path,transcript\nbad/low/0.wav,hello\n")
    no(".*t.csv: the set has one example, .*; expected two, one for each of .*", said)
    no(".*m.csv is a manifest; --labels and --others expect folders", rows, "--labels", "a", code=2)
    no(".*few is a folder; --clips expects a manifest", few, "--clips", code=2)
    no(".*few/absent does not exist; .*", few, "--labels", "low,absent")
    no("--noise is given with --no-augment; .*", few, "--noise", few, code=2)
    no(".*empty: holds no audio files; .*", few, "--augment", "--noise", tmp_path / "empty")
    good = folder_of_tones(tmp_path / "good", n=3)
    no(
        "--validation is 0; expected above 0, as --patience is given",
        good,
        "--patience",
        2,
        "--validation",
        0,
        code=2,
    )
    no("Invalid value for '--learning-rate': nan.*", good, "--learning-rate", "nan", code=2)
    no("Invalid value for '--epochs': .*", good, "--epochs", 0, code=2)


def test_outputs_that_cannot_be_written(data, tmp_path):
    message = r"--output is .*model.bin; expected a file name that ends in .safetensors"
    refuse(2, message, "train", data, "-o", tmp_path / "model.bin", *QUICK)
    absent = tmp_path / "absent" / "a.safetensors"
    refuse(1, f"cannot write {absent}: No such file or directory", "train", data, "-o", absent)


@pytest.mark.parametrize("missing", ["scipy", "threadpoolctl"])
def test_without_the_extra(data, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    message = rf'training needs {missing}; pip install "pylstm\[train\]"'
    refuse(1, message, "train", data, "-o", tmp_path / "a.safetensors", *QUICK)


def test_no_place_for_the_model_is_said_before_training(data, tmp_path):
    (tmp_path / "a.safetensors").mkdir()
    (tmp_path / "b.checkpoint").mkdir()
    for name, taken in (("a.safetensors", "a.safetensors"), ("b.safetensors", "b.checkpoint")):
        message = f"cannot write {re.escape(str(tmp_path / taken))}: Is a directory"
        assert refuse(1, message, "train", data, "-o", tmp_path / name, "--force", *QUICK) == []
    os.mkfifo(tmp_path / "c.safetensors")
    (tmp_path / "d.checkpoint").symlink_to(os.devnull)
    for name, taken in (("c.safetensors", "c.safetensors"), ("d.safetensors", "d.checkpoint")):
        message = f"cannot write {re.escape(str(tmp_path / taken))}: it is not a regular file"
        for option in ("--force", "--resume"):
            refuse(1, message, "train", data, "-o", tmp_path / name, option, *QUICK)


def test_no_names(data, tmp_path):
    out = tmp_path / "a.safetensors"
    refuse(2, "labels is empty; .*", "train", data, "-o", out, "--labels", ",", *QUICK)
    refuse(2, "--background is empty; .*", "train", data, "-o", out, "--background", "", *QUICK)


@pytest.mark.slow
def test_a_label_of_background_may_have_a_comma(tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "high", "hum"), n=4)
    path = tmp_path / "a.safetensors"
    arguments = ["--labels", "low,high", "--others", "hum, or more"]
    succeed("train", data, "-o", path, *QUICK, *arguments)
    model = pylstm.load(path)
    assert model.labels == ("high", "hum, or more", "low")
    assert model.listener().decision["background"] == ("hum, or more",)
    assert "background=hum, or more" in succeed("info", path).stdout
