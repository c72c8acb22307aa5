"""Neighbouring rows side by side: the context window of a frame, and every n-th of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array
from pylstm.reference.timing import Timing
from pylstm.reference.windows import over_sequences, timing_of, whole, windows

WHOLE = ("left", "right", "stride")


def stack(
    x: ArrayLike, left: int = 0, right: int = 0, stride: int = 1, dtype: DTypeLike = np.float64
) -> Array:
    r"""Each row with those around it, the oldest first; rows of zeros outside of the sequence.

    .. math:: y_j = (x_{j s - l}, \ldots, x_{j s}, \ldots, x_{j s + r})

    Parameters
    ----------
    x : (T, I)
    left, right : int
        l and r, how many rows before and after.
    stride : int
        s: only every s-th row comes out.
    dtype : dtype
        Of what comes out.

    Returns
    -------
    (T', (left + 1 + right) * I)

    Examples
    --------
    >>> stack([[1], [2], [3], [4]], left=1, right=1, stride=2)
    array([[0., 1., 2.],
           [2., 3., 4.]])
    """
    width = (left + 1 + right) * np.shape(x)[1]
    rows = [w.ravel() for w in windows(x, left + 1 + right, stride, 1, (left, right), dtype)]
    return np.asarray(rows, dtype).reshape(-1, width)


def layer(
    x: ArrayLike,
    settings: Mapping[str, Any],
    *,
    lengths: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    **given: Any,
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`stack` for `pylstm.reference.layers.LAYERS`."""

    def run(rows: Array) -> Array:
        return stack(rows, dtype=dtype, **whole(settings, WHOLE))

    return over_sequences(run, x, lengths, dtype), None, []


def timing(settings: Mapping[str, Any]) -> Timing:
    """Which rows an output row sees."""
    given = whole(settings, ("left", "right", "stride"))
    left, right = given.get("left", 0), given.get("right", 0)
    return timing_of(left + 1 + right, given.get("stride", 1), 1, (left, right))
