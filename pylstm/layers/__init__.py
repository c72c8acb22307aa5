"""Layers, the parts of a model, as plain data with their weights as NumPy arrays.

A layer is data: sizes, and weights under PyTorch's names. It writes itself into a model file
(`config`, `tensors`) and is read back from one (`from_config`). A layer's `forward` runs it over
whole sequences and batches.

A new kind is a file with a subclass of `Layer`, and its name here.
"""

from pylstm.layers.dense import ACTIVATIONS, Dense
from pylstm.layers.gru import GRU
from pylstm.layers.layer import Layer
from pylstm.layers.lstm import LSTM, Gates
from pylstm.layers.quantisation import PRECISIONS
from pylstm.layers.recurrent import Recurrent
from pylstm.layers.rnn import RNN

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "KINDS",
    "LAYERS",
    "LSTM",
    "PRECISIONS",
    "RNN",
    "Dense",
    "Gates",
    "Layer",
    "Recurrent",
]

LAYERS: tuple[type[Layer], ...] = (LSTM, GRU, RNN, Dense)
"""The classes of all kinds of layers."""

KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in LAYERS if layer.streams}
"""The class of each kind of layer that a model file can hold, under its name there."""
