"""Features: what turns audio into the frames that the first layer takes."""

from pylstm.features.features import KINDS, MFCC, Features, LogMel

__all__ = ["KINDS", "MFCC", "Features", "LogMel"]
