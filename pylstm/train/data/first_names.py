"""The first names of a long list, for sentences."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["few"]

_NAMED = 3


def few(names: Sequence[str]) -> str:
    """The first names of a list.

    Examples
    --------
    >>> few(["a", "b"]), few(list("abcde"))
    ('a, b', 'a, b, c, ...')
    """
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
