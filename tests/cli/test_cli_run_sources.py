"""What pylstm run listens to: several files, standard input, pipes, samples without a header."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from tests.cli.tone_model import LABELS, tone_model, two_tones, write

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has it: Linux or macOS runs this")
COMMAND = [sys.executable, "-W", "error", "-m", "pylstm", "run"]
HEARD = r"  0\.5\d s  low   0\.\d\d\n  1\.2\d s  high  0\.\d\d\n"
RAW = {
    "int16": lambda x: (x * 32767).astype("<i2").tobytes(),
    "int16-be": lambda x: (x * 32767).astype(">i2").tobytes(),
    "int24": lambda x: (x * 8388607).astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes(),
    "int32": lambda x: (x * 2147483000).astype("<i4").tobytes(),
    "float32": lambda x: x.astype("<f4").tobytes(),
    "float64-be": lambda x: x.astype(">f8").tobytes(),
    "uint8": lambda x: (128 + x * 127).astype("u1").tobytes(),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model().save(path)
    return path


def run(model: object, *arguments: object, stdin: bytes | None = None) -> Result:
    command = ["run", "--model", model, *arguments]
    result = CliRunner().invoke(app, [str(part) for part in command], input=stdin)
    assert "Traceback" not in result.output
    return result


def hears(result: Result, pattern: str = HEARD) -> Result:
    assert result.exit_code == 0, result.output
    assert re.match(pattern, result.stdout), result.stdout
    return result


def refused(result: Result, code: int, message: str) -> None:
    *notes, line = result.stderr.splitlines()
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert result.exit_code == code
    assert all(text.startswith("note: ") for text in notes)


# --- several files --------------------------------------------------------------------------------


def test_each_file_has_its_name_above_its_events(model, tmp_path):
    first, second = write(tmp_path / "a.wav"), write(tmp_path / "b.flac", 8000)
    soundfile.write(tmp_path / "c.wav", np.zeros(8000), 16000)
    result = run(model, first, second, tmp_path / "c.wav")
    blocks = result.stdout.split("\n\n")
    assert re.fullmatch(f"{first}:\n{HEARD}".rstrip("\n"), blocks[0] + "\n")
    assert re.fullmatch(f"{second}:\n{HEARD}", blocks[1] + "\n")
    assert blocks[2] == f"{tmp_path / 'c.wav'}:\nnothing heard"
    assert blocks[3].startswith("audio             4.50 s\n")
    assert result.stderr == f"note: {second}: resampled from 8000 Hz to 16000 Hz\n"
    assert result.exit_code == 0


def test_no_file_hears_what_was_in_another(model, tmp_path):
    path = write(tmp_path / "a.wav", subtype="FLOAT")
    objects = [json.loads(line) for line in run(model, "--json", path, path).stdout.splitlines()]
    alone = [json.loads(line) for line in run(model, "--json", path).stdout.splitlines()]
    assert [one["label"] for one in objects if "label" in one] == ["low", "high"] * 2
    assert objects[:2] == objects[3:5] == alone[:2]
    assert {one["file"] for one in objects} == {str(path)}
    assert [one["events"] for one in (objects[2], objects[5])] == [2, 2]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_file_that_cannot_be_read_does_not_stop_the_others(model, tmp_path, place):
    files = [write(tmp_path / f"{k}.wav") for k in range(3)]
    files[place].write_bytes(b"RIFF")
    result = run(model, *files)
    refused(result, 1, f"cannot read {files[place]}: .*")
    assert len(re.findall(HEARD, result.stdout)) == 2
    assert "audio             4.00 s" in result.stdout


def test_none_of_several_files_can_be_read(model, tmp_path):
    result = run(model, tmp_path / "a.wav", tmp_path / "b.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("No such file or directory") == 2


def test_a_table_is_that_of_one_recording(model, tmp_path):
    path = write(tmp_path / "a.wav")
    message = "--csv is given with 2 recordings; expected one"
    refused(run(model, path, path, "--csv", tmp_path / "rows.csv"), 2, message)
    hears(run(model, path, "--csv", tmp_path / "rows.csv"))


# --- standard input and pipes ---------------------------------------------------------------------


def encoded(format: str, subtype: str | None = None, samples: object = None) -> bytes:
    file = io.BytesIO()
    audio = two_tones() if samples is None else samples
    soundfile.write(file, audio, 16000, subtype, format=format)
    return file.getvalue()


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


# --- channels -------------------------------------------------------------------------------------


def test_stereo_in_antiphase(model, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([two_tones(), -two_tones()], 1), 16000, "FLOAT")
    result = run(model, path)
    assert result.stdout.startswith("nothing heard")
    assert result.stderr.splitlines()[1] == (
        "note: the mean of the 2 channels is silent, because they cancel each other; --channel 0"
        " takes that one"
    )
    hears(run(model, path, "--channel", 0))
    assert hears(run(model, path, "--channel", 1)).stderr == ""


@pytest.mark.parametrize("raw", [False, True])
def test_speech_on_one_channel_of_six(model, tmp_path, raw):
    samples = np.zeros((32000, 6), np.float32)
    samples[:, 4] = two_tones()
    path, options = tmp_path / "a.wav", []
    if raw:
        path, options = tmp_path / "a.raw", ["--raw", "float32", "--rate", 16000, "--channels", 6]
        path.write_bytes(samples.tobytes())
    else:
        soundfile.write(path, samples, 16000, "FLOAT")
    result = run(model, path, *options)
    assert "6 channels is 16 dB quieter than the loudest of them; --channel 4" in result.stderr
    chosen = hears(run(model, path, *options, "--channel", 4, "--csv", tmp_path / "chosen.csv"))
    assert chosen.stderr == ""
    write(tmp_path / "mono.wav", subtype="FLOAT")
    run(model, tmp_path / "mono.wav", "--csv", tmp_path / "mono.csv")
    assert (tmp_path / "chosen.csv").read_bytes() == (tmp_path / "mono.csv").read_bytes()


def test_other_channels_are_not_looked_at(model, tmp_path):
    samples = np.full((32000, 2), np.nan, np.float32)
    samples[:, 1] = two_tones()
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    assert hears(run(model, tmp_path / "a.wav", "--channel", 1)).stderr == ""
    refused(run(model, tmp_path / "a.wav", "--channel", 0), 1, ".* of channel 0 .* is nan; .*")


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_channel_that_is_not_there(model, tmp_path, channels):
    path = write(tmp_path / "a.wav", channels=channels)
    result = run(model, path, "--channel", channels)
    refused(result, 1, f"channel is {channels}; expected 0.*, counted from 0, because .* has .*")
    hears(run(model, path, "--channel", re.search(r"expected (\d)", result.stderr)[1]))


def test_stereo_that_is_taken_for_one_channel(model):
    data = RAW["int16"](np.repeat(two_tones(), 2))
    options = ["--raw", "int16", "--rate", 16000]
    result = run(model, "-", *options, stdin=data)
    said = result.stderr.splitlines()
    assert said == [
        "note: all samples come twice, as those of interleaved stereo do; --channels 2 takes them so"
    ]
    assert "twice" not in hears(run(model, "-", *options, "--channels", 2, stdin=data)).stderr


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


# --- thresholds -----------------------------------------------------------------------------------


def scores(result: Result) -> dict[str, float]:
    return {one["label"]: one["score"] for one in map(json.loads, result.stdout.splitlines()[:-1])}


def test_a_threshold_for_all_and_for_one(model, tmp_path):
    path = write(tmp_path / "a.wav")

    def labels(*options: object) -> list[str]:
        return list(scores(run(model, path, "--json", *options)))

    high = ["--threshold", "high=1.0"]
    assert labels("--threshold", 0.4) == ["low", "high"]
    assert labels("--threshold", 1.0) == []
    assert labels(*high) == ["low"]
    assert labels("--threshold", 1.0, "--threshold", "low=.5") == ["low"]
    assert labels("--threshold", "low=1", *high) == []
    expected = pylstm.load(model).listener(threshold=0.4).push(two_tones())
    found = scores(run(model, path, "--json", "--threshold", 0.4))
    assert found == pytest.approx({event.label: event.score for event in expected}, abs=1e-3)


def test_a_label_with_an_equals_sign(tmp_path):
    tone_model(labels=("silence", "a=b", "high")).save(tmp_path / "m.safetensors")
    path = write(tmp_path / "a.wav")
    result = run(tmp_path / "m.safetensors", path, "--json", "--threshold", "a=b=1")
    assert list(scores(result)) == ["high"]


@pytest.mark.parametrize("value", ["2", "0", "-1", "nan", "inf", "loud", "low=", "low=2", ""])
def test_thresholds_that_are_refused(model, tmp_path, value):
    message = rf"--threshold is {value}; expected a number above 0 and at most 1, or LABEL=NUMBER"
    path = write(tmp_path / "a.wav")
    refused(run(model, path, "--threshold", value), 2, message)
    hears(run(model, path, "--threshold", "0.5"))
    hears(run(model, path, "--threshold", "low=0.5"))


def test_a_threshold_of_a_label_that_is_not_there(model, tmp_path):
    path = write(tmp_path / "a.wav")
    result = run(model, path, "--threshold", "lwo=0.5")
    refused(result, 2, "--threshold has the label 'lwo'; expected 'silence', 'low', 'high'")
    for label in re.findall(r"'(\w+)'", result.stderr.partition("expected")[2]):
        hears(run(model, path, "--threshold", f"{label}=0.5"))
    twice = ["--threshold", "low=0.5"] * 2
    refused(run(model, path, *twice), 2, "--threshold is given twice for 'low'; expected once")
    refused(
        run(model, path, *["--threshold", "0.5"] * 2),
        2,
        "--threshold is given twice; expected once",
    )


def test_a_threshold_of_a_label_where_segments_are_decided(tmp_path):
    segments = {"kind": "segments", "label": "low", "min_speech": 0.1}
    tone_model(decision=segments).save(tmp_path / "m.safetensors")
    path = write(tmp_path / "a.wav")
    result = run(tmp_path / "m.safetensors", path, "--threshold", "low=0.5")
    refused(result, 2, ".*expected a number alone, because .* decides on segments")
    hears(run(tmp_path / "m.safetensors", path, "--threshold", "0.5"), r"  0\.\d\d s  low start")


# --- other kinds of decisions ---------------------------------------------------------------------


def test_labels_that_do_not_exclude_each_other(tmp_path):
    """Both are heard at once where the outputs are independent."""
    dense = {
        "weight": np.array([[0, 0, 0, 0], [9, 0, 0, 0], [9, 0, 0, 0]], np.float32),
        "bias": np.array([-9, -1, -2], np.float32),
    }
    layers = [tone_model().layers[0], pylstm.Dense(4, 3, "sigmoid", weights=dense)]
    labels = ("silence", "music", "alarm")
    tone_model(layers=layers, labels=labels).save(tmp_path / "m.safetensors")
    result = run(tmp_path / "m.safetensors", write(tmp_path / "a.wav"))
    hears(result, r"  0\.\d\d s  music  0\.\d\d\n  0\.\d\d s  alarm  0\.\d\d\n")


def test_segments_and_symbols_are_heard(tmp_path):
    path = write(tmp_path / "a.wav")
    segments = {"kind": "segments", "label": "low", "min_speech": 0.1, "pad": 0.0}
    tone_model(decision=segments).save(tmp_path / "m.safetensors")
    result = run(tmp_path / "m.safetensors", path)
    hears(result, r"  0\.\d\d s  low start  0\.\d\d\n  0\.82 s  low end    0\.\d\d\n\n")
    start, end, _ = map(
        json.loads, run(tmp_path / "m.safetensors", path, "--json").stdout.split("\n")[:3]
    )
    assert (start["kind"], start["offset"], end["kind"]) == ("start", None, "end")
    assert start["onset"] == end["onset"] < end["offset"] <= end["time"]
    tone_model(decision={"kind": "symbols", "blank": "silence"}).save(tmp_path / "m.safetensors")
    hears(
        run(tmp_path / "m.safetensors", path), r"  0\.\d\d s  low   0.*\n  1\.\d\d s  high  0.*\n"
    )
    tone_model(labels=None, info={}, decision={"kind": "symbols"}).save(tmp_path / "m.safetensors")
    hears(
        run(tmp_path / "m.safetensors", path, "--csv", tmp_path / "rows.csv"),
        r"  0\.\d\d s  1  0.*\n  1\.\d\d s  2  0.*\n",
    )
    assert (tmp_path / "rows.csv").read_text().startswith("time,0,1,2\n")
    assert len(LABELS) == 3


# --- what cannot be read --------------------------------------------------------------------------


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
