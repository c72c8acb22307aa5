"""What docs/intake.md says to type works, and what it says is so."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import pylstm

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "intake.md").read_text()
TELEPHONE, BROWSER, CARD, FFMPEG, SIX, MOVED = re.findall(
    r"^```python\n(.*?)^```$", PAGE, re.S | re.M
)


def speech() -> np.ndarray:
    soundfile = pytest.importorskip("soundfile", reason='pip install "pylstm[cli]" runs this')
    samples, rate = soundfile.read(PROJECT / "tests" / "data" / "speech.wav", dtype="float32")
    assert rate == 16000
    return samples


def at_rate(samples: np.ndarray, rate: int) -> np.ndarray:
    soxr = pytest.importorskip("soxr", reason='pip install "pylstm[cli]" runs this')
    return soxr.resample(samples, 16000, rate)


def mulaw(samples: np.ndarray) -> bytes:
    """The nearest code of each sample."""
    table = pylstm.Intake(8000, rate=8000, encoding="mulaw").push(bytes(range(256)))
    order = np.argsort(table, kind="stable")
    middles = (table[order][1:] + table[order][:-1]) / 2
    return order[np.searchsorted(middles, samples)].astype(np.uint8).tobytes()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


class Kept:
    """A stream that keeps what it is given."""

    def __init__(self, stream: pylstm.Stream) -> None:
        self.stream = stream
        self.model = stream.model
        self.samples: list[np.ndarray] = []

    def push(self, samples: np.ndarray) -> np.ndarray:
        self.samples.append(samples)
        return self.stream.push(samples)


def given_to_the_stream(program: str, names: dict[str, object]) -> np.ndarray:
    """All samples that a program of the page pushes into its stream."""
    kept: list[Kept] = []

    def keeping(stream: pylstm.Stream) -> Kept:
        kept.append(Kept(stream))
        return kept[-1]

    names["keeping"] = keeping
    exec(program.replace("model.stream()", "keeping(model.stream())"), names)
    return np.concatenate(kept[0].samples)


def test_a_telephone() -> None:
    y = at_rate(speech(), 8000)
    got = given_to_the_stream(TELEPHONE, {"packets": pieces(mulaw(y), 160)})
    assert len(got) == 2 * len(y)
    assert np.abs(got - at_rate(y, 32000)).max() < 0.05  # the codes' own error


@pytest.mark.parametrize("size", [1024, 3001])
def test_a_browser(size: int) -> None:
    y = at_rate(speech(), 48000)
    data = np.stack([y, 0.5 * y], axis=1).astype("<f4").tobytes()
    got = given_to_the_stream(BROWSER, {"messages": pieces(data, size)})
    # The program does not end: what the resampler holds is still there.
    assert len(y) / 48000 - 0.04 < len(got) / 16000 < len(y) / 48000
    assert np.abs(got - 0.75 * speech()[: len(got)]).max() < 0.01


def test_a_sound_card() -> None:
    y = at_rate(speech(), 48000)
    names: dict[str, object] = {}
    feed = "\nfor block in blocks:\n    callback(block, len(block), None, None)\n    block[:] = 0\n"
    blocks = np.stack([y, -y], axis=1) * 2.0**31
    names["blocks"] = np.split(blocks.astype(np.int32), range(480, len(y), 480))
    got = given_to_the_stream(CARD + feed, names)
    assert np.abs(got - speech()[: len(got)]).max() < 0.01


@pytest.mark.skipif(
    os.name == "nt", reason="a script stands in for ffmpeg: a POSIX system runs this"
)
def test_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y = at_rate(speech(), 44100)
    wide = np.repeat(np.round(y * 2.0**31 * 0.99), 2).astype(">i4")
    raw = tmp_path / "raw"
    raw.write_bytes(wide.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    script = tmp_path / "ffmpeg"
    script.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "wanted = '-loglevel error -i speech.mp3 -f s24be -ac 2 -ar 44100 -'\n"
        "assert sys.argv[1:] == wanted.split()\n"
        f"sys.stdout.buffer.write(open({str(raw)!r}, 'rb').read())\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    got = given_to_the_stream(FFMPEG, {})
    assert abs(len(got) - len(speech())) <= 1
    n = min(len(got), len(speech()))
    assert np.abs(got[:n] - 0.99 * speech()[:n]).max() < 0.01


def test_six_microphones() -> None:
    names: dict[str, object] = {}
    exec(SIX, names)
    assert len(names["samples"]) == 16000  # type: ignore[arg-type]
    intake = names["intake"]
    assert isinstance(intake, pylstm.Intake)
    intake.reset()
    with pytest.raises(ValueError, match=r": pass data\.T$"):
        intake.push(np.zeros((6, 96000), np.float32))


def test_a_session_that_moves() -> None:
    y = mulaw(at_rate(speech(), 8000))
    packets = pieces(y, 160)
    names: dict[str, object] = {"first_packets": packets[:70], "other_packets": packets[70:]}
    program = MOVED + "\nstream.push(intake.flush())\n"
    exec(program, names)
    stream = names["stream"]
    assert isinstance(stream, pylstm.Stream)
    other = pylstm.load("keywords").stream()
    whole = pylstm.Intake(16000, rate=8000, encoding="mulaw")
    other.push(np.concatenate([whole.push(y), whole.flush()]))
    assert (stream.position, stream.frames) == (other.position, other.frames)
    for moved, stayed in zip(stream.state, other.state, strict=True):
        for a, b in zip(moved, stayed, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-3)


def test_what_is_held() -> None:
    """The table of the page, with 1 ms for each push."""
    table = re.findall(r"^\| ([\d, ]+) \| (\d+) \| (\d+) \|$", PAGE, re.M)
    rates = [(int(rate), int(most)) for names, most, _ in table for rate in names.split(", ")]
    assert len(rates) == 9
    for rate, most in rates:
        intake, held = pylstm.Intake(16000, rate=rate), []
        for _ in range(1500):
            intake.push(np.zeros(max(1, rate // 1000), np.float32))
            held.append(intake.delay * 1000)
        assert most - 2 < max(held) <= most


def test_what_an_unfinished_move_costs() -> None:
    """Both resamplers take the other side of the cut for silence: 15 ms of it are wrong."""
    y = at_rate(speech(), 8000)
    once = pylstm.Intake(16000, rate=8000)
    expected = np.concatenate([once.push(y), once.flush()])
    for cut in range(8000, 24000, 800):
        old, new = pylstm.Intake(16000, rate=8000), pylstm.Intake(16000, rate=8000)
        got = np.concatenate([old.push(y[:cut]), old.flush(), new.push(y[cut:]), new.flush()])
        difference = np.abs(got - expected)
        assert len(got) == len(expected)
        assert difference.max() < 0.26
        wrong = np.flatnonzero(difference > 1e-4)
        assert wrong.max(initial=0) - wrong.min(initial=len(expected)) < 0.015 * 16000


@pytest.mark.parametrize("name", re.findall(r'^\| (`"\w+"`(?:, `"\w+"`)*) \|', PAGE, re.M))
def test_the_encodings_of_the_table(name: str) -> None:
    for encoding in re.findall(r'"(\w+)"', name):
        pylstm.Intake(8000, rate=8000, encoding=encoding).push(bytes(24))
