"""Telephone audio: what the codes of G.711 stand for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALAW", "MULAW"]

Samples = NDArray[np.float32]


def _mulaw() -> Samples:
    """Sign, three bits of exponent, four of mantissa, all inverted; 14 bits wide, times 4."""
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return _scaled(np.where(code & 0x80, -magnitude, magnitude))


def _alaw() -> Samples:
    """As µ-law, every other bit inverted, with a straight first segment; 13 bits wide, times 8."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = np.where(
        exponent == 0, mantissa + 8, mantissa + 0x108 << np.maximum(exponent - 1, 0)
    )
    return _scaled(np.where(code & 0x80, magnitude, -magnitude))


def _scaled(values: NDArray[np.int64]) -> Samples:
    """From the scale of 16 bits to -1..1."""
    table = (values / 2**15).astype(np.float32)
    table.flags.writeable = False
    return table


MULAW = _mulaw()
"""The sample of each code of µ-law, shape (256,): ITU-T G.711, table 2, on the scale that 16-bit
decoders use."""

ALAW = _alaw()
"""The sample of each code of A-law, shape (256,): ITU-T G.711, table 1."""
