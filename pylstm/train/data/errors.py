"""What is wrong with a set of recordings: all of it at once, before training begins."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["RecordingsError"]

_SHOWN = 10


class RecordingsError(ValueError):
    """Recordings that cannot be trained from; the message has a line for each of the first ten.

    Parameters
    ----------
    what : str
        The folder, the manifest, or what was asked of the recordings.
    problems : sequence of str
        One line each; every one names a file.

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
