"""Training: models learn from recordings, on the CPU, with NumPy and SciPy.

::

     Recordings --> source --> Batch --> Network --> loss --> gradients --> optimiser
     folder or      frames,    frames    forward               backward,     step on one
     manifest       augmented  side by side                    clipped       vector

`fit` turns this wheel, epoch by epoch; its parts are here for loops of one's own.
"""

from pylstm.train.augment.noise import Noise, Reverb
from pylstm.train.augment.spec_augment import SpecAugment
from pylstm.train.augment.waveform import Chain, Gain, Shift, Speed
from pylstm.train.data.batches import Arrays, Batch, Truncated
from pylstm.train.data.carried_state import Continued
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.recordings import Recordings, Split
from pylstm.train.data.silence_examples import Quiet
from pylstm.train.loop.fit import DivergedError, Fitted, fit
from pylstm.train.loop.progress import Report
from pylstm.train.losses.ctc import CTC
from pylstm.train.losses.frame_losses import MSE, BCEWithLogits, CrossEntropy
from pylstm.train.network import Network
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
    "Batch",
    "Chain",
    "Constant",
    "Continued",
    "Cosine",
    "CrossEntropy",
    "DivergedError",
    "FeatureCache",
    "Fitted",
    "Gain",
    "Network",
    "Noise",
    "Plateau",
    "Quiet",
    "Recordings",
    "RecordingsError",
    "Report",
    "Reverb",
    "Shift",
    "SpecAugment",
    "Speed",
    "Split",
    "Step",
    "Truncated",
    "clip_global_norm",
    "fit",
]
