"""`CTC` where version 0.1 had it; it is in `pylstm.train.losses`."""

from pylstm.train.losses.ctc import CTC

__all__ = ["CTC"]
