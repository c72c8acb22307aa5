"""Training: models are trained on recordings, on the CPU, with NumPy and SciPy.

::

     Recordings --> source --> Batch --> Network --> loss --> gradients --> optimiser
     folder or      frames,    frames    forward               backward,     step on one
     manifest       augmented  side by side                    clipped       vector

`fit` runs this loop, epoch by epoch. Its parts are public, for loops of your own.
"""

import warnings
from typing import TYPE_CHECKING

from pylstm.interrupted_imports import interrupts_postponed as _interrupts_postponed

with _interrupts_postponed():
    from pylstm.train import networks
    from pylstm.train.augment.augmentation import Chain
    from pylstm.train.augment.noise import Noise
    from pylstm.train.augment.reverb import Reverb
    from pylstm.train.augment.spec_augment import SpecAugment
    from pylstm.train.augment.waveform import Equaliser, Gain, Level, Shift, Speed
    from pylstm.train.data.arrays import Arrays
    from pylstm.train.data.background_examples import BackgroundExamples
    from pylstm.train.data.batch import Batch
    from pylstm.train.data.carried_state import Continued
    from pylstm.train.data.errors import RecordingsError
    from pylstm.train.data.feature_cache import FeatureCache
    from pylstm.train.data.read_ahead import ReadAhead
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.data.running_audio import RunningAudio
    from pylstm.train.data.truncated import Truncated
    from pylstm.train.loop.curves import Curves, EventFiles
    from pylstm.train.loop.fit import DivergedError, Fitted, fit
    from pylstm.train.loop.report import Report
    from pylstm.train.losses.ctc import CTC
    from pylstm.train.losses.frame_losses import MSE, BCEWithLogits, CrossEntropy
    from pylstm.train.losses.head_losses import HeadLosses
    from pylstm.train.network import Network
    from pylstm.train.new_labels import with_new_labels
    from pylstm.train.optimisers import SGD, Adam, AdamW, clip_global_norm
    from pylstm.train.schedules import Constant, Cosine, Plateau, Step

__all__ = [
    "CTC",
    "MSE",
    "SGD",
    "Adam",
    "AdamW",
    "Arrays",
    "BCEWithLogits",
    "BackgroundExamples",
    "Batch",
    "Chain",
    "Constant",
    "Continued",
    "Cosine",
    "CrossEntropy",
    "Curves",
    "DivergedError",
    "Equaliser",
    "EventFiles",
    "FeatureCache",
    "Fitted",
    "Gain",
    "HeadLosses",
    "Level",
    "Network",
    "Noise",
    "Plateau",
    "ReadAhead",
    "Recordings",
    "RecordingsError",
    "Report",
    "Reverb",
    "RunningAudio",
    "Shift",
    "SpecAugment",
    "Speed",
    "Split",
    "Step",
    "Truncated",
    "clip_global_norm",
    "fit",
    "networks",
    "with_new_labels",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "Quiet":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warnings.warn("Quiet is now called BackgroundExamples", DeprecationWarning, stacklevel=2)
        return BackgroundExamples
