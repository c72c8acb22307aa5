"""Names that are not UTF-8, MP3, samples that are no audio, and what the decoder prints."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pylstm.audio import AudioError, AudioFile, scale_problem
from pylstm.audio.decoder_messages import hidden
from pylstm.audio.header import Header
from tests.audio_files import sound

MP3 = pytest.mark.skipif(
    "MP3" not in soundfile.available_formats(), reason="libsndfile 1.1 or later runs this"
)
RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows: another system runs this")
@pytest.mark.parametrize(
    "name", [b"gr\xfc.wav", b"\xff\xfe.flac", b"a\nb\x80.wav", "grü.wav".encode()]
)
@pytest.mark.parametrize("kind", [os.fsdecode, bytes, lambda path: Path(os.fsdecode(path))])
def test_names_of_any_bytes(tmp_path, name, kind):
    plain = sound(tmp_path / f"plain{os.path.splitext(os.fsdecode(name))[1]}", 0.5)
    path = os.path.join(os.fsencode(tmp_path), name)
    os.rename(plain, path)
    with AudioFile(kind(path), 16000) as file:
        assert len(file.read()) == 8000
    assert Header.of(os.fsdecode(path)).seconds == 0.5


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows: another system runs this")
def test_errors_of_files_with_names_of_any_bytes(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xfc.wav")
    for content, message in ((b"", "is empty"), (b"text" * 99, "cannot read .*format not recogn")):
        with open(path, "wb") as file:
            file.write(content)
        with pytest.raises(AudioError, match=message) as error:
            AudioFile(os.fsdecode(path), None)
        assert "\udcfc.wav" in str(error.value)


# --- MP3 ------------------------------------------------------------------------------------------


@MP3
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", [160, 4000, 100_000])
def test_mp3_is_decoded_in_one_go_and_quietly(tmp_path, capfd, rate, size):
    """A seek after each block would spoil the block after it, at every rate."""
    path = tmp_path / "a.mp3"
    y = 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate)
    soundfile.write(path, y, rate)
    with AudioFile(path, None) as file:
        samples = np.concatenate(list(file.chunks(size)))
    assert len(samples) == len(y)
    # The coding itself loses up to 0.06 of a tone at 8 kHz; a spoilt block was wrong by 0.3.
    assert np.abs(samples - y).max() < 0.1
    assert capfd.readouterr() == ("", "")


def _run_quietly(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@MP3
@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("trouble", ["cut", "tag", "junk in the middle", "no audio", "span"])
def test_the_command_line_hides_what_the_decoder_prints(tmp_path, trouble, seed):
    path = tmp_path / "a.mp3"
    soundfile.write(path, 0.2 * np.random.default_rng(0).standard_normal(48000), 16000)
    data = path.read_bytes()
    half, junk = len(data) // 2, np.random.default_rng(seed).bytes(5000)
    path.write_bytes(
        {
            "cut": data[:half],
            "tag": data + b"APETAGEX" + junk[:500],
            "junk in the middle": data[:half] + junk + data[half:],
            "no audio": b"hello world" * 1000,
            "span": data,
        }[trouble]
    )
    if trouble == "span":
        code = (
            "import sys; from pylstm.audio import AudioFile\n"
            "from pylstm.audio.decoder_messages import hide_decoder_messages\n"
            "hide_decoder_messages()\n"
            "with AudioFile(sys.argv[1], None, start=1.1, end=2.0) as file: file.read()\n"
        )
        assert _run_quietly(code, path).stderr == ""
        return
    code = "import sys, pylstm.__main__; sys.exit(pylstm.__main__.main(['run', sys.argv[1]]))"
    result = _run_quietly(code, path)
    lines = result.stderr.splitlines()
    errors = [line for line in lines if line.startswith("pylstm: ")]
    assert all(line.startswith("note: ") for line in lines if line not in errors), result.stderr
    assert errors in ([], lines[-1:])
    assert result.returncode == len(errors)
    if trouble == "junk in the middle":
        # Whether libmpg123 finds its way again depends on the junk; that audio is missing is said.
        assert errors or any("cut off: " in line for line in lines), result.stderr
    else:
        assert len(errors) == (trouble == "no audio")


def test_nothing_but_the_decoders_lines_is_hidden(capfd, monkeypatch):
    monkeypatch.setattr("pylstm.audio.decoder_messages._wanted", True)
    ours = [b"pylstm: an error\n", b"a.py:3: UserWarning: no\n", b"half a line"]
    theirs = [b"Note: Trying to resync...\n", b"[src/libmpg123/layer3.c:f():1774] error: 3\n"]
    written = threading.Event()

    def other_thread() -> None:
        os.write(2, ours[1])
        written.set()

    def decode() -> None:
        with hidden():
            os.write(2, ours[0])
            for line in theirs:
                os.write(2, line)
            thread = threading.Thread(target=other_thread)
            thread.start()
            assert written.wait(10)
            thread.join()
            os.write(2, ours[2])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decode()
    os.write(2, b"!\n")
    assert capfd.readouterr().err == b"".join([*ours, b"!\n"]).decode()


def test_hiding_from_many_threads_at_once(capfd, monkeypatch):
    monkeypatch.setattr("pylstm.audio.decoder_messages._wanted", True)

    def work(k: int) -> None:
        for turn in range(20):
            with hidden():
                os.write(2, b"Note: noise\n")
            os.write(2, f"{k} {turn}\n".encode())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capfd.readouterr().err.split("\n")
    assert sorted(lines) == sorted(["", *(f"{k} {turn}" for k in range(6) for turn in range(20))])


def test_without_an_error_stream_nothing_is_hidden():
    code = (
        "import os; from pylstm.audio import decoder_messages as d\n"
        "d.hide_decoder_messages(); os.close(2)\n"
        "with d.hidden(): pass\n"
        "print('done')\n"
    )
    assert _run_quietly(code).stdout == "done\n"


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("peak", [0.5, 1.0, 4.0, 15.875, 17.0, 3000.0, 32768.0, 2.0**31])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_loudest_sample(tmp_path, peak, subtype, channels):
    y = np.zeros((30000, channels))
    y[25000, -1] = -peak
    path = tmp_path / "a.wav"
    soundfile.write(path, y, 16000, subtype)
    with AudioFile(path, 8000) as file:
        file.read()
        assert file.peak == peak
    assert Header.of(str(path)).peak == peak
    said = scale_problem(peak)
    assert (said is not None) == (peak > 16)
    if said is not None and peak <= 65536:
        assert said.startswith(f"has samples up to {peak:.6g}; expected -1 to 1: save samples / 32")


def test_following_what_is_said_about_a_file(tmp_path):
    path, mended = tmp_path / "a.wav", tmp_path / "b.wav"
    samples = np.random.default_rng(0).integers(-20000, 20000, 8000).astype(np.float32)
    soundfile.write(path, samples, 16000, "FLOAT")
    code = scale_problem(Header.of(str(path)).peak).partition("save ")[2].partition(" if ")[0]
    soundfile.write(mended, eval(code, {"samples": samples}), 16000, "FLOAT")
    assert scale_problem(Header.of(str(mended)).peak) is None
    with AudioFile(mended, None) as file:
        np.testing.assert_array_equal(file.read(), samples / 32768)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "PCM_U8", "ULAW"])
def test_files_of_whole_numbers_have_no_peak(tmp_path, subtype):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.tile([1.0, -1.0], 4000), 16000, subtype)
    assert Header.of(str(path)).peak == 0.0


def refused(path) -> str:
    with AudioFile(path, 16000) as file, pytest.raises(AudioError) as error:
        file.read()
    return str(error.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("place", [0, 5000, 11999])
def test_overflow_of_the_resampler_is_named(tmp_path, rate, place):
    path = tmp_path / "a.wav"
    y = np.zeros(12000, np.float32)
    y[max(0, place - 40) : place + 1] = 3.4e38
    y[place] = -3.402e38
    soundfile.write(path, y, rate, "FLOAT")
    if place == 0:
        y[:] = np.float32(3.402e38) * np.sign(np.random.default_rng(0).uniform(-1, 1, 12000))
        soundfile.write(path, y, rate, "FLOAT")
    said = refused(path)
    value = "-3.402" if y[place] < 0 else "3.402"
    where = f"sample {place} (counted from 0, at {place / rate:.3f} s) is {value}"
    assert said.startswith(where), said
    assert said.endswith("e+38; expected audio from -1 to 1, because resampling overflows")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "nan; expected finite values"),
        (np.inf, "inf; expected finite values"),
        (-np.inf, "-inf; expected finite values"),
        (1e300, "1e+300; expected audio from -1 to 1, which float32 holds"),
        (-3.5e38, "-3.5e+38; expected audio from -1 to 1, which float32 holds"),
    ],
)
@pytest.mark.parametrize("rate", [16000, 8000])
@pytest.mark.parametrize("channel", [0, 1])
def test_what_no_float32_holds_is_named(tmp_path, value, words, rate, channel):
    path = tmp_path / "a.wav"
    y = np.zeros((rate, 2))
    y[[rate // 2, rate // 2 + 9], channel] = value
    soundfile.write(path, y, rate, "DOUBLE")
    where = f"sample {rate // 2} of channel {channel} (counted from 0, at 0.500 s)"
    assert refused(path) == f"{where} is {words}"


@pytest.mark.parametrize("rate", [1, 999, 1_000_001, 2**31 - 1])
def test_a_rate_that_no_recording_has_is_named(tmp_path, rate):
    """A header of 1 Hz would make half a billion samples of 64 KB."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(800), rate)
    with pytest.raises(AudioError, match=rf"a\.wav declares a rate of {rate} Hz; expected 1000 to"):
        AudioFile(path, 16000)
    with AudioFile(path, rate) as audio:  # the model's own rate may be any
        assert audio.changes == []
