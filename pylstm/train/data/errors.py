"""The error that lists everything wrong with a set of recordings, before training starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pylstm.arguments import number_of
from pylstm.train.data.shown_names import shown

__all__ = ["RecordingsError", "Remedy"]

_SHOWN = 10


class Remedy(NamedTuple):
    """An argument of `Recordings.from_folder` or `from_manifest` that makes a set usable.

    Examples
    --------
    >>> print(Remedy("skip_missing", True, "leaves out the 3 files that do not exist"))
    skip_missing=True leaves out the 3 files that do not exist
    """

    argument: str
    value: bool | str
    does: str

    def __str__(self) -> str:
        return f"{self.argument}={self.value!r} {self.does}"


class RecordingsError(ValueError):
    """Recordings that cannot be used; the message has a line for each of the first ten problems.

    Parameters
    ----------
    what : str
        The folder or the manifest.
    problems : sequence of str
        One line each, naming a file.
    remedies : sequence of Remedy
        What makes the set usable as it is; they end the message.

    Attributes
    ----------
    what : str
    problems : tuple of str
        All of them.
    remedies : tuple of Remedy

    Examples
    --------
    >>> print(RecordingsError("speech", ["speech/yes/a.wav is empty; expected an audio file"]))
    speech: speech/yes/a.wav is empty; expected an audio file
    >>> remedy = Remedy("skip_unreadable", True, "leaves them out")
    >>> print(RecordingsError("speech", [f"{k}.wav is empty" for k in range(12)], [remedy]))
    speech: 12 problems
      0.wav is empty
      ...
      9.wav is empty
      and 2 more
      skip_unreadable=True leaves them out
    """

    def __init__(self, what: str, problems: Sequence[str], remedies: Sequence[Remedy] = ()) -> None:
        self.what, self.problems, self.remedies = what, tuple(problems), tuple(remedies)
        ways = [str(remedy) for remedy in remedies]
        if len(problems) == 1:
            super().__init__(shown("; ".join([f"{what}: {problems[0]}", *ways])))
            return
        lines = [f"{what}: {number_of(len(problems), 'problem')}", *problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            lines.append(f"and {len(problems) - _SHOWN} more")
        super().__init__(shown("\n  ".join([*lines, *ways])))

    def __reduce__(
        self,
    ) -> tuple[type[RecordingsError], tuple[str, tuple[str, ...], tuple[Remedy, ...]]]:
        return type(self), (self.what, self.problems, self.remedies)
