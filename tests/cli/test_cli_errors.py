"""What the command line cannot do: one line on stderr, an exit code, never a traceback."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from tests.model_file_checksum import rechecked
from tests.tone_model import DETECTOR, tone_model, two_tones, write


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model().save(path)
    return path


@pytest.fixture
def audio(tmp_path) -> Path:
    return write(tmp_path / "a.wav")


def refuse(code: int, message: str, *arguments: object, stdout: str = "") -> None:
    """The command ends with a code and one line, after notes at most; `message` is a pattern."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    *notes, line = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert all(text.startswith("note: ") for text in notes)
    assert result.exit_code == code
    assert re.fullmatch(stdout, result.stdout)


# --- the audio -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.wav", None, "cannot read .*absent.wav: No such file or directory"),
        ("empty.wav", b"", ".*empty.wav is empty; expected an audio file"),
        ("text.wav", b"no sound " * 99, "cannot read .*text.wav: format not recognised; .*"),
        ("noise.flac", b"fLaC" + b"\xff" * 999, "cannot read .*noise.flac: .+"),
        ("head.wav", b"RIFF\x00\x00\x00\x00WAVE", "cannot read .*head.wav: .+"),
        (
            "plain.raw",
            b"\x00" * 998,
            "cannot read .*plain.raw: headerless audio has no rate; --raw int16 --rate 16000 would"
            " read samples without a header",
        ),
    ],
)
def test_files_that_are_no_audio(model, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refuse(1, message, "run", tmp_path / name, "--model", model)
    if "--raw" in message:
        said = ["--raw", "int16", "--rate", "16000"]
        arguments = ["run", tmp_path / name, "--model", model, *said]
        assert CliRunner().invoke(app, [*map(str, arguments)]).exit_code == 0


def test_no_samples(model, tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), 16000)
    refuse(
        1,
        ".*none.wav holds no samples; expected audio",
        "run",
        tmp_path / "none.wav",
        "--model",
        model,
    )


def test_a_folder(model, tmp_path):
    refuse(1, ".* is a folder; expected an audio file", "run", tmp_path, "--model", model)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="root may read everything: run it as another user",
)
def test_a_file_that_may_not_be_read(model, audio):
    audio.chmod(0)
    refuse(1, "cannot read .*a.wav: Permission denied", "run", audio, "--model", model)


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows: another system runs this")
def test_a_name_with_line_breaks_and_control_sequences(model):
    message = r"cannot read a\\nb\\x1b\[2J.wav: No such file or directory"
    refuse(1, message, "run", "a\nb\x1b[2J.wav", "--model", model)


def test_a_damaged_file_gives_what_was_heard_before(model, tmp_path):
    path = write(tmp_path / "a.flac", seconds=20.0)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(len(whole) - middle))
    message = r"cannot read .*a.flac after \d+\.\d\d s: flac decoder .+"
    heard = r"  0.52 s  low   0.8\d\n(  1.22 s  high  0.8\d\n)?"
    refuse(1, message, "run", path, "--model", model, stdout=heard)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_value_that_is_not_finite_is_located(model, tmp_path, value, rate):
    samples = two_tones(rate)
    samples[rate] = value
    soundfile.write(tmp_path / "bad.wav", samples, rate, "FLOAT")
    message = (
        rf".*bad.wav: sample {rate} \(counted from 0, at 1.000 s\) is {value}; "
        "expected finite values"
    )
    refuse(1, message, "run", tmp_path / "bad.wav", "--model", model, stdout="  0.52 s  low .*\n")


def test_a_value_that_is_not_finite_in_one_of_two_channels(model, tmp_path):
    samples = np.zeros((16000, 2), np.float32)
    samples[777, 1] = np.inf
    soundfile.write(tmp_path / "bad.wav", samples, 16000, "FLOAT")
    message = ".*: sample 777 of channel 1 .counted from 0, at 0.049 s. is inf; expected .*"
    refuse(1, message, "run", tmp_path / "bad.wav", "--model", model)


def test_the_loudest_stereo_is_finite(model, tmp_path):
    samples = np.full((1600, 2), np.finfo(np.float32).max, np.float32)
    soundfile.write(tmp_path / "loud.wav", samples, 16000, "FLOAT")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "loud.wav"), "--model", str(model)])
    assert result.exit_code == 0


def test_another_rate_when_it_may_not_be_resampled(model, tmp_path):
    message = ".*a.wav is at 44100 Hz; expected 16000 Hz, because it is not to be resampled"
    path = write(tmp_path / "a.wav", 44100)
    refuse(1, message, "run", path, "--model", model, "--no-resample")
    same = write(tmp_path / "b.wav", 16000)
    arguments = ["run", str(same), "--model", str(model), "--no-resample"]
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_audio_too_short_for_deltas(tmp_path):
    path = tmp_path / "deltas.safetensors"
    tone_model(features=pylstm.LogMel(n_mels=2, deltas=1), layers=[pylstm.LSTM(4, 3, seed=0)]).save(
        path
    )
    soundfile.write(tmp_path / "short.wav", np.zeros(160, np.float32), 16000)
    refuse(1, r"stopped at 0.01 s: .*delta.*", "run", tmp_path / "short.wav", "--model", path)


# --- the model -----------------------------------------------------------------------------------


def test_a_model_that_nobody_knows(audio):
    message = "no bundled model is named 'nobody'; bundled: .*"
    refuse(1, message, "run", audio, "--model", "nobody")
    refuse(1, message, "info", "nobody")


