"""Augmentation: random changes of recordings, so that a model hears more variety."""

from pylstm.train.augment.augmentation import Augmentation, Chain, Times
from pylstm.train.augment.waveform import Gain, Shift, Speed

__all__ = ["Augmentation", "Chain", "Gain", "Shift", "Speed", "Times"]
