"""What a model is made of: layers as plain data, their weights as NumPy arrays.

A layer is data: sizes, and weights under PyTorch's names. It writes itself into a model file
(`config`, `tensors`) and is read back from one (`from_config`). `KINDS` maps the names of kinds in
model files to classes.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine, files
from pylstm.weights import Shape, Weights, check_weights, listing, round_to_bf16, uniform

__all__ = ["ACTIVATIONS", "KINDS", "LSTM", "PRECISIONS", "Dense", "Gates", "Layer"]

ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "softmax")
PRECISIONS = ("float32", "bf16", "int8")

# The limits of the core (src/layer_reading.h, src/layer_lstm.c): no dimension of a tensor is
# larger, no stack is higher.
MAX_DIMENSION = 65_536
MAX_NUM_LAYERS = 128


def _size(name: str, value: object, largest: int = MAX_DIMENSION) -> int:
    """A whole number from 1 to `largest`, or an error that names the argument."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}: expected a whole number") from None
    if not 1 <= number <= largest:
        raise ValueError(f"{name} is {number}: expected 1 to {largest}")
    return number


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}: expected True or False")
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
                f"configuration of a {kind} layer has no {key!r}: expected {listing(expected)}"
            )
        if not isinstance(value, str):
            raise TypeError(f"{key!r} in a configuration is {value!r}: expected a string")
    if config["kind"] != kind:
        raise ValueError(f"configuration is of a {config['kind']!r} layer: expected {kind!r}")
    values: dict[str, Any] = {}
    for key in (*keys, *(["precision"] if "precision" in config else [])):
        text = config[key]
        if key in ("activation", "precision"):
            values[key] = text
        elif key == "bias":
            if text not in ("true", "false"):
                raise ValueError(f"'bias' in a configuration is {text!r}: expected true or false")
            values[key] = text == "true"
        elif re.fullmatch("[1-9][0-9]{0,8}", text):
            values[key] = int(text)
        else:
            raise ValueError(f"{key!r} in a configuration is {text!r}: expected a whole number")
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

    def _matrices(self) -> list[str]:
        """The names of the weight matrices."""
        return [name for name in self.shapes if name.startswith("weight")]

    def _take(self, weights: Mapping[str, Any] | None, fan: int, seed: int | None) -> None:
        """Sets the weights: those given, checked, or drawn."""
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}: expected {listing(PRECISIONS)}")
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
            raise ValueError(f"precision is {precision!r}: expected {listing(PRECISIONS[1:])}")
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
        settings = {name: getattr(self, name) for name in self.settings}
        return type(self)(**settings, weights=weights, precision=precision)  # type: ignore[call-arg]

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
        """
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
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({settings})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Layer)
        return (
            self.config() == other.config()
            and self.weights.keys() == other.weights.keys()
            and all(
                np.array_equal(self.weights[name], other.weights[name]) for name in self.weights
            )
        )

    # Weights may be changed in place, so a layer is no key of a dict.
    __hash__ = None  # type: ignore[assignment]


class Gates(NamedTuple):
    """What happened inside one LSTM layer, step by step.

    Arrays of shape (T, hidden_size) or (T, B, hidden_size).
    """

    i: NDArray[np.float32]
    """Input gate: how much of the candidate was added."""
    f: NDArray[np.float32]
    """Forget gate: how much of the long-term memory was kept."""
    g: NDArray[np.float32]
    """Candidate: the potential long-term memory."""
    o: NDArray[np.float32]
    """Output gate: how much of the memory was shown."""
    c: NDArray[np.float32]
    """Long-term memory after the step."""
    h: NDArray[np.float32]
    """Short-term memory after the step: the layer's output."""


