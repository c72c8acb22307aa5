"""The commands on audio as people have it: odd names, wrong headers, other scales."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from pylstm.cli import app
from tests.tone_model import tone_model, two_tones, write

HEARD = r"  0\.52 s  low   0\.\d\d\n  1\.22 s  high  0\.\d\d\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model().save(path)
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


@pytest.mark.parametrize("rate", [16000, 44100])
def test_float_audio_on_the_scale_of_int16_is_said_once(model, tmp_path, rate):
    path = tmp_path / "a.wav"
    soundfile.write(path, 32768 * two_tones(rate), rate, "FLOAT")
    result = run(path, "--model", model)
    assert result.exit_code == 0
    said = [line for line in result.stderr.splitlines() if "resampled" not in line]
    assert len(said) == 1
    assert re.fullmatch(
        rf"note: {re.escape(str(path))} has samples up to \d+(\.\d+)?; expected -1 to 1: "
        r"save samples / 32768 if they are 16-bit values, .*",
        said[0],
    )
    # Who follows it hears what there is to hear.
    samples, _ = soundfile.read(path)
    soundfile.write(path, samples / 32768, rate, "FLOAT")
    result = run(path, "--model", model)
    assert re.match(HEARD, result.stdout)
    assert "scale" not in result.stderr
    assert "expected -1 to 1" not in result.stderr


def test_a_recorder_that_crashed(model, tmp_path):
    path = write(tmp_path / "a.wav")
    data = path.read_bytes()
    place = data.index(b"data") + 4
    path.write_bytes(data[:place] + struct.pack("<I", 0) + data[place + 4 :])
    result = run(path, "--model", model)
    assert result.exit_code == 0
    assert re.match(HEARD, result.stdout)
    assert result.stderr == "note: longer than its header says: 2.00 s, not 0.00 s\n"


def test_overflow_says_what_it_is(model, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.tile(np.float32([3.4e38, -3.4e38]), 4000), 8000, "FLOAT")
    result = run(path, "--model", model)
    assert result.exit_code == 1
    line = result.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"pylstm: .*a\.wav: sample 0 \(counted from 0, at 0\.000 s\) is 3\.4\d*e\+38;"
        r" expected audio from -1 to 1, because resampling overflows",
        line,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows: another system runs this")
@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_names_that_are_not_utf8(model, tmp_path, locale):
    """Every name that the command line takes or prints may be any bytes."""
    folder = os.path.join(os.fsencode(tmp_path), b"\xfc")
    os.mkdir(folder)
    audio, csv, other = (
        os.path.join(folder, name) for name in (b"\xe4.wav", b"\xe4.csv", b"m\xe4.safetensors")
    )
    os.rename(write(tmp_path / "a.wav"), audio)
    with open(other, "wb") as file:
        file.write(model.read_bytes())
    environment = {**os.environ, "PYTHONCOERCECLOCALE": "0", **locale}

    def command(*arguments: bytes | str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "pylstm", *arguments], capture_output=True, env=environment
        )

    result = command("run", audio, "--model", other, "--csv", csv)
    assert (result.returncode, result.stderr) == (0, b"")
    assert re.match(HEARD.encode(), result.stdout)
    assert os.path.getsize(csv) > 1000
    assert command("info", other).returncode == 0
    for arguments in (("run", b"\xe4.wav"), ("info", b"\xe4.safetensors")):
        result = command(*arguments)
        assert result.returncode == 1
        assert re.match(
            rb"pylstm: cannot read \\udce4\.\w+: No such file or directory\n", result.stderr
        )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows: another system runs this")
def test_a_set_with_names_that_are_not_utf8(model, tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"s\xfct")
    for label in (b"low", b"high"):
        os.makedirs(os.path.join(folder, label))
        os.rename(write(tmp_path / "a.wav"), os.path.join(folder, label, b"\xe4_nohash_0.wav"))
    output = os.path.join(os.fsencode(tmp_path), b"m\xfc.safetensors")
    pylstm = [sys.executable, "-m", "pylstm"]
    small = ["--epochs", "1", "--hidden", "4", "--layers", "1", "--validation", "0"]
    trained = subprocess.run(
        [*pylstm, "train", folder, "-o", output, *small], capture_output=True, timeout=300
    )
    assert trained.returncode == 0, trained.stderr
    judged = subprocess.run([*pylstm, "eval", output, folder], capture_output=True, timeout=300)
    assert judged.returncode == 0, judged.stderr
