"""Activations as layers of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import Name, choice, count, listing, real, shown
from pylstm.bulk.activations import activate, through
from pylstm.layers.column_range import ColumnRange, activated
from pylstm.layers.layer import MAX_DIMENSION, Layer
from pylstm.layers.output_values import ValueRange
from pylstm.layers.positions import positions_of
from pylstm.layers.row_layer import RowLayer
from pylstm.layers.settings import NUMBER, SIZE, Setting, choice_of, read_settings
from pylstm.layers.weights import Shape, Weights

__all__ = ["FUNCTIONS", "Activation", "Function", "activation_of_sums"]

Array = NDArray[np.float32]

Function = Literal[
    "linear",
    "sigmoid",
    "tanh",
    "relu",
    "softmax",
    "log_softmax",
    "gelu",
    "gelu_tanh",
    "silu",
    "softsign",
    "sqrt",
    "square",
    "leaky_relu",
    "elu",
    "clipped_relu",
    "hard_sigmoid",
    "log",
    "prelu",
]
FUNCTIONS: tuple[Function, ...] = get_args(Function)

# The numbers that each function has, with their defaults; None: there is none, it has to be given.
_PARAMETERS: dict[str, dict[str, float | None]] = {
    "leaky_relu": {"alpha": 0.01},
    "elu": {"alpha": 1.0},
    "clipped_relu": {"low": 0.0, "high": None},
    "hard_sigmoid": {"slope": 1 / 6, "offset": 0.5},
    "log": {"floor": None},
}
# What other libraries call the functions.
_OTHER_NAMES = {
    "relu6": "'clipped_relu', high=6",
    "hardtanh": "'clipped_relu', low=-1, high=1",
    "hardsigmoid": "'hard_sigmoid'",
    "swish": "'silu'",
    "leakyrelu": "'leaky_relu'",
    "logsoftmax": "'log_softmax'",
    "clipped_relu": "'clipped_relu', high=6",
    "log": "'log', floor=1e-12",
}
_NAMES = ("alpha", "low", "high", "slope", "offset", "floor")

_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)


def activation_of_sums(value: object, names: Iterable[Name], width: int) -> Name:
    """Checks the activation inside of a layer; what it does not have can stand behind the layer."""
    names = tuple(names)
    if not isinstance(value, str) or value in names:
        return choice("activation", value, names)
    known = _OTHER_NAMES.get(value, repr(value) if value in FUNCTIONS else "")
    hint = f", or pylstm.Activation({width}, {known}) behind the layer" if known else ""
    raise ValueError(f"activation is {value!r}; expected {listing(names, len(names))}{hint}")


class Activation(RowLayer):
    r"""A function of each value, or of the row.

    ================  ==============================================================================
    ``linear``        x
    ``sigmoid``       :math:`σ(x) = 1 / (1 + e^{-x})`
    ``tanh``          :math:`\tanh x`
    ``relu``          :math:`\max(x, 0)`
    ``softmax``       :math:`e^{x_k} / \sum_j e^{x_j}`, over the row
    ``log_softmax``   its natural logarithm, also where that is too small for a float
    ``gelu``          :math:`x\, Φ(x)` with the normal distribution Φ (Hendrycks and Gimpel 2016)
    ``gelu_tanh``     :math:`x\, (1 + \tanh(\sqrt{2/π}\, (x + 0.044715\, x^3))) / 2`, almost that
    ``silu``          :math:`x\, σ(x)`, also called swish
    ``softsign``      :math:`x / (1 + |x|)`
    ``sqrt``          :math:`\sqrt{\max(x, 0)}`: negative values count as 0
    ``square``        :math:`x^2`
    ``leaky_relu``    :math:`\max(x, 0) + α \min(x, 0)`
    ``elu``           :math:`\max(x, 0) + α (e^{\min(x, 0)} - 1)` (Clevert et al. 2016)
    ``clipped_relu``  :math:`\min(\max(x, low), high)`: ReLU6 with ``high=6``
    ``hard_sigmoid``  :math:`\min(\max(slope\, x + offset, 0), 1)`
    ``log``           :math:`\ln \max(x, floor)`
    ``prelu``         as leaky_relu, α being weights (He et al. 2015)
    ================  ==============================================================================

    The functions of ``torch.nn.functional`` with these names give the same (PyTorch 2.13);
    ``clipped_relu`` is its ``hardtanh``.

    Parameters
    ----------
    input_size : int
        Width of the rows.
    function
        The name of one of these.
    alpha : float, optional
        leaky_relu: 0.01 by default; elu: 1.
    low, high : float, optional
        clipped_relu: low is 0 by default; high has to be given.
    slope, offset : float, optional
        hard_sigmoid: 1/6 and 0.5 by default, as in Keras 3 and PyTorch. Keras 2 has a slope of 0.2.
    floor : float, optional
        log: has to be given, 1.18e-38 or more.
    num_parameters : int, optional
        prelu: 1 (the default), or as many as channels.
    positions : int, optional
        prelu: positions of the rows, each of input_size / positions channels; 1 by default.
    weights : mapping of str to ndarray, optional
        prelu: ``weight`` (num_parameters,), float32. It is copied. None: 0.25, as in PyTorch.
    seed : int, optional
        Changes nothing, because nothing is drawn; all layers take it.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it should be, missing, or none of the function's.

    Examples
    --------
    >>> import numpy as np
    >>> clipped = Activation(3, "clipped_relu", high=20)
    >>> clipped
    Activation(input_size=3, function='clipped_relu', low=0.0, high=20.0)
    >>> clipped.forward(np.array([[-1, 3, 25]], np.float32))[0]
    array([[ 0.,  3., 20.]], dtype=float32)
    """

    kind = "activation"
    streams = True
    settings = MappingProxyType(
        {
            "input_size": SIZE,
            "function": choice_of(FUNCTIONS),
            **dict.fromkeys(_NAMES, NUMBER),
            "num_parameters": SIZE,
            "positions": SIZE,
        }
    )

    def __init__(
        self,
        input_size: int,
        function: Function,
        *,
        alpha: float | None = None,
        low: float | None = None,
        high: float | None = None,
        slope: float | None = None,
        offset: float | None = None,
        floor: float | None = None,
        num_parameters: int | None = None,
        positions: int | None = None,
        weights: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.function: Function = choice("function", function, FUNCTIONS)
        given = {
            "alpha": alpha,
            "low": low,
            "high": high,
            "slope": slope,
            "offset": offset,
            "floor": floor,
        }
        defaults = _PARAMETERS.get(self.function, {})
        for name, value in given.items():
            self._refuse_strange(name, value, name in defaults)
            taken = defaults.get(name) if value is None else value
            setattr(self, name, _number(name, taken) if name in defaults else None)
        self.num_parameters: int | None = None
        self.positions: int | None = None
        if self.function == "prelu":
            self.positions = positions_of(1 if positions is None else positions, self.input_size)
            channels = self.input_size // self.positions
            self.num_parameters = 1 if num_parameters is None else num_parameters
            self.num_parameters = count("num_parameters", self.num_parameters, 1, channels)
            if self.num_parameters not in (1, channels):
                raise ValueError(
                    f"num_parameters is {self.num_parameters}; expected 1 or {channels}, one for"
                    " each channel"
                )
        else:
            self._refuse_strange("num_parameters", num_parameters, False)
            self._refuse_strange("positions", positions, False)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(
                f"high is {shown(self.high)}; expected {shown(self.low)}, which is low, or more"
            )
        self._take_or_start(weights, seed, {"weight": 0.25})

    alpha: float | None
    low: float | None
    high: float | None
    slope: float | None
    offset: float | None
    floor: float | None

    def _refuse_strange(self, name: str, value: object, known: bool) -> None:
        if value is not None and not known:
            raise ValueError(
                f"{name} is {shown(value)}; expected None: the function {self.function!r} has none"
            )

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: input_size."""
        return self.input_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        return {} if self.num_parameters is None else {"weight": (self.num_parameters,)}

    @property
    def last_function(self) -> str:
        """The function that its values went through last: this one."""
        return self.function

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: see `OutputValues.value_range`."""
        if self.function == "linear":
            return inputs[0]
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.floor is not None:
            return math.log(self.floor), math.inf
        if self.function == "elu" and self.alpha is not None and self.alpha > 0:
            return -self.alpha, math.inf
        return super().value_range(inputs)

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """Between which bounds the outputs stay: see `Layer.column_range`."""
        low, high = (0.0 if bound is None else bound for bound in (self.low, self.high))
        return activated(self.function, inputs[0], low, high)

    def giving_logits(self) -> Layer:
        """The layer without softmax or sigmoid: cross-entropy computes them itself."""
        if self.function not in ("softmax", "sigmoid"):
            return self
        return Activation(self.input_size, "linear")

    # --- whole batches ----------------------------------------------------------------------------

    def _parameters(self, weights: Weights) -> tuple[str, list[Any]]:
        """The function as `pylstm.bulk.activations` has it, and its parameters."""
        if self.num_parameters is not None:
            return "leaky_relu", [np.resize(weights["weight"], self.input_size)]
        return self.function, [getattr(self, name) for name in _PARAMETERS.get(self.function, {})]

    def rows(self, weights: Weights, x: Array) -> Array:
        """The outputs for rows: see `RowLayer.rows`."""
        function, parameters = self._parameters(weights)
        return activate(function, x.copy(), *parameters)

    def rows_backward(
        self, weights: Weights, x: Array, y: Array, dy: Array, gradients: Weights, d_inputs: bool
    ) -> Array | None:
        """Gradients: see `RowLayer.rows_backward`."""
        if self.num_parameters is not None:
            by_value = np.einsum("rk,rk->k", dy, np.minimum(x, 0))
            gradients["weight"] += by_value.reshape(-1, self.num_parameters).sum(axis=0)
        if not d_inputs:
            return None
        function, parameters = self._parameters(weights)
        return through(function, y, dy, x, *parameters)

    # --- as a value -------------------------------------------------------------------------------

    def config(self) -> dict[str, str]:
        """As `Layer.config`, with the settings that the function has."""
        return {
            name: text
            for name, text in super().config().items()
            if name == "kind" or getattr(self, name) is not None
        }

    @classmethod
    def from_config(cls, config: Mapping[str, str], weights: Mapping[str, Any]) -> Self:
        """Makes a layer from what `config` returned: see `Layer.from_config`."""
        own: dict[str, Setting] = dict(cls.settings)
        function = config.get("function")
        if function in FUNCTIONS:
            names = [*_PARAMETERS.get(function, ())]
            names += ["num_parameters", "positions"] if function == "prelu" else []
            own = {name: cls.settings[name] for name in ("input_size", "function", *names)}
        settings = read_settings(config, cls.kind, own, ())
        return cls(**settings, weights=weights)

    def __repr__(self) -> str:
        chosen = [name for name in self.settings if getattr(self, name) is not None]
        return f"Activation({', '.join(f'{name}={getattr(self, name)!r}' for name in chosen)})"


def _number(name: str, value: object) -> float:
    """A parameter, within what float32 holds."""
    if value is None:
        raise ValueError(f"{name} is None; expected a number: this function has no default for it")
    least = _SMALLEST if name == "floor" else -_LARGEST
    found = real(name, value)
    if not least <= found <= _LARGEST:
        raise ValueError(f"{name} is {shown(value)}; expected {least:.9g} to {_LARGEST:.9g}")
    return found
