"""pylstm train where something is there already, or stops it: nothing is lost."""

from __future__ import annotations

import signal
import sys

import pytest
import soundfile

import pylstm
from pylstm.train.loop.fit import fit
from tests.cli import training_on_tones
from tests.cli.training_on_tones import QUICK, folder_of_tones, invoke, refuse, succeed, tone

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures


def test_what_is_there_is_not_replaced_silently(trained, data):
    path, _ = trained
    before = path.read_bytes()
    message = rf"{path} exists already; --resume continues it, --force starts anew"
    refuse(2, message, "train", data, "-o", path, *QUICK)
    assert path.read_bytes() == before


@pytest.mark.slow
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
        return fit(*arguments, **{**options, "callbacks": [pressed]})

    monkeypatch.setattr(sys.modules["pylstm.train.loop.fit"], "fit", interrupted)


@pytest.mark.slow
def test_ctrl_c_and_going_on(trained, data, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    with monkeypatch.context() as patch:
        interrupt_in(3, patch)
        result = invoke("train", data, "-o", path, *QUICK)
    assert result.exit_code == 130
    assert result.stderr.endswith("note: interrupted after 2 of 6 epochs; --resume continues\n")
    assert pylstm.load(path).labels == ("high", "low")  # what there is can be used
    succeed("train", data, "-o", path, *QUICK, "--resume")
    assert path.read_bytes() == trained[0].read_bytes()


def test_ctrl_c_before_there_is_anything(data, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    interrupt_in(1, monkeypatch)
    result = invoke("train", data, "-o", path, *QUICK)
    assert result.exit_code == 130
    assert (
        result.stderr == "note: interrupted before the end of the first epoch: nothing is saved\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_a_model_is_not_replaced(trained, data, tmp_path):
    checkpoint = tmp_path / "a.checkpoint"
    checkpoint.write_bytes(trained[0].with_suffix(".checkpoint").read_bytes())
    message = ".*a.checkpoint is the checkpoint of an unfinished training; --resume .*"
    refuse(2, message, "train", data, "-o", tmp_path / "a.safetensors", *QUICK)


def test_another_training_is_not_gone_on_with(data, tmp_path, trained):
    path = trained[0]
    message = ".*tones.checkpoint: it is of another training: its network is LSTM.*hidden_size=8.*"
    refuse(1, message, "train", data, "-o", path, *QUICK, "--hidden", 9, "--resume")
    message = ".*absent.checkpoint does not exist; expected the checkpoint of .*"
    refuse(
        1, f"--resume: {message}", "train", data, "-o", tmp_path / "absent.safetensors", "--resume"
    )


@pytest.mark.slow
def test_a_file_that_goes_while_it_is_trained(tmp_path, monkeypatch):
    data = folder_of_tones(tmp_path / "data", n=4)

    def removing(*arguments, **options):
        def remove(report):
            if report.epoch == 2 and report.kind == "epoch":
                (data / "low" / "2.wav").unlink()

        return fit(*arguments, **{**options, "callbacks": [remove]})

    monkeypatch.setattr(sys.modules["pylstm.train.loop.fit"], "fit", removing)
    arguments = ["train", data, "-o", tmp_path / "a.safetensors", *QUICK, "--validation", 0]
    message = (
        "cannot read .*low/2.wav: No such file or directory; --resume continues from .*a.check.*"
    )
    epochs = refuse(1, message, *arguments)
    assert len(epochs) == 2
    soundfile.write(data / "low" / "2.wav", tone("low", 2), 16000)
    assert "epoch 3 of 6" in succeed(*arguments, "--resume").stderr


@pytest.mark.slow
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
