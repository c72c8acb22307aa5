"""pylstm segments: what it finds, and the forms in which it writes it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.cli.console.segment_report import (
    AudacityTrack,
    JsonSegments,
    RttmSegments,
    Segment,
    SegmentTable,
)
from tests.tone_model import tone_model, two_tones, write

SEGMENTS = {"kind": "segments", "label": "low", "min_speech": 0.1, "pad": 0.0}
BAD_NAMES = [
    "a b",
    "a\tb",
    "a\nb",
    "\x1b[2J",
    "a;b",
    "100%",
    "%20",
    "später",
    "\u2028",
    " ",
    "\u3000",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model(decision=SEGMENTS).save(path)
    return path


def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
    command = ["segments", *(str(part) for part in arguments)]
    result = CliRunner().invoke(app, command, input=stdin)
    assert "Traceback" not in result.output
    return result


def succeed(*arguments: object, stdin: bytes | None = None) -> str:
    result = invoke(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def refuse(code: int, message: str, *arguments: object) -> None:
    result = invoke(*arguments)
    line = result.stderr.splitlines()[-1]
    assert re.fullmatch(f"pylstm: {message}", line), line
    assert result.exit_code == code


def expected(path: Path, model: Path, samples: object, **settings: object) -> list[tuple]:
    listener = pylstm.load(model).listener(kind="segments", report="final", **settings)
    events = listener.push(samples) + listener.flush()
    return [(event.onset, event.offset) for event in events if event.kind == "end"]


def found(text: str) -> list[tuple[float, float]]:
    objects = [json.loads(line) for line in text.splitlines()]
    return [(one["start"], one["end"]) for one in objects if "label" in one]


def test_a_table(model, tmp_path):
    [(start, end)] = expected(tmp_path, model, two_tones())
    text = succeed(write(tmp_path / "a.wav"), "--model", model)
    assert text == (
        "   start       end    length\n"
        f"{start:6.2f} s  {end:6.2f} s  {end - start:6.2f} s\n"
        f"1 segment, {end - start:.2f} s of 2.00 s\n"
    )


def test_nobody_speaks(model, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    assert succeed(tmp_path / "a.wav", "--model", model) == "no speech\n"
    assert succeed(tmp_path / "a.wav", "--model", model, "--rttm") == ""


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"threshold": 0.9},
        {"min_speech": 0.32},
        {"min_silence": 0.8},
        {"pad": 0.2},
        {"max_speech": 0.2},
        {"max_speech": "inf"},
        {"threshold": 0.3, "min_silence": 0.05, "pad": 0.01},
    ],
)
def test_the_segments_are_those_of_the_library(model, tmp_path, settings):
    samples = np.tile(two_tones(), 3)
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    options = [str(x) for k, v in settings.items() for x in ("--" + k.replace("_", "-"), v)]
    text = succeed(tmp_path / "a.wav", "--model", model, "--json", *options)
    numbers = {name: float(value) for name, value in settings.items()}
    segments = expected(tmp_path, model, samples, **numbers)
    assert found(text) == [(round(a, 6), round(b, 6)) for a, b in segments]
    last = json.loads(text.splitlines()[-1])
    assert last["segments"] == len(segments)
    assert last["speech_seconds"] == pytest.approx(sum(b - a for a, b in segments), abs=1e-5)


def test_the_bundled_model_hears_speech():
    path = Path(__file__).parent.parent / "data" / "speech.wav"
    [(start, end)] = found(succeed(path, "--json"))
    assert start < 0.5
    assert end > 3.0


def test_any_model_whose_label_of_speech_is_named(tmp_path):
    tone_model().save(tmp_path / "m.safetensors")
    path = write(tmp_path / "a.wav")
    message = "--label is missing; expected which of the 3 outputs says that somebody speaks"
    refuse(2, message, path, "--model", tmp_path / "m.safetensors")
    assert succeed(path, "--model", tmp_path / "m.safetensors", "--label", "high")
    message = "--label is 'middle'; expected 'silence', 'low', 'high'"
    refuse(2, message, path, "--model", tmp_path / "m.safetensors", "--label", "middle")


def test_several_files_pipes_and_raw_samples(model, tmp_path):
    a, b = write(tmp_path / "a.wav"), write(tmp_path / "b.wav")
    text = succeed(a, b, "--model", model)
    assert [part.splitlines()[0] for part in text.split("\n\n")] == [f"{a}:", f"{b}:"]
    alone = found(succeed(a, "--model", model, "--json"))
    assert found(succeed(a, b, "--model", model, "--json")) == alone * 2
    assert found(succeed("-", "--model", model, "--json", stdin=a.read_bytes())) == alone
    raw = (two_tones() * 32767).astype("<i2").tobytes()
    options = ["--raw", "int16", "--rate", 16000]
    assert found(succeed("-", "--model", model, "--json", *options, stdin=raw)) == alone
    result = invoke(a, tmp_path / "c.wav", b, "--model", model, "--json")
    assert (result.exit_code, found(result.stdout)) == (1, alone * 2)
    assert result.stderr == (
        f"pylstm: cannot read {tmp_path / 'c.wav'}: No such file or directory\n"
    )


def test_a_channel(model, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([two_tones(), -two_tones()], 1), 16000, "FLOAT")
    result = invoke(path, "--model", model)
    assert result.stdout == "no speech\n"
    assert "--channel 0 takes that one" in result.stderr
    [line] = succeed(path, "--model", model, "--channel", 0, "--rttm").splitlines()
    assert line.split()[2] == "1"
    [line] = succeed(path, "--model", model, "--channel", 1, "--rttm").splitlines()
    assert line.split()[2] == "2"


# --- forms ----------------------------------------------------------------------------------------


def test_rttm(model, tmp_path):
    [(start, end)] = expected(tmp_path, model, two_tones())
    path = write(tmp_path / "my talk.wav")
    text = succeed(path, "--model", model, "--rttm")
    length = f"{end - start:.3f}"
    assert text == f"SPEAKER my%20talk 1 {start:.3f} {length} <NA> <NA> low <NA> <NA>\n"


def test_rttm_tells_files_of_one_name_apart(model, tmp_path):
    (tmp_path / "x").mkdir()
    files = [write(tmp_path / "a.wav"), write(tmp_path / "x" / "a.wav"), write(tmp_path / "b.wav")]
    lines = succeed(*files, "--model", model, "--rttm").splitlines()
    names = [unquote(line.split()[1]) for line in lines]
    assert names == [str(files[0]), str(files[1]), "b"]


def test_audacity(model, tmp_path):
    [(start, end)] = expected(tmp_path, model, two_tones())
    path = write(tmp_path / "a.wav")
    assert succeed(path, "--model", model, "--audacity") == f"{start:.6f}\t{end:.6f}\tlow\n"
    message = "--audacity is given with 2 recordings; expected one, because a label track is .*"
    refuse(2, message, path, path, "--model", model, "--audacity")


def test_one_form_at_a_time(model, tmp_path):
    path = write(tmp_path / "a.wav")
    message = "--json and --rttm are given; expected one of them"
    refuse(2, message, path, "--model", model, "--json", "--rttm")
    for option in re.findall("--[a-z]+", message):
        succeed(path, "--model", model, option)


def lines_of(form: str, name: str, label: str) -> list[str]:
    lines: list[str] = []
    path = Path(name)
    report = {
        "rttm": lambda: RttmSegments(lines.append, [path], None),
        "json": lambda: JsonSegments(lines.append, [path]),
        "audacity": lambda: AudacityTrack(lines.append, [path]),
        "table": lambda: SegmentTable(lines.append, [path, path]),
    }[form]()
    report.recording(path)
    report.segment(Segment(0.5, 1.25, label, 0.9))
    report.end(2.0)
    return lines


@pytest.mark.parametrize("form", ["rttm", "json", "audacity", "table"])
@given(
    name=st.one_of(st.sampled_from(BAD_NAMES), st.text(min_size=1)),
    label=st.one_of(st.sampled_from(BAD_NAMES), st.text(min_size=1)),
)
def test_names_and_labels_are_harmless(form, name, label):
    name = name.replace("\0", "")
    lines = lines_of(form, name, label)
    assert all(line.replace("\t", "").isprintable() for line in lines)
    if form == "rttm":
        [line] = lines
        fields = line.split()
        assert len(fields) == len(line.split(" ")) == 10
        assert unquote(fields[7]) == label
        stem = unquote(fields[1], errors="surrogateescape")
        assert stem == (Path(name).stem or "<NA>")
        assert ";" not in line
    elif form == "json":
        assert json.loads(lines[0])["label"] == label
        assert json.loads(lines[0])["file"] == str(Path(name))
    elif form == "audacity":
        [line] = lines
        assert len(line.split("\t")) == 3


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows: another system runs this")
def test_names_that_are_not_utf8(model, tmp_path):
    path = tmp_path / os.fsdecode(b"gr\xfc \n.wav")
    os.rename(write(tmp_path / "a.wav"), path)
    output = tmp_path / "out"
    for form in ("--rttm", "--json", "--audacity"):
        succeed(path, "--model", model, form, "-o", output)
        text = output.read_text(encoding="utf-8")
        assert all(line.replace("\t", "").isprintable() for line in text.splitlines())
    succeed(path, "--model", model, "--rttm", "-o", output)
    field = output.read_text(encoding="utf-8").split()[1]
    assert unquote(field, errors="surrogateescape") == path.stem


# --- where it is written --------------------------------------------------------------------------


@pytest.mark.parametrize("form", [[], ["--json"], ["--rttm"], ["--audacity"]])
def test_a_file_has_what_is_printed(model, tmp_path, form):
    path, output = write(tmp_path / "a.wav"), tmp_path / "out"
    output.write_text("older and longer\n" * 999)
    printed = succeed(path, "--model", model, *form)
    assert succeed(path, "--model", model, *form, "-o", output) == ""
    assert output.read_bytes() == printed.encode()


def test_a_file_is_there_where_nobody_speaks(model, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    succeed(tmp_path / "a.wav", "--model", model, "--rttm", "-o", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.law_saves_are_whole
def test_a_refused_run_leaves_the_file_alone(model, tmp_path):
    output = tmp_path / "out"
    output.write_text("older")
    refuse(1, ".*No such file.*", tmp_path / "absent.wav", "--model", model, "-o", output)
    assert output.read_text() == "older"


@pytest.mark.parametrize("which", ["audio", "model"])
def test_what_is_read_is_never_overwritten(model, tmp_path, which):
    audio = write(tmp_path / "a.wav")
    path = {"audio": audio, "model": model}[which]
    before = path.read_bytes()
    message = "--output .* would overwrite the input .*"
    refuse(2, message, audio, "--model", model, "-o", path)
    assert path.read_bytes() == before


def test_files_that_cannot_be_written(model, tmp_path):
    audio = write(tmp_path / "a.wav")
    absent = tmp_path / "absent" / "out"
    message = "cannot write .*out: No such file or directory"
    refuse(1, message, audio, audio, "--model", model, "-o", absent)
    refuse(1, "cannot write .*: .+", audio, "--model", model, "-o", tmp_path)
    if Path("/dev/full").exists():
        message = "cannot write /dev/full: No space left on device"
        refuse(1, message, audio, "--model", model, "-o", "/dev/full")


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--threshold", "2"),
        ("--threshold", "0"),
        ("--min-speech", "-1"),
        ("--min-silence", "nan"),
        ("--pad", "-0.1"),
        ("--pad", "inf"),
        ("--max-speech", "0"),
        ("--max-speech", "-3"),
    ],
)
def test_settings_that_are_refused(model, tmp_path, option, value):
    path = write(tmp_path / "a.wav")
    refuse(2, rf"{option} is {value}\S*; expected .*", path, "--model", model, option, value)
    succeed(path, "--model", model, option, "0.5")
