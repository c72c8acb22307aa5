"""Where an intake goes on that takes over from another one."""

from __future__ import annotations

import math

from pylstm.arguments import number_of, shown

__all__ = ["samples_before"]

# Samples of the lower one of two rates from which on soxr does not remember what came before; its
# filter is shorter.
_MARGIN = 320


def samples_before(start: int, position: int, given: int, rate: int, model_rate: int) -> int:
    """How many samples came out of the audio before `start`, from which on it comes again.

    Parameters
    ----------
    start : int
        Samples of each channel that came to the other intake before the data that comes again.
    position, given : int
        Those of the other intake.
    rate, model_rate : int
        Of what comes and of what comes out, Hz.

    Raises
    ------
    ValueError
        The data is too short, begins where samples of both rates do not coincide, or `given` cannot
        be.
    """
    if start < 0:
        raise ValueError(
            f"position is {shown(position)}; expected {shown(position - start)} or more, as much as"
            " the data holds"
        )
    common = math.gcd(rate, model_rate)
    grid, given_each = rate // common, model_rate // common
    if start % grid:
        surplus = grid - start % grid
        raise ValueError(
            f"the data begins with sample {shown(start)}; expected a multiple of {grid}: leave out"
            f" its first {number_of(surplus, 'sample')} of each channel"
        )
    most = -(-position * model_rate // rate)
    if given > most:
        raise ValueError(
            f"given is {shown(given)}; expected {shown(most)} or less, because of the position"
        )
    before = start // grid * given_each
    margin = 0
    if start and rate != model_rate:
        margin = -(-_MARGIN * model_rate // min(rate, model_rate))
    if given - before < margin:
        missing = (margin - given + before) / model_rate
        raise ValueError(
            f"the data begins {missing:.3f} s too late; expected more of what came before it"
        )
    return before
