"""libsndfile, made to read files whose headers, names or ends are not as they should be."""

from __future__ import annotations

import os
import stat
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.audio import decoder_messages
from pylstm.audio.declared_length import AudioExtent, audio_extent, ogg_is_cut
from pylstm.audio.errors import AudioError
from pylstm.audio.flac_frames import flac_is_cut
from pylstm.audio.repaired_header import RepairedHeader

__all__ = ["UNKNOWN_LENGTH", "Decoder", "decoder_words", "soundfile_and_soxr"]

# libsndfile gives this many frames or more if a file does not know its length.
UNKNOWN_LENGTH = 1 << 62
# Values that are read at once where they are not kept.
_SKIPPED = 1 << 20


def soundfile_and_soxr() -> tuple[ModuleType, ModuleType]:
    """The two libraries that read audio.

    Raises
    ------
    ImportError
        One of them is not installed; the message names the extra that has them.
    """
    try:
        import soundfile
        import soxr
    except (ImportError, OSError) as error:  # OSError: soundfile without its C library
        raise ImportError(
            f'reading audio needs soundfile and soxr: pip install "pylstm[train]" ({error})'
        ) from error
    return soundfile, soxr


class Decoder:
    """The frames of an audio file, from the first that is asked for to the last that is there: a
    `FrameSource`.

    Attributes
    ----------
    rate, channels : int
        Hz and channels.
    frames : int or None
        How many frames there are, as far as headers tell; None: they do not.
    declared : float or None
        How many the header declares; None: it leaves that open.
    subtype : str
        As libsndfile names it: ``"PCM_16"``, ``"FLOAT"``, ...
    ends_early : bool
        Whether the file is known to end before its last frame.
    unfinished, doubled, live
        None, False and False.

    Raises
    ------
    AudioError
        The file cannot be read.
    """

    def __init__(self, path: str) -> None:
        soundfile, _ = soundfile_and_soxr()
        self._path = path
        self._soundfile = soundfile
        self._repaired: RepairedHeader | None = None
        self.ends_early = False
        self.unfinished: str | None = None
        self.doubled = False  # a header says how many channels there are
        self.live = False
        self._next = 0  # the frame that is read next
        self._ended = False
        self._file, extent = self._opened()
        # soundfile would seek to its position after every block. That fails if the end is unknown,
        # as in FLAC from a pipe, and MP3 sounds wrong for a moment after each seek.
        self._file.seekable = lambda: False
        self.rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.subtype = str(self._file.subtype)
        self._quiet = self._file.format == "MP3"
        self.frames = None if self._file.frames >= UNKNOWN_LENGTH else int(self._file.frames)
        self.declared: float | None = self.frames
        if extent is not None and self.frames is not None and extent.present:
            declared = extent.declared
            self.declared = None if declared is None else self.frames * declared / extent.present
            if self.subtype.startswith("ALAC") and declared not in (None, extent.present):
                # Its packets have any size, and the table of them was at the end.
                self.frames = self.declared = None
                self.ends_early = True

    def _opened(self) -> tuple[Any, AudioExtent | None]:
        """The file, open for libsndfile, and where its audio lies, if its header tells.

        Errors of the system are more exact than libsndfile's "System error".
        """
        path = self._path
        try:
            # Looked at before it is opened: opening a pipe would wait for its other end.
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise AudioError(f"{path} is a folder; expected an audio file")
            if not stat.S_ISREG(mode):
                raise AudioError(f"{path} is not a regular file; expected an audio file")
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if not size:
                    raise AudioError(f"{path} is empty; expected an audio file")
                extent = audio_extent(file, size)
                self.ends_early = ogg_is_cut(file, size)
            if extent is not None and extent.misleads(size):
                self._repaired = RepairedHeader.of(path, extent)
            # As bytes, because a name need not be UTF-8.
            name = path if os.name == "nt" else os.fsencode(path)
            with decoder_messages.hidden():
                return self._soundfile.SoundFile(self._repaired or name), extent
        except AudioError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
            self._close_repaired()
            reason = getattr(error, "strerror", None) or error
            raise AudioError(f"cannot read {path}: {reason}") from None
        except self._soundfile.SoundFileError as error:
            self._close_repaired()
            raise AudioError(f"cannot read {path}: {decoder_words(error)}") from None
        except TypeError:  # soundfile believes the suffix .raw and asks for the rate
            raise AudioError(f"cannot read {path}: headerless audio has no rate") from None

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        self._close_repaired()

    def _close_repaired(self) -> None:
        if self._repaired is not None:
            self._repaired.close()

    def _silenced(self) -> AbstractContextManager[None]:
        return decoder_messages.hidden() if self._quiet else nullcontext()

    def skip(self, frames: int) -> None:
        """Goes to a frame, counted from the first.

        Raises
        ------
        AudioError
            It cannot be found.
        """
        try:
            with self._silenced():
                self._file.seek(frames)
            self._next = frames
        except self._soundfile.SoundFileError:  # GSM, for one, can only be read on
            while frames and len(block := self.read(min(frames, _SKIPPED // self.channels))):
                frames -= len(block)

    def read(self, count: int) -> NDArray[np.float32]:
        """The next frames, at most `count`, as they are in the file.

        Returns
        -------
        array, shape (n, channels), float32
            Less than `count`: there are no more.

        Raises
        ------
        AudioError
            The file is damaged there, or the system cannot read it.
        """
        block = np.full((0 if self._ended else count, self.channels), np.nan, np.float32)
        try:
            with self._silenced():
                read: NDArray[np.float32] = self._file.read(out=block)
        except self._soundfile.SoundFileError as error:
            # libsndfile has written what was left before it failed.
            read = block[: int(np.isfinite(block).all(axis=1).sum())]
            if not self._is_cut_flac(self._next + len(read)):
                raise AudioError(decoder_words(error)) from None
            self.ends_early = self._ended = True
        self._next += len(read)
        if self._repaired is not None and self._repaired.error is not None:
            raise AudioError(str(self._repaired.error.strerror))
        return read

    def _is_cut_flac(self, decoded: int) -> bool:
        if self._file.format != "FLAC":
            return False
        with open(self._path, "rb") as file:
            return flac_is_cut(file, os.fstat(file.fileno()).st_size, decoded)

    def exactly(self, frame: int) -> NDArray[np.float64]:
        """One frame, shape (channels,), in the file's own precision."""
        self._file.seek(frame)
        return np.asarray(self._file.read(1, "float64", always_2d=True)[0])


def decoder_words(error: Exception) -> str:
    """libsndfile's message without the name of the file, which ours has already."""
    text = getattr(error, "error_string", "") or str(error)
    words = str(text).removeprefix("Error : ").strip().rstrip(".").lower()
    # What libsndfile calls an internal error of its own is a header that makes no sense to it.
    return "its header makes no sense (libsndfile)" if "internal error" in words else words
