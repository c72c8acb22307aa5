"""Audio files that come through a pipe."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile

from pylstm.audio.decoder import Decoder
from pylstm.audio.encoded_frames import EncodedFrames
from pylstm.audio.errors import AudioError
from pylstm.audio.frame_source import FrameSource
from pylstm.audio.pipe import Pipe
from pylstm.audio.piped_flac import PipedFlac
from pylstm.audio.wave_header import read_wave_header

__all__ = ["has_header", "piped_audio"]

# How files begin that libsndfile reads: WAV, AIFF, AU, CAF, Wave64, FLAC, Ogg, NIST, VOC, MP3.
_BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b".snd", b"dns.", b"caff", b"riff\x2e\x91",
               b"fLaC", b"OggS", b"NIST_1A", b"Creative Voice File", b"ID3")  # fmt: skip
_LONGEST_BEGINNING = 19


def has_header(pipe: Pipe) -> bool:
    """Whether a pipe begins as audio files do, MP3 files without tags excepted: samples without a
    header may begin so, too.

    Raises
    ------
    OSError
        It cannot be read.
    """
    return pipe.peek(_LONGEST_BEGINNING).startswith(_BEGINNINGS)


def _is_mp3(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0xFF and head[1] >= 0xE2 and head[1] & 6 != 0


def piped_audio(pipe: Pipe, name: str) -> FrameSource:
    """Opens what comes through a pipe.

    WAV files whose samples are written one by one, and FLAC, are read as they come. Others are
    copied to a temporary file first, until the pipe ends.

    Parameters
    ----------
    pipe : Pipe
        At its beginning.
    name : str
        What errors call it.

    Returns
    -------
    FrameSource

    Raises
    ------
    AudioError
        Nothing comes, or no audio file, or it cannot be kept.
    """
    try:
        head = pipe.peek(_LONGEST_BEGINNING)
        if not head:
            raise AudioError(f"{name} is empty; expected an audio file")
        if not (has_header(pipe) or _is_mp3(head)):
            raise AudioError(f"cannot read {name}: format not recognised")
        header = read_wave_header(pipe)
        if header is not None:
            return EncodedFrames(pipe, *header, live=True)
        if head.startswith(b"fLaC"):
            return PipedFlac(pipe, name)
        return _CopiedFile(pipe, name)
    except OSError as error:
        raise AudioError(f"cannot read {name}: {error.strerror or error}") from None


class _CopiedFile(Decoder):
    """A file that came through a pipe, in a temporary copy that goes when it is closed."""

    def __init__(self, pipe: Pipe, name: str) -> None:
        descriptor, self._copy = tempfile.mkstemp(prefix="pylstm-", suffix=".audio")
        try:
            with open(descriptor, "wb") as copy:
                shutil.copyfileobj(pipe, copy)
            super().__init__(self._copy)
        except AudioError as error:
            self._remove()
            raise AudioError(str(error).replace(self._copy, name)) from None
        except BaseException:
            self._remove()
            raise

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._copy)

    def close(self) -> None:
        """Closes the copy and removes it."""
        super().close()
        self._remove()