def test_a_model_that_is_not_there(audio, tmp_path):
    path = tmp_path / "absent.safetensors"
    refuse(1, "cannot read .*absent.safetensors: No such .*", "run", audio, "--model", path)
    refuse(1, "cannot read .*absent.safetensors: No such .*", "info", path)


def test_a_model_that_is_a_folder(audio, tmp_path):
    refuse(1, r".*\[regular-file\] .*", "run", audio, "--model", tmp_path)


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (lambda data: b"", "size"),
        (lambda data: data[:-1], "data-offsets"),
        (lambda data: data.replace(b'"lstm"', b'"lstn"'), "checksum"),
        (lambda data: rechecked(data.replace(b'"lstm"', b'"lstn"')), "value"),
    ],
)
def test_a_model_that_breaks_a_rule(audio, model, tmp_path, damage, rule):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(damage(model.read_bytes()))
    message = rf".*broken.safetensors: \[{rule}\] .+"
    refuse(1, message, "run", audio, "--model", path)
    refuse(1, message, "info", path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "the model has no labels; expected one for each output"),
        ({"labels": None, "info": {}}, "kind is missing, and the outputs have no labels; .*"),
        ({"features": None}, "the model has no features.*; expected one that takes audio.*"),
        (
            {"info": {**DETECTOR, "detector.threshold": "loud"}},
            "'detector.threshold' is 'loud'; expected a number above 0 and at most 1",
        ),
        (
            {"info": {**DETECTOR, "detector.background": "hum"}},
            "'detector.background' names 'hum'; expected labels of the model",
        ),
    ],
)
def test_a_model_that_cannot_hear_events(audio, tmp_path, changes, message):
    path = tmp_path / "deaf.safetensors"
    tone_model(**changes).save(path)
    expected = f".*deaf.safetensors cannot decide: .*{message}.*; Model.* sets how, .*"
    refuse(1, expected, "run", audio, "--model", path)


def test_an_instruction_set_that_is_not_there(audio, model, monkeypatch):
    monkeypatch.setenv("PYLSTM_ISA", "abacus")
    refuse(1, "PYLSTM_ISA is 'abacus'.*", "run", audio, "--model", model)


# --- the options ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "60000.1", "1e300"])
def test_lengths_of_chunks_that_are_refused(audio, model, value):
    message = (
        r"Invalid value for '--chunk-ms': \S+; expected above 0, at most 60000 "
        r"\(pylstm run --help\)"
    )
    refuse(2, message, "run", audio, "--model", model, "--chunk-ms", value)


def test_less_than_a_sample(audio, model):
    message = "--chunk-ms is 0.06; expected 0.0625 or more, one sample at 16000 Hz"
    refuse(2, message, "run", audio, "--model", model, "--chunk-ms", "0.06")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], r"No such command 'rum'.* \(pylstm --help\)"),
        (["--fast"], r"No such option: --fast \(pylstm --help\)"),
        (["run"], r"Missing argument 'AUDIO' \(pylstm run --help\)"),
        (["run", "a.wav", "--fast"], r"No such option: --fast.* \(pylstm run --help\)"),
        (["run", "a.wav", "--chunk-ms", "ten"], r"Invalid value for '--chunk-ms': .*"),
        (["run", "a.wav", "--csv"], r".*--csv.* requires an argument \(pylstm.* --help\)"),
        (["info"], r"Missing argument 'MODEL' \(pylstm info --help\)"),
        (["demo", "now"], r".*unexpected extra argument.* \(pylstm demo --help\)"),
    ],
)
def test_wrong_usage(arguments, message):
    refuse(2, message, *arguments)


def test_tables_that_cannot_be_written(audio, model, tmp_path):
    command = ["run", audio, "--model", model, "--csv"]
    absent = tmp_path / "absent" / "rows.csv"
    refuse(1, "cannot write .*rows.csv: No such file or directory", *command, absent)
    refuse(1, "cannot write .*: .+", *command, tmp_path)
    if Path("/dev/full").exists():
        message = "cannot write /dev/full: No space left on device"
        refuse(1, message, *command, "/dev/full", stdout="(?s).* low .* high .*")


@pytest.mark.parametrize("which", ["audio", "model"])
def test_a_table_never_overwrites_what_is_being_read(audio, model, which):
    path = {"audio": audio, "model": model}[which]
    before = path.read_bytes()
    message = "--csv .* would overwrite the input .*"
    refuse(2, message, "run", audio, "--model", model, "--csv", path)
    assert path.read_bytes() == before


@pytest.mark.law_saves_are_whole
def test_a_refused_run_leaves_the_table_alone(model, tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("older")
    refuse(1, ".*", "run", tmp_path / "absent.wav", "--model", model, "--csv", table)
    assert table.read_text() == "older"


# --- what nobody thought of ----------------------------------------------------------------------


def test_a_bug_is_one_line_unless_asked_for(audio, model, monkeypatch):
    def broken(*arguments, **options):
        raise KeyError("lost\nkey")

    monkeypatch.setattr(sys.modules["pylstm.cli.run"], "Listening", broken)
    message = r"this is a bug: KeyError: 'lost\\nkey' \(PYLSTM_TRACEBACK=1 .*\)"
    refuse(1, message.replace(r"\\n", r"\\{1,2}n"), "run", audio, "--model", model)
    monkeypatch.setenv("PYLSTM_TRACEBACK", "1")
    result = CliRunner().invoke(app, ["run", str(audio), "--model", str(model)])
    assert isinstance(result.exception, KeyError)


def test_no_memory(audio, model, monkeypatch):
    def too_large(*arguments):
        raise MemoryError

    monkeypatch.setattr(sys.modules["pylstm.cli.run"], "Listening", too_large)
    refuse(1, "out of memory", "run", audio, "--model", model)
