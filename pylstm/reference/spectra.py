r"""Short-time spectra: the FFT of windowed frames.

References
----------
.. [1] librosa 0.11.0, ``core/spectrum.py`` (stft).
"""

from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference import transforms
from pylstm.reference.activations import Array
from pylstm.reference.framing import (
    Energy,
    Framing,
    PreemphasisOver,
    conditioned,
    emphasised,
    padded_right,
    samples_of_frames,
    scaled,
)
from pylstm.reference.transforms import Log, PadMode, Window


class FrameSettings(TypedDict, total=False):
    """What is done to the samples of a frame; see `samples_of_frames`, `conditioned`, `window`."""

    framing: Framing
    scale: float
    remove_dc_offset: bool
    preemphasis: float
    preemphasis_over: PreemphasisOver
    periodic: bool


def spectra_and_energies(
    y: ArrayLike,
    *,
    n_fft: int,
    win_length: int,
    hop_length: int,
    window: Window,
    center: bool,
    pad_mode: PadMode,
    power: float,
    dtype: np.dtype[Any],
    framing: Framing = "stft",
    scale: float = 1.0,
    remove_dc_offset: bool = False,
    preemphasis: float = 0.0,
    preemphasis_over: PreemphasisOver = "frame",
    periodic: bool = True,
    energy: Energy | None = None,
    energy_floor: float = 2.0**-23,
    columns: int = 1,
    column_hop: int = 0,
    pad_right: int = 0,
) -> tuple[Array, Array]:
    """Spectra under a window, and energies.

    Parameters
    ----------
    y, n_fft, win_length, hop_length, window, center, pad_mode, power, dtype
        See `spectrum`.
    framing, scale, remove_dc_offset, preemphasis, preemphasis_over, periodic
        `FrameSettings`.
    energy, energy_floor
        See `conditioned`.
    columns, column_hop, pad_right
        See `spectrum`.

    Returns
    -------
    (T, columns, bins), (T, 1)
        |FFT|^power, and the logarithms of energies; without `energy` (T, 0).
    """
    audio = scaled(y, scale, dtype)
    if preemphasis_over == "signal":
        audio, preemphasis = emphasised(audio, preemphasis, dtype), 0.0
    span = win_length + (columns - 1) * column_hop - pad_right
    x = samples_of_frames(audio, span, n_fft, hop_length, center, pad_mode, framing, dtype)
    padded_window = transforms.window(window, win_length, n_fft, periodic)
    left = (n_fft - win_length) // 2
    weights = padded_window[left : left + win_length]
    x, energies = conditioned(x, weights, remove_dc_offset, preemphasis, energy, energy_floor)
    x = padded_right(x, pad_right)
    spectra = []
    for column in range(columns):
        windowed = np.zeros((len(x), n_fft))
        at = column * column_hop
        windowed[:, left : left + win_length] = x[:, at : at + win_length] * weights
        spectrum = np.fft.rfft(windowed, axis=1).astype(np.result_type(dtype, np.complex64))
        spectra.append(np.abs(spectrum) ** power)
    return np.stack(spectra, axis=1), energies


def spectrum(
    y: ArrayLike,
    *,
    sr: int = 16000,
    n_fft: int = 512,
    win_length: int | None = None,
    hop_length: int = 160,
    window: Window = "hann",
    center: bool = True,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
    log: Log | None = None,
    log_floor: float = transforms.AMIN,
    log_offset: float = 0.0,
    columns: int = 1,
    column_hop: int = 0,
    pad_right: int = 0,
    running: bool = False,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    **frame: Unpack[FrameSettings],
) -> Array:
    r"""Spectra: ``abs(librosa.stft(...)).T`` to a power, or its logarithm.

    .. math:: S_t[b] = \left|\sum_n w[n] \, \mathrm{frame}_t[n] \, e^{-2πi b n / \mathrm{n\_fft}}
              \right|^{\mathrm{power}}

    Parameters
    ----------
    y : (n,)
        One channel; int16 is divided by 32768.
    sr, running
        Make no difference; other features have them.
    n_fft, win_length, hop_length, window, center, pad_mode, power, mean, std, dtype
        See `logmel`; win_length None: n_fft.
    log, log_floor, log_offset
        See `logarithm`.
    columns, column_hop : int
        Spectra that stand side by side in a row, and samples from one to the next.
    pad_right : int
        So many of the last samples under a row are those before them, mirrored.
    **frame
        `FrameSettings`.

    Returns
    -------
    (T, columns * (n_fft // 2 + 1))

    Examples
    --------
    >>> spectrum(np.ones(4), n_fft=4, window="boxcar", center=False).round(6)
    array([[4., 0., 0.]])
    """
    dtype = np.dtype(dtype)
    spectra, _ = spectra_and_energies(
        y,
        n_fft=n_fft,
        win_length=n_fft if win_length is None else win_length,
        hop_length=hop_length,
        window=window,
        center=center,
        pad_mode=pad_mode,
        power=power,
        dtype=dtype,
        columns=columns,
        column_hop=column_hop,
        pad_right=pad_right,
        **frame,
    )
    levels = transforms.logarithm(spectra, log, log_floor, log_offset, dtype)
    return transforms.with_deltas(
        levels.reshape(len(levels), columns * (n_fft // 2 + 1)), 0, mean, std
    )
