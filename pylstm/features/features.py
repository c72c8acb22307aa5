"""Features: what turns audio into the frames that the first layer takes.

The names, meanings and results are librosa's (0.11), and every frame is computed by the core:

    samples -> frames -> window -> |FFT|^power -> mel bands -> dB -> top_db
            -> DCT -> lifter (`MFCC` only) -> deltas -> mean/std
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm import _engine, model_files

__all__ = ["KINDS", "MFCC", "Features", "LogMel"]

_INTEGERS = ("sr", "n_fft", "win_length", "hop_length", "n_mels", "n_mfcc", "dct_type", "deltas")
_NUMBERS = ("fmin", "fmax", "power", "lifter", "top_db")
_FLAGS = ("htk", "center")
_TEXTS = ("norm", "window", "pad_mode", "dct_norm")
_OPTIONAL_TEXTS = ("norm", "dct_norm")
_NAME_OF_NONE = "none"


def _integer(name: str, value: Any) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected an integer") from None


def _number(name: str, value: Any) -> float:
    wrong = (bool, np.bool_, np.complexfloating, np.timedelta64)
    if isinstance(value, wrong) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} is {value!r}; expected a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is above what a float holds; expected less") from None


def _text(name: str, value: Any) -> str | None:
    if value is None and name in _OPTIONAL_TEXTS:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; expected a string")
    if value == _NAME_OF_NONE:  # what a file calls None
        raise ValueError(f"{name} is {value!r}; expected None or one of the names that it takes")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} is {value!r}; expected text without surrogates") from None
    return value


def _vector(name: str, value: Any) -> NDArray[np.float32]:
    _engine.refuse_masked(name, value)
    array = np.array(value)
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        raise TypeError(f"{name} is {array.dtype} with shape {array.shape}; expected numbers, 1-D")
    with np.errstate(over="ignore", under="ignore"):  # what does not fit is refused as infinite
        array = array.astype(np.float32)
    array.flags.writeable = False
    return array


class Features:
    """What `MFCC` and `LogMel` have in common.

    A recipe, immutable, that computes whole signals and makes streams.
    """

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        values = self.__dict__
        if values["win_length"] is None:
            values["win_length"] = values["n_fft"]
        if values["fmax"] is None:
            values["fmax"] = _number("sr", _integer("sr", values["sr"])) / 2
        for name, value in list(values.items()):
            if name in _INTEGERS:
                values[name] = _integer(name, value)
            elif name in _NUMBERS:
                values[name] = None if name == "top_db" and value is None else _number(name, value)
            elif name in _FLAGS:
                if not isinstance(value, (bool, np.bool_)):
                    raise TypeError(f"{name} is {value!r}; expected True or False")
                values[name] = bool(value)
            elif name in _TEXTS:
                values[name] = _text(name, value)
        if (self.mean is None) != (self.std is None):
            raise ValueError("one of mean and std is missing; expected both or neither")
        for name in ("mean", "std"):
            if values[name] is None:
                continue
            values[name] = _vector(name, values[name])
            if values[name].shape != (self.n_features,):
                raise ValueError(
                    f"{name} has {values[name].size} values; expected n_features={self.n_features}"
                )
            if not np.isfinite(values[name]).all() or (name == "std" and values[name].min() <= 0):
                expected = "finite values" + (" above 0" if name == "std" else "")
                raise ValueError(f"{name} is {values[name]}; expected {expected}")
        values["_core"] = None
        try:
            self._tables()
        except _engine.ModelFileError as error:  # the core's words name the argument
            rule, _, text = str(error).partition("] ")
            raise ValueError((text or rule).replace("features.", "")) from None

    def _tables(self) -> _engine.Core:
        """The tables in the core, made when first needed."""
        if self.__dict__["_core"] is None:
            data = model_files.encode_model((self.config(), self.tensors()), [])
            self.__dict__["_core"] = _engine.Core(data)
        return self.__dict__["_core"]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_core": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # --- what they are ----------------------------------------------------------------------------

    @property
    def n_features(self) -> int:
        """Width of a frame, deltas included."""
        raise NotImplementedError

    @property
    def latency(self) -> int:
        """Frame t comes out of a stream once t * hop_length + latency samples are in."""
        return self._tables().latency

    def config(self) -> dict[str, str]:
        """The settings as a model file holds them.

        Returns
        -------
        dict of str to str
            ``features.kind`` and one key a setting.
        """
        config = {"features.kind": self.kind}
        for setting in fields(self):  # type: ignore[arg-type]
            value = getattr(self, setting.name)
            if setting.name in ("mean", "std"):
                continue
            if value is None:
                text = _NAME_OF_NONE
            elif isinstance(value, bool):
                text = str(value).lower()
            else:
                text = repr(value) if isinstance(value, float) else str(value)
            config[f"features.{setting.name}"] = text
        config["features.normalize"] = str(self.mean is not None).lower()
        return config

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The arrays that go with `config`: mean and std, if there are any."""
        if self.mean is None or self.std is None:
            return {}
        return {
            "features.mean": np.asarray(self.mean, np.float32),
            "features.std": np.asarray(self.std, np.float32),
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, str], tensors: Mapping[str, NDArray[np.float32]]
    ) -> Self:
        """The inverse of `config` and `tensors`, for values that the core has validated."""
        values: dict[str, Any] = {
            "mean": tensors.get("features.mean"),
            "std": tensors.get("features.std"),
        }
        for setting in fields(cls):  # type: ignore[arg-type]
            if setting.name in values:
                continue
            text = config[f"features.{setting.name}"]
            if setting.name in _INTEGERS:
                values[setting.name] = int(text)
            elif setting.name in _NUMBERS:
                values[setting.name] = None if text == _NAME_OF_NONE else float(text)
            elif setting.name in _FLAGS:
                values[setting.name] = text == "true"
            else:
                values[setting.name] = None if text == _NAME_OF_NONE else text
        features = object.__new__(cls)
        features.__dict__.update(values, _core=None)
        return features

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Features)
        mine, theirs = self.tensors(), other.tensors()
        return (
            self.config() == other.config()
            and mine.keys() == theirs.keys()
            and all(np.array_equal(mine[name], theirs[name]) for name in mine)
        )

    def __hash__(self) -> int:
        return hash(tuple(self.config().values()))

    # --- what they do -----------------------------------------------------------------------------

    def __call__(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Frames of a whole signal.

        Parameters
        ----------
        y : array, shape (n,), float32 or int16
            One channel at sample rate `sr`; int16 is divided by 32768.

        Returns
        -------
        array, shape (T, n_features), float32
            librosa's result, transposed: T = 1 + n // hop_length for an even n_fft and center, and
            1 + (n - n_fft) // hop_length (0 if the signal is shorter than n_fft) without center. No
            frames for an empty signal. What a stream gives over push and flush, bit for bit, unless
            `top_db` is set: here the maximum is the whole signal's, as in librosa.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape, NaN or infinity, or fewer than 9 frames with deltas.
        """
        return _engine.run(self._tables(), y, rewind=self.top_db is not None)

    def stream(self) -> _engine.Stream:
        """A new stream: audio in chunks of any size in, frames out as soon as they are complete.

        Returns
        -------
        Stream
        """
        return _engine.Stream(self._tables(), self)

    # Declared for type checkers; the subclasses are dataclasses that have these fields.
    mean: ArrayLike | None
    std: ArrayLike | None
    top_db: float | None


_SETTINGS = """
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
        Exponent of the magnitude: 2 for energy."""


@dataclass(frozen=True, eq=False)
class MFCC(Features):
    r"""Mel-frequency cepstral coefficients, as ``librosa.feature.mfcc`` computes them.

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

    Notes
    -----
    Formula: librosa 0.11, ``feature.mfcc``, ``feature.melspectrogram``, ``power_to_db``,
    ``feature.delta``. Largest differences: ``docs/accuracy.md``.
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
    norm: str | None = "slaney"
    window: str = "hann"
    center: bool = True
    pad_mode: str = "constant"
    power: float = 2.0
    dct_type: int = 2
    dct_norm: str | None = "ortho"
    lifter: float = 0
    top_db: float | None = None
    deltas: int = 0
    mean: ArrayLike | None = field(default=None, repr=False)
    std: ArrayLike | None = field(default=None, repr=False)

    @property
    def n_features(self) -> int:
        """Width of a frame, deltas included."""
        return self.n_mfcc * (1 + self.deltas)


@dataclass(frozen=True, eq=False)
class LogMel(Features):
    r"""Log-mel spectrogram, as ``librosa.power_to_db(librosa.feature.melspectrogram(...))``.

    .. math::

        L_{tm} = \max(10 \log_{10} \max(10^{-10}, \textstyle\sum_k w_{mk} |X_t(k)|^{power}),
                      \; L_{max} - top\_db)

    Parameters
    ----------{settings}
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
    norm: str | None = "slaney"
    window: str = "hann"
    center: bool = True
    pad_mode: str = "constant"
    power: float = 2.0
    top_db: float | None = None
    deltas: int = 0
    mean: ArrayLike | None = field(default=None, repr=False)
    std: ArrayLike | None = field(default=None, repr=False)

    @property
    def n_features(self) -> int:
        """Width of a frame, deltas included."""
        return self.n_mels * (1 + self.deltas)


LogMel.__doc__ = (LogMel.__doc__ or "").replace("{settings}", _SETTINGS)

KINDS: dict[str, type[Features]] = {features.kind: features for features in (MFCC, LogMel)}
"""The class of each kind of features, under its name in model files."""
