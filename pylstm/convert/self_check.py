"""Whether a conversion gives the rows that its source gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.model import Model

__all__ = ["TOLERANCE", "largest_difference"]

Array = NDArray[np.float32]

TOLERANCE = 1e-4
"""What no file is written above. Sums of float32 in another order stay far below it, unless values
are much larger than 1."""

# Cuts of one frame, of a few, and of many, which the engine runs in different ways.
_CUTS = (1, 2, 5, 13, 40)


def largest_difference(
    layers: Any, run_source: Callable[[Array], Array], n_frames: int = 400, seed: int = 0
) -> float:
    """Runs the source and what was made of it side by side, over random frames.

    .. math:: \\max_{t,k} |y_{t,k} - y'_{t,k}|

    Parameters
    ----------
    layers : list of Layer, or dict of str to tuple
        What was made of the source, as `Model` takes it. It streams the frames in random cuts.
    run_source : callable
        Frames (T, n_features), float32, to the rows (T', n_outputs) of the source, from the
        beginning.
    n_frames : int
        T. The frames are normally distributed.
    seed : int
        Of the frames and the cuts.

    Returns
    -------
    float
        The largest distance of two values.

    Raises
    ------
    ValueError
        The source gives other rows in number or width, or rows that are not finite.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> dense = pylstm.Dense(3, 2, seed=0)
    >>> weight, bias = dense.weights["weight"], dense.weights["bias"]
    >>> largest_difference([dense], lambda x: x @ weight.T + bias) < 1e-5
    True
    """
    rng = np.random.default_rng(seed)
    model = Model(None, layers)
    frames = rng.standard_normal((n_frames, model.n_features)).astype(np.float32)
    expected = np.asarray(run_source(frames.copy()), np.float32)
    stream, rows, done = model.stream(), [], 0
    while done < n_frames:
        count = int(rng.choice(_CUTS))
        rows.append(stream.push_frames(frames[done : done + count]))
        done += count
    rows.append(stream.flush())
    given = np.concatenate(rows)
    if expected.shape != given.shape:
        raise ValueError(
            f"the source gives rows of shape {expected.shape} for {number_of(n_frames, 'frame')};"
            f" expected {given.shape}, as the layers give"
        )
    if not np.isfinite(expected).all():
        raise ValueError("the source gives rows that are not finite; expected numbers")
    return float(np.abs(given - expected).max(initial=0.0))
