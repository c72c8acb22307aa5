"""The mel filter bank: ``librosa.filters.mel`` of librosa 0.11.0.

References
----------
.. [1] M. Slaney. Auditory Toolbox, version 2. Interval Research Corporation, Technical Report
   1998-010.
.. [2] S. Young et al. The HTK Book, version 3.4. Cambridge University, 2006, section 5.4.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pylstm.reference.activations import Array

Norm = Literal["slaney"]
Triangles = Literal["hz", "mel"]


def hz_to_mel(hz: ArrayLike, htk: bool = False) -> NDArray[np.float64]:
    r"""Frequency to pitch.

    .. math::

        \text{Slaney} &: \begin{cases} 3 f / 200 & f < 1000 \\
            15 + 27 \ln(f / 1000) / \ln(6.4) & f ≥ 1000 \end{cases} \\
        \text{HTK} &: 2595 \log_{10}(1 + f / 700)

    Examples
    --------
    >>> hz_to_mel([500.0, 1000.0, 6400.0])
    array([ 7.5, 15. , 42. ])
    """
    hz = np.asarray(hz, np.float64)
    if htk:
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    return np.where(
        hz < 1000.0,
        3.0 * hz / 200.0,
        15.0 + 27.0 * np.log(np.maximum(hz, 1.0) / 1000.0) / np.log(6.4),
    )


def mel_to_hz(mel: ArrayLike, htk: bool = False) -> NDArray[np.float64]:
    """Pitch to frequency: the inverse of `hz_to_mel`.

    Examples
    --------
    >>> mel_to_hz([7.5, 15.0, 42.0])
    array([ 500., 1000., 6400.])
    """
    mel = np.asarray(mel, np.float64)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(
        mel < 15.0, 200.0 * mel / 3.0, 1000.0 * np.exp(np.log(6.4) * (mel - 15.0) / 27.0)
    )


def mel_filters(
    sr: int = 16000,
    n_fft: int = 512,
    n_mels: int = 40,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Norm | None = "slaney",
    dtype: DTypeLike = np.float64,
    triangles: Triangles = "hz",
) -> Array:
    r"""Triangles over the bins of a spectrum, evenly spaced in pitch.

    With n_mels + 2 frequencies :math:`f_0 … f_{M+1}` that are evenly spaced in mel from fmin to
    fmax, and bin b at :math:`b · \mathrm{sr} / \mathrm{n\_fft}` Hz,

    .. math:: w_m(b) = \max\left(0, \min\left(\frac{b - f_m}{f_{m+1} - f_m},
              \frac{f_{m+2} - b}{f_{m+2} - f_{m+1}}\right)\right)

    and with ``norm="slaney"`` every triangle is multiplied by :math:`2 / (f_{m+2} - f_m)`, which
    makes its area 1. Kaldi's triangles are straight over pitch: b and f are then in mel, and the
    bin at sr / 2 has no weight.

    Parameters
    ----------
    sr, n_fft, n_mels : int
    fmin, fmax : float
        Hz. fmax None: sr / 2.
    htk : bool
        Which pitch scale: see `hz_to_mel`.
    norm : {"slaney", None}
    dtype : dtype
        Computed in float64; rounded to this before and after the multiplication by the norm, as
        librosa does.
    triangles : {"hz", "mel"}
        Over which scale the slopes are straight.

    Returns
    -------
    (n_mels, 1 + n_fft // 2)

    Examples
    --------
    >>> mel_filters(sr=8, n_fft=8, n_mels=1, norm=None)
    array([[0. , 0.5, 1. , 0.5, 0. ]])
    """
    fmax = sr / 2 if fmax is None else fmax
    low, high = hz_to_mel([fmin, fmax], htk)
    edges = mel_to_hz(np.linspace(low, high, n_mels + 2), htk)
    bins = np.arange(1 + n_fft // 2) * sr / n_fft
    filters = np.zeros((n_mels, len(bins)), dtype)
    over_mel = triangles == "mel"
    places = hz_to_mel(bins, htk) if over_mel else bins
    corners = hz_to_mel(edges, htk) if over_mel else edges
    for m in range(n_mels):
        left, centre, right = corners[m : m + 3]
        rising = (places - left) / (centre - left)
        falling = (right - places) / (right - centre)
        filters[m] = np.maximum(0, np.minimum(rising, falling))
        if norm == "slaney":
            filters[m] = filters[m].astype(np.float64) * (2.0 / (edges[m + 2] - edges[m]))
    if over_mel and n_fft % 2 == 0:
        filters[:, -1] = 0
    return filters
