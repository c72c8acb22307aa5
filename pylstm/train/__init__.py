"""Training: models learn from recordings, on the CPU, with NumPy and SciPy."""

from pylstm.train.ctc import CTC
from pylstm.train.losses import MSE, BCEWithLogits, CrossEntropy
from pylstm.train.network import Network

__all__ = ["CTC", "MSE", "BCEWithLogits", "CrossEntropy", "Network"]
