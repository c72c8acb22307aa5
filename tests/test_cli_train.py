"""pylstm train and pylstm eval, from a folder of tones to a model that hears them."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.train.fit import fit
from pylstm.train.recordings import Recordings

TONES = {"low": 300, "high": 3300}
# Small enough for a second, large enough to learn two tones.
QUICK = ["--hidden", 8, "--layers", 1, "--epochs", 6, "--learning-rate", 0.03, "--batch-size", 4]
QUICK += ["--no-augment", "--no-quiet", "--threads", 1]


def tone(name: str, seed: int, seconds: float = 0.4, rate: int = 16000) -> np.ndarray:
    """A tone in noise; `silence` is noise alone."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    noise = 0.003 * draw.standard_normal(len(time))
    wave = np.sin(2 * np.pi * TONES[name] * time + draw.uniform(0, 6)) if name in TONES else 0
    return (draw.uniform(0.1, 0.5) * wave + noise).astype(np.float32)


def folder_of_tones(folder: Path, labels=("low", "high"), n: int = 10) -> Path:
    for k, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for i in range(n):
            soundfile.write(folder / label / f"{i}.wav", tone(label, 100 * k + i), 16000)
    return folder


def scenes(folder: Path, n: int = 6) -> Path:
    """Recordings of two seconds with a low and a high tone in them, and a manifest of when."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["path,label,start,end"]
    for i in range(n):
        parts = [tone(name, 10 * i + k, 0.5) for k, name in enumerate(["", "low", "", "high"])]
        soundfile.write(folder / f"{i}.wav", np.concatenate(parts), 16000)
        rows += [f"{i}.wav,low,0.5,1.0", f"{i}.wav,high,1.5,2.0"]
    (folder / "events.csv").write_text("\n".join(rows))
    return folder / "events.csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return folder_of_tones(tmp_path_factory.mktemp("tones") / "data")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> tuple[Path, Result]:
    path = tmp_path_factory.mktemp("trained") / "tones.safetensors"
    return path, succeed("train", data, "-o", path, *QUICK)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> Result:
    result = invoke(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    return result


def refuse(code: int, message: str, *arguments: object) -> list[str]:
    """A command ends with a code and one line, after notes and epochs; `message` is a pattern."""
    result = invoke(*arguments)
    *before, line = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert all(text.startswith(("note: ", "epoch ")) for text in before), before
    assert result.exit_code == code
    return before


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


def test_noise_and_silence_are_learnt_as_well(data, tmp_path):
    path = tmp_path / "a.safetensors"
    result = succeed("train", data, "-o", path, *QUICK, "--quiet", "--epochs", 10)
    line = "labels        high 10, low 10; background: noise and silence are added"
    assert line in result.stdout
    model = pylstm.load(path)
    assert model.labels == ("high", "low", "background")
    assert model.info["detector.background"] == "background"
    stretch = 0.002 * np.random.default_rng(5).standard_normal(16000).astype(np.float32)
    parts = [stretch, tone("low", 999, 0.5), stretch, np.zeros(8000, np.float32)]
    events = pylstm.Detector.for_model(model).push(model.run(np.concatenate(parts)))
    assert [event.label for event in events] == ["low"]
    facts = json.loads(succeed("eval", path, data, "--json").stdout)
    nothing = {"count": 0, "auc": None, "equal_error_rate": None, "misses": None, "recall": None}
    assert nothing.items() <= facts["labels"]["background"].items()
    assert facts["judged"] == 20


def test_silence_that_is_there_is_not_added(tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "silence"), n=4)
    path = tmp_path / "a.safetensors"
    assert "are added" not in succeed("train", data, "-o", path, *QUICK, "--quiet").stdout
    model = pylstm.load(path)
    assert (model.labels, model.info["detector.background"]) == (("low", "silence"), "silence")
    data = folder_of_tones(tmp_path / "more", n=4)
    arguments = ["--quiet", "--background", "low"]
    message = "--background low is a label of recordings already"
    refuse(2, message, "train", data, "-o", tmp_path / "b.safetensors", *QUICK, *arguments)


def test_equal_trainings_give_equal_models(trained, data, tmp_path):
    succeed("train", data, "-o", tmp_path / "again.safetensors", *QUICK)
    assert (tmp_path / "again.safetensors").read_bytes() == trained[0].read_bytes()


def test_another_seed_another_model(trained, data, tmp_path):
    succeed("train", data, "-o", tmp_path / "b.safetensors", *QUICK, "--seed", 1)
    assert (tmp_path / "b.safetensors").read_bytes() != trained[0].read_bytes()


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


def test_without_a_validation(data, tmp_path):
    result = succeed("train", data, "-o", tmp_path / "a.safetensors", *QUICK, "--validation", 0)
    assert "20 to learn from, 0 to judge by" in result.stdout
    assert re.search(r"% on the training itself, as there is no validation, epoch 6", result.stdout)


def test_labels_and_others(tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "high", "hum", "buzz"), n=4)
    path = tmp_path / "a.safetensors"
    succeed("train", data, "-o", path, *QUICK, "--labels", "low, high", "--others", "unknown")
    model = pylstm.load(path)
    assert model.labels == ("high", "low", "unknown")
    assert model.info["detector.background"] == "unknown"
    facts = json.loads(succeed("eval", path, data, "--json").stdout)
    assert [row["count"] for row in facts["labels"].values()] == [4, 4, 8]


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


def test_events_are_learnt_frame_by_frame(tmp_path):
    manifest, path = scenes(tmp_path / "scenes"), tmp_path / "a.safetensors"
    arguments = [*QUICK, "--epochs", 25, "--validation", 0.2]
    result = succeed("train", manifest, "-o", path, *arguments)
    assert "labels        background (the rest), high 6, low 6" in result.stdout
    model = pylstm.load(path)
    assert model.info["detector.background"] == "background"
    heard = succeed("run", tmp_path / "scenes" / "0.wav", "--model", path, "--json").stdout
    events = [json.loads(line) for line in heard.splitlines()[:-1]]
    assert [event["label"] for event in events] == ["low", "high"]
    facts = json.loads(succeed("eval", path, manifest, "--json").stdout)
    assert (facts["per"], facts["judged"]) == ("frame", 6 * 201)
    assert facts["accuracy"] > 0.9
    assert sum(map(sum, facts["confusion"])) == facts["judged"]


def test_clips_are_cut_out(tmp_path):
    manifest, path = scenes(tmp_path / "scenes"), tmp_path / "a.safetensors"
    result = succeed("train", manifest, "-o", path, *QUICK, "--clips", "--validation", 0)
    assert "recordings    12, 6 s in all" in result.stdout
    facts = json.loads(succeed("eval", path, manifest, "--clips", "--json").stdout)
    assert (facts["per"], facts["judged"]) == ("recording", 12)


# --- judging --------------------------------------------------------------------------------------


def test_eval_for_people(trained, data):
    path, _ = trained
    result = succeed("eval", path, data)
    assert result.stdout.splitlines() == [
        f"model         {path}",
        f"data          {data}: 20 recordings, 8 s",
        "accuracy      100.0 %: 20 of 20 recordings",
        "",
        "was   taken for",
        "      high   low",
        "high    10     .",
        "low      .    10",
        "",
        " " * 56 + "misses at false alarms of",
        "label, %    count  precision  recall     F1    AUC    EER     1 %     5 %    10 %",
        "high           10      100.0   100.0  100.0  100.0    0.0     0.0     0.0     0.0",
        "low            10      100.0   100.0  100.0  100.0    0.0     0.0     0.0     0.0",
    ]
    assert result.stderr.startswith("note: it may have been trained on some of these")


def test_eval_of_the_validation_says_what_training_said(trained, data):
    path, _ = trained
    result = succeed("eval", path, data, "--split", "validation", "--json")
    facts = json.loads(result.stdout)
    assert (facts["split"], facts["judged"], facts["accuracy"]) == ("validation", 2, 1.0)
    assert result.stderr == ""
    others = json.loads(succeed("eval", path, data, "--split", "training", "--json").stdout)
    assert others["judged"] == 18


def test_recordings_are_judged_as_they_are_trained(data, tmp_path):
    """The loss and the accuracy on the validation are those of the scores."""
    path = tmp_path / "a.safetensors"
    result = succeed("train", data, "-o", path, *QUICK[:4], "--epochs", 1, *QUICK[6:],
                     "--validation", 0.5)  # fmt: skip
    loss = float(re.search(r"validation loss ([\d.]+)", result.stderr)[1])
    from pylstm.train.judgement import judge

    judgement = judge(pylstm.load(path), Recordings.from_folder(data).split(0.5, 0.0, 0).validation)
    right = judgement.scores[np.arange(len(judgement.targets)), judgement.targets]
    assert -np.log(right).mean() == pytest.approx(loss, abs=1e-3)
    np.testing.assert_allclose(judgement.scores.sum(axis=1), 1, rtol=1e-5)


def test_figures(trained, data, tmp_path):
    pytest.importorskip("matplotlib")
    path, _ = trained
    # Figures are drawn without pyplot, whose state is the whole process's; other tests may load it.
    loaded = "matplotlib.pyplot" in sys.modules
    result = succeed("eval", path, data, "--png", tmp_path / "new" / "figures")
    for name in ("confusion.png", "det.png"):
        file = tmp_path / "new" / "figures" / name
        assert file.read_bytes().startswith(b"\x89PNG")
        assert f"drawn         {file}" in result.stdout
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_figures_without_matplotlib(trained, data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = r'--png needs matplotlib; pip install "pylstm\[plot\]"'
    refuse(1, message, "eval", trained[0], data, "--png", tmp_path)


def test_a_label_that_the_model_does_not_know(trained, tmp_path):
    data = folder_of_tones(tmp_path / "data", ("low", "mid"), n=1)
    message = r".*data has the label 'mid', which is none of the model's: high, low; --others .*"
    refuse(1, message, "eval", trained[0], data)
    message = "--others unknown is none of the model's labels: high, low"
    refuse(1, message, "eval", trained[0], data, "--others", "unknown")


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
        1, ".*data: nothing is there for testing", "eval", trained[0], data, "--split", "testing"
    )


# --- nothing is lost ------------------------------------------------------------------------------


def test_what_is_there_is_not_replaced_silently(trained, data):
    path, _ = trained
    before = path.read_bytes()
    message = rf"{path} is there already: --resume goes on with it, --force begins anew"
    refuse(2, message, "train", data, "-o", path, *QUICK)
    assert path.read_bytes() == before


def test_a_finished_training_goes_on(trained, data, tmp_path):
    path = tmp_path / "a.safetensors"
    succeed("train", data, "-o", path, *QUICK)
    more = [*QUICK, "--epochs", 8]
    result = succeed("train", data, "-o", path, *more, "--resume")
    assert [line[:12] for line in result.stderr.splitlines()] == ["epoch 7 of 8", "epoch 8 of 8"]
    result = succeed("train", data, "-o", path, *QUICK, "--force")
    assert path.read_bytes() == trained[0].read_bytes()


def interrupt_in(epoch: int, monkeypatch) -> None:
    """Presses Ctrl-C after a batch of an epoch."""

    def pressed(report):
        if (report.epoch, report.batch) == (epoch, 1) and report.kind == "batch":
            signal.raise_signal(signal.SIGINT)

    def interrupted(*arguments, **options):
        return fit(*arguments, **options, callbacks=[pressed])

    monkeypatch.setattr(sys.modules["pylstm.train.fit"], "fit", interrupted)


def test_ctrl_c_and_going_on(trained, data, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    with monkeypatch.context() as patch:
        interrupt_in(3, patch)
        result = invoke("train", data, "-o", path, *QUICK)
    assert result.exit_code == 130
    assert result.stderr.endswith("note: interrupted after 2 of 6 epochs; --resume goes on\n")
    assert pylstm.load(path).labels == ("high", "low")  # what there is can be used
    succeed("train", data, "-o", path, *QUICK, "--resume")
    assert path.read_bytes() == trained[0].read_bytes()


def test_ctrl_c_before_there_is_anything(data, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    interrupt_in(1, monkeypatch)
    result = invoke("train", data, "-o", path, *QUICK)
    assert result.exit_code == 130
    assert result.stderr == "note: interrupted before an epoch was finished: nothing is saved\n"
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_a_model_is_not_replaced(trained, data, tmp_path):
    checkpoint = tmp_path / "a.checkpoint"
    checkpoint.write_bytes(trained[0].with_suffix(".checkpoint").read_bytes())
    message = ".*a.checkpoint is the checkpoint of a training that was not finished: --resume .*"
    refuse(2, message, "train", data, "-o", tmp_path / "a.safetensors", *QUICK)


def test_another_training_is_not_gone_on_with(data, tmp_path, trained):
    path = trained[0]
    message = ".*tones.checkpoint is of another training: its network is LSTM.*hidden_size=8.*"
    refuse(1, message, "train", data, "-o", path, *QUICK, "--hidden", 9, "--resume")
    message = ".*absent.checkpoint is not there, no training of .* to go on with"
    refuse(
        1, f"--resume: {message}", "train", data, "-o", tmp_path / "absent.safetensors", "--resume"
    )


def test_a_file_that_goes_while_it_is_trained(tmp_path, monkeypatch):
    data = folder_of_tones(tmp_path / "data", n=4)

    def removing(*arguments, **options):
        def remove(report):
            if report.epoch == 2 and report.kind == "epoch":
                (data / "low" / "2.wav").unlink()

        return fit(*arguments, **options, callbacks=[remove])

    monkeypatch.setattr(sys.modules["pylstm.train.fit"], "fit", removing)
    arguments = ["train", data, "-o", tmp_path / "a.safetensors", *QUICK, "--validation", 0]
    message = (
        "cannot read .*low/2.wav: No such file or directory; --resume goes on from .*a.check.*"
    )
    epochs = refuse(1, message, *arguments)
    assert len(epochs) == 2
    soundfile.write(data / "low" / "2.wav", tone("low", 2), 16000)
    assert "epoch 3 of 6" in succeed(*arguments, "--resume").stderr


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_run_away(data, tmp_path, monkeypatch):
    """What was learnt before is kept."""
    from pylstm.train import losses

    calls, call = 0, losses.CrossEntropy.__call__

    def poisoned(self, *arguments):
        nonlocal calls
        calls += 1
        result = call(self, *arguments)
        return result._replace(value=float("nan")) if calls == 15 else result

    monkeypatch.setattr(losses.CrossEntropy, "__call__", poisoned)
    path = tmp_path / "a.safetensors"
    message = "epoch 3, batch 3: the loss is nan; .*; .*a.safetensors has the model of epoch [12]"
    refuse(1, message, "train", data, "-o", path, *QUICK)
    assert pylstm.load(path).labels == ("high", "low")


# --- data that cannot be used ---------------------------------------------------------------------


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


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
    notes = no(".*bad: 2 problems, above", bad)
    assert [("note.wav" in line, "empty.wav" in line) for line in notes] == [
        (False, True),
        (True, False),
    ]
    rows = write_text(tmp_path / "m.csv", "path,label\nbad/low/0.wav,a\nnone.wav,b\n")
    no(".*m.csv: line 3: cannot read .*none.wav: No such file or directory", rows)
    said = write_text(tmp_path / "t.csv", "path,transcript\nbad/low/0.wav,hello\n")
    no(".*t.csv has transcripts; .*", said)
    no("--labels and --others choose folders, and .*m.csv is none", rows, "--labels", "a", code=2)
    no("--clips is for manifests, and .*few is a folder", few, "--clips", code=2)
    no(".*few/absent is not there.*", few, "--labels", "low,absent")
    no("--noise is mixed in by augmentation.*", few, "--noise", few, code=2)
    no(".*empty holds no files; .*", few, "--augment", "--noise", tmp_path / "empty")
    good = folder_of_tones(tmp_path / "good", n=3)
    no("--patience waits for .*", good, "--patience", 2, "--validation", 0, code=2)
    no("Invalid value for '--learning-rate': nan.*", good, "--learning-rate", "nan", code=2)
    no("Invalid value for '--epochs': .*", good, "--epochs", 0, code=2)


def test_outputs_that_cannot_be_written(data, tmp_path):
    message = r"--output .*model.bin does not end in .safetensors"
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


def test_no_names(data, tmp_path):
    out = tmp_path / "a.safetensors"
    refuse(2, "labels is empty; .*", "train", data, "-o", out, "--labels", ",", *QUICK)
    refuse(2, "--background is empty; .*", "train", data, "-o", out, "--background", "", *QUICK)
