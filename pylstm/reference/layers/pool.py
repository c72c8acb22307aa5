"""Pooling over time and positions, as ``torch.nn.MaxPool2d`` and ``torch.nn.AvgPool2d`` have it
(PyTorch 2.13)."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import Array
from pylstm.reference.timing import Timing
from pylstm.reference.windows import Padding, over_sequences, pair, timing_of, whole, windows

WHOLE = ("positions", "kernel_size", "stride", "kernel_positions", "stride_positions")


def pool(
    x: ArrayLike,
    mode: Literal["max", "mean"],
    *,
    positions: int = 1,
    kernel_size: int = 1,
    stride: int = 1,
    padding: Padding = "valid",
    kernel_positions: int = 1,
    stride_positions: int = 1,
    padding_positions: tuple[int, int] | str = (0, 0),
    count_include_pad: bool = True,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""The largest value, or the mean, of each channel over a window of time and positions.

    .. math::

        y_{j, q, c} = \max_{i, m} x_{j s - l + i,\; q s' - l' + m,\; c}
        \qquad\text{or}\qquad
        y_{j, q, c} = \frac{1}{N} \sum_{i, m} x_{j s - l + i,\; q s' - l' + m,\; c}

    with i < kernel_size, m < kernel_positions. Positions outside of the row do not take part in a
    maximum. In a mean they are zeros, and N counts them with `count_include_pad` alone. Rows
    outside of the sequence are rows of zeros, as for a convolution, and take part in both.

    Parameters
    ----------
    x : (T, P * C)
        The C channels of each of P positions, position by position.
    mode : {"max", "mean"}
    positions : int
        P.
    kernel_size, stride, kernel_positions, stride_positions : int
    padding : {"valid", "causal"} or (int, int)
        In time: see `pylstm.reference.windows.padding_of`.
    padding_positions : (int, int)
        Positions below the first and above the last.
    count_include_pad : bool
        Whether N counts positions outside of the row.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (T', Q * C)

    Examples
    --------
    >>> x = [[1.0, 5.0], [3.0, 2.0]]
    >>> pool(x, "max", positions=2, kernel_size=2, kernel_positions=2)
    array([[5.]])
    >>> pool(x, "mean", kernel_size=2)
    array([[2. , 3.5]])
    """
    low, high = pair(padding_positions)
    y = []
    for window in windows(x, kernel_size, stride, 1, padding, dtype):
        taps = window.reshape(kernel_size, positions, -1)
        row = []
        for begin in range(-low, positions + high - kernel_positions + 1, stride_positions):
            there = range(max(begin, 0), min(begin + kernel_positions, positions))
            inside = [taps[i, q] for i in range(kernel_size) for q in there]
            n = kernel_size * kernel_positions if count_include_pad else len(inside)
            row.append(np.max(inside, axis=0) if mode == "max" else np.sum(inside, axis=0) / n)
        y.append(np.concatenate(row))
    n_outputs = (positions + low + high - kernel_positions) // stride_positions + 1
    channels = np.shape(x)[1] // positions
    return np.asarray(y, dtype).reshape(-1, n_outputs * channels)


def layer(
    x: ArrayLike,
    settings: Mapping[str, Any],
    *,
    lengths: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    **given: Any,
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`pool` for `pylstm.reference.layers.LAYERS`."""

    def run(rows: Array) -> Array:
        return pool(
            rows,
            settings["mode"],
            padding=settings.get("padding", "valid"),
            padding_positions=settings.get("padding_positions", (0, 0)),
            count_include_pad=settings.get("count_include_pad", True) in (True, "true"),
            dtype=dtype,
            **whole(settings, WHOLE),
        )

    return over_sequences(run, x, lengths, dtype), None, []


def timing(settings: Mapping[str, Any]) -> Timing:
    """Which rows an output row sees."""
    given = whole(settings, ("kernel_size", "stride"))
    kernel_size = given.get("kernel_size", 1)
    stride = given.get("stride", kernel_size)
    return timing_of(kernel_size, stride, 1, settings.get("padding", "valid"))
