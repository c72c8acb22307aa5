"""What all layers have in common: sizes, weights, how they stand in a model file."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing
from pylstm.layers.weights import Shape, Weights, check_weights, round_to_bf16, uniform

__all__ = ["MAX_DIMENSION", "MAX_NUM_LAYERS", "PRECISIONS", "Layer", "flag_of", "size_of"]

PRECISIONS = ("float32", "bf16", "int8")

# The limits of the core (src/layers/): no dimension of a tensor is larger, no stack is higher.
MAX_DIMENSION = 65_536
MAX_NUM_LAYERS = 128


def size_of(name: str, value: object, largest: int = MAX_DIMENSION) -> int:
    """A whole number from 1 to `largest`, or an error that names the argument."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected a whole number") from None
    if not 1 <= number <= largest:
        raise ValueError(f"{name} is {number}; expected 1 to {largest}")
    return number


def flag_of(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected True or False")
    return value


def _parse(config: Mapping[str, str], kind: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """The values of a layer's configuration in a model file, which are all strings."""
    expected = ("kind", *keys, "precision")
    for key in expected[:-1]:
        if key not in config:
            raise ValueError(f"configuration of a {kind} layer is missing {key!r}")
    for key, value in config.items():
        if key not in expected:
            raise ValueError(
                f"configuration of a {kind} layer has no {key!r}; expected {listing(expected)}"
            )
        if not isinstance(value, str):
            raise TypeError(f"{key!r} in a configuration is {value!r}; expected a string")
    if config["kind"] != kind:
        raise ValueError(f"configuration is of a {config['kind']!r} layer; expected {kind!r}")
    values: dict[str, Any] = {}
    for key in (*keys, *(["precision"] if "precision" in config else [])):
        text = config[key]
        if key in ("activation", "precision"):
            values[key] = text
        elif key == "bias":
            if text not in ("true", "false"):
                raise ValueError(f"'bias' in a configuration is {text!r}; expected true or false")
            values[key] = text == "true"
        elif re.fullmatch("[1-9][0-9]{0,8}", text):
            values[key] = int(text)
        else:
            raise ValueError(f"{key!r} in a configuration is {text!r}; expected a whole number")
    return values


class Layer:
    """What all layers have in common.

    Attributes
    ----------
    input_size : int
        Width of the rows that go in.
    n_outputs : int
        Width of the rows that come out.
    precision : {"float32", "bf16", "int8"}
        How the weight matrices are kept; biases and states are float32 always.
    weights : dict of str to ndarray
        In C order, under PyTorch's names: float32, with bf16 rounded to 8 significant bits, with
        int8 bytes beside a vector ``<name>_scale`` of what a step is worth in each row.
    """

    kind: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]
    """Arguments of the constructor that a model file holds."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Arguments that no model file holds, with the values at which a layer does without them."""

    input_size: int
    precision: str
    weights: Weights

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out."""
        raise NotImplementedError

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        raise NotImplementedError

    @property
    def obstacle(self) -> str | None:
        """Why no stream can run this layer and no model file hold it; None: they can."""
        return None

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*self.settings, *self.options)}

    def with_weights(self, weights: Mapping[str, Any]) -> Self:
        """The same layer with other weights, float32.

        Parameters
        ----------
        weights : mapping of str to ndarray
            Named and shaped as `shapes` says. They are copied.

        Returns
        -------
        LSTM, GRU, RNN or Dense
        """
        return type(self)(**self._arguments(), weights=weights)  # type: ignore[call-arg]

    def _matrices(self) -> list[str]:
        """The names of the weight matrices."""
        return [name for name in self.shapes if name.startswith("weight")]

    def _take(self, weights: Mapping[str, Any] | None, fan: int, seed: int | None) -> None:
        """Sets the weights: those given, checked, or drawn."""
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}; expected {listing(PRECISIONS)}")
        if weights is None:
            if self.precision != "float32":
                raise ValueError(f"precision is {self.precision!r} without weights: see quantize()")
            self.weights = uniform(self.shapes, fan, seed)
            return
        if seed is not None:
            raise ValueError("seed and weights exclude each other: weights need no draw")
        shapes, matrices = self.shapes, self._matrices()
        if self.precision == "int8":
            shapes |= {f"{name}_scale": shapes[name][:1] for name in matrices}
            self.weights = check_weights(weights, shapes, type(self).__name__, matrices)
            return
        self.weights = check_weights(weights, shapes, type(self).__name__)
        for name in matrices if self.precision == "bf16" else ():
            if (self.weights[name].view(np.uint32) & 0xFFFF).any():
                raise ValueError(
                    f"{name!r} of {type(self).__name__} is not rounded to bf16: see quantize()"
                )

    def quantize(self, precision: str) -> Self:
        """The same layer with fewer bytes a weight.

        Parameters
        ----------
        precision : {"bf16", "int8"}
            bf16: the upper half of a float32, 8 significant bits, rounded to nearest. int8: a byte
            a weight and a scale a row, the largest magnitude of the row being 127; inputs become
            bytes on the fly, by the largest magnitude of the frame (h by 1).

        Returns
        -------
        LSTM or Dense

        Raises
        ------
        ValueError
            Another precision, or a layer that is quantised already.
        """
        if precision not in PRECISIONS[1:]:
            raise ValueError(f"precision is {precision!r}; expected {listing(PRECISIONS[1:])}")
        if self.precision != "float32":
            raise ValueError(f"the layer is {self.precision} already: quantize the float32 one")
        weights = dict(self.weights)
        for name in self._matrices():
            matrix = weights[name]
            if precision == "bf16":
                weights[name] = round_to_bf16(matrix)
            else:
                scale = np.abs(matrix).max(axis=1) / np.float32(127)
                # A row of zeros (or of subnormals, which the engine flushes) has nothing to scale.
                usable = scale >= np.finfo(np.float32).tiny
                steps = np.rint(matrix / np.where(usable, scale, 1)[:, None])
                weights[name] = (steps * usable[:, None]).astype(np.int8)
                weights[f"{name}_scale"] = np.where(usable, scale, 0).astype(np.float32)
        return type(self)(**self._arguments(), weights=weights, precision=precision)  # type: ignore[call-arg]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The weights as a model file holds them; bf16 as uint16, the upper halves of the floats.

        Returns
        -------
        dict of str to ndarray
        """
        if self.precision != "bf16":
            return dict(self.weights)
        matrices = self._matrices()
        return {
            name: (w.view(np.uint32) >> 16).astype(np.uint16) if name in matrices else w
            for name, w in self.weights.items()
        }

    def config(self) -> dict[str, str]:
        """Everything but the weights, as a model file holds it: strings.

        Returns
        -------
        dict of str to str

        Raises
        ------
        ValueError
            No model file can hold the layer: see `obstacle`.
        """
        if self.obstacle is not None:
            raise ValueError(f"{self!r} fits in no model file: {self.obstacle}")
        config = {"kind": self.kind}
        for name in self.settings:
            value = getattr(self, name)
            config[name] = str(value).lower() if isinstance(value, bool) else str(value)
        if self.precision != "float32":
            config["precision"] = self.precision
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, str], weights: Mapping[str, Any]) -> Self:
        """A layer from what `config` gave, and its weights.

        Parameters
        ----------
        config : mapping of str to str
            Every key of `config`, no other.
        weights : mapping of str to ndarray
            Every weight, no other.

        Raises
        ------
        ValueError, TypeError
            A key or a weight is missing, unused or not what was expected.
        """
        settings = _parse(config, cls.kind, cls.settings)
        if settings.get("precision") == "int8":  # the reader of model files gives floats
            weights = {
                name: w.astype(np.int8) if f"{name}_scale" in weights else w
                for name, w in weights.items()
            }
        return cls(**settings, weights=weights)  # type: ignore[call-arg]

    def __repr__(self) -> str:
        names = (*self.settings, *([] if self.precision == "float32" else ["precision"]))
        chosen = [name for name, off in self.options.items() if getattr(self, name) != off]
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in (*names, *chosen))
        return f"{type(self).__name__}({settings})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Layer)
        return (
            self._arguments() == other._arguments()
            and self.precision == other.precision
            and self.weights.keys() == other.weights.keys()
            and all(
                np.array_equal(self.weights[name], other.weights[name]) for name in self.weights
            )
        )

    # Weights may be changed in place, so a layer is no key of a dict.
    __hash__ = None  # type: ignore[assignment]
