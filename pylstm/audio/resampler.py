"""Audio at another rate, chunk by chunk."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Resampler"]

Samples = NDArray[np.float32]


class Resampler:
    """One channel of float32 from one rate to another, by soxr in high quality.

    What comes out does not depend on the cut of what goes in, and together it is what soxr makes of
    the whole at once.

    Parameters
    ----------
    rate, new_rate : int
        Of what goes in and of what comes out, Hz.

    Raises
    ------
    ImportError
        soxr is missing.
    """

    LARGEST_SAMPLE = 2.0**96
    """Samples up to this magnitude never overflow inside of soxr: that would need a gain of
    2 ** 32."""

    def __init__(self, rate: int, new_rate: int) -> None:
        try:
            import soxr
        except ImportError as error:
            raise ImportError(
                f"from {rate} Hz to {new_rate} Hz soxr resamples, which is missing: pip install"
                f' "pylstm[cli]" ({error})',
                name="soxr",
            ) from error
        self._new_stream = partial(
            soxr.ResampleStream, rate, new_rate, 1, dtype="float32", quality="HQ"
        )
        self._stream: Any = self._new_stream()

    def push(self, samples: Samples) -> Samples:
        """Takes samples, shape (n,), and gives those that are ready, shape (m,)."""
        resampled: Samples = self._stream.resample_chunk(samples)
        return resampled

    def flush(self) -> Samples:
        """Ends the audio and gives the rest, shape (m,)."""
        rest: Samples = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        return rest

    def reset(self) -> None:
        """Forgets all audio."""
        self._stream = self._new_stream()  # soxr 0.4 cannot clear one
