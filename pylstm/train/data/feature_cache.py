"""Frames that were computed once, kept in a folder."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import secrets
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.features import MFCC, LogMel
from pylstm.train.data.recording import Recording

__all__ = ["FeatureCache"]

_FORMAT = 1
_DIGEST_BYTES = 32


class FeatureCache:
    """Frames of recordings on disk: what is asked for again is read instead of computed.

    An entry belongs to a file (its path, size and time of change), a span of it, and features with
    all their settings: whatever changes, another entry is made. Entries are written as a whole or
    not at all, and each carries a checksum: a damaged one is computed again. Any number of
    processes may share a folder. Nothing is ever removed from it; the folder may be, at any time.

    Parameters
    ----------
    folder : str or path
        Made if it is not there.

    Raises
    ------
    OSError
        The folder cannot be made.

    Notes
    -----
    An entry is an .npy file behind 32 bytes of BLAKE2b. Nothing is unpickled. One entry at a time
    is in memory.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "expected a folder for the cache", str(folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._full = False

    @classmethod
    def of(cls, cache: FeatureCache | str | os.PathLike[str] | None) -> FeatureCache | None:
        """A cache from what an argument ``cache`` may be."""
        if cache is None or isinstance(cache, FeatureCache):
            return cache
        if not isinstance(cache, (str, os.PathLike)):
            raise TypeError(f"cache is {type(cache).__name__}; expected a FeatureCache or a path")
        return cls(cache)

    def __repr__(self) -> str:
        return f"FeatureCache({os.fspath(self.folder)!r})"

    def frames(self, recording: Recording, features: MFCC | LogMel) -> NDArray[np.float32]:
        """The frames of a recording, read or computed and kept.

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
            The folder takes no more entries; said once, and training goes on without them.
        """
        identity = recording.identity()
        key = _key(identity, features)
        path = self.path_of(key)
        frames = _read(path, key, features.n_features)
        if frames is None:
            frames = recording.frames(features)
            # A file that was changed while it was read is nobody's.
            if not self._full and recording.identity() == identity:
                self._write(path, key, frames)
        return frames

    def path_of(self, key: str) -> Path:
        """Where the entry of a key lies; a folder for each of 256, for sets of 100 000 files."""
        return self.folder / key[:2] / f"{key[2:]}.frames"

    def _write(self, path: Path, key: str, frames: NDArray[np.float32]) -> None:
        buffer = io.BytesIO()
        np.save(buffer, frames, allow_pickle=False)
        data = buffer.getvalue()
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Renamed, so that nobody reads half of it; not forced to the disk as a model is:
                # after a crash the checksum tells, and what is lost is computed again.
                temporary.write_bytes(_digest(key, data) + data)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
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
    # The key belongs to it: an entry under another name is no entry.
    return hashlib.blake2b(key.encode() + data, digest_size=_DIGEST_BYTES).digest()


def _read(path: Path, key: str, width: int) -> NDArray[np.float32] | None:
    """What an entry holds; None: there is none that can be trusted."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, data = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _digest(key, data):
        return None
    try:
        frames = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError):  # whoever wrote it can add up, and is not us
        return None
    if frames.dtype != np.float32 or frames.ndim != 2 or frames.shape[1] != width:
        return None
    return frames
