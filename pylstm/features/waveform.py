"""Chunks of audio."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

from numpy.typing import ArrayLike

from pylstm.features.features import Features

__all__ = ["Waveform"]


@dataclass(frozen=True, eq=False, repr=False)
class Waveform(Features):
    """The samples themselves, in chunks that overlap.

    Row t has the `frame_length` samples that end with sample (t + 1) * hop_length: hop_length new
    ones, and before them what the chunk before ended with. Before the signal there are zeros, and
    zeros fill the last chunk when a stream is flushed.

    Parameters
    ----------
    sr : int
        Sample rate, Hz.
    frame_length : int
        Samples of the signal in a row.
    hop_length : int
        Samples from row to row; where it is more than frame_length some belong to no row.
    mean, std : array, shape (n_features,), optional
        Subtracted and divided by at the end.
    pad_right : int
        How many samples follow the chunk in its row: those before its last one, mirrored (as
        ``numpy.pad`` with "reflect").
    scale : float
        Samples are multiplied by it: 32768 makes the numbers of 16-bit audio of them.

    Examples
    --------
    64 samples of context and 512 new ones:

    >>> import numpy as np
    >>> chunks = Waveform(frame_length=576, hop_length=512)
    >>> chunks(np.ones(600, np.float32)).sum(axis=1)
    array([512., 152.], dtype=float32)
    """

    kind = "waveform"

    sr: int = 16000
    frame_length: int = 512
    hop_length: int = 512
    mean: ArrayLike | None = field(default=None, repr=False)
    std: ArrayLike | None = field(default=None, repr=False)
    _: KW_ONLY
    pad_right: int = 0
    scale: float = 1.0

    @property
    def n_features(self) -> int:
        """Width of a row: frame_length + pad_right."""
        return self.frame_length + self.pad_right

    @property
    def span(self) -> int:
        """Samples of the signal in a row."""
        return self.frame_length
