"""Log-mel spectrograms."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, Self

from numpy.typing import ArrayLike

from pylstm.features.features import (
    Energy,
    Features,
    Framing,
    Log,
    Norm,
    PadMode,
    PreemphasisOver,
    Triangles,
    Window,
)
from pylstm.features.presets import Preset, settings_of

__all__ = ["LogMel"]


@dataclass(frozen=True, eq=False, repr=False)
class LogMel(Features):
    r"""Log-mel spectrogram, as ``librosa.power_to_db(librosa.feature.melspectrogram(...))``; with
    `preset` torchaudio's or Kaldi's.

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
    window : {"hann", "hamming", "blackman", "boxcar", "povey", "sqrt_hann"}
        As librosa takes them from SciPy. povey is Kaldi's, a Hann window to the power of 0.85;
        sqrt_hann the root of a Hann window.
    center : bool
        Whether frame t is centred on sample t * hop_length (the signal is padded) or begins there;
        see `framing`.
    pad_mode : {"constant", "reflect", "symmetric"}
        What center pads with: zeros, or the mirrored signal as ``numpy.pad`` mirrors it, without
        the sample at the edge or with it. Reflection begins once n_fft // 2 + 1 samples are there.
    power : float
        Exponent of the magnitude: 2 for energy.
    top_db, deltas, mean, std
        As in `MFCC`.
    framing : {"stft", "kaldi", "chunk"}
        Which samples are a frame. stft: librosa's and PyTorch's, n_fft samples with the window in
        the middle. kaldi: win_length samples, and zeros behind them; without center
        (``snip_edges=true``) frame t begins at sample t * hop_length; with center
        (``snip_edges=false``) it is centred on t * hop_length + hop_length // 2, and there are
        n / hop_length frames, rounded to the nearest. chunk: win_length samples that end with
        sample (t + 1) * hop_length, zeros before the first and after the last; center is False.
    scale : float
        Samples are multiplied by it: 32768 makes the numbers of 16-bit audio of them.
    remove_dc_offset : bool
        Whether a frame's mean is taken away from it, before everything below.
    preemphasis : float
        0 to 1: the sample before, times this, is taken away from each sample; 0: none.
    preemphasis_over : {"frame", "signal"}
        In each frame, whose first sample takes itself for the one before (Kaldi, HTK), or over the
        whole signal, before which there is 0 (``librosa.effects.preemphasis`` with ``zi=[0]``).
    periodic : bool
        Whether the window has a period of win_length, as SciPy's and PyTorch's for spectra have, or
        its last value is its first (Kaldi, ``numpy.hanning``).
    triangles : {"hz", "mel"}
        Whether the slopes of a band are straight over frequency or over pitch (Kaldi, which also
        drops the bin at sr / 2).
    log : {"db", "ln", "log10", None}
        10 log10, the natural logarithm, log10, or none: energies.
    log_floor, log_offset : float
        The logarithm is that of max(log_floor, x + log_offset).
    energy : {"raw", "windowed", None}
        Whether the natural logarithm of the frame's energy, the sum of squares, stands before the
        bands (in an `MFCC` in the place of coefficient 0): before pre-emphasis and window, or after
        both.
    energy_floor : float
        Smallest energy.

    Notes
    -----
    Sources: librosa 0.11 (``feature.melspectrogram``, ``power_to_db``); torchaudio 2.8
    (``functional.melscale_fbanks``, ``functional.spectrogram``); Kaldi (``feature-fbank.cc``,
    ``feature-window.cc``, ``mel-computations.cc``) as kaldi-native-fbank 1.23 has it.

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
    _: KW_ONLY
    framing: Framing = "stft"
    scale: float = 1.0
    remove_dc_offset: bool = False
    preemphasis: float = 0.0
    preemphasis_over: PreemphasisOver = "frame"
    periodic: bool = True
    triangles: Triangles = "hz"
    log: Log | None = "db"
    log_floor: float = 1e-10
    log_offset: float = 0.0
    energy: Energy | None = None
    energy_floor: float = 2.0**-23

    @property
    def n_features(self) -> int:
        """Width of a frame, energy and deltas included."""
        return (self.n_mels + (self.energy is not None)) * (1 + self.deltas)

    @property
    def span(self) -> int:
        """Samples under the window."""
        assert self.win_length is not None
        return self.win_length

    @classmethod
    def preset(cls, name: Preset, **settings: Any) -> Self:
        """Log-mel bands as another library has them.

        Parameters
        ----------
        name : {"librosa", "torchaudio", "kaldi"}
            librosa: the defaults. torchaudio (2.8): ``AmplitudeToDB()(MelSpectrogram()(y))`` at its
            defaults; with ``log="ln", log_offset=1e-6`` what its MFCC calls ``log_mels``. kaldi:
            ``compute-fbank-feats`` (kaldi-native-fbank 1.23) with ``--dither=0``; `center` is
            ``--snip-edges=false``, `energy` ``--use-energy``. `scale` is
            32768 already: samples are given from -1 to 1, or as int16, as always.
        **settings
            What is to be different. With "kaldi" the lengths follow from `sr` (25 ms every 10 ms,
            a power of two for n_fft) unless they are given.

        Returns
        -------
        LogMel

        Raises
        ------
        TypeError, ValueError
            There is no such preset or setting, or a value is refused.

        Examples
        --------
        >>> LogMel.preset("kaldi", n_mels=80).n_features
        80
        >>> LogMel.preset("librosa") == LogMel()
        True
        """
        known = [one.name for one in fields(cls)]
        return cls(**settings_of(cls.kind, name, settings, known))
