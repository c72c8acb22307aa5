"""How samples are written in bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import shown
from pylstm.audio.companding import ALAW, MULAW

__all__ = ["NAMES", "EncodingName", "SampleEncoding"]

EncodingName = Literal[
    "int16",
    "int16-le",
    "int16-be",
    "int24",
    "int24-le",
    "int24-be",
    "int32",
    "int32-le",
    "int32-be",
    "float32",
    "float32-le",
    "float32-be",
    "float64",
    "float64-le",
    "float64-be",
    "uint8",
    "mulaw",
    "alaw",
]

# Bytes of a sample, and the letter that NumPy has for the type; 24 bits have none.
_TYPES = {
    "int16": (2, "i2"),
    "int24": (3, ""),
    "int32": (4, "i4"),
    "float32": (4, "f4"),
    "float64": (8, "f8"),
    "uint8": (1, "u1"),
    "mulaw": (1, "u1"),
    "alaw": (1, "u1"),
}
_CODES = {"mulaw": MULAW, "alaw": ALAW}
_ORDERS = {"": "", "-le": "<", "-be": ">"}

NAMES = tuple(_TYPES)
"""Names of the encodings, without the endings that say a byte order."""


@dataclass(frozen=True)
class SampleEncoding:
    """How samples are written in bytes.

    Attributes
    ----------
    name : str
        One of `NAMES`.
    order : str
        ``"<"``: the lowest byte comes first; ``">"``: the highest; ``""``: not said.

    Examples
    --------
    >>> SampleEncoding.named("int16-be").decode(np.frombuffer(b"\\x40\\x00", np.uint8))
    array([0.5], dtype=float32)
    """

    name: str
    order: str = ""

    @classmethod
    def named(cls, value: object) -> Self:
        """The encoding of a name, such as ``"int24"`` or ``"int24-be"``.

        Raises
        ------
        TypeError, ValueError
            There is none; the message has the name that is probably meant.
        """
        if isinstance(value, str):
            for ending, order in _ORDERS.items():
                name = value.removesuffix(ending)
                if value.endswith(ending) and name in _TYPES and not (order and _size(name) == 1):
                    return cls(name, order)
        names = ", ".join(map(repr, NAMES[:-1])) + f" or {NAMES[-1]!r}"
        meant = _meant(value)
        hint = f": pass {meant!r}" if meant else ""
        message = (
            f"encoding is {shown(value)}; expected {names}, with '-le' or '-be' behind it where a"
            f" sample has several bytes and they do not come in little-endian order{hint}"
        )
        raise (ValueError if isinstance(value, str) else TypeError)(message)

    @classmethod
    def of_dtype(cls, dtype: np.dtype[Any]) -> Self | None:
        """The encoding of an array's samples; None: arrays of this dtype are not taken."""
        for name in ("int16", "int32", "float32", "float64", "uint8"):
            if dtype.kind + str(dtype.itemsize) == _TYPES[name][1]:
                return cls(name, "" if dtype.itemsize == 1 else _order(dtype))
        return None

    @cached_property
    def size(self) -> int:
        """Bytes of a sample."""
        return _size(self.name)

    @cached_property
    def is_float(self) -> bool:
        """Whether samples may be infinite or no number at all."""
        return self.name.startswith("float")

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Of `values`; of 24 bits, of their bytes."""
        return np.dtype((self.order or "<") + (_TYPES[self.name][1] or "u1"))

    @property
    def in_arrays(self) -> SampleEncoding:
        """The same with its byte order said, as `of_dtype` says it."""
        return self if self.size == 1 else SampleEncoding(self.name, self.order or "<")

    def fits(self, other: SampleEncoding) -> bool:
        """Whether an array in the other encoding is one in this one."""
        if self.name in _CODES:
            return other.name == "uint8"
        return self.name == other.name and self.order in ("", other.order)

    def __str__(self) -> str:
        return self.name + {order: ending for ending, order in _ORDERS.items()}[self.order]

    def values(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        """The numbers in some bytes, as they are written.

        Parameters
        ----------
        data : array, shape (n * size,), uint8

        Returns
        -------
        array, shape (n,)
            Of 24 bits: shape (n, 3), the bytes.
        """
        return data.reshape(-1, 3) if self.name == "int24" else data.view(self.dtype)

    def samples(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Numbers as samples: integers divided by 2 ** (bits - 1), floats as they are.

        Parameters
        ----------
        values : array, shape (n,)
            What `values` gives; any stride.

        Returns
        -------
        array, shape (n,), float32
            Always new. float64 beyond the range of float32 becomes infinite.
        """
        if self.name in _CODES:
            return _CODES[self.name][values]
        if self.name == "int24":
            # The upper three bytes of 32 bits.
            big = self.order == ">"
            wide = np.zeros((len(values), 4), np.uint8)
            wide[:, slice(0, 3) if big else slice(1, 4)] = values
            values = wide.view(">i4" if big else "<i4")[:, 0]
        if self.name == "float64":
            with np.errstate(over="ignore", under="ignore"):
                return values.astype(np.float32)
        samples: NDArray[np.float32] = values.astype(np.float32)
        if self.name == "uint8":
            samples -= 128.0
        if not self.is_float:
            samples *= self._step
        return samples

    @cached_property
    def _step(self) -> np.float32:
        """From one integer to the next."""
        bits = 32 if self.name == "int24" else 8 * self.size
        return np.float32(2.0 ** (1 - bits))

    def decode(self, data: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The samples in some bytes, of which there are whole samples.

        Parameters
        ----------
        data : array, shape (n * size,), uint8

        Returns
        -------
        array, shape (n,), float32
        """
        return self.samples(self.values(data))


def _size(name: str) -> int:
    return _TYPES[name][0]


def _order(dtype: np.dtype[Any]) -> str:
    return "<" if dtype == dtype.newbyteorder("<") else ">"


# Names that other programs have: ffmpeg's, ALSA's, GStreamer's, NumPy's, libsndfile's, those of
# telephony, RTP and services.
_KINDS = {
    "s": "int",
    "i": "int",
    "int": "int",
    "pcm": "int",
    "pcm_": "int",
    "linear": "int",
    "f": "float",
    "float": "float",
}
_OTHER_NAMES = {
    **dict.fromkeys(("ulaw", "ulaw_8k", "pcmu", "g711u", "g.711u", "μlaw", "µlaw"), "mulaw"),
    **dict.fromkeys(("g711_ulaw", "g711ulaw", "mu_law", "basic", "x_mulaw", "xmulaw"), "mulaw"),
    **dict.fromkeys(("alaw", "alaw_8k", "pcma", "g711a", "g.711a", "g711_alaw"), "alaw"),
    **dict.fromkeys(("g711alaw", "a_law", "x_alaw", "xalaw"), "alaw"),
    **dict.fromkeys(("u8", "u1", "pcm_u8", "pcm_8", "unsigned8", "l8"), "uint8"),
    **dict.fromkeys(("float", "single", "float_le"), "float32"),
    **dict.fromkeys(("double", "float64_le"), "float64"),
    "float_be": "float32-be",
    "float64_be": "float64-be",
    "l16": "int16-be",
    "l24": "int24-be",
    "s24_3le": "int24",
    "s24_3be": "int24-be",
    "short": "int16",
}
# Samples of 24 bits in four bytes each, which no encoding is.
_PADDED = ("s24_le", "s24_be", "s24_32le", "s24_32be", "s24-32le", "s24-32be")


def _meant(value: object) -> str | None:
    """The name of an encoding that another program has another name for."""
    if not isinstance(value, str):
        try:
            encoding = SampleEncoding.of_dtype(np.dtype(value))  # type: ignore[call-overload]
        except (TypeError, ValueError):
            return None
        if encoding is None:
            return None
        return str(encoding).removesuffix("-le")
    text = re.sub(r"\s", "", value.lower()).replace("pcm_s", "s").replace("pcm_f", "f")
    text = text.removeprefix("audio/").partition(";")[0]  # types of MIME
    if text in _PADDED:
        return None
    plain = text.replace("-", "")
    for name in (text, plain, plain.replace("_", ""), plain.removeprefix("pcm_")):
        if name in _TYPES:
            return name
        if name in _OTHER_NAMES:
            return _OTHER_NAMES[name]
    if found := re.fullmatch(r"([<>=|]?)([if])([248])", text):  # NumPy
        name, big = f"{_KINDS[found[2]]}{8 * int(found[3])}", found[1] == ">"
    elif found := re.fullmatch(r"(s|i|int|pcm_?|linear|f|float)(\d+)[_-]?(le|be)?", text):
        name, big = _KINDS[found[1]] + found[2], found[3] == "be"
    else:
        return None
    return None if name not in _TYPES else f"{name}-be" if big else name
