"""Features, which turn audio into the frames that the first layer takes.

A new kind is a file with a subclass of `Features`, and its name here.
"""

from pylstm.features.features import Features
from pylstm.features.logmel import LogMel
from pylstm.features.mfcc import MFCC
from pylstm.features.spectrum import Spectrum
from pylstm.features.waveform import Waveform

__all__ = ["KINDS", "MFCC", "Features", "LogMel", "Spectrum", "Waveform"]

KINDS: dict[str, type[Features]] = {
    features.kind: features for features in (MFCC, LogMel, Spectrum, Waveform)
}
"""The class of each kind of features, under its name in model files."""
