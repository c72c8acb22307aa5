"""Windows in time: which rows of a sequence a row that comes out sees."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array
from pylstm.reference.timing import Timing

Padding = str | tuple[int, int]


def pair(value: Any) -> tuple[int, int]:
    """Two whole numbers, or their spelling in a model file.

    Examples
    --------
    >>> pair((2, 0)), pair("2,0")
    ((2, 0), (2, 0))
    """
    first, second = value.split(",") if isinstance(value, str) else value
    return int(first), int(second)


def padding_of(padding: Any, window: int) -> tuple[int, int]:
    """Rows of zeros before the first row and after the last, for a window of so many rows.

    Parameters
    ----------
    padding : {"valid", "causal"} or (int, int)
        valid: none. causal: before the first row as many as a window has beside one. Two numbers
        say how many there are before and after.

    Examples
    --------
    >>> padding_of("valid", 5), padding_of("causal", 5), padding_of((3, 1), 5)
    ((0, 0), (4, 0), (3, 1))
    """
    named = {"valid": (0, 0), "causal": (window - 1, 0)}
    return named[padding] if padding in named else pair(padding)


def timing_of(kernel_size: int, stride: int, dilation: int, padding: Padding) -> Timing:
    """What the rows that come out see, as graphs ask for it.

    Examples
    --------
    >>> timing_of(3, 2, 2, "causal")
    Timing(window=5, left=4, right=0, stride=2)
    """
    window = (kernel_size - 1) * dilation + 1
    return Timing(window, *padding_of(padding, window), stride)


def windows(
    x: ArrayLike,
    kernel_size: int,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = "valid",
    dtype: DTypeLike = np.float64,
) -> list[Array]:
    r"""What each row that comes out sees: row j sees the rows

    .. math:: x_{j s - l + i d}, \qquad i = 0 \ldots k - 1

    with k kernel_size, s stride, d dilation and l rows of zeros in front. There are as many as fit.

    Parameters
    ----------
    x : (T, I)

    Returns
    -------
    list of (kernel_size, I)
        The oldest row first.

    Examples
    --------
    >>> [window[:, 0] for window in windows([[1], [2], [3], [4]], 2, stride=2)]
    [array([1., 2.]), array([3., 4.])]
    >>> [window[:, 0] for window in windows([[1], [2]], 2, dilation=2, padding="causal")]
    [array([0., 1.]), array([0., 2.])]
    """
    x = np.asarray(x, dtype)
    span = (kernel_size - 1) * dilation + 1
    left, right = padding_of(padding, span)
    rows = np.concatenate([np.zeros((left, x.shape[1])), x, np.zeros((right, x.shape[1]))])
    return [
        rows[first : first + span : dilation].astype(dtype)
        for first in range(0, len(rows) - span + 1, stride)
    ]


def over_sequences(
    run: Callable[[Array], Array], x: ArrayLike, lengths: ArrayLike | None, dtype: DTypeLike
) -> Array:
    """Runs over a sequence (T, I), or each of a batch (T, B, I); 0 past the end of the shorter.

    Examples
    --------
    >>> over_sequences(lambda rows: rows[::2], np.ones((4, 2, 1)), [4, 1], float)[..., 0]
    array([[1., 1.],
           [1., 0.]])
    """
    x = np.asarray(x, dtype)
    if x.ndim == 2:
        return run(x)
    counts = np.full(x.shape[1], len(x)) if lengths is None else np.asarray(lengths)
    found = [run(x[:count, b]) for b, count in enumerate(counts)]
    y = np.zeros((max(map(len, found)), len(found), found[0].shape[1]), dtype)
    for b, rows in enumerate(found):
        y[: len(rows), b] = rows
    return y


def whole(settings: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    """Settings that are whole numbers, or spelt so in a model file; those that are not there are
    left to their defaults."""
    return {name: int(settings[name]) for name in names if name in settings}
