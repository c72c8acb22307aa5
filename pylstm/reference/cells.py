"""What version 0.1 had here; it is in `pylstm.reference`."""

from pylstm.reference import dense, gru_step, lstm_step, relu, rnn_step, sigmoid, softmax, tanh
from pylstm.reference.activations import ACTIVATIONS as ACTIVATIONS

__all__ = ["dense", "gru_step", "lstm_step", "relu", "rnn_step", "sigmoid", "softmax", "tanh"]
