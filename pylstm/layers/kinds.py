"""The kinds of layers, a line each: everything that lists them takes them from here."""

from pylstm.layers.dense import Dense
from pylstm.layers.gru import GRU
from pylstm.layers.lstm import LSTM
from pylstm.layers.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "Dense"]
