"""Files of other programs that are no files, or broken archives: recognition and importers refuse
them in their own words."""

from __future__ import annotations

import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.convert import from_keras, from_published, from_rtneural
from pylstm.convert.published import recipe_of
from pylstm.convert.source_file import check_regular, opened_archive


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes: run it on Linux or macOS")
    os.mkfifo(path)


def device(path: Path) -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("this system has no device without end: run it on Linux or macOS")
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [folder, pipe, device])
@pytest.mark.parametrize("read", [recipe_of, from_published, from_keras, from_rtneural])
def test_what_is_no_regular_file_is_not_opened(
    read: Callable[[Path], Any], make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "network"
    make(path)
    message = re.escape(f"is {str(path)!r}, which is not a regular file; expected a file")
    with pytest.raises(ValueError, match=message):
        read(path)


def test_a_link_to_a_file_is_a_file(tmp_path: Path) -> None:
    path, link = tmp_path / "network", tmp_path / "link"
    path.write_bytes(b"12")
    link.symlink_to(path)
    check_regular(link, most=2)
    with pytest.raises(ValueError, match="of 2 bytes; expected at most 1"):
        check_regular(link, most=1)
    with pytest.raises(FileNotFoundError):
        check_regular(tmp_path / "nothing")


# --- archives -------------------------------------------------------------------------------------


def archive(folder: Path) -> Path:
    """What is a file of PyTorch by the names in it."""
    path = folder / "network.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", pickle.dumps({}, protocol=2))
        file.writestr("net/constants.pkl", pickle.dumps((), protocol=2))
    return path


DIRECTORY, END = b"PK\x01\x02", b"PK\x05\x06"
BROKEN = {
    # What is written into the archive: behind which mark, how far, and what.
    "several disks": (END, -20, b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 2)),
    "no directory": (DIRECTORY, 0, b"PK\x01\x03"),
    "a version of nobody": (DIRECTORY, 6, struct.pack("<H", 127)),
    "a directory before the file": (END, 12, struct.pack("<I", 1 << 20)),
    "no text": (DIRECTORY, 8, struct.pack("<H", 0x800) + bytes(36) + b"\xff\xfe"),
    "a broken note": (DIRECTORY, 30, struct.pack("<H", 40)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives_are_no_published_networks(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path)
    mark, offset, written = BROKEN[name]
    data = bytearray(path.read_bytes())
    place = data.index(mark) + offset
    data[place : place + len(written)] = written
    path.write_bytes(data)
    with pytest.raises(ValueError, match="network is broken: "), opened_archive(path, "network"):
        pass
    assert recipe_of(path) is None
    with pytest.raises(ValueError, match="; expected the file of a published network"):
        from_published(path)
    with pytest.raises(ValueError, match=r"cannot be read as a \.keras file; expected it whole"):
        from_keras(path)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_archives_with_other_bytes_give_documented_errors(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = archive(tmp_path_factory.getbasetemp())
    whole = bytearray(path.read_bytes())
    places = st.integers(whole.index(DIRECTORY), len(whole) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        whole[place] = value
    path.write_bytes(whole[: data.draw(st.sampled_from([len(whole), *range(4, len(whole), 50)]))])
    for read in (from_published, from_keras):
        with pytest.raises((ValueError, ImportError)):  # without PyTorch: it is to be installed
            read(path)


def test_errors_of_the_system_stay(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened_archive(tmp_path / "nothing", "network"):
        pass
