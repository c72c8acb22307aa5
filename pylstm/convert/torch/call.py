"""One call of a module or function in a PyTorch network, on its way to a layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pylstm.arguments import number_of
from pylstm.convert.torch.network import Network, UnknownWidth
from pylstm.convert.torch.rows import ROW, Rows
from pylstm.convert.torch.tensors import Wanted

__all__ = ["Call"]


@dataclass(frozen=True)
class Call:
    """Where a layer goes, and what it is called.

    Attributes
    ----------
    network : Network
        The graph so far.
    name : str
        The layer's name in it.
    where : str
        What the module or function is called in messages.
    dtype : str, optional
        What other types of numbers are converted to.
    in_sequence : bool
        Whether this is a step of a chain that nobody has written down as a forward pass.
    axes_given : bool
        Whether a person has said what the axes of the input are.
    cut : int
        How many of the last rows that it makes are cut off by what takes them.
    by_frame : bool
        Whether a call of the network takes one frame of each sequence, and states come back.
    """

    network: Network
    name: str
    where: str
    dtype: Wanted = None
    in_sequence: bool = False
    axes_given: bool = False
    cut: int = 0
    by_frame: bool = False

    def wide(self, rows: Rows, shape: tuple[int, ...]) -> None:
        """Checks the last axes of the row, or says how wide frames have to be."""
        if rows.columns is None:
            raise UnknownWidth(math.prod(shape))
        found = rows.columns.shape[-len(shape) :]
        if found != shape:
            raise ValueError(
                f"{self.where} takes {number_of(math.prod(shape), 'input')}, but the layer before"
                f" it has {number_of(math.prod(found), 'output')}"
            )

    def _says_which(self, rows: Rows) -> bool:
        """Whether a dimension that is counted from the front can be of values alone."""
        return not self.in_sequence and rows.rank > 2

    def activation(
        self, rows: Rows, function: str, *, shown: str, dim: Any = None, **settings: Any
    ) -> Rows:
        """Adds an activation; over a dimension, if it is a softmax."""
        if function not in ("softmax", "log_softmax"):
            return self.network.activation(rows, self.name, function, **settings)
        last = dim == -1 or (
            isinstance(dim, int)
            and -rows.rank <= dim < rows.rank
            and rows.axes[dim] == ROW
            and (self.axes_given or rows.last or rows.axes[-1] != ROW or self._says_which(rows))
        )
        wide = rows.columns is not None and rows.columns.size != rows.columns.shape[-1]
        if not last or rows.axes[dim] != ROW or wide or (dim % rows.rank != rows.row_axes[-1]):
            raise ValueError(
                f"{self.where} is {shown} over dim={dim}; expected dim=-1, the outputs of one frame"
            )
        if rows.columns is None:
            return rows
        rows, columns = self.network.order(rows, self.name)
        if self.network.width(rows) != len(np.unique(columns)):
            raise ValueError(f"{self.where} takes a part of a row; expected all of it")
        return self.network.activation(rows, self.name, function)
