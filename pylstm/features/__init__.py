"""Features, which turn audio into the frames that the first layer takes.

A new kind is a file with a subclass of `Features`, and its name here.
"""

from pylstm.features.features import Features
from pylstm.features.logmel import LogMel
from pylstm.features.mfcc import MFCC

__all__ = ["KINDS", "MFCC", "Features", "LogMel"]

KINDS: dict[str, type[Features]] = {features.kind: features for features in (MFCC, LogMel)}
"""The class of each kind of features, under its name in model files."""
