"""What pylstm run cannot read, and that the message leads to what it can."""

from __future__ import annotations

import os
import re
import subprocess

import numpy as np
import pytest

from tests.cli import tone_model_file
from tests.cli.encoded_tones import RAW, encoded
from tests.cli.run_command import COMMAND, HEARD, hears, refused, run
from tests.tone_model import two_tones, write

model = tone_model_file.model  # a fixture
posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has it: Linux or macOS runs this")


def test_a_rate_for_audio_that_has_one(model, tmp_path):
    path = write(tmp_path / "a.wav")
    for option in ("--rate", "--channels"):
        result = run(model, path, option, 2)
        refused(result, 2, f"{option} is 2 without --raw; expected neither for audio with a .*")
    hears(run(model, path))  # neither
    result = run(model, path, "--raw", "int16", "--rate", 8000)
    message = ".*a.wav begins as an audio file does; expected samples without a header: leave out"
    refused(result, 2, f"{message} --raw, --rate and --channels")
    refused(
        run(model, "-", "--raw", "int16", "--rate", 8000, stdin=path.read_bytes()), 2,
        "standard input begins as an audio file does; .*",
    )  # fmt: skip
    hears(run(model, "-", stdin=path.read_bytes()))


def test_samples_whose_rate_is_not_said(model):
    data = RAW["int16"](two_tones())
    result = run(model, "-", "--raw", "int16", stdin=data)
    refused(result, 2, "--raw is int16 without --rate; expected the rate .* such as --rate 16000")
    said = result.stderr.rpartition("such as ")[2].split()
    hears(run(model, "-", "--raw", "int16", *said, stdin=data))


@pytest.mark.parametrize("name", ["s16le", "pcm_s16le", "<i2", "S16_LE", "short"])
def test_an_encoding_that_has_another_name(model, name):
    data = RAW["int16"](two_tones())
    result = run(model, "-", "--raw", name, "--rate", 16000, stdin=data)
    refused(result, 2, f"--raw is '{name}'; expected 'int16', .*: pass 'int16'")
    hears(run(model, "-", "--raw", "int16", "--rate", 16000, stdin=data))


def test_samples_whose_header_is_missing(model):
    data = RAW["int16"](two_tones())
    result = run(model, "-", stdin=data)
    refused(
        result, 1,
        "cannot read standard input: format not recognised; --raw int16 --rate 16000 would read"
        " samples without a header",
    )  # fmt: skip
    hears(
        run(
            model, "-", *re.search("--raw int16 --rate 16000", result.stderr)[0].split(), stdin=data
        )
    )


@pytest.mark.parametrize(
    ("encoding", "channels", "rest"), [("int16", 1, 1), ("int24", 2, 5), ("int16", 2, 3)]
)
def test_an_unfinished_sample_at_the_end_is_said(model, encoding, channels, rest):
    data = RAW[encoding](np.repeat(two_tones(), channels)) + bytes(rest)
    options = ["--raw", encoding, "--rate", 16000, "--channels", channels]
    result = hears(run(model, "-", *options, stdin=data))
    what = "sample" if channels == 1 else "frame of 2 channels"
    assert result.stderr.splitlines()[-1] == (
        f"note: ends with {rest} byte{'s' * (rest > 1)} of an unfinished {what} of {encoding}, left"
        " out: it was cut off there, or encoding or channels are wrong"
    )
    assert "unfinished" not in hears(run(model, "-", *options, stdin=data[:-rest])).stderr


@pytest.mark.parametrize("options", [[], ["--raw", "int16", "--rate", 16000]])
def test_nothing_comes(model, options):
    message = "standard input (is empty|holds no samples); expected (an audio file|audio)"
    refused(run(model, "-", *options, stdin=b""), 1, message)


def test_standard_input_twice(model):
    message = "- is given 2 times; expected once, because standard input comes once"
    refused(run(model, "-", "-", stdin=encoded("WAV")), 2, message)
    hears(run(model, "-", stdin=encoded("WAV")))


@posix
def test_a_terminal_is_no_audio(model, tmp_path):
    import pty

    terminal, end = pty.openpty()
    write(tmp_path / "a.wav")
    for name in ("-", "/dev/stdin"):
        done = subprocess.run(
            [*COMMAND, name, "--model", model], stdin=end, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert done.stderr == (
            f"pylstm: {'standard input' if name == '-' else name} is a terminal; expected audio:"
            " put < FILE behind the command, or PROGRAM | before it\n"
        )
    os.close(terminal)
    os.close(end)
    for command in ('"$@" < a.wav', 'cat a.wav | "$@"'):
        done = subprocess.run(
            ["sh", "-c", command, "sh", *COMMAND, "-", "--model", model],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0
        assert re.match(HEARD, done.stdout)


@pytest.mark.parametrize(("encoding", "value"), [("float32", np.nan), ("float64-be", -np.inf)])
def test_samples_that_are_no_numbers(model, encoding, value):
    samples = two_tones().astype(np.float64)
    samples[20000] = value
    result = run(model, "-", "--raw", encoding, "--rate", 16000, stdin=RAW[encoding](samples))
    refused(result, 1, r"standard input: sample 20000 \(counted from 0, at 1.250 s\) is .*; expe.*")
    assert "low" in result.stdout  # it came before
    fine = np.nan_to_num(samples, neginf=0.0)
    hears(run(model, "-", "--raw", encoding, "--rate", 16000, stdin=RAW[encoding](fine)))


def test_floats_on_another_scale_are_said(model):
    options = ["--raw", "float32", "--rate", 16000]
    result = run(model, "-", *options, stdin=RAW["float32"](32768 * two_tones()))
    assert result.stderr.startswith("note: standard input has samples up to ")
    assert "save samples / 32768" in result.stderr
    assert hears(run(model, "-", *options, stdin=RAW["float32"](two_tones()))).stderr == ""
