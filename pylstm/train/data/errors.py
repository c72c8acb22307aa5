"""The error that lists everything wrong with a set of recordings, before training starts."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["RecordingsError"]

_SHOWN = 10


class RecordingsError(ValueError):
    """Recordings that cannot be used; the message has a line for each of the first ten problems.

    Parameters
    ----------
    what : str
        The folder or the manifest.
    problems : sequence of str
        One line each, naming a file.

    Attributes
    ----------
    what : str
    problems : tuple of str
        All of them.

    Examples
    --------
    >>> print(RecordingsError("speech", ["speech/yes/a.wav is empty; expected an audio file"]))
    speech: speech/yes/a.wav is empty; expected an audio file
    >>> print(RecordingsError("speech", [f"{k}.wav is empty" for k in range(12)]))
    speech: 12 problems
      0.wav is empty
      ...
      9.wav is empty
      and 2 more
    """

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        self.what, self.problems = what, tuple(problems)
        if len(problems) == 1:
            super().__init__(f"{what}: {problems[0]}")
            return
        lines = [f"{what}: {len(problems)} problems", *problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            lines.append(f"and {len(problems) - _SHOWN} more")
        super().__init__("\n  ".join(lines))

    def __reduce__(self) -> tuple[type[RecordingsError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.what, self.problems)
