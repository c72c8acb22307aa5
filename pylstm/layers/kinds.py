"""The kinds of layers, a line each: everything that lists them takes them from here."""

from pylstm.layers.activation import Activation
from pylstm.layers.add import Add
from pylstm.layers.affine import Affine
from pylstm.layers.concat import Concat
from pylstm.layers.conv import Conv
from pylstm.layers.dense import Dense
from pylstm.layers.gru import GRU
from pylstm.layers.lstm import LSTM
from pylstm.layers.mul import Mul
from pylstm.layers.norm import LayerNorm
from pylstm.layers.pool import Pool
from pylstm.layers.rnn import RNN
from pylstm.layers.select import Select
from pylstm.layers.stack import Stack

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "Affine",
    "Concat",
    "Conv",
    "Dense",
    "LayerNorm",
    "Mul",
    "Pool",
    "Select",
    "Stack",
]
