"""What a model is made of: layers as plain data, their weights as NumPy arrays.

A layer is data: sizes, and weights under PyTorch's names. It writes itself into a model file
(`config`, `tensors`) and is read back from one (`from_config`). `KINDS` maps the names of kinds in
model files to classes. A layer's `forward` runs it over whole sequences and batches.
"""

from pylstm.layers.dense import ACTIVATIONS, Dense
from pylstm.layers.layer import PRECISIONS, Layer
from pylstm.layers.lstm import LSTM, Gates
from pylstm.layers.recurrent import GRU, RNN, Recurrent

__all__ = [
    "ACTIVATIONS",
    "GRU",
    "KINDS",
    "LSTM",
    "PRECISIONS",
    "RNN",
    "Dense",
    "Gates",
    "Layer",
    "Recurrent",
]

KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in (LSTM, Dense)}
"""The class of each kind of layer that a model file can hold, under its name there."""
