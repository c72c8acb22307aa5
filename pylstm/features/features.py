"""The base class of features, which turn audio into the frames that the first layer takes.

The names, meanings and results are librosa's (0.11), and every frame is computed by the core:

    samples -> frames -> window -> |FFT|^power -> mel bands -> dB -> top_db
            -> DCT -> lifter (`MFCC` only) -> deltas -> mean/std
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm import _engine
from pylstm.arguments import described, flag, real, text, whole
from pylstm.safetensors_encoding import encode_model

__all__ = ["Features"]

_NAME_OF_NONE = "none"


def _name(name: str, value: object) -> str:
    if value == _NAME_OF_NONE:  # how a file spells None
        raise ValueError(f"{name} is {value!r}; expected None or one of the names that it takes")
    return text(name, value)


# By the type that a field is declared with: what checks an argument, and what reads its spelling in
# a model file.
_TYPES: dict[str, tuple[Callable[[str, Any], Any], Callable[[str], Any]]] = {
    "int": (whole, int),
    "float": (real, float),
    "bool": (flag, "true".__eq__),
    "str": (_name, str),
}


def _written(value: Any) -> str:
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
    """The base class of `MFCC` and `LogMel`.

    An immutable recipe that computes whole signals and makes streams.
    """

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        values = self.__dict__
        if values["win_length"] is None:
            values["win_length"] = values["n_fft"]
        if values["fmax"] is None:
            values["fmax"] = real("sr", whole("sr", values["sr"])) / 2
        for setting, (kind, optional) in self._settings().items():
            if not (optional and values[setting] is None):
                check, _ = _TYPES[kind]
                values[setting] = check(setting, values[setting])
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
        try:
            _ = self._core
        except _engine.ModelFileError as error:  # the core's message names the argument
            rule, _, words = str(error).partition("] ")
            raise ValueError((words or rule).replace("features.", "")) from None

    @classmethod
    def _settings(cls) -> dict[str, tuple[str, bool]]:
        """Of each field but mean and std: the name of its type, and whether it can be None."""
        return {
            setting.name: (setting.type.removesuffix(" | None"), setting.type.endswith(" | None"))
            for setting in fields(cls)  # type: ignore[arg-type]
            if setting.name not in ("mean", "std")
        }

    @cached_property
    def _core(self) -> _engine.Core:
        """The tables in the core, made when first needed."""
        return _engine.Core(encode_model((self.config(), self.tensors()), []))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_core"}

    # --- what they are ----------------------------------------------------------------------------

    @property
    def n_features(self) -> int:
        """Width of a frame, deltas included."""
        raise NotImplementedError

    @property
    def latency(self) -> int:
        """Frame t comes out of a stream once t * hop_length + latency samples are in."""
        return self._core.latency

    def config(self) -> dict[str, str]:
        """The settings as a model file holds them.

        Returns
        -------
        dict of str to str
            ``features.kind`` and one key a setting.
        """
        config = {"features.kind": self.kind}
        config |= {f"features.{name}": _written(getattr(self, name)) for name in self._settings()}
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
        for name, (kind, optional) in cls._settings().items():
            spelling = config[f"features.{name}"]
            _, read = _TYPES[kind]
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
            librosa's result, transposed: T = 1 + n // hop_length for an even n_fft and center, and
            1 + (n - n_fft) // hop_length (0 if the signal is shorter than n_fft) without center. No
            frames for an empty signal. What a stream gives over push and flush, bit for bit, unless
            `top_db` is set: here the maximum is the whole signal's, as in librosa.

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
    mean: ArrayLike | None
    std: ArrayLike | None
    top_db: float | None
