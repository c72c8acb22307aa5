"""Chunks of audio as rows."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference import transforms
from pylstm.reference.activations import Array
from pylstm.reference.framing import padded_right, samples_of_frames, scaled


def waveform(
    y: ArrayLike,
    *,
    sr: int = 16000,
    frame_length: int = 512,
    hop_length: int = 512,
    pad_right: int = 0,
    scale: float = 1.0,
    running: bool = False,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Chunks of frame_length samples, each of which ends hop_length samples after the last one.

    Parameters
    ----------
    y : (n,)
        One channel; int16 is divided by 32768.
    sr, running
        Make no difference; other features have them.
    frame_length, hop_length : int
    pad_right : int
        How many samples follow the chunk: those before its last one, mirrored.
    scale : float
    mean, std, dtype
        See `logmel`.

    Returns
    -------
    (T, frame_length + pad_right)
        T is n over hop_length, rounded up; zeros before the signal and after it.

    Examples
    --------
    >>> waveform([1.0, 2.0, 3.0, 4.0], frame_length=3, hop_length=2, pad_right=1)
    array([[0., 1., 2., 1.],
           [2., 3., 4., 3.]])
    """
    dtype = np.dtype(dtype)
    audio = scaled(y, scale, dtype)
    chunks = samples_of_frames(
        audio, frame_length, 0, hop_length, False, framing="chunk", dtype=dtype
    )
    return transforms.with_deltas(padded_right(chunks, pad_right), 0, mean, std)
