"""The files in a folder: which are recordings, and which are passed over.

A name that ends as audio does is a recording, and an error if it cannot be read as one. Any other
file is a recording if it begins as audio does. What is left, such as ``notes.txt`` or
``Thumbs.db``, is passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pylstm.train.data.passed_over import PassedOver

__all__ = ["FolderFiles", "is_broken", "is_folder", "is_recording", "recordings_below"]

# Some of these are not read here, such as AAC: then that is an error, not a file to pass over.
_SUFFIXES = re.compile(
    r"\.(?:wave?|bwf|rf64|w64|aiff?|aifc|au|snd|caf|flac|og[ga]|opus|spx|mp[1-4c]|mpga|m4[ab]|aac|ac3"
    r"|wma|amr|3gp|webm|mka|ape|wv|alac|dsf|sph|nist|voc|gsm|vox|raw|pcm|8?svx|iff|ircam|avr|paf|pvf"
    r"|sd2)",
    re.IGNORECASE,
)
# The last is MPEG layer III. Text in UTF-16 begins with FF FE, which would be layer I.
_BEGINNINGS = re.compile(
    rb"(?:RIFF|RIFX|RF64)....WAVE|FORM....(?:AIFF|AIFC|8SVX)|riff\x2e\x91\xcf\x11|fLaC|OggS|ID3"
    rb"|caff|\.snd|dns\.|NIST_1A|Creative Voice File|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]",
    re.DOTALL,
)
_LONGEST_BEGINNING = 20


class FolderFiles:
    """The recordings in a folder, and its subfolders, by name.

    Parameters
    ----------
    folder : Path
    passed_over : PassedOver
        Receives everything else.
    expected : bool
        Whether files that are not audio belong there, such as a README beside noises.

    Attributes
    ----------
    recordings : list of Path
        Directly in the folder.
    subfolders : list of Path

    Raises
    ------
    OSError
        The folder cannot be read.
    """

    def __init__(self, folder: Path, passed_over: PassedOver, expected: bool = False) -> None:
        self.recordings: list[Path] = []
        self.subfolders: list[Path] = []
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith("."):
                    passed_over.add(PassedOver.HIDDEN, entry.path)
                elif is_folder(entry):
                    self.subfolders.append(Path(entry.path))
                elif is_recording(entry):
                    self.recordings.append(Path(entry.path))
                elif is_broken(entry):
                    passed_over.add(PassedOver.BROKEN, entry.path)
                else:
                    passed_over.add(PassedOver.NOT_AUDIO, entry.path, expected)


def recordings_below(
    folder: Path, passed_over: PassedOver, expected: bool = False, seen: set[str] | None = None
) -> Iterator[Path]:
    """All recordings in a folder and its subfolders, each folder once: links may run in circles.

    Raises
    ------
    OSError
        A folder cannot be read.
    """
    seen = set() if seen is None else seen
    real = os.path.realpath(folder)
    if real in seen:
        passed_over.add(PassedOver.AGAIN, folder, expected)
        return
    seen.add(real)
    files = FolderFiles(folder, passed_over, expected)
    yield from files.recordings
    for subfolder in files.subfolders:
        yield from recordings_below(subfolder, passed_over, expected, seen)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a circle of links
        return False


def is_broken(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link that leads to nothing."""
    return entry.is_symlink() and not os.path.exists(entry.path)


def is_recording(entry: os.DirEntry[str]) -> bool:
    """Whether a file is meant as audio, by its name or else by its first bytes."""
    if _SUFFIXES.fullmatch(os.path.splitext(entry.name)[1]):
        return True
    try:
        if not entry.is_file():  # a pipe would be waited for, a device may never end
            return False
        with open(entry.path, "rb") as file:
            return _BEGINNINGS.match(file.read(_LONGEST_BEGINNING)) is not None
    except OSError:
        return False
