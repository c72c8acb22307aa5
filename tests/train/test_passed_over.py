"""Folders as people have them: what is no recording is passed over and said, nothing else is."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.noise_folder import read_noise_folder
from pylstm.train.data.recordings import Recordings
from tests.audio_files import sound
from tests.train.recording_sets import folders, speakers

# Files that systems, editors and people leave in folders. Some begin as MP3 frames nearly do.
FURNITURE = {
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
    "desktop.ini": "[.ShellClassInfo]\r\nIconIndex=0".encode("utf-16"),
    ".DS_Store": b"\0\0\0\1Bud1" + bytes(100),
    "._a.wav": b"\0\5\x16\7" + bytes(80),
    ".hidden.wav": b"RIFF",
    "notes.txt": b"these are mine",
    "UTF-16.txt": "notes".encode("utf-16"),
    "README.md": b"# about",
    "LICENSE": b"CC BY 4.0",
    "Makefile": b"all:\n",
    "a.json": b"{}",
    "labels.csv": b"path,label\n",
    "a.lab": b"0 1 yes\n",
    "a.TextGrid": b'File type = "ooTextFile"',
    "cover.jpg": b"\xff\xd8\xff\xe0" + bytes(100),
    "a.png": b"\x89PNG\r\n",
    "a.zip": b"PK\3\4",
    "a.npy": b"\x93NUMPY\1\0",
    "empty": b"",
    "a.wav.md5": b"d41d8cd98f00b204e9800998ecf8427e",
    "gr\udcfc.txt": b"a name that is not UTF-8",
}


def quietly(path: Path, **options) -> Recordings:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Recordings.from_folder(path, **options)


def names(recordings: Recordings, root: Path) -> list[str]:
    return [os.path.relpath(item.path, root) for item in recordings.items]


@given(
    put=st.lists(
        st.tuples(
            st.sampled_from(["", "yes", "no", "_background_noise_"]),
            st.sampled_from(sorted(FURNITURE)),
        ),
        unique=True,
        max_size=12,
    ),
    hidden=st.sampled_from(["", ".git", "yes/.cache"]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_furniture_changes_nothing_but_is_counted(tmp_path, put, hidden):
    root = tmp_path / "set"
    shutil.rmtree(root, ignore_errors=True)
    folders(root, ["yes/a.wav", "yes/b.flac", "no/c.ogg", "_background_noise_/hum.wav"])
    for place, name in put:
        (root / place / name).write_bytes(FURNITURE[name])
    if hidden:
        folders(root / hidden, ["more/d.wav"])
    recordings = quietly(root)
    assert names(recordings, root) == ["no/c.ogg", "yes/a.wav", "yes/b.flac"]
    assert [Path(path).name for path in recordings.noises] == ["hum.wav"]
    n = len(put) + bool(hidden)
    assert len(recordings.notes) == bool(n)
    assert all(note.startswith(f"passed over {n} in {root}: ") for note in recordings.notes)


@pytest.mark.parametrize("name", FURNITURE)
def test_what_was_refused_is_warned_of_and_what_was_not_is_not(tmp_path, name):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    (root / name).write_bytes(FURNITURE[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = Recordings.from_folder(root)
    assert len(before.notes) == 1
    (root / "yes" / name).write_bytes(FURNITURE[name])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        recordings = Recordings.from_folder(root)
    assert [str(warning.message) for warning in said] == (
        [] if name.startswith(".") else list(recordings.notes)
    )
    assert recordings.items == before.items


def test_the_note_has_kinds_and_first_names(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav", "alone.wav"])
    for name in ("1.txt", "2.txt", "3.txt", "4.txt", ".DS_Store"):
        (root / "yes" / name).write_bytes(b"x")
    (root / "empty").mkdir()
    (root / "no" / "deeper").mkdir()
    with pytest.warns(UserWarning, match="passed over") as said:
        Recordings.from_folder(root)
    assert str(said[0].message) == (
        f"passed over 8 in {root}: 1 recording beside the label folders (alone.wav), 2 folders"
        " without recordings (empty, no/deeper), 1 hidden (yes/.DS_Store), 4 not audio"
        " (yes/1.txt, yes/2.txt, yes/3.txt, ...)"
    )
    assert said[0].filename == __file__


@pytest.mark.parametrize("suffix", ["", ".data", ".bak", ".txt"])
@pytest.mark.parametrize(
    ("form", "subtype"),
    [("WAV", "PCM_16"), ("WAVEX", "FLOAT"), ("RF64", "PCM_16"), ("W64", "PCM_16")]
    + [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
    + [
        ("AIFF", "PCM_16"),
        ("AU", "PCM_16"),
        ("CAF", "PCM_16"),
        ("NIST", "PCM_16"),
        ("VOC", "PCM_16"),
    ],
)
def test_audio_under_any_name_is_a_recording(tmp_path, form, subtype, suffix):
    """What can be read is not passed over because of its name."""
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    y = 0.1 * np.random.default_rng(0).standard_normal(4000)
    soundfile.write(root / "yes" / f"b{suffix}", y, 16000, subtype=subtype, format=form)
    assert names(Recordings.from_folder(root), root) == ["no/b.wav", "yes/a.wav", f"yes/b{suffix}"]


@pytest.mark.parametrize("name", ["a.wav", "a.WAV", "a.Mp3", "a.flac", "a.m4a", "a.wma", "a.raw"])
@pytest.mark.parametrize("content", [b"", b"no sound", bytes(1000)], ids=len)
def test_a_name_of_audio_is_never_passed_over(tmp_path, name, content):
    root = folders(tmp_path, ["yes/b.wav", "no/b.wav"])
    (root / "yes" / name).write_bytes(content)
    with pytest.raises(RecordingsError, match=re.escape(f"yes/{name}")):
        Recordings.from_folder(root)


# --- folders in folders ---------------------------------------------------------------------------


def set_with_subfolders(root: Path) -> Path:
    return folders(root, [f"{label}/{place}" for label in ("yes", "no") for place in
                          ("a.wav", "ann/1.wav", "ann/2.wav", "bob/night/1.wav")])  # fmt: skip


@pytest.mark.parametrize("way", ["speakers", "include", "skip"])
def test_following_the_message_about_subfolders(tmp_path, way):
    root = set_with_subfolders(tmp_path)
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    assert len(error.value.problems) == 4
    assert f"subfolders='{way}' " in str(error.value)
    recordings = quietly(root, subfolders=way)
    deeper = {"skip": 0}.get(way, 3)
    assert recordings.counts() == {"no": 1 + deeper, "yes": 1 + deeper}
    found = {item.path: item.speaker for item in recordings.items}
    expected = {"speakers": "bob", "include": "no/bob/night/1.wav", "skip": None}[way]
    assert found.get(str(root / "no/bob/night/1.wav")) == expected
    if way == "speakers":
        assert {"ann", "bob"} < set(found.values())
    assert bool(recordings.notes) == (way == "skip")


def test_subfolders_alone(tmp_path):
    root = folders(tmp_path, ["yes/ann/1.wav", "yes/bob/1.wav", "no/ann/1.wav", "no/bob/1.wav"])
    recordings = Recordings.from_folder(root, subfolders="speakers")
    split = recordings.split(0.5)
    assert [len(part) for part in split[:2]] == [2, 2]
    assert len({item.speaker for item in split.validation.items}) == 1
    with pytest.raises(RecordingsError, match="holds no recordings; expected some in a folder"):
        quietly(root, subfolders="skip")
    with pytest.raises(ValueError, match="subfolders is 'all'; expected 'speakers', 'include'"):
        Recordings.from_folder(root, subfolders="all")


def test_links_may_run_in_circles(tmp_path):
    root = set_with_subfolders(tmp_path / "set")
    (root / "yes" / "up").symlink_to("..")
    (root / "yes" / "self").symlink_to(".")
    (root / "yes" / "everything").symlink_to("/")
    (root / "yes" / "ann" / "bob").symlink_to("../bob")
    (root / "yes" / "bob" / "ann").symlink_to("../ann")
    (root / "me").symlink_to("me")
    (root / "lost").symlink_to("nowhere")
    recordings = quietly(root, subfolders="include")
    assert recordings.counts() == {"no": 4, "yes": 4}
    [note] = recordings.notes
    assert "2 links to nothing (lost, me)" in note
    assert "links back to folders" in note


def test_links_to_recordings_and_to_labels(tmp_path):
    elsewhere = folders(tmp_path / "elsewhere", ["yes/a.wav", "more/b.wav"])
    root = folders(tmp_path / "set", ["no/a.wav"])
    (root / "yes").symlink_to(elsewhere / "yes")
    (root / "no" / "b.wav").symlink_to(elsewhere / "more" / "b.wav")
    assert names(Recordings.from_folder(root), root) == ["no/a.wav", "no/b.wav", "yes/a.wav"]


def test_a_label_without_recordings(tmp_path):
    """Nobody asked for it: passed over. Somebody did: refused."""
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    (root / "maybe").mkdir()
    (root / "docs").mkdir()
    (root / "docs" / "index.html").write_text("<p>")
    with pytest.warns(UserWarning, match=r"2 folders without recordings \(docs, maybe\)"):
        assert Recordings.from_folder(root).labels == ("no", "yes")
    with pytest.raises(RecordingsError, match="maybe holds no recordings; expected some of its"):
        Recordings.from_folder(root, ["yes", "no", "maybe"])
    shutil.rmtree(root / "yes")
    (root / "no" / "b.wav").unlink()
    with pytest.raises(RecordingsError, match="holds no recordings; expected some in a folder"):
        quietly(root)


def test_a_label_that_is_not_text(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    os.rename(os.fsencode(root / "no"), os.fsencode(root) + b"/n\xf6")
    with pytest.raises(RecordingsError, match="has a name that is not UTF-8; expected UTF-8"):
        Recordings.from_folder(root)
    # As one of the others its name is no label.
    assert Recordings.from_folder(root, ["yes"], "others").labels == ("others", "yes")


# --- noise ----------------------------------------------------------------------------------------


def test_noise_lies_in_subfolders_with_papers_beside(tmp_path):
    sounds = ["free/1.wav", "free/deep/2.flac", "3.ogg"]
    root = folders(
        tmp_path, [f"_background_noise_/{name}" for name in sounds] + ["a/1.wav", "b/1.wav"]
    )
    for name in ("LICENSE", "free/ANNOTATIONS", "README.md"):
        (root / "_background_noise_" / name).write_text("about")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recordings = Recordings.from_folder(root)
    found, notes = read_noise_folder(root / "_background_noise_", False)
    assert [os.path.relpath(path, root / "_background_noise_") for path in found] == [
        "3.ogg",
        "free/1.wav",
        "free/deep/2.flac",
    ]
    assert list(recordings.noises) == found
    assert "3 not audio" in notes[0].text
    (root / "_background_noise_" / "x.wav").write_text("no sound")
    with pytest.raises(RecordingsError, match=r"x\.wav"):
        read_noise_folder(root / "_background_noise_", False)
    again, notes = read_noise_folder(root / "_background_noise_", True)
    assert again == found
    assert "left out 1 file that is of no use as audio" in notes[1].text
    (tmp_path / "none").mkdir()
    with pytest.raises(RecordingsError, match="holds no audio files"):
        read_noise_folder(tmp_path / "none", True)


@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="no named pipes here: Linux or macOS runs this"
)
def test_pipes_and_devices_are_not_opened(tmp_path):
    root = speakers(tmp_path, ["yes", "no"], 2)
    os.mkfifo(root / "yes" / "pipe")
    os.mkfifo(root / "pipe")
    (root / "yes" / "zero").symlink_to("/dev/zero")
    assert "3 not audio (pipe, yes/pipe, yes/zero)" in quietly(root).notes[0]
    os.mkfifo(root / "yes" / "pipe.wav")
    (root / "yes" / "zero.wav").symlink_to("/dev/zero")
    with pytest.raises(RecordingsError, match=r"pipe\.wav is not a regular file(?s:.*)zero\.wav"):
        quietly(root)
    assert len(quietly(root, skip_unreadable=True)) == 4
    sound(root / "_background_noise_" / "a.wav")
    os.mkfifo(root / "_background_noise_" / "b.wav")
    with pytest.raises(RecordingsError, match=r"b\.wav is not a regular file"):
        quietly(root, labels=["yes", "no"], skip_missing=True)
