"""Reprs that stay one short line, whatever arrays and texts an object holds."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["brief", "named_values"]

_LONGEST = 200


def brief(value: object) -> str:
    """An array as its dtype and shape, much as a number of items or characters; else the repr.

    Examples
    --------
    >>> brief(np.zeros((1000, 13), np.float32)), brief([0.5, "a"]), brief("a" * 1000)
    ('float32 with shape (1000, 13)', "[0.5, 'a']", '<1,000 characters>')
    """
    if isinstance(value, np.ndarray):
        return f"{value.dtype} with shape {value.shape}"
    if isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) > 8:
        return f"<{len(value):,} items>"
    if isinstance(value, (list, tuple)):
        words = ", ".join(map(brief, value))
        return f"[{words}]" if isinstance(value, list) else f"({words})"
    if isinstance(value, (str, bytes)) and len(value) > _LONGEST:
        return f"<{len(value):,} {'characters' if isinstance(value, str) else 'bytes'}>"
    return repr(value)


def named_values(owner: object, values: dict[str, Any]) -> str:
    """``Name(a=..., b=...)``, each value `brief`."""
    words = ", ".join(f"{name}={brief(value)}" for name, value in values.items())
    return f"{type(owner).__name__}({words})"
