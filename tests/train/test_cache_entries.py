"""What may lie in the place of a cached entry: never waited for, nor read without end, and said."""

from __future__ import annotations

import os
import shutil
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pylstm
from pylstm.audio.header import Header
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.recording import Recording
from tests.audio_files import sound

FEATURES = pylstm.MFCC()


def pipe(entry: Path) -> None:
    os.mkfifo(entry)


def endless(entry: Path) -> None:
    entry.symlink_to("/dev/zero")


def link_to_a_pipe(entry: Path) -> None:
    os.mkfifo(entry.with_suffix(".pipe"))
    entry.symlink_to(entry.with_suffix(".pipe"))


def circle(entry: Path) -> None:
    entry.symlink_to(entry.name)


def link_to_nothing(entry: Path) -> None:
    entry.symlink_to("nothing")


def of_a_terabyte(entry: Path) -> None:
    entry.touch()
    os.truncate(entry, 1 << 40)


def open_socket(entry: Path) -> None:
    here = Path.cwd()
    os.chdir(entry.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(entry.name)
    finally:
        os.chdir(here)


def folder(entry: Path) -> None:
    entry.mkdir()


def full_folder(entry: Path) -> None:
    entry.mkdir()
    (entry / "a").touch()


def file_in_place_of_its_folder(entry: Path) -> None:
    shutil.rmtree(entry.parent)
    entry.parent.touch()


REPLACED = [pipe, endless, link_to_a_pipe, circle, link_to_nothing, of_a_terabyte, open_socket]
KEPT = [folder, full_folder, file_in_place_of_its_folder]


@pytest.mark.skipif(
    not hasattr(os, "mkfifo") or not os.path.exists("/dev/zero"),
    reason="no named pipes or devices here: Linux or macOS runs this",
)
@pytest.mark.parametrize("put", [*REPLACED, *KEPT], ids=lambda put: put.__name__)
def test_what_is_no_entry_is_said_and_computed_again(tmp_path, put: Callable[[Path], None]):
    path = str(sound(tmp_path / "a.wav"))
    header = Header.of(path)
    item, other = (Recording(path, 0.0, end, header, "yes") for end in (header.seconds, 0.1))
    cache = FeatureCache(tmp_path / "cache")
    expected = cache.frames(item, FEATURES)
    [entry] = cache.folder.rglob("*.frames")
    entry.unlink()
    put(entry)
    with pytest.warns(UserWarning, match=r"\.frames is no cached entry or a damaged one"):
        np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has been said
        np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)
        cache.frames(other, FEATURES)
    assert (entry.is_file() and not entry.is_symlink()) == (put in REPLACED)
    assert not list(tmp_path.rglob("*.tmp"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Another entry is kept, whatever is in the place of the first.
        assert len([found for found in cache.folder.rglob("*.frames") if found.is_file()]) == (
            1 + (put in REPLACED)
        )
        FeatureCache(tmp_path / "cache").frames(other, FEATURES)


def test_an_entry_that_is_longer_than_its_header_said(tmp_path):
    """Some headers only estimate a length: what was computed is kept, and found again."""
    path = str(sound(tmp_path / "a.wav", 1.0))
    header = Header.of(path)._replace(seconds=0.2)
    item = Recording(path, 0.0, header.seconds, header, "yes")
    cache = FeatureCache(tmp_path / "cache")
    expected = cache.frames(item, FEATURES)
    assert len(expected) > 90
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(cache.frames(item, FEATURES), expected)
