"""``pylstm mic`` on a file in place of a microphone: what is heard and shown, and how it ends."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.cli.console import live_session
from tests.cli import tone_model_file
from tests.cli.mic_command import expected, fail, mic, succeed, summary
from tests.tone_model import two_tones, write

model = tone_model_file.model  # a fixture


def heard(result: Result) -> list[tuple[str, float]]:
    """Labels and times."""
    return [(e["label"], e["time"]) for e in map(json.loads, result.stdout.splitlines()[:-1])]


def test_a_file_gives_the_events_of_run(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", 8000, seconds=1.6)
    arguments = (path, "--model", model, "--json")
    run = CliRunner().invoke(app, ["run", *map(str, arguments)])
    result = succeed("--input-file", *arguments)
    assert heard(result) == heard(run)
    assert [label for label, _ in heard(result)] == ["low", "high"]
    assert summary(result)["audio_seconds"] == 1.6
    assert summary(result)["overflows"] == 0


def test_without_a_terminal_there_are_lines(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", seconds=1.0)
    result = succeed("--input-file", path, "--model", model)
    [event, empty, audio, processing, factor, dropped] = result.stdout.splitlines()
    assert event.startswith("  0.52 s  low   0.")
    assert event.endswith("  0.49-0.53 s")
    assert (empty, audio, dropped) == (
        "",
        "audio             1.00 s",
        "dropped           nothing",
    )
    assert "slowest block" in processing
    assert factor.startswith("real-time factor  ")
    assert "\x1b" not in result.output
    assert result.stderr == f"note: {model} listens to a.wav at 16000 Hz; Ctrl-C stops\n"


def test_seconds_are_exact(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", seconds=2.0)
    result = succeed("--input-file", path, "--model", model, "--seconds", "0.5255", "--json")
    assert summary(result)["audio_seconds"] == 0.5255
    samples = two_tones()[: round(0.5255 * 16000)]
    assert [e[0] for e in heard(result)] == [
        e["label"] for e in expected(samples, pylstm.load(model))
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_well(model: Path, tmp_path: Path, number: int) -> None:
    path = write(tmp_path / "a.wav", seconds=60.0)
    before = (signal.getsignal(number), sys.getswitchinterval(), gc.get_freeze_count())
    timer = threading.Timer(0.9, signal.raise_signal, [number])
    timer.start()
    result = succeed("--input-file", path, "--model", model, "--json")
    timer.join()
    assert 0 < summary(result)["audio_seconds"] < 60
    assert before == (signal.getsignal(number), sys.getswitchinterval(), gc.get_freeze_count())


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal: run it on Linux or macOS")
def test_in_a_terminal_there_is_a_view_until_ctrl_c(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", seconds=60.0)
    command = [sys.executable, "-m", "pylstm", "mic", "--input-file", path, "--model", model]
    ours, theirs = os.openpty()
    surroundings = {"TERM": "xterm-256color", "COLUMNS": "60", "LINES": "20"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | surroundings
    )
    os.close(theirs)
    shown = b""
    while b"low" not in shown or b"0.49-0.53 s" not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # Linux says so where other systems give nothing
        while more := os.read(ours, 65536):
            shown += more
    os.close(ours)
    assert process.wait(60) == 0
    text = shown.decode()
    assert "dBFS" in text
    assert "Ctrl-C stops" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    assert re.search(r"\r\naudio             \d\.\d\d s\r\n", text)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot read"), (b"", "is empty"), (b"no audio here, not at all", "cannot read")],
)
def test_a_file_that_is_no_audio(
    model: Path, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    assert words in fail(1, "--input-file", path, "--model", model)


def test_nan_in_a_file_ends_it_with_the_reason(model: Path, tmp_path: Path) -> None:
    import soundfile

    samples = two_tones(seconds=0.8)
    samples[12000] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    result = mic("--input-file", tmp_path / "a.wav", "--model", model)
    assert result.exit_code == 1
    assert "low" in result.stdout  # it came before
    assert "pylstm: stopped at 0.75 s: pcm[" in result.stderr
    assert "nan; expected" in result.stderr


def test_drawings_are_fewer_than_blocks() -> None:
    """The display has fewer turns than a device has blocks of 10 ms."""
    assert 10 <= live_session._DRAWINGS_PER_SECOND <= 20
