"""Losses and their gradients."""

from pylstm.train.losses.ctc import CTC
from pylstm.train.losses.frame_losses import MSE, BCEWithLogits, CrossEntropy
from pylstm.train.losses.head_losses import HeadLosses, HeadLossesResult
from pylstm.train.losses.loss import LossResult

__all__ = ["CTC", "MSE", "BCEWithLogits", "CrossEntropy", "HeadLosses", "HeadLossesResult"]
__all__ += ["LossResult"]
