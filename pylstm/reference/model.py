"""A whole model over a whole recording."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array
from pylstm.reference.chunks import waveform
from pylstm.reference.features import logmel, mfcc
from pylstm.reference.layers import LAYERS
from pylstm.reference.spectra import spectrum

FEATURES = {"mfcc": mfcc, "logmel": logmel, "spectrum": spectrum, "waveform": waveform}


def model(
    x: ArrayLike,
    features: Mapping[str, Any] | None,
    layers: Sequence[Mapping[str, Any]],
    dtype: DTypeLike = np.float64,
) -> Array:
    """Features, then every layer on the outputs of the one before, each from a zero state.

    Parameters
    ----------
    x : (n,) or (T, n_features)
        Audio (int16 is divided by 32768), or frames where `features` is None.
    features : mapping or None
        ``"kind"``: ``"mfcc"``, ``"logmel"``, ``"spectrum"`` or ``"waveform"``; all other entries
        are keyword arguments of the function of that name. Unless they say otherwise ``running`` is
        True, because a stream cannot know the maximum of what is still to come.
    layers : sequence of mappings
        ``"kind"``, ``"weights"`` and the settings of that kind; other entries are ignored.
        ``layer.config() | {"weights": layer.weights}`` is such a mapping.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (T, n_outputs)

    Examples
    --------
    >>> head = {"kind": "dense", "activation": "softmax", "weights": {"weight": np.zeros((4, 13))}}
    >>> model(np.zeros(400), {"kind": "mfcc"}, [head])
    array([[0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25]])
    """
    x = np.asarray(x)
    if features is not None:
        settings = {"running": True} | dict(features)
        x = FEATURES[settings.pop("kind")](x, dtype=dtype, **settings)
    for layer in layers:
        if layer["kind"] not in LAYERS:
            kinds = ", ".join(map(repr, LAYERS))
            raise ValueError(f"kind of a layer is {layer['kind']!r}; expected one of {kinds}")
        x = LAYERS[layer["kind"]](x, layer, dtype=dtype)[0]
    return np.asarray(x, dtype)
