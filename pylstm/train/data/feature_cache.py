"""A folder that keeps computed frames."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.features import Features
from pylstm.temporary_file import TemporaryFile, remove_dead
from pylstm.train.data.cut_files import CutFiles
from pylstm.train.data.recording import Recording
from pylstm.train.data.shown_names import shown

__all__ = ["FeatureCache"]

_FORMAT = 2
_DIGEST_BYTES = 32
# Frames beyond twice what a recording should have: lengths in headers of MP3 files are estimates.
_MORE_FRAMES = 10_000


class FeatureCache:
    """A folder that keeps the frames of recordings, so that they are computed once.

    An entry belongs to a file (its path, size and modification time), a span of it, and features
    with all their settings: if any of them changes, there is a new entry. Entries are written all
    or nothing and have a checksum. What is damaged, too large or no regular file is no entry: the
    frames are computed again. Any number of processes can share a folder. Entries are never
    removed; the folder can be deleted at any time.

    Parameters
    ----------
    folder : str or path
        Created if it does not exist.

    Raises
    ------
    OSError
        The folder cannot be created.

    Notes
    -----
    An entry is 32 bytes of BLAKE2b and the frames as little-endian float32. Nothing is unpickled,
    and only regular files are read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "expected a folder for the cache", str(folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._full = False
        self._said_damaged = False

    @classmethod
    def of(cls, cache: FeatureCache | str | os.PathLike[str] | None) -> FeatureCache | None:
        """The cache that an argument ``cache`` stands for."""
        if cache is None or isinstance(cache, FeatureCache):
            return cache
        if not isinstance(cache, (str, os.PathLike)):
            raise TypeError(f"cache is {type(cache).__name__}; expected a FeatureCache or a path")
        return cls(cache)

    def __repr__(self) -> str:
        return f"FeatureCache({os.fspath(self.folder)!r})"

    def frames(
        self, recording: Recording, features: Features, cut: CutFiles | None = None
    ) -> NDArray[np.float32]:
        """The frames of a recording: read from the folder, or computed and kept there.

        Parameters
        ----------
        recording : Recording
        features : Features
        cut : CutFiles, optional
            As in `Recording.samples`.

        Returns
        -------
        array, shape (T, n_features), float32

        Raises
        ------
        AudioError
            The recording cannot be read.

        Warns
        -----
        UserWarning
            What lies in an entry's place is no entry: once. An entry cannot be written: once, and
            from then on no entries are kept.
        """
        identity = recording.identity()
        key = _key(identity, features)
        path = self.path_of(key)
        expected = recording.seconds * features.sr / features.hop_length
        most = _MORE_FRAMES + round(2 * expected)
        frames, damaged = _read(path, key, features.n_features, most)
        if damaged:
            self._note_damaged(path)
        if frames is None:
            frames = recording.frames(features, cut)
            # Not if the file was changed while it was read.
            if not self._full and recording.identity() == identity:
                self._write(path, key, frames)
        return frames

    def path_of(self, key: str) -> Path:
        """The path of an entry; spread over 256 folders, for sets of 100,000 files."""
        return self.folder / key[:2] / f"{key[2:]}.frames"

    def _note_damaged(self, path: Path) -> None:
        """Warns, once, that something else lies in the place of an entry."""
        if not self._said_damaged:
            self._said_damaged = True
            warnings.warn(
                f"{shown(str(path))} is no cached entry or a damaged one: its frames are computed"
                " again, and so are those of any other like it",
                UserWarning,
                stacklevel=3,
            )

    def _write(self, path: Path, key: str, frames: NDArray[np.float32]) -> None:
        data = frames.astype("<f4", order="C", copy=False).tobytes()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_dead(path.parent)
            # It takes the place of whatever is there, a link or a pipe, too. It is not synced to
            # the disk: after a crash the checksum tells, and the frames are computed again.
            with TemporaryFile(path.parent) as temporary:
                temporary.write(_digest(key, data) + data, durable=False)
                temporary.take_the_place_of(path)
        except (IsADirectoryError, NotADirectoryError, FileExistsError):
            pass  # something else has this place, as was said; other entries have theirs
        except OSError as error:
            self._full = True
            warnings.warn(
                f"frames are no longer kept in {shown(str(self.folder))}:"
                f" {error.strerror or error}",
                UserWarning,
                stacklevel=3,
            )


def _key(identity: list[str | int | float], features: Features) -> str:
    """What the frames depend on, as a name."""
    tensors = {name: tensor.tobytes().hex() for name, tensor in features.tensors().items()}
    facts = [_FORMAT, _engine.version(), identity, features.config(), tensors]
    text = json.dumps(facts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def _digest(key: str, data: bytes) -> bytes:
    # With the key: an entry under another name is not an entry.
    return hashlib.blake2b(key.encode() + data, digest_size=_DIGEST_BYTES).digest()


def _read(path: Path, key: str, width: int, most: int) -> tuple[NDArray[np.float32] | None, bool]:
    """The frames of an entry, at most `most`, if there is one; and whether something else is."""
    limit = _DIGEST_BYTES + 4 * width * most
    try:
        # A pipe would block and a link to a device may never end: only regular files are read. The
        # open file is looked at, too, because another may have taken the name meanwhile.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None, True
        with open(path, "rb", opener=_without_waiting) as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit:
                return None, True
            content = file.read(limit)
    except FileNotFoundError:
        return None, os.path.islink(path)
    except OSError:
        return None, True
    digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _digest(key, data) or not data or len(data) % (4 * width):
        return None, True
    return np.frombuffer(data, "<f4").reshape(-1, width).astype(np.float32), False


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file; a pipe without a writer, too."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