class LSTM(Layer):
    r"""LSTM layers on top of each other, as ``torch.nn.LSTM``.

    .. math::

        i &= σ(W_{ii} x + b_{ii} + W_{hi} h + b_{hi}), &\quad
        f &= σ(W_{if} x + b_{if} + W_{hf} h + b_{hf}) \\
        g &= \tanh(W_{ig} x + b_{ig} + W_{hg} h + b_{hg}), &\quad
        o &= σ(W_{io} x + b_{io} + W_{ho} h + b_{ho}) \\
        c' &= f ⊙ c + i ⊙ g, &\quad
        h' &= o ⊙ \tanh(c')

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    hidden_size : int
        Width of h and c, and of the rows that come out.
    num_layers : int
        Layers on top of each other; each takes the outputs of the one below.
    bias : bool
        Whether there are biases.
    weights : mapping of str to ndarray, optional
        float32 under PyTorch's names, gates in the order i, f, g, o: ``weight_ih_l{k}``
        (4 * hidden_size, width of the input of layer k), ``weight_hh_l{k}`` (4 * hidden_size,
        hidden_size), ``bias_ih_l{k}`` and ``bias_hh_l{k}`` (4 * hidden_size,). They are copied.
        None: drawn from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), as in PyTorch.
    precision : {"float32", "bf16", "int8"}
        What the weights are; `quantize` makes the others from float32.
    seed : int, optional
        For the draw; not allowed together with weights.

    Examples
    --------
    >>> lstm = LSTM(40, 128, num_layers=2, seed=0)
    >>> lstm
    LSTM(input_size=40, hidden_size=128, num_layers=2, bias=True)
    >>> lstm.weights["weight_ih_l1"].shape
    (512, 128)
    >>> LSTM.from_config(lstm.config(), lstm.weights) == lstm
    True
    """

    kind = "lstm"
    settings = ("input_size", "hidden_size", "num_layers", "bias")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        precision: str = "float32",
        seed: int | None = None,
    ) -> None:
        self.input_size = _size("input_size", input_size)
        self.hidden_size = _size("hidden_size", hidden_size, MAX_DIMENSION // 4)
        self.num_layers = _size("num_layers", num_layers, MAX_NUM_LAYERS)
        self.bias = _flag("bias", bias)
        self.precision = precision
        self._take(weights, self.hidden_size, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: hidden_size."""
        return self.hidden_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        rows = 4 * self.hidden_size
        shapes: dict[str, Shape] = {}
        for k in range(self.num_layers):
            shapes[f"weight_ih_l{k}"] = (rows, self.hidden_size if k else self.input_size)
            shapes[f"weight_hh_l{k}"] = (rows, self.hidden_size)
            if self.bias:
                shapes[f"bias_ih_l{k}"] = (rows,)
                shapes[f"bias_hh_l{k}"] = (rows,)
        return shapes

    def trace(
        self,
        x: NDArray[np.float32],
        state: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    ) -> list[Gates]:
        """Every gate of every step, as the engine used it: the values are the kernels' own.

        Parameters
        ----------
        x : array, shape (T, input_size) or (T, B, input_size), float32
            Time comes first.
        state : (h, c), optional
            Where to begin, each of shape (num_layers, hidden_size) or (num_layers, B, hidden_size),
            float32; None: zeros.

        Returns
        -------
        list of Gates
            One for each layer.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape than these, NaN or infinity.

        Examples
        --------
        >>> import numpy as np
        >>> gates = LSTM(3, 5, num_layers=2, seed=0).trace(np.ones((7, 3), np.float32))
        >>> len(gates), gates[0].f.shape
        (2, (7, 5))
        """
        if not isinstance(x, np.ndarray) or x.dtype != np.float32:
            came = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"x is {came}: expected a NumPy array of float32")
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(
                f"x has shape {x.shape}: expected (T, {self.input_size})"
                f" or (T, B, {self.input_size})"
            )
        batch = x.shape[1:-1]
        expected = (self.num_layers, *batch, self.hidden_size)
        for name, value in zip("hc", state or (), strict=True) if state is not None else ():
            if value.shape != expected:
                raise ValueError(f"{name} of state has shape {value.shape}: expected {expected}")
        core = _engine.Core(files.encode_model(None, [(self.config(), self.tensors())]))
        n_columns = math.prod(batch)
        columns = x.reshape(len(x), n_columns, self.input_size)
        traced = np.zeros((self.num_layers, 6, len(x), n_columns, self.hidden_size), np.float32)
        for column in range(n_columns):
            stream = _engine.Stream(core, self)
            if state is not None:
                h, c = (
                    value.reshape(self.num_layers, n_columns, self.hidden_size) for value in state
                )
                stream.state = [(h[k, column], c[k, column]) for k in range(self.num_layers)]
            _, gates = stream.trace(columns[:, column])
            for k, values in enumerate(gates):
                traced[k, :, :, column] = values.transpose(1, 0, 2)
        shape = (6, len(x), *batch, self.hidden_size)
        return [Gates(*traced[k].reshape(shape)) for k in range(self.num_layers)]


class Dense(Layer):
    r"""A fully connected layer with an activation: ``torch.nn.Linear`` and what follows it.

    .. math:: y = a(W x + b)

    Parameters
    ----------
    input_size : int
        Width of the rows that go in.
    output_size : int
        Width of the rows that come out.
    activation : {"linear", "sigmoid", "tanh", "relu", "softmax"}
        What the outputs go through; softmax runs over the outputs of one row.
    bias : bool
        Whether there is a bias.
    weights : mapping of str to ndarray, optional
        float32: ``weight`` (output_size, input_size) and ``bias`` (output_size,). They are copied.
        None: drawn from U(-1/sqrt(input_size), 1/sqrt(input_size)), as in PyTorch.
    precision : {"float32", "bf16", "int8"}
        What the weights are; `quantize` makes the others from float32.
    seed : int, optional
        For the draw; not allowed together with weights.

    Examples
    --------
    >>> Dense(128, 12, activation="softmax", seed=0)
    Dense(input_size=128, output_size=12, activation='softmax', bias=True)
    """

    kind = "dense"
    settings = ("input_size", "output_size", "activation", "bias")

    def __init__(
        self,
        input_size: int,
        output_size: int,
        activation: str = "linear",
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        precision: str = "float32",
        seed: int | None = None,
    ) -> None:
        self.input_size = _size("input_size", input_size)
        self.output_size = _size("output_size", output_size)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}: expected {listing(ACTIVATIONS)}")
        self.activation = activation
        self.bias = _flag("bias", bias)
        self.precision = precision
        self._take(weights, self.input_size, seed)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: output_size."""
        return self.output_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        shapes: dict[str, Shape] = {"weight": (self.output_size, self.input_size)}
        if self.bias:
            shapes["bias"] = (self.output_size,)
        return shapes


KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in (LSTM, Dense)}
"""The class of each kind of layer, under its name in model files."""
