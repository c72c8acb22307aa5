"""The base class of features, which turn audio into the frames that the first layer takes.

The names, meanings and results are librosa's (0.11) where librosa has them, and every frame is
computed by the core:

    samples -> frames -> scale, DC, pre-emphasis -> window -> |FFT|^power -> mel bands
            -> logarithm -> top_db -> DCT -> lifter (`MFCC` only) -> deltas -> mean/std

A `Spectrum` ends after the logarithm, without mel bands; a `Waveform` after the scale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm import _engine
from pylstm.arguments import (
    choice,
    count,
    described,
    flag,
    listing,
    number_of,
    real,
    shown,
    whole,
)
from pylstm.safetensors_encoding import encode_model

__all__ = [
    "DctNorm",
    "Energy",
    "Features",
    "Framing",
    "LifterFormula",
    "Log",
    "Norm",
    "PadMode",
    "PreemphasisOver",
    "Triangles",
    "Window",
]

Norm = Literal["slaney"]
Window = Literal["hann", "hamming", "blackman", "boxcar", "povey", "sqrt_hann"]
PadMode = Literal["constant", "reflect", "symmetric"]
DctNorm = Literal["ortho"]
Framing = Literal["stft", "kaldi", "chunk"]
PreemphasisOver = Literal["frame", "signal"]
Log = Literal["db", "ln", "log10"]
Triangles = Literal["hz", "mel"]
Energy = Literal["raw", "windowed"]
LifterFormula = Literal["librosa", "kaldi"]

_NAME_OF_NONE = "none"

# How the core calls a setting that has a number: all are texts in a file.
_QUOTED_NUMBER = re.compile(r"^'(\w+)' is '([-+.\w]+)';")

# What files of format 1 can hold of settings that have been there from the beginning.
_FORMAT_1 = {
    "kind": ("mfcc", "logmel"),
    "window": ("hann", "hamming", "blackman", "boxcar"),
    "pad_mode": ("constant", "reflect"),
}


def _name(names: tuple[str, ...]) -> Callable[[str, Any], str]:
    """What checks that an argument is one of some names."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{name} is {shown(value)}; expected {listing(names, len(names))}")
        return choice(name, value, names)

    return check


# By the type that a field is declared with: what checks an argument, and what reads its spelling in
# a model file.
_TYPES: dict[str, tuple[Callable[[str, Any], Any], Callable[[str], Any]]] = {
    "int": (whole, int),
    "float": (real, float),
    "bool": (flag, "true".__eq__),
    **{
        name: (_name(get_args(names)), str)
        for name, names in {
            "Norm": Norm,
            "Window": Window,
            "PadMode": PadMode,
            "DctNorm": DctNorm,
            "Framing": Framing,
            "PreemphasisOver": PreemphasisOver,
            "Log": Log,
            "Triangles": Triangles,
            "Energy": Energy,
            "LifterFormula": LifterFormula,
        }.items()
    },
}


def _spelling(value: Any) -> str:
    """A setting as a model file spells it."""
    if value is None:
        return _NAME_OF_NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


def _vector(name: str, value: Any) -> NDArray[np.float32]:
    _engine.refuse_masked(name, value)
    array = np.array(value)
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        raise TypeError(f"{name} is {described(array)}; expected numbers, 1-D")
    with np.errstate(over="ignore", under="ignore"):  # overflow is refused as infinite
        array = array.astype(np.float32)
    array.flags.writeable = False
    return array


