"""The base class of all layers: sizes, weights, and their form in a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice
from pylstm.bulk.frames import check_finite, check_frames, check_lengths
from pylstm.bulk.states import check_state, state_from_parts
from pylstm.layers.column_range import ColumnRange
from pylstm.layers.output_values import OutputValues
from pylstm.layers.quantisation import (
    PRECISIONS,
    Precision,
    bf16_bits,
    is_bf16,
    round_to_bf16,
    to_int8,
)
from pylstm.layers.settings import Setting, choice_of, read_settings, written
from pylstm.layers.weights import Shape, Weights, check_weights, uniform

if TYPE_CHECKING:
    from pylstm.bulk.bulk_layer import BulkLayer

__all__ = ["MAX_DIMENSION", "Layer", "Rows"]

# The limit of the core: no dimension of a tensor is larger.
MAX_DIMENSION = 65_536
Rows = TypeVar("Rows", int, NDArray[np.int64])  # a number of rows, or one of each sequence


class Layer(OutputValues):
    """The base class of all layers.

    A kind of layer is a subclass: it says what its settings, weights and states are, and how it
    runs over a batch. No other code asks which kind a layer is.

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
        int8 bytes beside a vector ``<name>_scale`` with the value of one step in each row.
    """

    kind: ClassVar[str]
    """Its name in model files."""
    settings: ClassVar[Mapping[str, Setting]]
    """Arguments of the constructor that a model file holds."""
    later_settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Those that format 1 does not know, with the values at which a file leaves them out."""
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Arguments that no model file holds, with the values at which a layer does without them."""
    streams: ClassVar[bool] = False
    """Whether the core runs this kind, and model files hold it."""
    precisions: ClassVar[tuple[Precision, ...]] = PRECISIONS[:1]
    """What its weights can be."""
    first_format: ClassVar[int] = 2
    """The first format of model files that knows this kind."""

    input_size: int
    precision: Precision = "float32"
    weights: Weights

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out."""
        raise NotImplementedError

    def output_width(self, input_widths: Sequence[int]) -> int:
        """Width of the rows that come out, from those of the inputs that the layer has in a model.

        Parameters
        ----------
        input_widths : sequence of int
            One for each input, in order.

        Raises
        ------
        ValueError
            There are more or fewer inputs than the layer takes, or they are of other widths.
        """
        if list(input_widths) != [self.input_size]:
            raise ValueError(
                f"input_widths is {list(input_widths)}; expected {[self.input_size]}, one input"
            )
        return self.n_outputs

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        raise NotImplementedError

    @property
    def state_shapes(self) -> dict[str, tuple[int, int]]:
        """The parts of its state for each sequence: their names, with places and width of each.
        Over a batch a part is of shape (places, B, width). Empty: it remembers nothing."""
        return {}

    @property
    def obstacle(self) -> str | None:
        """Why no stream can run this layer and no model file hold it; None: they can."""
        return None if self.streams else f"no stream runs {type(self).__name__} layers yet"

    @property
    def needs_format(self) -> int:
        """The lowest format of model files that can hold this layer."""
        return max(self.first_format, 2 if self._chosen(self.later_settings) else 1)

    def _chosen(self, usual: Mapping[str, Any]) -> list[str]:
        """The names of the arguments that are not as usual."""
        return [name for name, value in usual.items() if getattr(self, name) != value]

    def column_range(self, inputs: Sequence[ColumnRange]) -> ColumnRange:
        """The bounds of the values that come out, from those of each input: none by default."""
        return ColumnRange.of(self.output_width([one.width for one in inputs]))

    def row_times(self, first: int, period: int) -> tuple[int, int]:
        """The first frame that its rows stand for, and how far the next is; from the inputs'."""
        return first, period

    def n_rows_out(self, n_rows: Rows) -> Rows:
        """How many rows come out of a whole sequence of so many, an int or an array of them."""
        return n_rows

    def in_bulk(self, weights: Weights, gradients: bool) -> BulkLayer:
        """The layer, ready for passes over whole batches.

        Parameters
        ----------
        weights : dict of str to ndarray
            Its weights, or others of the same shapes, float32.
        gradients : bool
            Whether there will be backward passes.

        Returns
        -------
        BulkLayer
        """
        raise NotImplementedError

    def giving_logits(self) -> Layer:
        """The layer without the activation that a loss computes itself; else the layer."""
        return self

    def forward(
        self, x: NDArray[np.float32], state: Any = None, lengths: NDArray[Any] | None = None
    ) -> tuple[NDArray[np.float32], Any]:
        """Runs over whole sequences with BLAS: for scoring many recordings, and for research.

        A stream's outputs differ by rounding only, by less than 1e-5.

        Parameters
        ----------
        x : array, shape (T, input_size) or (T, B, input_size), float32
            Time comes first.
        state : tuple of arrays, or array, optional
            Where to begin: (h, c) for an LSTM, h for the other recurrent layers; h of shape
            (num_layers * directions, width of h) or, with a batch, (num_layers * directions, B,
            width of h), float32; c likewise with hidden_size. None: zeros.
        lengths : array of int, shape (B,), optional
            How many frames of each sequence are there, 1 to T, in any order; no work is done on the
            others, and their outputs are 0. None: all.

        Returns
        -------
        y : array, shape (T, n_outputs) or (T, B, n_outputs), float32
            With `n_rows_out` (T) rows where a layer changes how many there are.
        state : as above
            After the last frame of each sequence (in the backward direction: after its first); None
            for a layer that remembers nothing.

        Raises
        ------
        TypeError, ValueError
            Another dtype or shape than these, NaN or infinity.
        ImportError
            SciPy is not installed: it comes with ``pylstm[train]``.

        Examples
        --------
        >>> import numpy as np, pylstm
        >>> lstm = pylstm.LSTM(3, 5, num_layers=2, bidirectional=True, seed=0)
        >>> y, (h, c) = lstm.forward(np.ones((7, 2, 3), np.float32), lengths=np.array([7, 4]))
        >>> y.shape, h.shape, bool((y[4:, 1] == 0).all())
        ((7, 2, 10), (4, 2, 5), True)
        """
        if self.precision != "float32":
            raise ValueError(f"{self!r} is {self.precision}: bulk passes run float32 layers")
        from pylstm.bulk.bulk_layer import PassSettings  # imported only where SciPy is needed
        from pylstm.bulk.packed_sequences import Packed

        x = check_frames(x, self.input_size, batched=False)
        single = x.ndim == 2
        if single:
            x = x[:, None]
        count, batch = x.shape[:2]
        packed = Packed(count, batch, check_lengths(lengths, count, batch))
        begin = None
        if state is not None:
            parts = check_state("state", self.state_shapes, state, batch, single=single)
            begin = tuple(map(packed.sort, parts))
        rows = packed.pack(x)
        check_finite("x", rows)
        layer = self.in_bulk(self.weights, gradients=False)
        y_rows, end, _ = layer.forward(rows, packed, begin, PassSettings())
        y, ends = layer.out_packed(packed).unpack(y_rows), map(packed.unsort, end)
        if single:
            return y[:, 0], state_from_parts(part[:, 0] for part in ends)
        return y, state_from_parts(ends)

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
        Layer
            Of the same kind.
        """
        return type(self)(**self._arguments(), weights=weights)  # type: ignore[call-arg]

    @property
    def has_matrices(self) -> bool:
        """Whether it has weight matrices, which `quantize` makes smaller."""
        return bool(self._matrices())

    def _matrices(self) -> list[str]:
        """The names of the weight matrices."""
        return [n for n, shape in self.shapes.items() if n.startswith("weight") and len(shape) > 1]

    def _take(self, weights: Mapping[str, Any] | None, fan: int, seed: int | None) -> None:
        """Sets the weights: those given, checked, or drawn."""
        choice("precision", self.precision, self.precisions)
        if weights is None:
            if self.precision != "float32":
                raise ValueError(f"precision is {self.precision!r} without weights: see quantize()")
            self.weights = uniform(self.shapes, fan, seed)
            return
        if seed is not None:
            raise ValueError("seed and weights exclude each other: given weights are not drawn")
        shapes, matrices = self.shapes, self._matrices()
        if self.precision == "int8":
            shapes |= {f"{name}_scale": shapes[name][:1] for name in matrices}
            self.weights = check_weights(weights, shapes, type(self).__name__, matrices)
            return
        self.weights = check_weights(weights, shapes, type(self).__name__)
        for name in matrices if self.precision == "bf16" else ():
            if not is_bf16(self.weights[name]):
                raise ValueError(
                    f"{name!r} of {type(self).__name__} is not rounded to bf16: see quantize()"
                )

    def quantize(self, precision: Literal["bf16", "int8"]) -> Self:
        """Makes the same layer with fewer bytes per weight.

        Parameters
        ----------
        precision : {"bf16", "int8"}
            bf16: the upper half of a float32, 8 significant bits, rounded to nearest. int8: a byte
            a weight and a scale a row, the largest magnitude of the row being 127; inputs become
            bytes on the fly, by the largest magnitude of the frame (h of an LSTM by 1,
            or, where it is projected, by its own largest; that of a GRU or RNN by its own).

        Returns
        -------
        Layer
            Of the same kind.

        Raises
        ------
        ValueError
            Another precision, a kind that runs in float32 only, or a layer that is quantised
            already.
        """
        if len(self.precisions) == 1:
            raise ValueError(
                f"precision is {precision!r}; expected none: {type(self).__name__} layers run in"
                " float32 only"
            )
        choice("precision", precision, self.precisions[1:])
        if self.precision != "float32":
            raise ValueError(f"the layer is {self.precision} already: quantize the float32 one")
        weights = dict(self.weights)
        for name in self._matrices():
            matrix = weights[name]
            if precision == "bf16":
                weights[name] = round_to_bf16(matrix)
            else:
                weights[name], weights[f"{name}_scale"] = to_int8(matrix)
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
        return {name: bf16_bits(w) if name in matrices else w for name, w in self.weights.items()}

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
        later = self._chosen(self.later_settings)
        config |= {
            name: written(getattr(self, name))
            for name in self.settings
            if name in later or name not in self.later_settings
        }
        if self.precision != "float32":
            config["precision"] = self.precision
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, str], weights: Mapping[str, Any]) -> Self:
        """Makes a layer from what `config` returned, and its weights.

        Parameters
        ----------
        config : mapping of str to str
            Every key of `config`, no other. Those that it leaves out at times may be missing.
        weights : mapping of str to ndarray
            Every weight, no other.

        Raises
        ------
        ValueError, TypeError
            A key or a weight is missing, unused or not what was expected.
        """
        precision = {"precision": choice_of(cls.precisions)} if len(cls.precisions) > 1 else {}
        optional = (*cls.later_settings, *precision)
        settings = read_settings(config, cls.kind, {**cls.settings, **precision}, optional)
        if settings.get("precision") == "int8":  # the reader of model files gives floats
            weights = {
                name: w.astype(np.int8) if f"{name}_scale" in weights else w
                for name, w in weights.items()
            }
        return cls(**settings, weights=weights)  # type: ignore[call-arg]

    def __repr__(self) -> str:
        names = [name for name in self.settings if name not in self.later_settings]
        names += [] if self.precision == "float32" else ["precision"]
        names += self._chosen({**self.later_settings, **self.options})
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
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

    # Weights may be changed in place, so a layer cannot be hashed.
    __hash__ = None  # type: ignore[assignment]
