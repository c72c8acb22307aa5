"""Log-mel spectrograms."""

from __future__ import annotations

from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from pylstm.features.features import Features, Norm, PadMode, Window

__all__ = ["LogMel"]


@dataclass(frozen=True, eq=False)
class LogMel(Features):
    r"""Log-mel spectrogram, as ``librosa.power_to_db(librosa.feature.melspectrogram(...))``.

    .. math::

        L_{tm} = \max(10 \log_{10} \max(10^{-10}, \textstyle\sum_k w_{mk} |X_t(k)|^{power}),
                      \; L_{max} - top\_db)

    Parameters
    ----------
    sr : int
        Sample rate, Hz.
    n_fft : int
        Samples a frame, and length of the FFT; any number (powers of two are fastest).
    win_length : int or None
        Samples under the window, which stands in the middle of the frame; None: n_fft.
    hop_length : int
        Samples from frame to frame. Refused where a second of audio would cost more than 2e10
        operations (n_fft=65536 with hop_length=1; ``docs/model-file.md`` says how they count).
    n_mels : int
        Mel bands.
    fmin, fmax : float
        Lowest and highest frequency of the bands, Hz; fmax None: sr / 2.
    htk : bool
        The HTK mel scale instead of Slaney's.
    norm : {"slaney", None}
        Whether a band is divided by its width.
    window : {"hann", "hamming", "blackman", "boxcar"}
        Periodic, as librosa takes them from SciPy.
    center : bool
        Whether frame t is centred on sample t * hop_length (the signal is padded) or begins there.
    pad_mode : {"constant", "reflect"}
        What center pads with: zeros or the mirrored signal. Reflection begins once n_fft // 2 + 1
        samples are there.
    power : float
        Exponent of the magnitude: 2 for energy.
    top_db, deltas, mean, std
        As in `MFCC`.

    Examples
    --------
    >>> import numpy as np
    >>> LogMel(n_mels=80)(np.zeros(1600, np.float32)).shape
    (11, 80)
    """

    kind = "logmel"

    sr: int = 16000
    n_fft: int = 512
    win_length: int | None = 400
    hop_length: int = 160
    n_mels: int = 40
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False
    norm: Norm | None = "slaney"
    window: Window = "hann"
    center: bool = True
    pad_mode: PadMode = "constant"
    power: float = 2.0
    top_db: float | None = None
    deltas: int = 0
    mean: ArrayLike | None = field(default=None, repr=False)
    std: ArrayLike | None = field(default=None, repr=False)
