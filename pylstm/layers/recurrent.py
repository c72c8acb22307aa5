"""The base class of recurrent layers: stacks of cells, in one direction or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pylstm.arguments import count, flag, number, real, shown
from pylstm.layers.layer import MAX_DIMENSION, Layer
from pylstm.layers.output_values import ANY_VALUE, ValueRange
from pylstm.layers.settings import FLAG, SIZE, Setting
from pylstm.layers.weights import Shape, Weights

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import BulkLayer

__all__ = ["Recurrent", "limit", "slope_of_gates"]

# The core's limit on the number of layers in a stack.
MAX_NUM_LAYERS = 128


# What a limit of values or a slope of gates may be that is not 0: float32 holds it, and it is no
# subnormal number.
SMALLEST_LIMIT, LARGEST_LIMIT = 1e-30, 3e38


def limit(name: str, value: object, without: str = "no limit") -> float:
    """A limit, or 0 for none; `without`: what 0 stands for."""
    found = real(name, value)
    if found and not SMALLEST_LIMIT <= found <= LARGEST_LIMIT:  # refuses NaN too
        raise ValueError(
            f"{name} is {shown(value)}; expected {SMALLEST_LIMIT:g} to {LARGEST_LIMIT:g}, or 0 for"
            f" {without}"
        )
    return abs(found)  # no -0.0, which a file would write


def slope_of_gates(value: object) -> float:
    """The slope of hard gates, or 0 for sigmoids."""
    return limit("gate_slope", value, "sigmoids")


class Recurrent(Layer):
    """Recurrent layers on top of each other, in one direction or both."""

    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {"input_size": SIZE, "hidden_size": SIZE, "num_layers": SIZE, "bias": FLAG}
    )
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"bidirectional": False, "dropout": 0.0}
    )
    gates: ClassVar[int]
    """How many matrices of hidden_size rows stand below each other in a weight, usually."""
    hidden_size: int
    num_layers: int
    bias: bool
    bidirectional: bool
    proj_size: int = 0
    gate_slope: float = 0.0
    dropout: float

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self._size(input_size, hidden_size, num_layers, bias, bidirectional, dropout)
        self._take(weights, self.hidden_size, seed)

    def _size(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        """Sets and checks the settings that all recurrent layers have."""
        self.input_size = count("input_size", input_size, 1, MAX_DIMENSION)
        self.hidden_size = count("hidden_size", hidden_size, 1, MAX_DIMENSION // 4)
        self.num_layers = count("num_layers", num_layers, 1, MAX_NUM_LAYERS)
        self.bias = flag("bias", bias)
        self.bidirectional = flag("bidirectional", bidirectional)
        self.dropout = number("dropout", dropout, 0, 1)
        if dropout and self.num_layers == 1:
            raise ValueError(
                f"dropout is {dropout} and there is one layer: it acts between layers only"
            )

    @property
    def obstacle(self) -> str | None:
        """Why no stream can run this layer and no model file hold it; None: they can."""
        if self.bidirectional:
            return "a stream cannot hear the future: make it with bidirectional=False"
        return super().obstacle

    @property
    def width(self) -> int:
        """Width of h."""
        return self.hidden_size

    @property
    def cell(self) -> str:
        """The name of the cell in the kernels of bulk passes."""
        return self.kind

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffix of the names of weights for each direction."""
        return ("", "_reverse") if self.bidirectional else ("",)

    def value_range(self, inputs: Sequence[ValueRange]) -> ValueRange:
        """Between which values its outputs lie: those of tanh, unless they are projected."""
        return ANY_VALUE if self.proj_size else (-1.0, 1.0)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: that of h, of both directions if there are two."""
        return self.width * len(self.suffixes)

    @property
    def rows(self) -> int:
        """Rows of a weight: hidden_size for each gate."""
        return self.gates * self.hidden_size

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        rows = self.rows
        shapes: dict[str, Shape] = {}
        for k in range(self.num_layers):
            for suffix in self.suffixes:
                end = f"_l{k}{suffix}"
                shapes["weight_ih" + end] = (rows, self.n_outputs if k else self.input_size)
                shapes["weight_hh" + end] = (rows, self.width)
                if self.bias:
                    shapes["bias_ih" + end] = (rows,)
                    shapes["bias_hh" + end] = (rows,)
                if self.proj_size:
                    shapes["weight_hr" + end] = (self.proj_size, self.hidden_size)
        return shapes

    @property
    def state_shapes(self) -> dict[str, tuple[int, int]]:
        """The parts of its state for each sequence: h of every layer and direction."""
        return {"h": (self.num_layers * len(self.suffixes), self.width)}

    def in_bulk(self, weights: Weights, gradients: bool) -> BulkLayer:
        """The layer, ready for passes over whole batches: see `Layer.in_bulk`."""
        from pylstm.bulk.recurrent_stack import RecurrentStack

        return RecurrentStack(
            self.cell,
            weights,
            self.num_layers,
            self.suffixes,
            gradients,
            self.dropout,
            gate_slope=self.gate_slope,
        )
