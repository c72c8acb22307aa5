"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Self

from numpy.typing import ArrayLike

from pylstm.features.features import (
    DctNorm,
    Energy,
    Features,
    Framing,
    LifterFormula,
    Log,
    Norm,
    PadMode,
    PreemphasisOver,
    Triangles,
    Window,
)
from pylstm.features.presets import Preset, settings_of

__all__ = ["MFCC"]


@dataclass(frozen=True, eq=False, repr=False)
class MFCC(Features):
    r"""Mel-frequency cepstral coefficients, as ``librosa.feature.mfcc`` computes them; with
    `preset` torchaudio's or Kaldi's.

    .. math::

        S_{tm} &= \sum_k w_{mk} \, |X_t(k)|^{power} \\
        L_{tm} &= \max(10 \log_{10} \max(10^{-10}, S_{tm}), \; L_{max} - top\_db) \\
        M_{tn} &= \mathrm{DCT}(L_t)_n
            \left(1 + \tfrac{lifter}{2} \sin \tfrac{π (n + 1)}{lifter}\right)

    Parameters
    ----------
    sr, n_fft, win_length, hop_length, n_mels, fmin, fmax, htk, norm, window, center, pad_mode
        With librosa's meaning (``norm`` is its ``mel_norm``; see `LogMel`) but defaults for speech:
        ``librosa.feature.mfcc(y=y, sr=16000)`` is ``MFCC(sr=16000, n_mfcc=20, n_fft=2048,
        win_length=None, hop_length=512, n_mels=128, top_db=80.0)``.
    power : float
        Exponent of the magnitude.
    n_mfcc : int
        Coefficients, the first ones.
    dct_type : {1, 2, 3}
    dct_norm : {"ortho", None}
    lifter : float
        0: none.
    top_db : float or None
        Floor below the loudest band, dB. librosa always clamps, at 80, and against the maximum of
        the whole clip; so does calling this object. A stream cannot know what comes: it clamps
        against the maximum **so far**. None (the default here) clamps nothing.
    deltas : {0, 1, 2}
        Highest order of the deltas that follow the coefficients in a frame
        (``librosa.feature.delta``, width 9). They cost 4 frames of latency.
    mean, std : array, shape (n_features,), optional
        Subtracted and divided by at the end.
    framing, scale, remove_dc_offset, preemphasis, preemphasis_over, periodic, triangles
        As in `LogMel`.
    log, log_floor, log_offset, energy, energy_floor
        As in `LogMel`, but there is a logarithm; and the energy stands in the place of the first
        coefficient.
    lifter_formula : {"librosa", "kaldi"}
        librosa's, above, or Kaldi's with n instead of n + 1, which leaves coefficient 0 alone.

    Notes
    -----
    Formula: librosa 0.11, ``feature.mfcc``, ``feature.melspectrogram``, ``power_to_db``,
    ``feature.delta``. Largest differences: ``docs/accuracy.md``. Kaldi: ``feature-mfcc.cc``,
    ``feature-window.cc``, ``mel-computations.cc`` as kaldi-native-fbank 1.23 has them; torchaudio
    2.8: ``transforms.MFCC``, ``functional.create_dct``, ``functional.melscale_fbanks``.

    Examples
    --------
    >>> import numpy as np
    >>> mfcc = MFCC(sr=16000)
    >>> y = np.sin(np.arange(16000, dtype=np.float32) * 0.3)
    >>> mfcc(y).shape
    (101, 13)
    >>> stream = mfcc.stream()
    >>> [len(stream.push(chunk)) for chunk in np.split(y[:800], 5)], len(stream.push(y[800:]))
    ([0, 1, 1, 1, 1], 95)
    >>> len(stream.flush())
    2
    """

    kind = "mfcc"

    sr: int = 16000
    n_mfcc: int = 13
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
    dct_type: int = 2
    dct_norm: DctNorm | None = "ortho"
    lifter: float = 0
    top_db: float | None = None
    deltas: int = 0
    mean: ArrayLike | None = field(default=None, repr=False)
    std: ArrayLike | None = field(default=None, repr=False)
    _: KW_ONLY
    framing: Framing = "stft"
    scale: float = 1.0
    remove_dc_offset: bool = False
    preemphasis: float = 0.0
    preemphasis_over: PreemphasisOver = "frame"
    periodic: bool = True
    triangles: Triangles = "hz"
    log: Log = "db"
    log_floor: float = 1e-10
    log_offset: float = 0.0
    energy: Energy | None = None
    energy_floor: float = 2.0**-23
    lifter_formula: LifterFormula = "librosa"

    @property
    def n_features(self) -> int:
        """Width of a frame, deltas included."""
        return self.n_mfcc * (1 + self.deltas)

    @property
    def span(self) -> int:
        """Samples under the window."""
        assert self.win_length is not None
        return self.win_length

    @classmethod
    def preset(cls, name: Preset, **settings: Any) -> Self:
        """Coefficients as another library has them.

        Parameters
        ----------
        name : {"librosa", "torchaudio", "kaldi"}
            librosa: the defaults. torchaudio (2.8): ``transforms.MFCC()`` at its defaults; with
            ``log="ln", log_offset=1e-6, top_db=None`` what ``log_mels=True`` makes of it. kaldi:
            ``compute-mfcc-feats`` (kaldi-native-fbank 1.23) with ``--dither=0``; `center` is
            ``--snip-edges=false``, `energy` ``--use-energy`` and ``--raw-energy``. `scale` is
            32768 already: samples are given from -1 to 1, or as int16, as always.
        **settings
            What is to be different. With "kaldi" the lengths follow from `sr` (25 ms every 10 ms,
            a power of two for n_fft) unless they are given.

        Returns
        -------
        MFCC

        Raises
        ------
        TypeError, ValueError
            There is no such preset or setting, or a value is refused.

        Examples
        --------
        >>> MFCC.preset("kaldi", sr=8000).win_length
        200
        >>> MFCC.preset("librosa") == MFCC()
        True
        """
        known = [one.name for one in fields(cls)]
        return cls(**settings_of(cls.kind, name, settings, known))
