"""pylstm run on standard input and pipes, live or not, with a header or without."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli import tone_model_file
from tests.cli.encoded_tones import RAW, encoded
from tests.cli.run_command import COMMAND, HEARD, hears, refused, run
from tests.tone_model import two_tones

model = tone_model_file.model  # a fixture
posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has it: Linux or macOS runs this")


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        *(("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")),
        *(("WAV", subtype) for subtype in ("DOUBLE", "ULAW", "ALAW", "IMA_ADPCM")),
        ("WAVEX", "PCM_16"),
        ("RF64", "PCM_24"),
        ("FLAC", None),
        ("OGG", None),
        ("AIFF", None),
        ("AU", None),
        ("CAF", None),
        ("W64", None),
    ],
)
def test_audio_files_through_standard_input(model, tmp_path, format, subtype):
    data = encoded(format, subtype)
    (tmp_path / "a").write_bytes(data)
    pattern = "" if subtype == "ALAW" else HEARD  # whose silence is not zero: a low tone
    of_a_file = hears(run(model, tmp_path / "a", "--csv", tmp_path / "file.csv"), pattern)
    piped = hears(run(model, "-", "--csv", tmp_path / "pipe.csv", stdin=data), pattern)
    assert piped.stdout.splitlines()[:2] == of_a_file.stdout.splitlines()[:2]
    assert (tmp_path / "pipe.csv").read_bytes() == (tmp_path / "file.csv").read_bytes()
    assert piped.stderr == of_a_file.stderr


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_a_header_written_before_the_length_was_known(model, size):
    data = encoded("WAV")
    place = data.index(b"data") + 4
    hears(run(model, "-", stdin=data[:place] + struct.pack("<I", size) + data[place + 4 :]))


def test_what_follows_the_audio_is_not_heard(model):
    data = encoded("WAV") + b"LIST" + struct.pack("<I", 4000) + b"\x7f\x80" * 2000
    result = hears(run(model, "-", "--json", stdin=data), r'{"time": 0.52, ')
    assert json.loads(result.stdout.splitlines()[-1])["audio_seconds"] == 2.0


def test_a_wav_that_is_cut_off_is_said(model):
    result = run(model, "-", stdin=encoded("WAV")[:32044])
    assert result.exit_code == 0
    assert result.stderr == "note: cut off: 1.00 s of the 2.00 s that it declares\n"


def test_flac_that_is_cut_off_is_said(model):
    data = encoded("FLAC", None, np.random.default_rng(0).uniform(-0.1, 0.1, 32000))
    result = run(model, "-", "--json", stdin=data[: len(data) // 2])
    assert result.exit_code == 0
    assert re.fullmatch(
        r"note: cut off: 0\.[789]\d s of the 2\.00 s that it declares\n", result.stderr
    )
    damaged = data[:20000] + bytes(9000) + data[29000:]
    refused(run(model, "-", stdin=damaged), 1, r"cannot read standard input after 0\..* s: .+")


@pytest.mark.parametrize("encoding", RAW)
@pytest.mark.parametrize("rate", [8000, 16000])
def test_samples_without_a_header(model, tmp_path, encoding, rate):
    data = RAW[encoding](two_tones(rate))
    path = tmp_path / "a.raw"
    path.write_bytes(data)
    options = ["--raw", encoding, "--rate", rate]
    piped = hears(run(model, "-", *options, stdin=data))
    assert hears(run(model, path, *options)).stderr == piped.stderr
    stereo = np.stack([np.zeros(len(two_tones(rate))), two_tones(rate)], 1)
    hears(run(model, "-", *options, "--channels", 2, stdin=RAW[encoding](stereo.ravel())))


@pytest.mark.law_chunk
@settings(deadline=None, max_examples=25)
@given(cuts=st.lists(st.integers(0, 64000), max_size=6), headed=st.booleans())
def test_the_cut_of_a_pipe_changes_nothing(cuts, headed):
    data = encoded("WAV") if headed else RAW["int16"](two_tones())
    from pylstm.cli.console.audio_input import AudioInput
    from tests.cli.pieces import Pieces

    options = AudioInput.of(*((None, None) if headed else ("int16", 16000)), None, None)
    found = []
    for places in ([], sorted(cuts)):
        stream = io.BufferedReader(Pieces(data, places))
        with options.of_stream(stream, "pipe", 16000) as audio:
            found.append(audio.read())
    np.testing.assert_array_equal(found[0], found[1])
    assert len(found[0]) == 32000


@posix
@pytest.mark.parametrize("source", ["stdin", "fifo", "/dev/stdin", "wav", "flac"])
def test_a_live_pipe_gives_its_events_as_they_happen(model, tmp_path, source):
    """The writer waits for the first event before it goes on: nothing else lets it."""
    samples = RAW["int16"](np.concatenate([two_tones(), two_tones()]))
    first_part = samples[: 2 * 16384]  # 1 s, or 4 blocks of FLAC: the low tone, and no more
    if source == "flac":
        first_part, samples = (
            encoded("FLAC", None, np.frombuffer(part, "<i2")) for part in (first_part, samples)
        )
    options = [] if source in ("wav", "flac") else ["--raw", "int16", "--rate", "16000"]
    name = {"fifo": "pipe", "/dev/stdin": "/dev/stdin"}.get(source, "-")
    if source == "fifo":
        os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen(
        [*COMMAND, name, *options, "--model", model], cwd=tmp_path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        target = process.stdin
        if source == "fifo":
            target = open(tmp_path / "pipe", "wb")  # noqa: SIM115
        if source == "wav":
            head = encoded("WAV")[:44]
            target.write(head[:40] + b"\xff\xff\xff\xff")
        target.write(samples[: len(first_part)])
        target.flush()
        watch = threading.Timer(50, process.kill)
        watch.start()
        first = process.stdout.readline()
        target.write(samples[len(first_part) :])
        target.close()
        rest, errors = process.stdout.read(), process.stderr.read()
        watch.cancel()
        assert (process.wait(), errors) == (0, b"")
        assert re.fullmatch(rb"  0\.5\d s  low   0\.\d\d\n", first)
        assert re.findall(rb"low|high", rest) == [b"high", b"low", b"high"]


@posix
def test_a_pipe_whose_reader_leaves_early(model):
    """What | head -1 does to a live pipe."""
    process = subprocess.Popen(
        [*COMMAND, "-", "--raw", "int16", "--rate", "16000", "--model", model],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(RAW["int16"](two_tones()), timeout=60)
    assert (process.returncode, errors) == (141, b"")


@posix
def test_a_pipe_that_does_not_block_is_waited_for(model):
    """As some programs leave it behind."""
    read, write_end = os.pipe()
    os.set_blocking(read, False)
    command = [*COMMAND, "-", "--raw", "int16", "--rate", "16000", "--model", model]
    process = subprocess.Popen(command, stdin=read, stdout=subprocess.PIPE, text=True)
    os.close(read)
    with process, open(write_end, "wb") as pipe:
        data = RAW["int16"](two_tones())
        for start in range(0, len(data), 9000):
            pipe.write(data[start : start + 9000])
            pipe.flush()
        pipe.close()
        assert re.match(HEARD, process.stdout.read())
    assert process.returncode == 0