class Features:
    """The base class of `MFCC`, `LogMel`, `Spectrum` and `Waveform`.

    An immutable recipe that computes whole signals and makes streams.
    """

    kind: ClassVar[str]

    # What a kind has that lacks the setting.
    top_db: float | None = None
    deltas: int = 0
    framing: Framing = "chunk"
    center: bool = False

    def __post_init__(self) -> None:
        values = self.__dict__
        if values.get("win_length", 0) is None:
            values["win_length"] = values["n_fft"]
        if values.get("fmax", 0) is None:
            values["fmax"] = real("sr", whole("sr", values["sr"])) / 2
        for setting, (kind, optional) in self._settings().items():
            if optional and values[setting] is None:
                continue
            check, _ = _TYPES[kind]
            try:
                values[setting] = check(setting, values[setting])
            except (TypeError, ValueError) as error:
                raise type(error)(f"{error}{', or None' * optional}") from None
        if (self.mean is None) != (self.std is None):
            raise ValueError("one of mean and std is missing; expected both or neither")
        for name in ("mean", "std"):
            if values[name] is None:
                continue
            values[name] = _vector(name, values[name])
            if values[name].shape != (self.n_features,):
                raise ValueError(
                    f"{name} has {number_of(values[name].size, 'value')};"
                    f" expected n_features={self.n_features}"
                )
            if not np.isfinite(values[name]).all() or (name == "std" and values[name].min() <= 0):
                expected = "finite values" + (" above 0" if name == "std" else "")
                raise ValueError(f"{name} is {values[name]}; expected {expected}")
        try:
            _ = self._core
        except _engine.ModelFileError as error:  # the core's message names the argument
            rule, _, words = str(error).partition("] ")
            said = (words or rule).replace("features.", "")
            raise ValueError(_QUOTED_NUMBER.sub(r"\1 is \2;", said)) from None

    @classmethod
    def _settings(cls) -> dict[str, tuple[str, bool]]:
        """Of each field but mean and std: the name of its type, and whether it can be None."""
        return {
            setting.name: (setting.type.removesuffix(" | None"), setting.type.endswith(" | None"))
            for setting in fields(cls)  # type: ignore[arg-type]
            if setting.name not in ("mean", "std")
        }

    def _unusual(self) -> set[str]:
        """The settings that a file has only where they are not the default, and that are not it."""
        return {
            setting.name
            for setting in fields(self)  # type: ignore[arg-type]
            if setting.kw_only and getattr(self, setting.name) != setting.default
        }

    def _written(self) -> list[str]:
        """The settings that a file has, in order."""
        unusual = self._unusual()
        return [
            setting.name
            for setting in fields(self)  # type: ignore[arg-type]
            if setting.name not in ("mean", "std")
            and (not setting.kw_only or setting.name in unusual)
        ]

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._written())
        return f"{type(self).__name__}({settings})"

    @cached_property
    def _core(self) -> _engine.Core:
        """The tables in the core, made when first needed."""
        parts = (self.config(), self.tensors())
        return _engine.Core(encode_model(parts, [], format=self.needs_format))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_core"}

    # --- what they are ----------------------------------------------------------------------------

    @property
    def n_features(self) -> int:
        """Width of a frame, deltas included."""
        raise NotImplementedError

    @property
    def span(self) -> int:
        """Samples of the signal that a frame is made of: the window's, or the chunk's."""
        raise NotImplementedError

    @property
    def latency(self) -> int:
        """Frame t comes out of a stream once t * hop_length + latency samples are in.

        But for the first ones: with ``pad_mode="reflect"`` and an even n_fft, frame 0 waits for one
        sample more; with deltas, frames 0 to 3 come together with frame 4.
        """
        return self._core.latency

    @property
    def first_centre(self) -> float:
        """The place of the middle of frame 0, samples from the beginning of the signal; that of
        frame t is t * hop_length later."""
        if self.framing == "stft":
            return 0.0 if self.center else self.n_fft / 2  # type: ignore[attr-defined]
        if self.framing == "kaldi":
            return self.hop_length // 2 if self.center else self.span / 2
        return self.hop_length - self.span / 2

    def n_frames(self, n_samples: int) -> int:
        """Counts the frames of a signal, whatever deltas ask for.

        Parameters
        ----------
        n_samples : int
            Samples at rate `sr`.

        Returns
        -------
        int

        Examples
        --------
        >>> import pylstm
        >>> pylstm.MFCC().n_frames(16000), pylstm.MFCC.preset("kaldi").n_frames(16000)
        (101, 98)
        """
        n = count("n_samples", n_samples, 0)
        hop = self.hop_length
        if self.framing == "stft":
            n_fft: int = self.n_fft  # type: ignore[attr-defined]
            extra, whole_frame = (2 * (n_fft // 2) if self.center else 0), n_fft
        elif self.framing == "kaldi":
            extra, whole_frame = (hop // 2, hop) if self.center else (0, self.span)
        else:
            extra, whole_frame = hop - 1, hop
        return 0 if n == 0 else max(0, (n + extra - whole_frame) // hop + 1)

    @property
    def needs_format(self) -> int:
        """The format of the model files that can hold these settings, 1 or 2."""
        fits = all(getattr(self, name, None) in (None, *taken) for name, taken in _FORMAT_1.items())
        return 1 if fits and not self._unusual() else 2

    def config(self) -> dict[str, str]:
        """The settings as a model file holds them.

        Returns
        -------
        dict of str to str
            ``features.kind`` and one key a setting; those that can be given by name alone are left
            out where they have their defaults.
        """
        config = {"features.kind": self.kind}
        config |= {f"features.{name}": _spelling(getattr(self, name)) for name in self._written()}
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
        defaults = {one.name: one.default for one in fields(cls) if one.kw_only}  # type: ignore[arg-type]
        for name, (kind, optional) in cls._settings().items():
            spelling = config.get(f"features.{name}")
            _, read = _TYPES[kind]
            if spelling is None:
                values[name] = defaults[name]
            else:
                values[name] = None if optional and spelling == _NAME_OF_NONE else read(spelling)
        features = object.__new__(cls)
        features.__dict__.update(values)
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
        """Computes the frames of a whole signal.

        Parameters
        ----------
        y : array, shape (n,), float32 or int16
            One channel at sample rate `sr`; int16 is divided by 32768.

        Returns
        -------
        array, shape (T, n_features), float32
            Of librosa's framing, and as librosa's result, transposed: T = 1 + n // hop_length for
            an even n_fft and center, and 1 + (n - n_fft) // hop_length (0 if the signal is shorter
            than n_fft) without center; `n_frames` tells T for all. No frames for an empty signal.
            What a stream gives over push and flush, bit for bit, unless `top_db` is set: here the
            maximum is the whole signal's, as in librosa.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape, NaN or infinity, or fewer than 9 frames with deltas.

        Warns
        -----
        RuntimeWarning
            As `Stream.push`: these are probably 16-bit values.
        """
        return _engine.run(self._core, y, rewind=self.top_db is not None, name="y")

    def stream(self) -> _engine.Stream:
        """A new stream: audio in chunks of any size in, frames out as soon as they are complete.

        Returns
        -------
        Stream
        """
        return _engine.Stream(self._core, self)

    # Declared for type checkers; the subclasses are dataclasses that have these fields.
    sr: int
    hop_length: int
    mean: ArrayLike | None
    std: ArrayLike | None
