"""The kinds of layers, a line each: everything that lists them takes them from here."""

from pylstm.layers.conv import Conv
from pylstm.layers.dense import Dense
from pylstm.layers.gru import GRU
from pylstm.layers.lstm import LSTM
from pylstm.layers.pool import Pool
from pylstm.layers.rnn import RNN
from pylstm.layers.stack import Stack

__all__ = ["GRU", "LSTM", "RNN", "Conv", "Dense", "Pool", "Stack"]
