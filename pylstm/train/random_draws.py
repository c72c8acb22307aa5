"""The independent random draws of a training: each purpose has a generator of its own.

A generator depends on its purpose, the seed, and numbers such as the epoch. Draws for one purpose
therefore never move those for another, whatever was drawn before and on how many threads.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from pylstm.arguments import count

__all__ = ["Purpose", "generator"]


class Purpose(IntEnum):
    """What is drawn. The values are part of every seed: another value means other draws."""

    ORDER = 0x0D
    """Which sequences share a batch, and the order of the batches."""
    SILENCE = 0x9E
    """Noise and silence examples."""
    AUGMENTATION = 0xA0
    """How a recording is changed."""
    CARRIED_STATE = 0xC0
    """Which sequence carries on from which."""
    RUNNING_AUDIO = 0xD0
    """What stands in a row of running audio."""
    HARD_NEGATIVES = 0xD1
    """Where the search for hard negatives begins."""
    NETWORK = 0xF1
    """Dropout and whatever else a network draws."""


def generator(purpose: Purpose, **numbers: int) -> np.random.Generator:
    """The generator of a purpose.

    Parameters
    ----------
    purpose : Purpose
    **numbers : int
        What else the draws depend on, 0 or more each, in this order: seed, epoch, recording, ...

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    TypeError, ValueError
        A number is not whole, or negative.

    Examples
    --------
    >>> draws = [generator(Purpose.ORDER, seed=0).random() for _ in range(2)]
    >>> draws[0] == draws[1] != generator(Purpose.NETWORK, seed=0).random()
    True
    """
    return np.random.default_rng(
        [int(purpose), *(count(name, value, 0) for name, value in numbers.items())]
    )
