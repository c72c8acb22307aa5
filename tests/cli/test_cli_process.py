"""The command as a process: pipes, signals, terminals, and what is not installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tone_model import tone_model, two_tones, write

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has it: Linux or macOS runs this")
COMMAND = [sys.executable, "-W", "error", "-m", "pylstm"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model, a recording of two tones, and a minute of them."""
    folder = tmp_path_factory.mktemp("process")
    tone_model().save(folder / "tones.safetensors")
    write(folder / "a.wav")
    soundfile.write(folder / "long.wav", np.tile(two_tones(), 30), 16000)
    return folder


def run(folder: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, **options
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_run(folder):
    done = run(folder, "run", "a.wav", "--model", "tones.safetensors")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("  0.52 s  low   0.8")
    assert "\x1b" not in done.stdout


@pytest.mark.slow
def test_a_long_file_has_no_bar_in_a_pipe(folder):
    done = run(folder, "run", "long.wav", "--model", "tones.safetensors", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 61


@pytest.mark.slow
def test_an_error(folder):
    done = run(folder, "run", "absent.wav", "--model", "tones.safetensors")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "pylstm: cannot read absent.wav: No such file or directory\n"


@pytest.mark.slow
def test_wrong_usage(folder):
    done = run(folder, "run", "--chunk-ms", "ten", "a.wav")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["typer", "rich", "soundfile", "soxr"])
def test_without_the_extra(missing):
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from pylstm.__main__ import main; sys.exit(main(['--version']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    expected = f'pylstm: the command line needs {missing}; pip install "pylstm[cli]"\n'
    assert done.stderr == expected


@pytest.mark.slow
def test_without_libsndfile(tmp_path):
    (tmp_path / "soundfile.py").write_text("raise OSError('sndfile library not found')")
    program = "import sys; from pylstm.__main__ import main; sys.exit(main(['--version']))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == (
        "pylstm: the command line cannot start: sndfile library not found; "
        'pip install "pylstm[cli]"\n'
    )


@pytest.mark.slow
def test_importing_the_package_does_not_import_the_extra():
    program = (
        "import sys, pylstm\n"
        "assert not {'typer', 'rich', 'soundfile', 'soxr', 'librosa'} & set(sys.modules)\n"
        "import pylstm.cli\n"
        "assert 'librosa' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_labels_outside_of_the_terminals_alphabet(folder):
    path = folder / "foreign.safetensors"
    tone_model(labels=("silence", "tief \u2193", "hoch \u2191")).save(path)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = run(folder, "run", "a.wav", "--model", path.name, env=environment)
    assert done.returncode == 0
    assert r"tief \u2193" in done.stdout


@posix
def test_a_pipe_that_closes_is_no_error(folder):
    # The reader is gone before the first event: what `| head -0` is.
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "run", "a.wav", "--model", "tones.safetensors"],
        cwd=folder, stdout=written, stderr=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    os.close(written)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: Linux runs this")
def test_stdout_on_a_full_disk(folder):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "info", "tones.safetensors"],
            cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "pylstm: output: No space left on device\n")


@pytest.mark.slow
@posix
def test_an_interruption_leaves_what_was_heard(folder):
    # A sample at a time takes long enough; Ctrl-C may be switched off where the tests run.
    arguments = ["run", "long.wav", "--model", "tones.safetensors", "--csv", "cut.csv"]
    arguments += ["--chunk-ms", "0.0625"]
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"from pylstm.__main__ import main; sys.exit(main({arguments!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert first.startswith("  0.52 s  low ")
    assert "real-time" not in rest
    table = (folder / "cut.csv").read_text()
    assert table.count("\n") >= 52
    assert table.endswith("\n")


def on_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """What a terminal shows of a command."""
    import pty

    terminal, end = pty.openpty()
    variables = {**os.environ, "TERM": "xterm-256color", **environment}
    if "NO_COLOR" not in environment:
        variables.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdin=end, stdout=end, stderr=end, env=variables
    )
    os.close(end)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    return shown.decode()


@pytest.mark.slow
@posix
def test_a_terminal_gets_colours(folder):
    shown = on_terminal(folder, "run", "a.wav", "--model", "tones.safetensors")
    assert "  0.52 s  \x1b[32m\x1b[1mlow\x1b[0m   0.8" in shown
    assert "listening" not in shown  # two seconds are not worth a bar


@pytest.mark.slow
@posix
def test_a_terminal_without_colours(folder):
    shown = on_terminal(folder, "run", "a.wav", "--model", "tones.safetensors", NO_COLOR="1")
    assert "\x1b[" not in shown
    assert "  0.52 s  low   0.8" in shown


@pytest.mark.slow
@posix
def test_a_terminal_gets_a_bar_for_long_files(folder):
    shown = on_terminal(folder, "run", "long.wav", "--model", "tones.safetensors")
    assert "listening" in shown
    assert "of 1:00" in shown
    assert "real-time factor" in shown.rpartition("listening")[2]
