"""Files that end before their audio does are read and noticed, and no other file is accused."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pylstm.audio import AudioFile
from pylstm.audio.declared_length import audio_extent
from pylstm.audio.header import Header
from tests.audio_files import sound


def share_present(path: Path) -> float:
    """The share of the declared audio that a file holds; 1 where it declares none."""
    with open(path, "rb") as file:
        extent = audio_extent(file, path.stat().st_size)
    if extent is None or not extent.declared:
        return 1.0
    return min(1.0, extent.present / extent.declared)


FORMATS = [("WAV", "<"), ("WAVEX", "<"), ("RF64", "<"), ("AIFF", ">")]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "order"), FORMATS)
@given(
    frames=st.integers(1, 3000),
    channels=st.integers(1, 3),
    subtype=st.sampled_from(["PCM_16", "PCM_24", "FLOAT"]),
    cut=st.integers(0, 4000),
)
@settings(max_examples=25, deadline=None)
def test_the_share_that_is_there(tmp_path_factory, kind, order, frames, channels, subtype, cut):
    path = tmp_path_factory.mktemp("cut") / "a.wav"
    y = np.full((frames, channels), 0.1)
    soundfile.write(path, y, 16000, subtype, format=kind, endian="FILE")
    whole = path.read_bytes()
    assert share_present(path) == 1.0
    size = frames * channels * {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}[subtype]
    begins = whole.rindex(b"SSND" if kind == "AIFF" else b"data") + 8
    declared = size
    if kind == "AIFF":
        begins += 8  # an offset and the size of its blocks come first
        declared += size % 2  # a byte to make it even last
    assert begins + declared <= len(whole)
    path.write_bytes(whole[: max(begins + 1, begins + declared - cut)])
    present = path.stat().st_size - begins
    assert share_present(path) == present / declared
    path.write_bytes(whole[: begins - 3])  # not even the header
    assert share_present(path) == 1.0


@pytest.mark.parametrize("kind", [kind for kind, _ in FORMATS])
def test_half_a_file_is_read_and_said(tmp_path, kind):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(32000, 0.1), 16000, format=kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with AudioFile(path, 16000) as file:
        assert file.cut
        samples = file.read()
        assert re.fullmatch(
            r"cut off: (0\.9|1\.0)\d s of the 2\.00 s that it declares", file.shortfall
        )
    np.testing.assert_array_equal(samples, np.full(len(samples), 3276 / 32768, np.float32))
    assert Header.of(str(path)).seconds == len(samples) / 16000
    with AudioFile(path, 16000, end=0.5) as file:  # that much is there
        assert not file.cut
        assert len(file.read()) == 8000
        assert file.shortfall is None
    with AudioFile(path, 8000, start=0.5) as file:
        assert file.cut
        assert file.seconds == pytest.approx(1.5, abs=0.01)
        assert len(file.read()) == pytest.approx(4000, abs=200)
        assert file.shortfall


@pytest.mark.slow
def test_the_command_line_says_it(tmp_path):
    path = sound(tmp_path / "a.wav", 2.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    command = [sys.executable, "-m", "pylstm", "run", str(path)]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0
    assert "cut off: 1.00 s of the 2.00 s that it declares" in told.stderr


@pytest.mark.parametrize("untold", [0, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
def test_what_was_written_to_a_pipe_is_whole(tmp_path, untold):
    path = sound(tmp_path / "a.wav", 0.5)
    data = path.read_bytes()
    place = data.index(b"data") + 4
    path.write_bytes(data[:place] + struct.pack("<I", untold) + data[place + 4 :])
    assert share_present(path) == 1.0


@pytest.mark.parametrize("width", [1, 2, 3, 6, 192])
def test_aiff_that_sox_wrote_to_a_pipe_is_whole(tmp_path, width):
    """It declares as many frames of so many bytes as fit into 0x7F00_0000."""
    path = tmp_path / "a.aiff"
    soundfile.write(path, np.full(8000, 0.1), 16000)
    data = path.read_bytes()
    place = data.index(b"SSND") + 4
    untold = struct.pack(">I", 8 + 0x7F00_0000 // width * width)
    path.write_bytes(data[:place] + untold + data[place + 4 :])
    assert share_present(path) == 1.0
    with AudioFile(path, None) as file:
        assert len(file.read()) == 8000
        assert file.shortfall is None


def test_a_single_frame_that_is_left_of_aiff_is_not_all(tmp_path):
    """What stands before the audio, here 520 bytes, counts neither as there nor as missing."""
    path = tmp_path / "a.aiff"
    soundfile.write(path, np.full(32000, 0.1), 16000)
    data = path.read_bytes()
    place = data.index(b"SSND") + 4
    head = struct.pack(">III", 8 + 512 + 64000, 512, 0) + bytes(512)
    path.write_bytes(data[:place] + head + data[place + 12 : place + 14])
    with AudioFile(path, None) as file:
        assert file.seconds == pytest.approx(2.0)
        assert len(file.read()) == 1
        assert file.shortfall == "cut off: 0.00 s of the 2.00 s that it declares"


@pytest.mark.slow
@given(
    head=st.sampled_from([b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b""]),
    kind=st.sampled_from([b"WAVE", b"AIFF", b"WAV"]),
    rest=st.binary(max_size=80),
    chunks=st.lists(st.sampled_from([b"data", b"SSND", b"ds64", b"fmt ", b"LIST"]), max_size=4),
)
@example(head=b"RF64", kind=b"WAVE", rest=b"", chunks=[b"ds64", b"data"])
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_looked_at(tmp_path_factory, head, kind, rest, chunks):
    path = tmp_path_factory.mktemp("any") / "a.wav"
    body = b"".join(name + rest[:12] for name in chunks)
    path.write_bytes(head + rest[:4].ljust(4, b"\0") + kind + body + rest)
    assert 0.0 <= share_present(path) <= 1.0
