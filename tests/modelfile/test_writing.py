"""Files are written whole or not at all, one or several, and what refuses is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pylstm import whole_writes

pytestmark = pytest.mark.law_saves_are_whole


def tree(folder: Path) -> dict[str, str]:
    """What stands in a folder."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("old", [{}, {"a": "old a"}, {"a": "old a", "b": "old b"}])
@pytest.mark.parametrize("error", [PermissionError(1, "refused"), KeyboardInterrupt()])
def test_a_second_rename_that_fails_undoes_the_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, old: dict[str, str], error: BaseException
) -> None:
    """As in a folder in which a file is another's, or may not be changed."""
    for name, text in old.items():
        (folder / name).write_text(text)
    replace = os.replace

    def refuses_b(source: Path, target: Path) -> None:
        if Path(target).name == "b":
            raise error
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuses_b)
        with pytest.raises(type(error)) as told:
            whole_writes.write_together({Path("a"): b"new a", Path("b"): b"new b"})
    assert tree(folder) == old
    if isinstance(error, OSError):
        assert str(told.value) == "[Errno 1] refused: 'b'"
    whole_writes.write_together({Path("a"): b"new a", Path("b"): b"new b"})
    assert tree(folder) == {"a": "new a", "b": "new b"}


def test_one_file_by_two_paths_is_refused(folder: Path) -> None:
    (folder / "d").mkdir()
    for other in (Path("d/../a"), folder / "a"):
        with pytest.raises(ValueError, match=r"a and .* are one file; expected a path for each"):
            whole_writes.write_together({Path("a"): b"1", other: b"2"})
        assert tree(folder) == {}


def test_a_folder_is_the_one_that_the_system_finds(folder: Path) -> None:
    (folder / "there" / "in").mkdir(parents=True)
    (folder / "link").symlink_to("there/in")
    whole_writes.write("link/../a", b"1")
    assert tree(folder) == {}
    assert tree(folder / "there") == {"a": "1"}


def test_names_as_long_as_names_get(folder: Path) -> None:
    longest = "n" * 255
    whole_writes.write(longest, b"1")
    assert tree(folder) == {longest: "1"}
    with pytest.raises(OSError, match="File name too long") as told:
        whole_writes.write_together({Path("a"): b"1", Path(longest + "n"): b"2"})
    assert told.value.filename == longest + "n"
    assert tree(folder) == {longest: "1"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("file/a", "Not a directory"),
        ("absent/a", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("pipe", "it is not a regular file"),
        (".", "Is a directory"),
        ("/", "Is a directory"),
    ],
)
def test_the_path_that_refuses_is_named(folder: Path, path: str, message: str) -> None:
    (folder / "file").write_text("1")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    before = sorted(os.listdir(folder))
    for contents in ({Path(path): b"2"}, {Path("ok"): b"1", Path(path): b"2"}):
        with pytest.raises(OSError, match=message) as told:
            whole_writes.write_together(contents)
        assert told.value.filename == path
        assert str(told.value).endswith(f"{message}: {path!r}")
        assert sorted(os.listdir(folder)) == before
    assert (folder / "pipe").is_fifo()  # a device would be gone for everybody


def test_a_folder_that_may_not_be_read_is_written_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there must not be reported as not written."""

    real = os.open

    def refuses(path: str, flags: int, *mode: int) -> int:
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, *mode)

    (folder / "drop").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuses)
        whole_writes.write("drop/a", b"1")
    assert tree(folder / "drop") == {"a": "1"}
