"""The specification: what pylstm computes, in slow and obvious NumPy.

Nothing here is fast and nothing here is clever. Every function states its mathematics first, then
does exactly that, frame by frame and step by step, in float64 unless another ``dtype`` is asked
for. It is the oracle of the tests and the place to look when two implementations disagree. NumPy is
all that it imports.

========================  ==========================================================================
`pylstm.reference.cells`     activations, the LSTM and the dense layer, as PyTorch defines them
`pylstm.reference.features`  audio to MFCC or log-mel frames, as librosa defines them
========================  ==========================================================================

`model` puts the two together: a whole recording in, one row of outputs per frame out.
"""

from pylstm.reference.cells import dense, lstm, lstm_step, relu, sigmoid, softmax, tanh
from pylstm.reference.features import logmel, mfcc
from pylstm.reference.mel import mel_filters
from pylstm.reference.model import model
from pylstm.reference.transforms import dct, delta, frames, power_to_db, window

__all__ = [
    "dct",
    "delta",
    "dense",
    "frames",
    "logmel",
    "lstm",
    "lstm_step",
    "mel_filters",
    "mfcc",
    "model",
    "power_to_db",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
    "window",
]
