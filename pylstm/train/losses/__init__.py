"""What a network is trained to make small, and the gradients of it."""

from pylstm.train.losses.ctc import CTC
from pylstm.train.losses.frame_losses import MSE, BCEWithLogits, CrossEntropy
from pylstm.train.losses.reduction import LossResult

__all__ = ["CTC", "MSE", "BCEWithLogits", "CrossEntropy", "LossResult"]
