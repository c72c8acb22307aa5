"""Augmentation: the same recordings in other rooms, at other distances, from other speakers."""

from pylstm.train.augment.noise import Noise, Reverb
from pylstm.train.augment.spec_augment import SpecAugment
from pylstm.train.augment.waveform import Augmentation, Chain, Gain, Shift, Speed, Times

__all__ = [
    "Augmentation",
    "Chain",
    "Gain",
    "Noise",
    "Reverb",
    "Shift",
    "SpecAugment",
    "Speed",
    "Times",
]
