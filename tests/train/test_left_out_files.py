"""Files that are missing or cannot be read: all are named, and left out where the user says so."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.recordings import Recordings
from tests.audio_files import sound
from tests.train.recording_sets import csv, folders, speakers


def quietly(read: Callable[..., Recordings], path: Path, **options) -> Recordings:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path, **options)


# --- manifests and lists --------------------------------------------------------------------------


@given(gone=st.sets(st.integers(0, 39), min_size=1, max_size=30))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_missing_file_is_named_and_may_be_left_out(tmp_path, gone):
    gone -= {0, 1}
    for k in (0, 1):
        sound(tmp_path / f"{k}.wav")
    for k in range(2, 40):
        path = tmp_path / f"{k}.wav"
        path.unlink(missing_ok=True)
        if k not in gone:
            os.link(tmp_path / "0.wav", path)
    rows = [f"{k}.wav,{('yes', 'no')[k % 2]}" for k in range(40)]
    manifest = csv(tmp_path / "m.csv", "path,label", *rows)
    if not gone:
        return
    with pytest.raises(RecordingsError) as error:
        Recordings.from_manifest(manifest)
    assert list(error.value.problems) == [
        f"line {k + 2}: cannot read {tmp_path}/{k}.wav: No such file or directory"
        for k in sorted(gone)
    ]
    [remedy] = error.value.remedies
    files = "files that are" if len(gone) > 1 else "file that is"
    assert str(error.value).endswith(f"skip_missing=True leaves out {len(gone)} {files} not there")
    with pytest.warns(UserWarning, match=f"left out {len(gone)} {files} not there: .*wav"):
        recordings = Recordings.from_manifest(manifest, **{remedy.argument: remedy.value})
    assert {int(Path(item.path).stem) for item in recordings.items} == {*range(40)} - gone
    assert len(recordings.notes) == 1


LISTS = {
    "as they should be": b"yes/s0_nohash_0.wav\nno/gone.wav\n",
    "with CRLF and a mark": b"\xef\xbb\xbfyes/s0_nohash_0.wav\r\n\r\nno/gone.wav\r\n",
    "of Windows": b"yes\\s0_nohash_0.wav\r\nno\\gone.wav",
    "of an old Mac": b"yes/s0_nohash_0.wav\rno/gone.wav\r",
    "with dots": b"./yes/s0_nohash_0.wav\n./no//gone.wav\n",
    "with spaces": b"  yes/s0_nohash_0.wav  \nno/gone.wav\n",
    "twice": b"yes/s0_nohash_0.wav\nyes/s0_nohash_0.wav\nno/gone.wav\nno/gone.wav\n",
    "absolute": b"{root}/yes/s0_nohash_0.wav\n{root}/no/gone.wav\n",
    "with a name that is not UTF-8": b"yes/s0_nohash_0.wav\nno/g\xf6ne.wav\n",
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS)
def test_lists_name_files_that_are_there_and_files_that_are_not(tmp_path, content):
    root = speakers(tmp_path, ["yes", "no"], 3)
    (root / "testing_list.txt").write_bytes(content.replace(b"{root}", os.fsencode(root)))
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    [problem] = error.value.problems
    assert problem.endswith("ne.wav does not exist; the list for testing names it")
    assert str(error.value).endswith("; skip_missing=True leaves out 1 file that is not there")
    recordings = quietly(Recordings.from_folder, root, skip_missing=True)
    assert [Path(i.path).name for i in recordings.split(0.4).testing.items] == ["s0_nohash_0.wav"]
    [note] = recordings.notes
    assert note.startswith(f"left out 1 file that is not there: {root}/no/g")


def test_a_list_may_name_what_is_passed_over(tmp_path):
    root = speakers(tmp_path, ["yes", "no"], 3)
    (root / "yes" / "notes.txt").write_text("mine")
    csv(root / "testing_list.txt", "yes/notes.txt", "yes/s0_nohash_0.wav")
    assert quietly(Recordings.from_folder, root).counts() == {"no": 3, "yes": 3}


def test_lists_that_cannot_be_read(tmp_path):
    root = speakers(tmp_path, ["yes", "no"], 3)
    path = root / "validation_list.txt"
    path.write_bytes("yes/s0_nohash_0.wav\n".encode("utf-16"))
    with pytest.raises(RecordingsError, match=r"validation_list\.txt is UTF-16; expected UTF-8"):
        Recordings.from_folder(root)
    for put in (path.mkdir, lambda: path.symlink_to("nowhere"), lambda: os.mkfifo(path)):
        path.unlink() if not path.is_dir() or path.is_symlink() else path.rmdir()
        put()
        with pytest.raises(RecordingsError, match=r"list\.txt is not a regular file; expected a"):
            Recordings.from_folder(root)


def test_links_without_their_files_are_missing(tmp_path):
    """As where the contents of a data set were not fetched."""
    root = speakers(tmp_path, ["yes", "no"], 3)
    (root / "yes" / "x.wav").symlink_to("../.objects/ab12")
    (root / "yes" / "y.wav").symlink_to("y.wav")
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    ways = {remedy.argument: remedy.value for remedy in error.value.remedies}
    assert ways == {"skip_missing": True, "skip_unreadable": True}
    with pytest.raises(RecordingsError, match=r"y\.wav: Too many levels"):
        Recordings.from_folder(root, skip_missing=True)
    assert len(quietly(Recordings.from_folder, root, **ways)) == 6


# --- unreadable files -----------------------------------------------------------------------------


def not_finite(path: Path) -> None:
    soundfile.write(path, np.float32([0, np.nan, 0]), 16000, "FLOAT")


def damaged_inside(path: Path) -> None:
    sound(path, 3.0)
    data = bytearray(path.read_bytes())
    data[20000:24000] = bytes(4000)
    path.write_bytes(data)


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "empty.wav": lambda path: path.write_bytes(b""),
    "text.wav": lambda path: path.write_text("no sound " * 50),
    "header.wav": lambda path: path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt "),
    "nan.wav": not_finite,
    "pointer.flac": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1"),
    "headerless.raw": lambda path: path.write_bytes(bytes(3200)),
    "pipe.wav": os.mkfifo,
    "endless.wav": lambda path: path.symlink_to("/dev/zero"),
    "folder.wav": lambda path: (path.mkdir(), sound(path / "a.wav")),
}


@pytest.mark.parametrize("name", [name for name in UNREADABLE if name != "folder.wav"])
def test_what_cannot_be_read_is_refused_or_left_out(tmp_path, name):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    UNREADABLE[name](root / "yes" / name)
    manifest = csv(root / "m.csv", "path,label", "yes/a.wav,yes", f"yes/{name},yes", "no/b.wav,no")
    for read, path in ((Recordings.from_folder, root), (Recordings.from_manifest, manifest)):
        with pytest.raises(RecordingsError) as error:
            read(path)
        [problem] = error.value.problems
        assert name in problem
        assert str(error.value).endswith(
            "; skip_unreadable=True leaves out 1 file that is of no use as audio"
        )
        with pytest.raises(RecordingsError):
            read(path, skip_missing=True)
        with pytest.warns(UserWarning, match=f"left out 1 file .*{name}"):
            recordings = read(path, skip_unreadable=True)
        assert recordings.counts() == {"no": 1, "yes": 1}


def test_what_is_damaged_inside_is_found_when_it_is_to_be_left_out(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    damaged_inside(root / "yes" / "c.flac")
    recordings = Recordings.from_folder(root)
    with pytest.raises(RecordingsError, match=r"c\.flac(?s:.*)skip_unreadable=True leaves out"):
        recordings.check(cut_off=False)
    left = quietly(Recordings.from_folder, root, skip_unreadable=True)
    left.check()
    assert len(left) == 2


def test_all_that_is_unreadable_is_named_at_once(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    for name, put in UNREADABLE.items():
        put(root / "no" / name)
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    assert len(error.value.problems) == len(UNREADABLE)
    options = {r.argument: r.value for r in error.value.remedies if r.value in (True, "include")}
    assert quietly(Recordings.from_folder, root, **options).counts() == {"no": 2, "yes": 1}


def test_a_label_that_loses_all_its_recordings(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    (root / "maybe").mkdir()
    (root / "maybe" / "c.wav").write_text("no sound")
    message = "label 'maybe' has no recording left; expected one or more"
    rows = ["yes/a.wav,yes", "no/b.wav,no", "maybe/c.wav,maybe", "gone.wav,maybe"]
    manifest = csv(root / "m.csv", "path,label", *rows)
    for read, path in ((Recordings.from_folder, root), (Recordings.from_manifest, manifest)):
        with pytest.raises(RecordingsError, match=message):
            quietly(read, path, skip_unreadable=True, skip_missing=True)
    manifest = csv(root / "m.csv", "path,label", "gone.wav,maybe", "also.wav,yes")
    with pytest.raises(RecordingsError, match="no file that can be read; expected at least one"):
        quietly(Recordings.from_manifest, manifest, skip_missing=True)


def test_switches_are_true_or_false(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    for name in ("skip_missing", "skip_unreadable"):
        with pytest.raises(TypeError, match=f"{name} is 'yes'; expected True or False"):
            Recordings.from_folder(root, **{name: "yes"})
