"""Which samples are a frame, and what is done to them before the window.

References
----------
.. [1] librosa 0.11.0, ``core/spectrum.py`` (stft).
.. [2] D. Povey et al. The Kaldi Speech Recognition Toolkit. ASRU, 2011: ``feat/feature-window.cc``.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array
from pylstm.reference.transforms import PadMode, frames

Framing = Literal["stft", "kaldi", "chunk"]
PreemphasisOver = Literal["frame", "signal"]
Energy = Literal["raw", "windowed"]


def scaled(y: ArrayLike, scale: float, dtype: DTypeLike = np.float64) -> Array:
    """Audio as numbers: int16 is divided by 32768, and all is multiplied by `scale`.

    Parameters
    ----------
    y : (n,)
    scale : float
    dtype : dtype

    Returns
    -------
    (n,)
    """
    pcm = np.asarray(y)
    audio: Array = pcm.astype(dtype) / (32768 if pcm.dtype == np.int16 else 1)
    return audio * np.asarray(scale, dtype)


def emphasised(x: ArrayLike, coefficient: float, dtype: DTypeLike = np.float64) -> Array:
    r"""Takes from each sample a part of the one before: ``librosa.effects.preemphasis(zi=[0])``.

    .. math:: y_i = x_i - c \, x_{i - 1}, \qquad x_{-1} = 0

    Parameters
    ----------
    x : (n,)
    coefficient : float
    dtype : dtype

    Returns
    -------
    (n,)

    Examples
    --------
    >>> emphasised([1.0, 1.0, 2.0], 0.5)
    array([1. , 0.5, 1.5])
    """
    x = np.asarray(x, dtype)
    before = np.concatenate([np.zeros(1, x.dtype), x[:-1]])[: len(x)]
    y: Array = x - np.asarray(coefficient, dtype) * before
    return y


def samples_of_frames(
    y: ArrayLike,
    span: int,
    n_fft: int = 512,
    hop_length: int = 160,
    center: bool = True,
    pad_mode: PadMode = "constant",
    framing: Framing = "stft",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""The samples that frames are made of.

    Frame t begins at sample :math:`t · \mathrm{hop\_length} + s` of the signal. In n samples there
    are T of them:

    * stft: ``frames``, of which the `span` samples in the middle are taken;
    * kaldi without center (snip_edges): :math:`s = 0`, all that are whole;
    * kaldi with center: :math:`s = ⌊\mathrm{hop\_length} / 2⌋ - ⌊\mathrm{span} / 2⌋`, T is n over
      hop_length rounded to the nearest;
    * chunk: :math:`s = \mathrm{hop\_length} - \mathrm{span}`, T is n over hop_length rounded up;
      zeros before the signal and after it.

    Parameters
    ----------
    y : (n,)
        Audio. Integers of type int16 are divided by 32768.
    span : int
        Samples of a frame.
    n_fft : int
        With stft, the samples between whose edges they stand.
    hop_length, center, pad_mode
        See `frames`.
    framing : {"stft", "kaldi", "chunk"}
    dtype : dtype

    Returns
    -------
    (T, span)

    Examples
    --------
    >>> samples_of_frames([1, 2, 3, 4, 5], 3, hop_length=2, framing="kaldi", center=False)
    array([[1., 2., 3.],
           [3., 4., 5.]])
    >>> samples_of_frames(
    ...     [1, 2, 3, 4, 5], 4, hop_length=2, framing="kaldi", pad_mode="symmetric")
    array([[1., 1., 2., 3.],
           [2., 3., 4., 5.],
           [4., 5., 5., 4.]])
    >>> samples_of_frames([1, 2, 3, 4, 5], 3, hop_length=2, framing="chunk")
    array([[0., 1., 2.],
           [2., 3., 4.],
           [4., 5., 0.]])
    """
    if framing == "stft":
        left = (n_fft - span) // 2
        return frames(y, n_fft, hop_length, center, pad_mode, dtype)[:, left : left + span]
    signal = scaled(y, 1.0, dtype)
    n, start = len(signal), 0
    if framing == "chunk":
        count, start = -(-n // hop_length), hop_length - span
    elif center:
        count, start = (n + hop_length // 2) // hop_length, hop_length // 2 - span // 2
    else:
        count = max(0, 1 + (n - span) // hop_length) if n else 0
    if count == 0:
        return np.zeros((0, span), dtype)
    mode = pad_mode if framing == "kaldi" else "constant"
    right = max(0, (count - 1) * hop_length + start + span - n)
    padded = np.pad(signal, (max(0, -start), right), mode=mode)
    first = max(0, start)
    return np.array([padded[t * hop_length + first :][:span] for t in range(count)], dtype).reshape(
        -1, span
    )


def conditioned(
    x: Array,
    window: ArrayLike,
    remove_dc_offset: bool = False,
    coefficient: float = 0.0,
    energy: Energy | None = None,
    energy_floor: float = 2.0**-23,
) -> tuple[Array, Array]:
    r"""Kaldi's frames before the window: without their mean, then with pre-emphasis.

    .. math:: y_i = x_i - c \, x_{i - 1}, \qquad x_{-1} = x_0

    Parameters
    ----------
    x : (T, n)
        Samples of frames.
    window : (n,)
        For the energy under it.
    remove_dc_offset : bool
    coefficient : float
        Of the pre-emphasis; 0: none.
    energy : {"raw", "windowed", None}
        Before pre-emphasis, or after it and the window.
    energy_floor : float

    Returns
    -------
    (T, n), (T, 1)
        The frames, and the natural logarithm of max(energy_floor, sum of squares); without `energy`
        (T, 0).
    """
    if remove_dc_offset:
        x = x - x.mean(axis=1, keepdims=True)
    y = x
    if coefficient:
        before = np.concatenate([x[:, :1], x[:, :-1]], axis=1)
        y = x - np.asarray(coefficient, x.dtype) * before
    if energy is None:
        return y, np.zeros((len(x), 0), x.dtype)
    measured = x if energy == "raw" else y * np.asarray(window)
    squares = np.sum(np.square(measured, dtype=np.float64), axis=1, keepdims=True)
    return y, np.log(np.maximum(energy_floor, squares)).astype(x.dtype)


def padded_right(x: Array, n: int) -> Array:
    """Frames, each with n samples more: those before its last one, mirrored.

    Parameters
    ----------
    x : (T, span)
    n : int

    Returns
    -------
    (T, span + n)

    Examples
    --------
    >>> padded_right(np.array([[1.0, 2.0, 3.0]]), 2)
    array([[1., 2., 3., 2., 1.]])
    """
    return np.pad(x, ((0, 0), (0, n)), mode="reflect") if n else x
