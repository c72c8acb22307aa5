"""Training: models learn from recordings, on the CPU, with NumPy and SciPy.

::

     Recordings --> source --> Batch --> Network --> loss --> gradients --> optimiser
     folder or      frames,    frames    forward               backward,     step on one
     manifest       augmented  side by side                    clipped       vector

`fit` turns this wheel, epoch by epoch; its parts are here for loops of one's own.
"""

from pylstm.train.augment import Chain, Gain, Shift, Speed
from pylstm.train.batches import Arrays, Batch, Truncated
from pylstm.train.continued import Continued
from pylstm.train.ctc import CTC
from pylstm.train.feature_cache import FeatureCache
from pylstm.train.fit import DivergedError, Fitted, fit
from pylstm.train.losses import MSE, BCEWithLogits, CrossEntropy
from pylstm.train.network import Network
from pylstm.train.noise import Noise, Reverb
from pylstm.train.optimisers import SGD, Adam, AdamW, clip_global_norm
from pylstm.train.problems import RecordingsError
from pylstm.train.progress import Report
from pylstm.train.quiet import Quiet
from pylstm.train.recordings import Recordings, Split
from pylstm.train.schedules import Constant, Cosine, Plateau, Step
from pylstm.train.spec_augment import SpecAugment

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
