"""What version 0.1 had here; it is in `pylstm.reference`."""

from pylstm.reference import gru, lstm, rnn

__all__ = ["gru", "lstm", "rnn"]
