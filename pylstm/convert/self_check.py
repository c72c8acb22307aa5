"""Whether a conversion gives the rows that its source gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, number_of
from pylstm.convert.torch.source import TorchSource
from pylstm.layers import Layer
from pylstm.layers.graph import FEATURES, Layers
from pylstm.model import Model

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "TOLERANCE",
    "Steady",
    "in_random_cuts",
    "largest_difference",
    "largest_distance",
    "steady_difference",
]

Array = NDArray[np.float32]
Axes = Literal["BTF", "TBF", "TF", "BFT", "FT", "BCTF", "BCFT", "BF", "F", "BT", "TB", "T", "B"]

TOLERANCE = 1e-4
"""What no file is written above. Sums of float32 in another order stay far below it, unless values
are much larger than 1."""

# Cuts of one frame, of a few, and of many, which the engine runs in different ways.
_CUTS = (1, 2, 5, 13, 40)

# Noise on the frames, about a rounding of float32; and how far rows may move by it to be judged.
_NOISE, _MOVED = 1e-7, TOLERANCE / 10
_FEWEST_STEADY = 5

# How many beginnings of the frames a source runs over that gives its last row alone.
_ENDS = 12


def largest_difference(
    layers: Layer | Layers,
    source: Callable[[Array], Array] | nn.Module,
    n_frames: int = 400,
    seed: int = 0,
    *,
    axes: Axes | None = None,
    one_hot: bool = False,
) -> float:
    """Runs the source and what was made of it side by side, over random frames.

    .. math:: \\max_{t,k} |y_{t,k} - y'_{t,k}|

    A module that gives the row of the last frame alone runs over frames that end in several
    places, and is compared with the last row there. Layers in both directions, which no stream
    runs, are compared over the whole sequence.

    Parameters
    ----------
    layers : Layer, list of Layer, or dict of str to Layer or tuple
        What was made of the source, as an importer gives it. It streams the frames in random cuts.
    source : callable or torch.nn.Module
        Frames (T, n_features), float32, to the rows (T', n_outputs) of the source, from the
        beginning, such as ``Conversion.run_source``; or a module as `from_torch` takes it, which
        PyTorch runs in evaluation mode, whatever the axes of its tensors are.
    n_frames : int
        T. The frames are normally distributed.
    seed : int
        Of the frames and the cuts.
    axes, one_hot
        Of a module, what `from_torch` was given.

    Returns
    -------
    float
        The largest distance of two values.

    Raises
    ------
    ValueError
        The source gives other rows in number or width, or rows that are not finite; or it is a
        module that `from_torch` refuses.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> dense = pylstm.Dense(3, 2, seed=0)
    >>> weight, bias = dense.weights["weight"], dense.weights["bias"]
    >>> largest_difference([dense], lambda x: x @ weight.T + bias) < 1e-5
    True
    """
    count("n_frames", n_frames, 1)
    rng = np.random.default_rng(seed)
    given = [layers] if isinstance(layers, Layer) else layers
    run, width = _runner(given, rng)
    runs = _source(source, width, axes, one_hot)
    if not isinstance(runs, TorchSource):
        frames = rng.standard_normal((n_frames, width)).astype(np.float32)
        return _difference(run(frames), runs(frames.copy()), n_frames)
    frames = runs.frames(rng, n_frames, width)
    if not runs.last_frame_only:
        return _difference(run(frames), runs(frames), n_frames)
    found = []
    for end in sorted({*rng.integers(1, n_frames + 1, _ENDS).tolist(), n_frames}):
        rows = run(frames[:end])
        if len(rows):
            found.append(_difference(rows[-1:], runs(frames[:end]), end))
    if not found:
        raise ValueError(f"n_frames is {n_frames}; expected more, as there is no row yet")
    return max(found)


class Steady(NamedTuple):
    """How far the rows are from the source's that a chaotic network gives before it runs away.

    Attributes
    ----------
    difference : float
        The largest distance of two values in these rows.
    rows : int
        How many they are, from the beginning.
    """

    difference: float
    rows: int


def steady_difference(
    layers: Layers, run_source: Callable[[Array], Array], n_frames: int = 400, seed: int = 0
) -> Steady | None:
    """Compares the rows in which roundings stay small.

    Some recurrent networks enlarge any noise: two programs that round in another order give
    unrelated rows after some frames, and both are right. The rows are judged before a noise of 1e-7
    on the frames moves them by 1e-5.

    Parameters
    ----------
    layers, run_source, n_frames, seed
        As in `largest_difference`.

    Returns
    -------
    Steady or None
        None: the network enlarges nothing, or from the first rows on.
    """
    rng = np.random.default_rng(seed)
    run, width = _runner(layers, rng)
    frames = rng.standard_normal((n_frames, width)).astype(np.float32)
    noise = _NOISE * rng.standard_normal(frames.shape)
    rows = run(frames)
    moved = np.abs(run((frames + noise).astype(np.float32)) - rows).max(axis=1, initial=0.0)
    apart = np.flatnonzero(moved > _MOVED)
    if not apart.size or apart[0] < _FEWEST_STEADY:
        return None
    first = int(apart[0])
    expected = np.asarray(run_source(frames.copy()), np.float32)[:first]
    return Steady(largest_distance(rows[:first], expected, number_of(first, "row")), first)


def _source(source: Any, width: int, axes: Any, one_hot: bool) -> Any:
    """The source as something that takes frames."""
    if isinstance(source, TorchSource):
        return source
    is_module = hasattr(source, "state_dict") and hasattr(source, "eval")
    if is_module:
        return TorchSource.of(source, axes, width, one_hot)
    if not callable(source):
        raise TypeError(
            f"source is of type {type(source).__name__}; expected a callable that takes frames, or"
            " a torch.nn.Module"
        )
    if axes is not None or one_hot:
        raise ValueError(
            f"axes is {axes!r}, one_hot is {one_hot}; expected None and False with a callable,"
            " which takes frames (T, n_features)"
        )
    return source


def _runner(layers: Any, rng: np.random.Generator) -> tuple[Callable[[Array], Array], int]:
    """What gives the rows of the layers for frames, and how wide these are."""
    chain = _chain(layers)
    if chain is None or not any(getattr(one, "bidirectional", False) for one in chain):
        model = Model(None, layers)
        return lambda frames: _streamed(model, frames, rng), model.n_features

    def whole(frames: Array) -> Array:
        for layer in chain:
            frames = layer.forward(np.ascontiguousarray(frames))[0]
        return frames

    return whole, chain[0].input_size


def _chain(layers: Any) -> list[Layer] | None:
    """Layers that follow each other; None: some of them do not."""
    if isinstance(layers, list | tuple):
        return list(layers)
    chain: list[Layer] = []
    before = FEATURES
    for name, node in layers.items():
        layer, *inputs = node if isinstance(node, tuple) else (node,)
        if inputs not in ([], [before]) or not isinstance(layer, Layer):
            return None
        chain.append(layer)
        before = name
    return chain


def in_random_cuts(
    values: Array,
    rng: np.random.Generator,
    unit: int,
    push: Callable[[Array], Array],
    flush: Callable[[], Array],
) -> Array:
    """All rows of a stream that is given values in random cuts of about so many units."""
    rows, done = [], 0
    while done < len(values):
        size = int(rng.choice(_CUTS)) * unit + (int(rng.integers(unit)) if unit > 1 else 0)
        rows.append(push(values[done : done + size]))
        done += size
    return np.concatenate([*rows, flush()])


def _streamed(model: Model, frames: Array, rng: np.random.Generator) -> Array:
    """The rows of a stream that gets the frames in random cuts."""
    stream = model.stream()
    return in_random_cuts(frames, rng, 1, stream.push_frames, stream.flush)


def _difference(given: Array, expected: Any, n_frames: int) -> float:
    return largest_distance(given, expected, number_of(n_frames, "frame"))


def largest_distance(given: Array, expected: Any, of_what: str) -> float:
    """How far two arrays of rows are from each other."""
    expected = np.asarray(expected, np.float32)
    if expected.shape != given.shape:
        raise ValueError(
            f"the source gives rows of shape {expected.shape} for {of_what}; expected"
            f" {given.shape}, as the layers give"
        )
    if not np.isfinite(expected).all():
        raise ValueError("the source gives rows that are not finite; expected numbers")
    return float(np.abs(given - expected).max(initial=0.0))
