"""Recurrent layers: what LSTM, GRU and RNN have in common, and the latter two."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing
from pylstm.layers.layer import MAX_DIMENSION, MAX_NUM_LAYERS, Layer, flag_of, size_of
from pylstm.layers.weights import Shape

__all__ = ["GRU", "RNN", "Recurrent"]

Array = NDArray[np.float32]

NONLINEARITIES = ("tanh", "relu")


class Recurrent(Layer):
    """Recurrent layers on top of each other, in one direction or both."""

    settings: ClassVar[tuple[str, ...]] = ("input_size", "hidden_size", "num_layers", "bias")
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"bidirectional": False, "dropout": 0.0}
    )
    gates: ClassVar[int]
    """How many matrices of hidden_size rows stand below each other in a weight."""
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    """What is remembered from step to step."""
    hidden_size: int
    num_layers: int
    bias: bool
    bidirectional: bool
    proj_size: int = 0
    dropout: float

    def _size(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        """Sets and checks what all of them have."""
        self.input_size = size_of("input_size", input_size)
        self.hidden_size = size_of("hidden_size", hidden_size, MAX_DIMENSION // 4)
        self.num_layers = size_of("num_layers", num_layers, MAX_NUM_LAYERS)
        self.bias = flag_of("bias", bias)
        self.bidirectional = flag_of("bidirectional", bidirectional)
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)):
            raise TypeError(f"dropout is {dropout!r}; expected a number")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected at least 0 and less than 1")
        if dropout and self.num_layers == 1:
            raise ValueError(
                f"dropout is {dropout} and there is one layer: it acts between layers only"
            )
        self.dropout = float(dropout)

    @property
    def width(self) -> int:
        """Width of h."""
        return self.hidden_size

    @property
    def cell_kind(self) -> str:
        """The name of the cell in the kernels of bulk passes."""
        return self.kind

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What the names of weights of each direction end in."""
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def n_outputs(self) -> int:
        """Width of the rows that come out: that of h, of both directions if there are two."""
        return self.width * len(self.suffixes)

    @property
    def shapes(self) -> dict[str, Shape]:
        """Name and shape of every weight."""
        rows = self.gates * self.hidden_size
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

    def forward(
        self, x: Array, state: Any = None, lengths: NDArray[Any] | None = None
    ) -> tuple[Array, Any]:
        """Runs over whole sequences with BLAS: for scoring many recordings, and for research.

        What a stream gives for the same frames differs by rounding only, by less than 1e-5.

        Parameters
        ----------
        x : array, shape (T, input_size) or (T, B, input_size), float32
            Time comes first.
        state : tuple of arrays, or array, optional
            Where to begin: (h, c) for an LSTM, h for the others; h of shape (num_layers *
            directions, width of h) or, with a batch, (num_layers * directions, B, width of h),
            float32; c likewise with hidden_size. None: zeros.
        lengths : array of int, shape (B,), optional
            How many frames of each sequence are there, 1 to T, in any order; no work is done on the
            others, and their outputs are 0. None: all.

        Returns
        -------
        y : array, shape (T, n_outputs) or (T, B, n_outputs), float32
        state : as above
            After the last frame of each sequence (in the backward direction: after its first).

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
        from pylstm.bulk.recurrent_stack import forward  # SciPy is loaded by those who need it

        return forward(self, x, state, lengths)


class GRU(Recurrent):
    r"""GRU layers on top of each other, as ``torch.nn.GRU`` (Cho et al. 2014).

    .. math::

        r &= σ(W_{ir} x + b_{ir} + W_{hr} h + b_{hr}) \\
        z &= σ(W_{iz} x + b_{iz} + W_{hz} h + b_{hz}) \\
        n &= \tanh(W_{in} x + b_{in} + r ⊙ (W_{hn} h + b_{hn})) \\
        h' &= (1 - z) ⊙ n + z ⊙ h

    For training and for research: no stream runs it yet.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, bidirectional, dropout
        As for `LSTM`.
    weights : mapping of str to ndarray, optional
        Named as those of `LSTM`, with three gates in the order r, z, n.
    seed : int, optional
        For the draw where there are no weights.

    Examples
    --------
    >>> GRU(40, 64, num_layers=2, dropout=0.1, seed=0)
    GRU(input_size=40, hidden_size=64, num_layers=2, bias=True, dropout=0.1)
    """

    kind = "gru"
    gates = 3

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
        self.precision = "float32"
        self._take(weights, self.hidden_size, seed)

    @property
    def obstacle(self) -> str:
        """Why no stream can run this layer and no model file hold it."""
        return "streams run LSTM and Dense layers"


class RNN(Recurrent):
    r"""Plain recurrent layers on top of each other, as ``torch.nn.RNN`` (Elman 1990).

    .. math:: h' = a(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})

    For research, beside `LSTM`: no stream runs it.

    Parameters
    ----------
    input_size, hidden_size, num_layers
        As for `LSTM`.
    nonlinearity : {"tanh", "relu"}
        a.
    bias, bidirectional, dropout
        As for `LSTM`.
    weights : mapping of str to ndarray, optional
        Named as those of `LSTM`, with hidden_size rows.
    seed : int, optional
        For the draw where there are no weights.

    Examples
    --------
    >>> RNN(40, 64, nonlinearity="relu", seed=0)
    RNN(input_size=40, hidden_size=64, num_layers=1, nonlinearity='relu', bias=True)
    """

    kind = "rnn"
    settings = ("input_size", "hidden_size", "num_layers", "nonlinearity", "bias")
    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        weights: Mapping[str, Any] | None = None,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self._size(input_size, hidden_size, num_layers, bias, bidirectional, dropout)
        if nonlinearity not in NONLINEARITIES:
            raise ValueError(
                f"nonlinearity is {nonlinearity!r}; expected {listing(NONLINEARITIES)}"
            )
        self.nonlinearity = nonlinearity
        self.precision = "float32"
        self._take(weights, self.hidden_size, seed)

    @property
    def cell_kind(self) -> str:
        """The name of the cell in the kernels of bulk passes."""
        return f"rnn_{self.nonlinearity}"

    @property
    def obstacle(self) -> str:
        """Why no stream can run this layer and no model file hold it."""
        return "streams run LSTM and Dense layers"
