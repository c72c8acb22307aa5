"""Layers, the parts of a model, as plain data with their weights as NumPy arrays.

A layer is data: sizes, and weights under PyTorch's names. It writes itself into a model file
(`config`, `tensors`) and is read back from one (`from_config`). A layer's `forward` runs it over
whole sequences and batches.

A new kind is a file with a subclass of `Layer`, and a line of `pylstm.layers.kinds`.
"""

from pylstm.layers import kinds
from pylstm.layers.activation import FUNCTIONS
from pylstm.layers.dense import ACTIVATIONS
from pylstm.layers.join import Join
from pylstm.layers.kinds import *
from pylstm.layers.layer import Layer
from pylstm.layers.lstm import Gates
from pylstm.layers.quantisation import PRECISIONS
from pylstm.layers.recurrent import Recurrent
from pylstm.layers.row_layer import RowLayer

__all__ = ["ACTIVATIONS", "FUNCTIONS", "KINDS", "LAYERS", "PRECISIONS", "Gates", "Join", "Layer"]
__all__ += ["Recurrent", "RowLayer"]
__all__ += kinds.__all__

LAYERS: tuple[type[Layer], ...] = tuple(getattr(kinds, name) for name in kinds.__all__)
"""The classes of all kinds of layers."""

KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in LAYERS if layer.streams}
"""The class of each kind of layer that a model file can hold, under its name there."""
