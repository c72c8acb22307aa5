"""Files that end before they should: they are used, and all are said in one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from pylstm.arguments import number_of
from pylstm.train.data.shown_names import few, shown

__all__ = ["CutFiles", "cut_note"]


def cut_note(shortfalls: Mapping[str, str]) -> str:
    """The sentence about files and how the length of each is not what it declares.

    Examples
    --------
    >>> print(cut_note({"a.wav": "cut off: 1.00 s of the 2.00 s that it declares"}))
    1 file is not as long as its header says, and used as it is: a.wav (cut off: 1.00 s of the
    2.00 s that it declares)
    """
    files = "1 file is not as long as its header says"
    if len(shortfalls) > 1:
        files = f"{number_of(len(shortfalls), 'file')} are not as long as their headers say"
    used = "and used as it is" if len(shortfalls) == 1 else "and used as they are"
    names = few([f"{path} ({shortfall})" for path, shortfall in shortfalls.items()])
    return shown(f"{files}, {used}: {names}")


class CutFiles:
    """Gathers files of which only reading them to the end tells that they are cut off, as of MP3.

    Any thread may add files.
    """

    def __init__(self) -> None:
        self._shortfalls: dict[str, str] = {}
        self._n_said = 0

    def add(self, path: str, shortfall: str) -> None:
        """Remembers a file; once, however often it is read."""
        self._shortfalls.setdefault(path, shortfall)

    def warn(self) -> None:
        """Warns of all files that were added since the last warning, if there are any."""
        found = list(self._shortfalls.items())[self._n_said :]
        if found:
            self._n_said += len(found)
            # At the code of the user who reads batches or asks for normalised features.
            warnings.warn(cut_note(dict(found)), UserWarning, stacklevel=3)
