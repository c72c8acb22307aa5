"""Names of files in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["few", "shown"]

_NAMED = 3


def shown(text: str) -> str:
    r"""Text that any stream can print: the bytes of names that are not UTF-8 are escaped.

    Examples
    --------
    >>> import os
    >>> shown(os.fsdecode(b"gr\xfc.wav"))
    'gr\\udcfc.wav'
    """
    return text.encode("utf-8", "backslashreplace").decode()


def few(names: Sequence[str]) -> str:
    """The first names of a list.

    Examples
    --------
    >>> few(["a", "b"]), few(list("abcde"))
    ('a, b', 'a, b, c, ...')
    """
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
