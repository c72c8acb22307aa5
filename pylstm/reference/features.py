r"""Audio to MFCC or log-mel frames, as librosa 0.11 computes them, but with time first.

.. math::

    y → \text{frames} → \text{window} → |\mathrm{FFT}|^p → \text{mel bands}
      → \mathrm{dB} → \mathrm{top\_db} → \mathrm{DCT} → \text{lifter} → Δ, ΔΔ
      → (x - \mathrm{mean}) / \mathrm{std}

librosa rounds between the stages: the spectrum to complex64, magnitudes, powers, mel filters and
everything after them to float32. ``dtype=np.float32`` rounds in the same places; the default,
float64, rounds nowhere, as librosa itself does when it is given float64 audio and
``dtype=np.float64`` for its mel filters. Both stay within about 1e-4 of librosa in float32.

References
----------
.. [1] B. McFee et al. librosa 0.11.0, 2025: ``core/spectrum.py`` (stft, power_to_db),
   ``filters.py`` (mel), ``feature/spectral.py`` (mfcc), ``feature/utils.py`` (delta).
   https://doi.org/10.5281/zenodo.15006942
.. [2] S. B. Davis, P. Mermelstein. Comparison of Parametric Representations for Monosyllabic Word
   Recognition in Continuously Spoken Sentences. IEEE Transactions on Acoustics, Speech, and Signal
   Processing 28(4), 1980, 357-366.
.. [3] M. Slaney. Auditory Toolbox, version 2. Interval Research Corporation, Technical Report
   1998-010.
.. [4] A. Savitzky, M. J. E. Golay. Smoothing and Differentiation of Data by Simplified Least
   Squares Procedures. Analytical Chemistry 36(8), 1964, 1627-1639.
"""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference import transforms
from pylstm.reference.activations import Array
from pylstm.reference.mel import Norm, mel_filters
from pylstm.reference.transforms import DctNorm, PadMode, Window


def _finish(x: Array, deltas: int, mean: ArrayLike | None, std: ArrayLike | None) -> Array:
    """Static features, their deltas beside them, then (x - mean) / std."""
    orders = range(1, deltas + 1)
    rows = np.concatenate(
        [x, *(transforms.delta(x, order, dtype=x.dtype) for order in orders)], axis=1
    )
    if mean is not None:
        rows = rows - np.asarray(mean, x.dtype)
    if std is not None:
        rows = rows / np.asarray(std, x.dtype)
    return rows


def logmel(
    y: ArrayLike,
    *,
    sr: int = 16000,
    n_fft: int = 512,
    win_length: int = 400,
    hop_length: int = 160,
    n_mels: int = 40,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Norm | None = "slaney",
    window: Window = "hann",
    center: bool = True,
    pad_mode: PadMode = "constant",
    power: float = 2.0,
    top_db: float | None = None,
    running: bool = False,
    deltas: int = 0,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Log-mel frames: ``librosa.power_to_db(librosa.feature.melspectrogram(...), top_db=...).T``.

    .. math::

        S_t[b] &= \left|\sum_n w[n] \, \mathrm{frame}_t[n] \, e^{-2πi b n / \mathrm{n\_fft}}
                  \right|^{\mathrm{power}} \\
        x_t &= \mathrm{dB}(\mathrm{mel} · S_t)

    Parameters
    ----------
    y : (n,)
        One channel; int16 is divided by 32768.
    sr, n_fft, win_length, hop_length, n_mels, fmin, fmax, htk
        As in librosa.
    norm, window, center, pad_mode, power
        As in librosa; `norm` is that of the mel filters.
    top_db, running
        See `power_to_db`.
    deltas : {0, 1, 2}
        Highest order of derivative that is put beside the features.
    mean, std : (n_features,), optional
        Every feature, deltas included, becomes (x - mean) / std.
    dtype : dtype
        float64, or float32 for librosa's own roundings.

    Returns
    -------
    (T, n_features)
        n_features is n_mels * (1 + deltas).

    Examples
    --------
    >>> logmel(np.zeros(16000)).shape
    (101, 40)
    >>> float(logmel(np.zeros(16000)).max())
    -100.0
    """
    dtype = np.dtype(dtype)
    windowed = transforms.frames(y, n_fft, hop_length, center, pad_mode, dtype)
    windowed = windowed * transforms.window(window, win_length, n_fft)
    spectrum = np.fft.rfft(windowed, axis=1).astype(np.result_type(dtype, np.complex64))
    mel = mel_filters(sr, n_fft, n_mels, fmin, fmax, htk, norm, dtype)
    bands = np.abs(spectrum) ** power @ mel.T
    db = transforms.power_to_db(bands, top_db, running, dtype)
    return _finish(db, deltas, mean, std)


def mfcc(
    y: ArrayLike,
    *,
    sr: int = 16000,
    n_mfcc: int = 13,
    n_fft: int = 512,
    win_length: int = 400,
    hop_length: int = 160,
    n_mels: int = 40,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Norm | None = "slaney",
    window: Window = "hann",
    center: bool = True,
    pad_mode: PadMode = "constant",
    power: float = 2.0,
    dct_type: int = 2,
    dct_norm: DctNorm | None = "ortho",
    lifter: float = 0.0,
    top_db: float | None = None,
    running: bool = False,
    deltas: int = 0,
    mean: ArrayLike | None = None,
    std: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Mel-frequency cepstral coefficients: ``librosa.feature.mfcc(...).T`` with ``top_db=80``.

    .. math::

        x_t[n] = \mathrm{DCT}(\mathrm{logmel}_t)[n] · \left(1 + \frac{L}{2} \sin \frac{π (n + 1)}{L}
                 \right), \qquad 0 ≤ n < \mathrm{n\_mfcc}

    where L is `lifter`, and the factor is 1 for L = 0.

    Parameters
    ----------
    y : (n,)
        One channel; int16 is divided by 32768.
    n_mfcc : int
        How many coefficients are kept.
    dct_type, dct_norm
        See `dct`; librosa calls the second one `norm`, and the norm of the mel filters `mel_norm`.
    lifter : float
        0: none.
    sr, n_fft, win_length, hop_length, n_mels, fmin, fmax, htk
        See `logmel`.
    norm, window, center, pad_mode, power, top_db, running, deltas, mean, std, dtype
        See `logmel`.

    Returns
    -------
    (T, n_features)
        n_features is n_mfcc * (1 + deltas).

    Examples
    --------
    Silence is -100 dB in every band, and a constant transforms to its first coefficient alone.

    >>> mfcc(np.zeros(160), n_mfcc=3).round(4) + 0.0
    array([[-632.4555,    0.    ,    0.    ],
           [-632.4555,    0.    ,    0.    ]])
    """
    db = logmel(
        y,
        sr=sr,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        htk=htk,
        norm=norm,
        window=window,
        center=center,
        pad_mode=pad_mode,
        power=power,
        top_db=top_db,
        running=running,
        dtype=dtype,
    )
    cepstrum = transforms.dct(db, dct_type, dct_norm, dtype)[:, :n_mfcc]
    if lifter > 0:
        n = np.arange(cepstrum.shape[1])
        cepstrum = cepstrum * (1 + lifter / 2 * np.sin(np.pi * (n + 1) / lifter)).astype(dtype)
    return _finish(cepstrum, deltas, mean, std)
