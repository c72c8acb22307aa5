r"""Audio to MFCC or log-mel frames, as librosa 0.11 computes them, but with time first; with
settings for torchaudio's and Kaldi's.

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
.. [5] D. Povey et al. The Kaldi Speech Recognition Toolkit. ASRU, 2011: ``feat/feature-fbank.cc``,
   ``feature-mfcc.cc``, ``feature-functions.cc`` (lifter), ``mel-computations.cc``.
"""

from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference import transforms
from pylstm.reference.activations import Array
from pylstm.reference.framing import Energy
from pylstm.reference.mel import Norm, Triangles, mel_filters
from pylstm.reference.spectra import FrameSettings, spectra_and_energies
from pylstm.reference.transforms import DctNorm, Log, PadMode, Window

LifterFormula = Literal["librosa", "kaldi"]


class BandSettings(FrameSettings, total=False):
    """Those, and what is done to mel bands; see `mel_filters`, `logarithm`, `conditioned`."""

    triangles: Triangles
    log: Log | None
    log_floor: float
    log_offset: float
    energy: Energy | None
    energy_floor: float


def _bands(
    y: ArrayLike,
    *,
    sr: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    htk: bool,
    norm: Norm | None,
    top_db: float | None,
    running: bool,
    triangles: Triangles = "hz",
    log: Log | None = "db",
    log_floor: float = transforms.AMIN,
    log_offset: float = 0.0,
    dtype: np.dtype[Any],
    **frame: Any,
) -> tuple[Array, Array]:
    """Logarithms of mel bands, and of energies."""
    spectra, energies = spectra_and_energies(y, dtype=dtype, **frame)
    mel = mel_filters(sr, frame["n_fft"], n_mels, fmin, fmax, htk, norm, dtype, triangles)
    bands = spectra[:, 0] @ mel.T
    if log == "db":
        levels = transforms.power_to_db(bands, top_db, running, dtype, log_floor, log_offset)
    else:
        levels = transforms.logarithm(bands, log, log_floor, log_offset, dtype)
    return levels, energies


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
    **more: Unpack[BandSettings],
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
    **more
        `BandSettings`: what librosa does not have. An energy stands before the bands.

    Returns
    -------
    (T, n_features)
        n_features is n_mels * (1 + deltas), one band more with an energy.

    Examples
    --------
    >>> logmel(np.zeros(16000)).shape
    (101, 40)
    >>> float(logmel(np.zeros(16000)).max())
    -100.0
    """
    levels, energies = _bands(
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
        dtype=np.dtype(dtype),
        **more,
    )
    return transforms.with_deltas(np.concatenate([energies, levels], axis=1), deltas, mean, std)


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
    lifter_formula: LifterFormula = "librosa",
    **more: Unpack[BandSettings],
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
    lifter_formula : {"librosa", "kaldi"}
        Kaldi's has n instead of n + 1.
    **more
        `BandSettings`: what librosa does not have. An energy stands in the place of x[0].

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
    db, energies = _bands(
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
        dtype=np.dtype(dtype),
        **more,
    )
    cepstrum = transforms.dct(db, dct_type, dct_norm, dtype)[:, :n_mfcc]
    if lifter > 0:
        n = np.arange(cepstrum.shape[1]) + (1 if lifter_formula == "librosa" else 0)
        cepstrum = cepstrum * (1 + lifter / 2 * np.sin(np.pi * n / lifter)).astype(dtype)
    if energies.shape[1]:
        cepstrum[:, :1] = energies
    return transforms.with_deltas(cepstrum, deltas, mean, std)
