"""Short-time spectra."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

from numpy.typing import ArrayLike

from pylstm.features.features import Features, Framing, Log, PadMode, PreemphasisOver, Window

__all__ = ["Spectrum"]


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Features):
    r"""Short-time spectra: magnitudes, powers or their logarithms, as ``abs(librosa.stft(...))``.

    .. math:: S_t(k) = \left|\sum_n w_n \, x_{tn} \, e^{-2πi k n / n\_fft}\right|^{power}

    Parameters
    ----------
    sr, n_fft, win_length, hop_length, window, center, pad_mode
        As in `LogMel`.
    power : float
        Exponent of the magnitude: 1 for magnitudes, 2 for powers.
    mean, std : array, shape (n_features,), optional
        Subtracted and divided by at the end.
    framing, scale, remove_dc_offset, preemphasis, preemphasis_over, periodic
        As in `LogMel`.
    log : {"db", "ln", "log10", None}
        10 log10 of the power (of what `power` says), the natural logarithm, log10, or none.
    log_floor, log_offset : float
        The logarithm is that of max(log_floor, x + log_offset).
    columns : int
        Spectra that stand side by side in a row, oldest first; more than one with
        ``framing="chunk"`` alone. A row is then made of win_length + (columns - 1) * column_hop
        samples.
    column_hop : int
        Samples from one of them to the next; 0 with one column.
    pad_right : int
        With ``framing="chunk"``: how many of these samples are none of the signal's but those
        before the last one, mirrored.

    Notes
    -----
    The windows and the transform are those of librosa 0.11, ``stft``.

    Examples
    --------
    What DTLN takes (512 samples of which 128 are new, no window), NSNet2 and Silero VAD:

    >>> dtln = Spectrum(n_fft=512, hop_length=128, window="boxcar", center=False, framing="chunk")
    >>> nsnet2 = Spectrum(
    ...     n_fft=320, hop_length=160, window="sqrt_hann", periodic=False, center=False, power=2.0,
    ...     log="log10", log_floor=1e-12)
    >>> silero = Spectrum(
    ...     n_fft=256, hop_length=512, center=False, framing="chunk", columns=4, column_hop=128,
    ...     pad_right=64)
    >>> dtln.n_features, nsnet2.n_features, silero.n_features, silero.span
    (257, 161, 516, 576)
    """

    kind = "spectrum"

    sr: int = 16000
    n_fft: int = 512
    win_length: int | None = None
    hop_length: int = 160
    window: Window = "hann"
    center: bool = True
    pad_mode: PadMode = "constant"
    power: float = 1.0
    mean: ArrayLike | None = field(default=None, repr=False)
    std: ArrayLike | None = field(default=None, repr=False)
    _: KW_ONLY
    framing: Framing = "stft"
    scale: float = 1.0
    remove_dc_offset: bool = False
    preemphasis: float = 0.0
    preemphasis_over: PreemphasisOver = "frame"
    periodic: bool = True
    log: Log | None = None
    log_floor: float = 1e-10
    log_offset: float = 0.0
    columns: int = 1
    column_hop: int = 0
    pad_right: int = 0

    @property
    def n_features(self) -> int:
        """Width of a row: n_fft // 2 + 1 for each column."""
        return self.columns * (self.n_fft // 2 + 1)

    @property
    def span(self) -> int:
        """Samples of the signal that a row is made of."""
        assert self.win_length is not None
        return self.win_length + (self.columns - 1) * self.column_hop - self.pad_right
