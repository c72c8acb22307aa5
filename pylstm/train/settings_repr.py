"""A repr of an object's settings: the arguments of its constructor."""

from __future__ import annotations

import inspect

import numpy as np

__all__ = ["SettingsRepr"]


class SettingsRepr:
    """Base of classes that keep the arguments of their constructor as attributes.

    Examples
    --------
    >>> class SGD(SettingsRepr):
    ...     def __init__(self, lr, momentum=0.0):
    ...         self.lr, self.momentum = lr, momentum
    >>> SGD(0.5)
    SGD(lr=0.5, momentum=0.0)
    """

    def __repr__(self) -> str:
        values = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        words = (
            f"{name}={value.tolist() if isinstance(value, np.ndarray) else value!r}"
            for name, value in values.items()
        )
        return f"{type(self).__name__}({', '.join(words)})"
