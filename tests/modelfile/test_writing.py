"""Files are written whole or not at all, one or several, and what refuses is named."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import pylstm
from pylstm import whole_writes
from pylstm.temporary_file import TemporaryFile, remove_dead

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


# --- links and other names ----------------------------------------------------------------------


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_the_target_of_a_link_is_replaced(folder: Path, absolute: bool, there: bool) -> None:
    """Of a chain of links through other folders, too, and of one that leads to nothing yet."""
    (folder / "store" / "v2").mkdir(parents=True)
    (folder / "bin").mkdir()
    target = folder / "store" / "v2" / "model"
    (folder / "store" / "current").symlink_to("v2")
    (folder / "bin" / "second").symlink_to(
        folder / "store/current/model" if absolute else "../store/current/model"
    )
    (folder / "first").symlink_to("bin/second")
    if there:
        target.write_text("old")
        target.chmod(0o640)
    whole_writes.write("first", b"new")
    assert target.read_text() == "new"
    assert not target.is_symlink()
    if there:
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (folder / "first").is_symlink()
    assert (folder / "bin" / "second").is_symlink()
    assert (folder / "store" / "current").is_symlink()
    assert os.listdir(target.parent) == ["model"]
    assert sorted(os.listdir(folder)) == ["bin", "first", "store"]


def test_a_model_saved_to_a_link_is_in_the_store(folder: Path) -> None:
    (folder / "store").mkdir()
    model = pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)])
    model.save("store/a.safetensors")
    (folder / "current.safetensors").symlink_to("store/a.safetensors")
    other = pylstm.Model(None, [pylstm.Dense(2, 1, seed=1)])
    other.save("current.safetensors")
    assert (folder / "current.safetensors").is_symlink()
    assert pylstm.load("store/a.safetensors").to_bytes() == other.to_bytes()


def test_two_files_of_which_one_is_a_link(folder: Path) -> None:
    (folder / "store").mkdir()
    (folder / "store" / "a").write_text("old")
    (folder / "a").symlink_to("store/a")
    whole_writes.write_together({Path("a"): b"new", Path("b"): b"2"})
    assert (folder / "a").is_symlink()
    assert tree(folder / "store") == {"a": "new"}
    with pytest.raises(ValueError, match="are one file"):
        whole_writes.write_together({Path("a"): b"3", Path("store/a"): b"4"})
    assert tree(folder / "store") == {"a": "new"}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("absent/a", "No such file or directory"),
        ("d", "Is a directory"),
        ("link", "Too many levels of symbolic links"),
        ("pipe", "it is not a regular file"),
        ("/dev/null", "it is not a regular file"),
        ("file/a", "Not a directory"),
    ],
)
def test_a_link_to_what_cannot_be_replaced(folder: Path, target: str, message: str) -> None:
    (folder / "d").mkdir()
    (folder / "file").write_text("1")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(target)
    before = sorted(os.listdir(folder))
    with pytest.raises(OSError, match=message) as told:
        whole_writes.write("link", b"2")
    assert told.value.filename == "link"
    assert sorted(os.listdir(folder)) == before
    assert (folder / "link").is_symlink()
    assert (folder / "pipe").is_fifo()


def test_a_link_into_a_folder_that_takes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "store").mkdir()
    (folder / "store" / "a").write_text("old")
    (folder / "link").symlink_to("store/a")
    real = os.open

    def refuses(path: str, flags: int, *mode: int) -> int:
        if Path(path).parent.name == "store":
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, *mode)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuses)
        with pytest.raises(PermissionError, match="Permission denied: 'link'"):
            whole_writes.write("link", b"new")
    assert tree(folder / "store") == {"a": "old"}


def test_other_names_of_a_file_keep_the_old_content(folder: Path) -> None:
    (folder / "a").write_text("old")
    os.link("a", "b")
    whole_writes.write("a", b"new")
    assert tree(folder) == {"a": "new", "b": "old"}


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o664, 0o751, 0o000])
def test_permissions_stay(folder: Path, mode: int) -> None:
    for together in (False, True) if mode & 0o400 else (False,):  # what is put back has to be read
        (folder / "a").write_text("old")
        (folder / "a").chmod(mode)
        contents = {Path("a"): b"new"} | ({Path("b"): b"2"} if together else {})
        whole_writes.write_together(contents)
        assert stat.S_IMODE((folder / "a").stat().st_mode) == mode
        (folder / "a").unlink()


def test_what_is_private_is_so_while_it_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_text("old")
    (folder / "a").chmod(0o600)
    seen = []
    write = TemporaryFile.write

    def watched(self: TemporaryFile, data: bytes, **options: bool) -> None:
        write(self, data, **options)
        seen.append(stat.S_IMODE(self.path.stat().st_mode))

    monkeypatch.setattr(TemporaryFile, "write", watched)
    whole_writes.write("a", b"new")
    assert seen == [0o600]


# --- what killed processes leave ----------------------------------------------------------------


def abandoned(folder: Path) -> Path:
    """A temporary file whose writer was killed: the system has closed it, and nobody removed it."""
    dead = TemporaryFile(folder)
    dead.write(b"half", durable=False)
    dead._close()
    return dead.path


def test_the_next_save_removes_what_is_dead(folder: Path) -> None:
    dead = abandoned(folder)
    assert dead.read_bytes() == b"half"
    whole_writes.write("a", b"1")
    assert tree(folder) == {"a": "1"}


def test_a_save_that_fails_has_removed_it_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned(folder)  # for example because the disk is full of them

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        whole_writes.write("a", b"1")
    assert tree(folder) == {}


def test_files_of_living_writers_stay(folder: Path) -> None:
    with TemporaryFile(folder) as mine:
        mine.write(b"half")
        whole_writes.write("a", b"1")
        assert mine.path.exists()  # of this thread
        thread = threading.Thread(target=remove_dead, args=(folder,))
        thread.start()
        thread.join()
        assert mine.path.exists()
        mine.take_the_place_of(folder / "b")
    assert tree(folder) == {"a": "1", "b": "half"}


@pytest.mark.parametrize(
    "name",
    [".0123456789abcdef.tmp", "a.tmp", ".pylstm-mine.tmp", ".pylstm-00000000-0123456789abcdef.tmp"]
    + ["NAME.bak", "aNAME", "model.safetensors", ".NAME"],
)
def test_files_of_users_stay(folder: Path, name: str) -> None:
    dead = abandoned(folder)
    mine = folder / name.replace("NAME", dead.name)
    mine.write_text("mine")
    whole_writes.write("a", b"1")
    assert tree(folder) == {"a": "1", mine.name: "mine"}


def test_neither_links_nor_folders_nor_pipes_are_removed(folder: Path) -> None:
    (folder / "precious").write_text("mine")
    dead = abandoned(folder)
    names = [dead.name[:-8] + ending + ".tmp" for ending in ("0000", "0001", "0002")]
    (folder / names[0]).symlink_to("precious")
    (folder / names[1]).mkdir()
    os.mkfifo(folder / names[2])
    assert all(re.fullmatch(r"\.pylstm-[0-9a-f]{8}-[0-9a-f]{16}\.tmp", name) for name in names)
    whole_writes.write("a", b"1")
    assert sorted(os.listdir(folder)) == sorted(["a", "precious", *names])
    assert tree(folder)["precious"] == "mine"


def test_without_locks_files_are_written_and_nothing_is_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on some network file systems."""
    dead = abandoned(folder)

    def without(*arguments: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("pylstm.temporary_file.fcntl.flock", without)
    whole_writes.write("a", b"1")
    assert tree(folder) == {"a": "1", dead.name: "half"}


def test_a_file_taken_for_dead_before_its_lock_is_made_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    removed: list[Path] = []

    def late(descriptor: int, how: int) -> None:
        if not removed:
            removed.extend(folder.glob("*.tmp"))
            removed[0].unlink()
        flock(descriptor, how)

    (folder / "b").write_text("")
    monkeypatch.setattr("pylstm.temporary_file.fcntl.flock", late)
    whole_writes.write("a", b"1")
    assert tree(folder) == {"a": "1", "b": ""}
    assert len(removed) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="only POSIX has fork: Linux or macOS runs this")
def test_killed_saves() -> None:
    """Without the argument it kills 220."""
    command = [sys.executable, "-m", "tests.modelfile.killed_saves", "40"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"40 killed saves, [1-9]\d* of them in the middle of a file: 40 times the model file was"
        r" whole; at most [1-9] temporary files at any time, 0 after the next save; the other"
        r" process saved on\n",
        done.stdout,
    )
