"""A folder that keeps computed frames."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.features import MFCC, LogMel
from pylstm.temporary_file import TemporaryFile, remove_dead
from pylstm.train.data.recording import Recording

__all__ = ["FeatureCache"]

_FORMAT = 2
_DIGEST_BYTES = 32


class FeatureCache:
    """A folder that keeps the frames of recordings, so that they are computed once.

    An entry belongs to a file (its path, size and modification time), a span of it, and features
    with all their settings: if any of them changes, there is a new entry. Entries are written all
    or nothing and have a checksum: a damaged one is computed again. Any number of processes can
    share a folder. Entries are never removed; the folder can be deleted at any time.

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

    def frames(self, recording: Recording, features: MFCC | LogMel) -> NDArray[np.float32]:
        """The frames of a recording: read from the folder, or computed and kept there.

        Parameters
        ----------
        recording : Recording
        features : MFCC or LogMel

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
            An entry cannot be written; once, and from then on no entries are kept.
        """
        identity = recording.identity()
        key = _key(identity, features)
        path = self.path_of(key)
        frames = _read(path, key, features.n_features)
        if frames is None:
            frames = recording.frames(features)
            # Not if the file was changed while it was read.
            if not self._full and recording.identity() == identity:
                self._write(path, key, frames)
        return frames

    def path_of(self, key: str) -> Path:
        """The path of an entry; spread over 256 folders, for sets of 100,000 files."""
        return self.folder / key[:2] / f"{key[2:]}.frames"

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
        except OSError as error:
            self._full = True
            warnings.warn(
                f"frames are no longer kept in {self.folder}: {error.strerror or error}",
                UserWarning,
                stacklevel=3,
            )


def _key(identity: list[str | int | float], features: MFCC | LogMel) -> str:
    """What the frames depend on, as a name."""
    tensors = {name: tensor.tobytes().hex() for name, tensor in features.tensors().items()}
    facts = [_FORMAT, _engine.version(), identity, features.config(), tensors]
    text = json.dumps(facts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def _digest(key: str, data: bytes) -> bytes:
    # With the key: an entry under another name is not an entry.
    return hashlib.blake2b(key.encode() + data, digest_size=_DIGEST_BYTES).digest()


def _read(path: Path, key: str, width: int) -> NDArray[np.float32] | None:
    """The frames of an entry; None: there is no entry, or a damaged one."""
    try:
        # A pipe would block and a link to a device may never end: only regular files are read.
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return None
    digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _digest(key, data) or not data or len(data) % (4 * width):
        return None
    return np.frombuffer(data, "<f4").reshape(-1, width).astype(np.float32)
