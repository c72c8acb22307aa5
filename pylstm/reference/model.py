"""A whole model over a whole recording."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array
from pylstm.reference.chunks import waveform
from pylstm.reference.features import logmel, mfcc
from pylstm.reference.layers import LAYERS, TIMINGS
from pylstm.reference.spectra import spectrum
from pylstm.reference.timing import Rate, joined

FEATURES: dict[str, Callable[..., Array]] = {
    "mfcc": mfcc,
    "logmel": logmel,
    "spectrum": spectrum,
    "waveform": waveform,
}


def model(
    x: ArrayLike,
    features: Mapping[str, Any] | None,
    layers: Sequence[Mapping[str, Any]],
    dtype: DTypeLike = np.float64,
) -> Array:
    """Features, then every layer on its inputs, each from a zero state.

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
        ``layer.config() | {"weights": layer.weights}`` is such a mapping. Two more entries make a
        graph: ``"name"`` (without it a layer is called by its place: ``"0"``), and ``"inputs"``,
        the names of layers before it, or ``"features"``, with commas between them (without it the
        layer before). Rows of several inputs belong together where they stand for the same row of
        the features; see `pylstm.reference.timing`.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (T, n_outputs)
        Of the last layer; fewer rows where a layer has a stride or waits for a full window.

    Examples
    --------
    >>> head = {"kind": "dense", "activation": "softmax", "weights": {"weight": np.zeros((4, 13))}}
    >>> model(np.zeros(400), {"kind": "mfcc"}, [head])
    array([[0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25],
           [0.25, 0.25, 0.25, 0.25]])
    >>> squares = {"kind": "mul", "inputs": "features,features", "weights": {}}
    >>> model(np.array([[1.0], [-3.0]]), None, [squares])
    array([[1.],
           [9.]])
    """
    x = np.asarray(x)
    if features is not None:
        settings = {"running": True} | dict(features)
        x = FEATURES[settings.pop("kind")](x, dtype=dtype, **settings)
    found, before = {"features": (np.asarray(x, dtype), Rate())}, "features"
    for place, layer in enumerate(layers):
        if layer["kind"] not in LAYERS:
            kinds = ", ".join(map(repr, LAYERS))
            raise ValueError(f"kind of a layer is {layer['kind']!r}; expected one of {kinds}")
        names = layer.get("inputs", before).split(",")
        rate, skipped = joined([found[name][1] for name in names])
        rows = [found[name][0][skip:] for name, skip in zip(names, skipped, strict=True)]
        count = min(map(len, rows))
        given = rows[0] if len(rows) == 1 else [part[:count] for part in rows]
        y = LAYERS[layer["kind"]](given, layer, dtype=dtype)[0]
        before = layer.get("name", str(place))
        found[before] = np.asarray(y, dtype), rate.through(TIMINGS[layer["kind"]](layer))
    return found[before][0]
