"""Recordings as people have them, through pylstm train and pylstm eval: notes, and what to do."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

import pylstm
from tests import training_on_tones
from tests.training_on_tones import QUICK, folder_of_tones, invoke, refuse, succeed, tone

trained = training_on_tones.trained  # a fixture
data = training_on_tones.data  # of which it is trained
SHORT = [*QUICK, "--epochs", 1]


@dataclass
class Command:
    """A command that reads recordings; each call begins anew."""

    name: str
    model: Path

    def arguments(self, data: Path, *more: object) -> list[object]:
        if self.name == "train":
            return ["train", data, "-o", self.model, *SHORT, "--force", *more]
        return ["eval", self.model, data, *more]

    def __call__(self, data: Path, *more: object) -> Result:
        return invoke(*self.arguments(data, *more))


@pytest.fixture(params=["train", "eval"])
def command(request, tmp_path, trained) -> Command:
    name = request.param
    return Command(name, tmp_path / "a.safetensors" if name == "train" else trained[0])


def notes(result) -> list[str]:
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("epoch ")]
    return [line.removeprefix("note: ") for line in lines]


def table(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows))
    return path


def rows_of(folder: Path, n: int, cell: str = "") -> list[str]:
    return [f"{label}/{k}.wav,{label}{cell}" for label in ("low", "high") for k in range(n)]


def what_the_message_says(line: str) -> list[list[str]]:
    """The options that an error names after its problems, each with its value."""
    option = r"; (--[a-z-]+)(?: (speakers|include|skip))? "
    return [[part for part in found if part] for found in re.findall(option, line)]


# --- notes ----------------------------------------------------------------------------------------


def test_furniture_is_noted_on_one_line(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    for name in ("Thumbs.db", ".DS_Store", "notes.txt", "README.md"):
        (root / "low" / name).write_bytes(b"x")
    (root / "empty").mkdir()
    (root / "low" / "sub").mkdir()
    assert notes(command(root)) == [
        f"passed over 6 in {root}: 2 folders without recordings (empty, low/sub), 1 hidden"
        " (low/.DS_Store), 3 not audio (low/README.md, low/Thumbs.db, low/notes.txt)"
    ]


def test_columns_that_are_not_used_are_noted(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    path = table(root / "m.csv", ["path,label,age,gender", *rows_of(root, 4, ",30,f")])
    assert notes(command(path)) == [f"{path}: columns 'age', 'gender' are not used"]


def test_headers_that_are_wrong_are_noted(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    for k, factor in enumerate((0, 2)):
        path = root / "low" / f"{k}.wav"
        content = bytearray(path.read_bytes())
        (length,) = struct.unpack_from("<I", content, 40)
        struct.pack_into("<I", content, 40, factor * length)
        path.write_bytes(content)
    [note] = notes(command(root))
    assert note.startswith("2 files are not as long as their headers say, and used as they are: ")


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on Linux")
def test_names_that_are_not_utf8(tmp_path, command):
    """Of a file, and of the folder: the model remembers what it was trained on."""
    root = tmp_path / os.fsdecode(b"s\xe4t")
    os.rename(folder_of_tones(tmp_path / "set", n=4), root)
    os.rename(os.fsencode(root / "low" / "0.wav"), os.fsencode(root) + b"/low/gr\xfc.wav")
    assert notes(command(root)) == []
    if command.name == "train":
        assert notes(command(root, "--cache", tmp_path / "cache")) == []
        assert pylstm.load(command.model).info["training.data"] == r"s\udce4t"
        [note] = notes(invoke("eval", command.model, root))
        assert note.startswith("the model may have been trained on some of these")


# --- errors, followed to the letter ---------------------------------------------------------------


def test_every_way_that_the_message_names_works(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    for label in ("low", "high"):
        (root / label / "ann").mkdir()
        soundfile.write(root / label / "ann" / "1.wav", tone(label, 5), 16000)
    result = command(root)
    assert result.exit_code == 1
    ways = what_the_message_says(result.stderr.splitlines()[-1])
    assert ways == [["--subfolders", way] for way in ("speakers", "include", "skip")]
    assert [len(notes(command(root, *way))) for way in ways] == [0, 0, 1]


def test_files_are_left_out_as_the_message_says(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    (root / "low" / "4.wav").write_text("no sound")
    (root / "high" / "5.wav").write_bytes(b"")
    path = table(tmp_path / "m.csv", ["path,label", *(f"set/{row}" for row in rows_of(root, 12))])
    for place, problems, options, left in (
        (
            path,
            "m.csv: 16 problems, the first 10 above",
            ["--skip-missing", "--skip-unreadable"],
            14,
        ),
        (root, "set: 2 problems, above", ["--skip-unreadable"], 0),
    ):
        result = command(place)
        line = result.stderr.splitlines()[-1]
        assert (result.exit_code, problems in line) == (1, True)
        ways = what_the_message_says(line)
        assert ways == [[option] for option in options]
        *missing, unreadable = notes(command(place, *options))
        assert len(missing) == bool(left)
        assert all(note.startswith("left out 14 files that are not there: ") for note in missing)
        assert unreadable.startswith("left out 2 files that are of no use as audio: ")


def test_files_on_another_scale_are_all_named(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    for k in (1, 3):
        soundfile.write(root / "low" / f"{k}.wav", tone("low", k) * 32768, 16000, "FLOAT")
    message = ".*set: 2 problems, above; --skip-unreadable leaves out 2 .*"
    named = refuse(1, message, *command.arguments(root))
    assert [re.search(r"low/(\d)\.wav has samples up to", line)[1] for line in named] == ["1", "3"]
    assert all("samples / 32768 if they are 16-bit values" in line for line in named)


def test_files_that_are_damaged_inside_are_all_named(tmp_path, command):
    root = folder_of_tones(tmp_path / "set", n=4)
    for k in range(2):
        path = root / "high" / f"long{k}.flac"
        soundfile.write(path, 0.1 * np.random.default_rng(k).standard_normal(48000), 16000)
        content = bytearray(path.read_bytes())
        content[20000:24000] = bytes(4000)
        path.write_bytes(content)
    more = ["--validation", 0] if command.name == "train" else []
    message = ".*set: 2 problems, above; --skip-unreadable leaves out what is damaged"
    named = refuse(1, message, *command.arguments(root, *more))
    assert [f"long{k}.flac" in line for k, line in enumerate(named)] == [True, True]
    [note] = notes(command(root, *more, "--skip-unreadable"))
    assert note.startswith("left out 2 files that are of no use as audio: ")


def test_subfolders_are_those_of_a_folder(tmp_path, command):
    path = table(tmp_path / "m.csv", ["path,label"])
    message = r".*m\.csv is a manifest; --subfolders expects a folder"
    refuse(2, message, *command.arguments(path, "--subfolders", "skip"))


# --- the cache and noise --------------------------------------------------------------------------


def test_what_is_no_cached_entry_is_noted_once(data, tmp_path):
    cache = tmp_path / "cache"
    arguments = ["train", data, "-o", tmp_path / "a.safetensors", *SHORT, "--cache", cache]
    assert notes(invoke(*arguments)) == []
    before = (tmp_path / "a.safetensors").read_bytes()
    entries = sorted(cache.rglob("*.frames"))
    os.truncate(entries[0], 1 << 40)
    for entry, put in zip(entries[1:], (os.mkfifo, Path.mkdir, Path.touch), strict=False):
        entry.unlink()
        put(entry)
    [note] = notes(invoke(*arguments, "--force", "--threads", 2))
    assert "is no cached entry or a damaged one: its frames are computed again" in note
    notes(invoke(*arguments, "--force"))
    assert (tmp_path / "a.safetensors").read_bytes() == before


def test_a_cache_that_is_no_folder(data, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    message = "--cache is .*pipe; expected a folder"
    refuse(
        2, message, "train", data, "-o", tmp_path / "a.safetensors", "--cache", tmp_path / "pipe"
    )


def test_noise_lies_in_subfolders_with_papers_beside(data, tmp_path):
    noise = tmp_path / "noise"
    (noise / "free").mkdir(parents=True)
    soundfile.write(noise / "free" / "fan.wav", 0.1 * tone("", 5, 2.0), 16000)
    (noise / "LICENSE").write_text("CC0")
    arguments = [
        "train",
        data,
        "-o",
        tmp_path / "a.safetensors",
        *SHORT,
        "--augment",
        "--noise",
        noise,
    ]
    assert notes(invoke(*arguments)) == [f"passed over 1 in {noise}: 1 not audio (LICENSE)"]
    os.mkfifo(noise / "pipe.wav")
    message = r".*pipe\.wav is not a regular file; .*; --skip-unreadable leaves out 1 file .*"
    refuse(1, message, *arguments, "--force")
    assert len(notes(invoke(*arguments, "--force", "--skip-unreadable"))) == 2


# --- former names of options ----------------------------------------------------------------------


def test_quiet_is_a_former_name(data, tmp_path):
    without = [option for option in SHORT if option != "--no-background-examples"]
    found = {}
    for option in ("--quiet", "--background-examples", "--no-quiet", "--no-background-examples"):
        path = tmp_path / f"{option}.safetensors"
        said = notes(invoke("train", data, "-o", path, *without, option))
        assert said == ["--quiet is now called --background-examples"] * option.endswith("quiet")
        found[option] = path.read_bytes()
    assert found["--quiet"] == found["--background-examples"]
    assert found["--no-quiet"] == found["--no-background-examples"]
    assert found["--quiet"] != found["--no-quiet"]
    message = "--quiet is a former name of --background-examples; expected one of them"
    both = ["--quiet", "--background-examples"]
    refuse(2, message, "train", data, "-o", path, *without, "--force", *both)


def test_png_is_a_former_name(trained, data, tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    result = invoke("eval", trained[0], data, "--png", tmp_path / "figures")
    assert "--png is now called --figures" in notes(result)
    assert (tmp_path / "figures" / "confusion.png").exists()


@pytest.mark.parametrize("command", ["train", "eval"])
def test_help_has_no_former_names(command):
    text = succeed(command, "--help").stdout
    assert not re.search(r"^ *(--quiet|--png)", text, re.M)
    for option in ("--subfolders", "--skip-missing", "--skip-unreadable"):
        assert option in text
