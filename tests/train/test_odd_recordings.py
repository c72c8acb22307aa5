"""Recordings that are sound but odd: one of them does not stop a set, or all of them are named."""

from __future__ import annotations

import os
import struct
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

import pylstm
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.recordings import Recordings
from tests.audio_files import sound
from tests.train.recording_sets import csv, folders, speakers

FEATURES = pylstm.MFCC()


def warned(action) -> tuple[object, list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = action()
    return result, [str(warning.message) for warning in said]


def with_length(path: Path, factor: float) -> Path:
    """Changes what the header of a WAV file says about the length of the audio."""
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    (length,) = struct.unpack_from("<I", data, place)
    struct.pack_into("<I", data, place, round(factor * length))
    path.write_bytes(data)
    return path


# --- lengths --------------------------------------------------------------------------------------


def test_headers_that_are_wrong_are_said_in_one_sentence(tmp_path):
    root = speakers(tmp_path, ["yes", "no"], 5)
    for k, factor in enumerate((0, 2, 10)):
        with_length(sound(root / "yes" / f"s{k}_nohash_0.wav", 1.0), factor)
    manifest = csv(
        root / "m.csv",
        "path,label",
        *(f"{label}/s{k}_nohash_0.wav,{label}" for label in ("yes", "no") for k in range(5)),
    )
    for read, path in ((Recordings.from_folder, root), (Recordings.from_manifest, manifest)):
        recordings, said = warned(partial(read, path))
        [note] = [text for text in said if "header" in text]
        assert note.startswith("3 files are not as long as their headers say, and used as they are")
        assert note in recordings.notes
        lengths = {item.path: item.seconds for item in recordings.items}
        assert [lengths[str(root / f"yes/s{k}_nohash_0.wav")] for k in range(3)] == [1.0] * 3
        batches, said = warned(partial(list, recordings.source(FEATURES).batches(0, 0)))
        assert said == []
        assert max(max(batch.lengths) for batch in batches) == 101


@pytest.mark.parametrize("suffix", ["mp3", "flac"])
def test_files_that_only_tell_when_they_are_read(tmp_path, suffix):
    """Said once, all together, and not a line for each in every epoch."""
    root = speakers(tmp_path, ["yes", "no"], 4)
    for label in ("yes", "no"):
        path = sound(root / label / f"long.{suffix}", 4.0)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    recordings, said = warned(lambda: Recordings.from_folder(root))
    source = recordings.source(FEATURES)
    for epoch in range(3):
        said += warned(partial(list, source.batches(epoch, 0)))[1]
    assert len(said) == 1
    assert said[0].startswith("2 files are not as long as their headers say, and used as they are")
    assert warned(lambda: recordings.normalised(FEATURES))[1] == []
    with pytest.raises(RecordingsError, match=rf"long\.{suffix} is cut off"):
        recordings.check()
    recordings.check(cut_off=False)


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on Linux")
def test_one_name_that_is_not_utf8_does_not_refuse_a_set(tmp_path):
    root = speakers(tmp_path / "set", ["yes", "no"], 4)
    try:
        os.rename(
            os.fsencode(root / "yes" / "s0_nohash_0.wav"), os.fsencode(root) + b"/yes/gr\xfc.wav"
        )
    except OSError:
        pytest.skip("this file system refuses such names: Linux runs this")
    recordings = Recordings.from_folder(root)
    assert recordings.counts() == {"no": 4, "yes": 4}
    features = recordings.normalised(FEATURES, tmp_path / "cache")
    for cache in (None, tmp_path / "cache"):
        [batch] = recordings.source(features, cache=cache).batches(0, 0)
        assert len(batch.lengths) == 8
    assert len(recordings.split(0.3).training) < 8


# --- scale ----------------------------------------------------------------------------------------


def on_scale(path: Path, scale: float, subtype: str = "FLOAT") -> None:
    y = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)
    soundfile.write(path, y * scale, 16000, subtype)


def test_float_files_on_the_scale_of_int16_are_all_named(tmp_path):
    root = speakers(tmp_path, ["yes", "no"], 20)
    wrong = [root / "no" / f"s{k}_nohash_0.wav" for k in (1, 3, 7)]
    for path in wrong:
        on_scale(path, 32768.0)
    with pytest.raises(RecordingsError) as error:
        Recordings.from_folder(root)
    assert [problem.split(" has samples up to 16")[0] for problem in error.value.problems] == [
        str(path) for path in wrong
    ]
    assert "expected -1 to 1: save samples / 32768 if they are 16-bit values" in str(error.value)
    # As the message says: to leave them out, or to save what they should be.
    left, said = warned(lambda: Recordings.from_folder(root, skip_unreadable=True))
    assert len(left) == 37
    assert said[0].startswith("left out 3 files that are of no use as audio")
    for path in wrong:
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples / 32768, rate)
    recordings = Recordings.from_folder(root)
    assert len(recordings) == 40
    assert np.isfinite(recordings.normalised(FEATURES).std).all()


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("scale", [128, 32768, 2.0**23, 2.0**31])
@pytest.mark.parametrize("table", [False, True])
def test_every_scale_of_whole_numbers(tmp_path, scale, subtype, table):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    on_scale(root / "yes" / "c.wav", scale, subtype)
    rows = ["yes/a.wav,yes", "yes/c.wav,yes", "no/b.wav,no"]
    read, path = Recordings.from_folder, root
    if table:
        read, path = Recordings.from_manifest, csv(root / "m.csv", "path,label", *rows)
    with pytest.raises(RecordingsError, match=r"yes/c\.wav has samples up to .*; expected -1 to 1"):
        read(path)


@pytest.mark.parametrize(
    ("scale", "subtype"), [(1.0, "FLOAT"), (3.0, "FLOAT"), (1.0, "PCM_16"), (1.0, "PCM_32")]
)
def test_loud_audio_is_audio(tmp_path, scale, subtype):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    on_scale(root / "yes" / "c.wav", 2 * scale, subtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Recordings.from_folder(root)) == 3


def test_noise_may_have_any_scale(tmp_path):
    """It is mixed in at a ratio."""
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav", "_background_noise_/hum.wav"])
    on_scale(root / "_background_noise_" / "int16.wav", 32768.0)
    assert len(Recordings.from_folder(root).noises) == 2
