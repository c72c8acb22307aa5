"""The specification: what pylstm computes, in slow and obvious NumPy.

The code is neither fast nor clever. Every function states its mathematics first, then does exactly
that, frame by frame and step by step, in float64 unless another ``dtype`` is asked for. It is the
oracle of the tests and the place to look when two implementations disagree. It imports nothing but
NumPy.

=============================  =====================================================================
`pylstm.reference.features`    audio to MFCC or log-mel frames, as librosa defines them
`pylstm.reference.layers`      a file for each kind of layer: a step of its cell, whole sequences
`pylstm.reference.activations` sigmoid, tanh, relu, softmax and the others
`pylstm.reference.timing`      which rows of several layers belong together
`pylstm.reference.windows`     which rows of a sequence a row that comes out sees
`pylstm.reference.decisions`   a file for each kind of decision: from posteriors to events
=============================  =====================================================================

`model` puts them together: a whole recording in, one row of outputs per frame out.
"""

from pylstm.reference.activations import relu, sigmoid, softmax, tanh
from pylstm.reference.features import logmel, mfcc
from pylstm.reference.layers.conv import conv
from pylstm.reference.layers.dense import dense
from pylstm.reference.layers.gru import gru, gru_step
from pylstm.reference.layers.lstm import lstm, lstm_step
from pylstm.reference.layers.pool import pool
from pylstm.reference.layers.rnn import rnn, rnn_step
from pylstm.reference.layers.stack import stack
from pylstm.reference.mel import mel_filters
from pylstm.reference.model import model
from pylstm.reference.transforms import dct, delta, frames, power_to_db, window

__all__ = [
    "conv",
    "dct",
    "delta",
    "dense",
    "frames",
    "gru",
    "gru_step",
    "logmel",
    "lstm",
    "lstm_step",
    "mel_filters",
    "mfcc",
    "model",
    "pool",
    "power_to_db",
    "relu",
    "rnn",
    "rnn_step",
    "sigmoid",
    "softmax",
    "stack",
    "tanh",
    "window",
]
