"""The single stages between audio and features: framing, window, decibels, DCT and deltas.

All follow librosa 0.11.0 (``core/spectrum.py``, ``feature/utils.py``) and what it takes from SciPy
(``signal.get_window``, ``fft.dct``, ``signal.savgol_filter``); see `pylstm.reference.features` for
the papers.
"""

from math import factorial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pylstm.reference.activations import Array

PadMode = Literal["constant", "reflect", "symmetric"]
Window = Literal["hann", "hamming", "blackman", "boxcar", "povey", "sqrt_hann"]
Log = Literal["db", "ln", "log10"]
DctNorm = Literal["ortho"]

AMIN = 1e-10
"""Smallest power that `power_to_db` tells from silence."""

# The cosine series of each window: the sum over k of a[k] * cos(2 pi k n / N).
_WINDOWS: dict[Window, tuple[float, ...]] = {
    "hann": (0.5, -0.5),
    "hamming": (0.54, -0.46),
    "blackman": (0.42, -0.5, 0.08),
    "boxcar": (1.0,),
    "povey": (0.5, -0.5),
    "sqrt_hann": (0.5, -0.5),
}

_EXPONENTS: dict[Window, float] = {"povey": 0.85, "sqrt_hann": 0.5}


def frames(
    y: ArrayLike,
    n_fft: int = 512,
    hop_length: int = 160,
    center: bool = True,
    pad_mode: PadMode = "constant",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Overlapping frames of a signal.

    .. math:: \mathrm{frame}_t[n] = \tilde{y}[t · \mathrm{hop\_length} + n],
              \qquad 0 ≤ n < \mathrm{n\_fft}

    where :math:`\tilde{y}` is y with n_fft // 2 samples put before and after it if `center`, so
    that frame t is centred on y[t * hop_length], and y itself if not. Only complete frames count:
    :math:`T = 1 + ⌊(\mathrm{len}(\tilde{y}) - \mathrm{n\_fft}) / \mathrm{hop\_length}⌋`, or 0.

    Parameters
    ----------
    y : (n,)
        Audio. Integers of type int16 are divided by 32768.
    n_fft, hop_length : int
    center : bool
    pad_mode : {"constant", "reflect", "symmetric"}
        Zeros, or the signal mirrored at its first and last sample, which are not repeated or come
        twice; a signal that is shorter than the padding is mirrored again and again.
    dtype : dtype

    Returns
    -------
    (T, n_fft)

    Examples
    --------
    >>> frames([1, 2, 3, 4], n_fft=4, hop_length=2, center=False)
    array([[1., 2., 3., 4.]])
    >>> frames([1, 2, 3, 4], n_fft=4, hop_length=2)
    array([[0., 0., 1., 2.],
           [1., 2., 3., 4.],
           [3., 4., 0., 0.]])
    >>> frames([1, 2, 3, 4], n_fft=4, hop_length=4, pad_mode="reflect")
    array([[3., 2., 1., 2.],
           [3., 4., 3., 2.]])
    """
    pcm = np.asarray(y)
    signal = pcm.astype(dtype) / (32768 if pcm.dtype == np.int16 else 1)
    if center:
        signal = np.pad(signal, n_fft // 2, mode=pad_mode)
    starts = range(0, len(signal) - n_fft + 1, hop_length)
    return np.array([signal[start : start + n_fft] for start in starts], dtype).reshape(-1, n_fft)


def window(
    name: Window = "hann", win_length: int = 400, n_fft: int = 512, periodic: bool = True
) -> NDArray[np.float64]:
    r"""A window in the middle of n_fft samples.

    .. math::

        \text{hann}     &: 0.5 - 0.5 \cos(2πn / N) \\
        \text{hamming}  &: 0.54 - 0.46 \cos(2πn / N) \\
        \text{blackman} &: 0.42 - 0.5 \cos(2πn / N) + 0.08 \cos(4πn / N) \\
        \text{boxcar}   &: 1 \\
        \text{povey}    &: (0.5 - 0.5 \cos(2πn / N))^{0.85} \\
        \text{sqrt_hann} &: (0.5 - 0.5 \cos(2πn / N))^{0.5}

    for :math:`0 ≤ n < \mathrm{win\_length}`, where N is win_length, or one less if the window is
    not periodic; with (n_fft - win_length) // 2 zeros before it and the rest after it. A window of
    one sample is 1. Always float64, as in librosa.

    Parameters
    ----------
    name : {"hann", "hamming", "blackman", "boxcar", "povey", "sqrt_hann"}
    win_length, n_fft : int
        Samples.
    periodic : bool

    Returns
    -------
    (n_fft,)

    Examples
    --------
    >>> window("hann", 4, 7)
    array([0. , 0. , 0.5, 1. , 0.5, 0. , 0. ])
    """
    n = np.arange(win_length)
    series = _WINDOWS[name]
    period = win_length if periodic else max(win_length - 1, 1)
    values = sum(a * np.cos(2 * np.pi * k * n / period) for k, a in enumerate(series))
    if name in _EXPONENTS:
        values = np.maximum(values, 0) ** _EXPONENTS[name]
    if win_length == 1:
        values = np.ones(1)
    left = (n_fft - win_length) // 2
    return np.pad(np.asarray(values, np.float64), (left, n_fft - win_length - left))


def logarithm(
    x: ArrayLike,
    log: Log | None = "db",
    log_floor: float = AMIN,
    log_offset: float = 0.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""The logarithm of energies.

    .. math:: \text{db}: 10 \log_{10} z, \quad \text{ln}: \ln z, \quad \text{log10}: \log_{10} z,
              \qquad z = \max(\mathrm{log\_floor}, x + \mathrm{log\_offset})

    Parameters
    ----------
    x : array
    log : {"db", "ln", "log10", None}
        None: x itself.
    log_floor, log_offset : float
        Kaldi's floor is :math:`2^{-23}`; torchaudio's MFCC with ``log_mels`` adds 1e-6.
    dtype : dtype

    Returns
    -------
    array, shape of x

    Examples
    --------
    >>> logarithm([0.0, 1.0], "log10", log_floor=1e-12)
    array([-12.,   0.])
    """
    x = np.asarray(x, dtype)
    if log is None:
        return x
    z = np.maximum(np.asarray(log_floor, dtype), x + np.asarray(log_offset, dtype))
    logged: Array = np.log(z) if log == "ln" else np.log10(z) * (10 if log == "db" else 1)
    return logged.astype(dtype)


def power_to_db(
    power: ArrayLike,
    top_db: float | None = None,
    running: bool = False,
    dtype: DTypeLike = np.float64,
    log_floor: float = AMIN,
    log_offset: float = 0.0,
) -> Array:
    r"""Power to decibels.

    .. math:: d_t[m] = \max\left(10 \log_{10} \max(10^{-10}, p_t[m]),
              \; D_t - \mathrm{top\_db}\right)

    where :math:`D_t` is the largest decibel value of the whole recording or, if `running`, of
    frames 0 to t: what a stream can know when frame t comes out. ``top_db=None`` leaves the outer
    maximum away.

    librosa calls this with top_db = 80 inside ``feature.mfcc`` and lets nobody change it. The clamp
    cannot fire while no value lies above -20 dB.

    Parameters
    ----------
    power : (T, n_mels)
    top_db : float, optional
    running : bool
    dtype : dtype
    log_floor, log_offset : float
        Other than librosa's: see `logarithm`.

    Returns
    -------
    (T, n_mels)

    Examples
    --------
    >>> power_to_db([[1e-4], [1.0]])
    array([[-40.],
           [  0.]])
    >>> power_to_db([[1e-4], [1.0]], top_db=30)
    array([[-30.],
           [  0.]])
    >>> power_to_db([[1e-4], [1.0]], top_db=30, running=True)
    array([[-40.],
           [  0.]])
    """
    db = logarithm(power, "db", log_floor, log_offset, dtype)
    if top_db is None or len(db) == 0:
        return db
    loudest = db.max(axis=1, keepdims=True)
    loudest = np.maximum.accumulate(loudest) if running else loudest.max()
    clamped: Array = np.maximum(db, loudest - top_db).astype(dtype)
    return clamped


def dct(
    x: ArrayLike, dct_type: int = 2, norm: DctNorm | None = "ortho", dtype: DTypeLike = np.float64
) -> Array:
    r"""Discrete cosine transform over the last axis, as ``scipy.fft.dct``.

    .. math::

        \text{type 1} &: y_k = x_0 + (-1)^k x_{N-1}
            + 2 \sum_{n=1}^{N-2} x_n \cos \frac{π k n}{N - 1} \\
        \text{type 2} &: y_k = 2 \sum_{n=0}^{N-1} x_n \cos \frac{π k (2n + 1)}{2N} \\
        \text{type 3} &: y_k = x_0 + 2 \sum_{n=1}^{N-1} x_n \cos \frac{π (2k + 1) n}{2N}

    ``norm="ortho"`` makes the matrix of the transform orthogonal. Type 2: everything over
    :math:`\sqrt{2N}`, then :math:`y_0` over :math:`\sqrt{2}`. Type 3 is the inverse of that: its
    transpose. Type 1: everything over :math:`\sqrt{2(N - 1)}`, the first and last x times
    :math:`\sqrt{2}`, the first and last y over :math:`\sqrt{2}`.

    Parameters
    ----------
    x : (..., N)
    dct_type : {1, 2, 3}
    norm : {"ortho", None}
    dtype : dtype

    Returns
    -------
    (..., N)

    Examples
    --------
    >>> dct([1.0, 2.0, 3.0, 5.0]).round(4)
    array([ 5.5   , -2.8837,  0.5   , -0.4291])
    """
    x = np.asarray(x, dtype)
    size = x.shape[-1]
    k, n = np.arange(size)[:, np.newaxis], np.arange(size)
    if dct_type == 1:
        matrix = 2 * np.cos(np.pi * k * n / (size - 1))
        matrix[:, [0, -1]] /= 2
        if norm == "ortho":
            matrix /= np.sqrt(2 * (size - 1))
            matrix[:, [0, -1]] *= np.sqrt(2)
            matrix[[0, -1], :] /= np.sqrt(2)
    elif dct_type == 2:
        matrix = 2 * np.cos(np.pi * k * (2 * n + 1) / (2 * size))
        if norm == "ortho":
            matrix /= np.sqrt(2 * size)
            matrix[0, :] /= np.sqrt(2)
    elif dct_type == 3:
        matrix = 2 * np.cos(np.pi * (2 * k + 1) * n / (2 * size))
        matrix[:, 0] /= 2
        if norm == "ortho":
            matrix /= np.sqrt(2 * size)
            matrix[:, 0] *= np.sqrt(2)
    else:
        raise ValueError(f"dct_type is {dct_type}; expected 1, 2 or 3")
    y: Array = x @ matrix.astype(dtype).T
    return y


def delta(x: ArrayLike, order: int = 1, width: int = 9, dtype: DTypeLike = np.float64) -> Array:
    r"""Savitzky-Golay derivative over time.

    Through the `width` frames around frame t goes the polynomial of degree `order` that fits them
    best (least squares); the output is its derivative of that order. For width 9:

    .. math:: Δx_t = \frac{1}{60} \sum_{k=-4}^{4} k \, x_{t+k}, \qquad
              ΔΔx_t = \frac{1}{462} \sum_{k=-4}^{4} (3k^2 - 20) \, x_{t+k}

    A polynomial of degree n has a constant n-th derivative, so the frames at either end, which have
    no full neighbourhood, get the value of the nearest frame that has. ΔΔ is not Δ of Δ.

    Parameters
    ----------
    x : (T, n)
        No frame, or at least `width`.
    order : int
    width : int
        Odd.
    dtype : dtype

    Returns
    -------
    (T, n)

    Examples
    --------
    >>> t = np.arange(9.0)[:, np.newaxis]
    >>> delta(3 * t).ravel().round(12)
    array([3., 3., 3., 3., 3., 3., 3., 3., 3.])
    >>> delta(5 * t**2, order=2).ravel().round(9)
    array([10., 10., 10., 10., 10., 10., 10., 10., 10.])
    """
    x = np.asarray(x, dtype)
    if len(x) == 0:
        return x.copy()
    if len(x) < width:
        raise ValueError(
            f"x has shape {x.shape}; expected {width} frames or more, the width of the delta"
        )
    half = width // 2
    k = np.arange(-half, half + 1, dtype=np.float64)
    # Least squares: the last row of the pseudo-inverse gives the coefficient of k ** order.
    weights = factorial(order) * np.linalg.pinv(np.vander(k, order + 1, increasing=True))[-1]
    interior = [weights @ x[t - half : t + half + 1] for t in range(half, len(x) - half)]
    return np.array([interior[0]] * half + interior + [interior[-1]] * half, dtype)


def with_deltas(
    x: Array, deltas: int = 0, mean: ArrayLike | None = None, std: ArrayLike | None = None
) -> Array:
    """Static features, their deltas beside them, then (x - mean) / std.

    Parameters
    ----------
    x : (T, n)
    deltas : {0, 1, 2}
        Highest order.
    mean, std : (n * (1 + deltas),), optional

    Returns
    -------
    (T, n * (1 + deltas))
    """
    orders = range(1, deltas + 1)
    rows = np.concatenate([x, *(delta(x, order, dtype=x.dtype) for order in orders)], axis=1)
    if mean is not None:
        rows = rows - np.asarray(mean, x.dtype)
    if std is not None:
        rows = rows / np.asarray(std, x.dtype)
    return rows
