r"""The convolution over time and positions, as ``torch.nn.Conv1d`` and ``torch.nn.Conv2d`` have it
(PyTorch 2.13): a correlation, the kernel is not reversed.

A network of such layers over time is the time-delay network of Waibel et al. [1]_; with as many
groups as channels it is a depthwise convolution [2]_.

References
----------
.. [1] A. Waibel, T. Hanazawa, G. Hinton, K. Shikano, K. J. Lang. Phoneme Recognition Using
   Time-Delay Neural Networks. IEEE Transactions on Acoustics, Speech and Signal Processing 37(3),
   1989, 328-339.
.. [2] F. Chollet. Xception: Deep Learning with Depthwise Separable Convolutions. CVPR 2017,
   1800-1807.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pylstm.reference.activations import ACTIVATIONS, Array
from pylstm.reference.timing import Timing
from pylstm.reference.windows import Padding, over_sequences, pair, timing_of, whole, windows

WHOLE = (
    "positions",
    "stride",
    "dilation",
    "stride_positions",
    "dilation_positions",
    "groups",
)


def conv(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    positions: int = 1,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = "valid",
    stride_positions: int = 1,
    dilation_positions: int = 1,
    padding_positions: tuple[int, int] | str = (0, 0),
    groups: int = 1,
    activation: Literal["linear", "sigmoid", "tanh", "relu"] = "linear",
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""A convolution over time and positions.

    .. math::

        y_{j, q, o} = a\Big(b_o + \sum_{i=0}^{k-1} \sum_{m=0}^{n-1} \sum_{c=0}^{C/G-1}
        W_{o, c, i, m}\; x_{j s - l + i d,\; q s' - l' + m d',\; g C / G + c}\Big)

    with k × n the kernel, s, d, l stride, dilation and zeros in front in time, s', d', l' the same
    over positions, and g = ⌊o G / O⌋ the group of output o. What lies outside of the sequence, and
    outside of the positions, is 0.

    Parameters
    ----------
    x : (T, P * C)
        The C channels of each of P positions, position by position.
    weight : (O, C / G, k) or (O, C / G, k, n)
    bias : (O,), optional
    positions : int
        P.
    stride, dilation, stride_positions, dilation_positions : int
    padding : {"valid", "causal"} or (int, int)
        In time: see `pylstm.reference.windows.padding_of`.
    padding_positions : (int, int)
        Zeros below the first position and above the last.
    groups : int
        G.
    activation : {"linear", "sigmoid", "tanh", "relu"}
        a.
    dtype : dtype
        In which everything is computed.

    Returns
    -------
    (T', Q * O)

    Examples
    --------
    Differences in time, and sums of neighbouring positions:

    >>> conv([[1.0], [4.0], [9.0]], [[[-1.0, 1.0]]])
    array([[3.],
           [5.]])
    >>> conv([[1.0, 2.0, 4.0]], np.ones((1, 1, 1, 2)), positions=3)
    array([[3., 6.]])
    """
    w = np.asarray(weight, dtype)
    if w.ndim == 3:
        w = w[..., None]
    n_outputs, group_channels, kernel_size, kernel_positions = w.shape
    channels = group_channels * groups
    low, high = pair(padding_positions)
    span = (kernel_positions - 1) * dilation_positions + 1
    y = []
    for window in windows(x, kernel_size, stride, dilation, padding, dtype):
        taps = window.reshape(kernel_size, positions, channels)
        taps = np.pad(taps, ((0, 0), (low, high), (0, 0)))
        row = []
        for first in range(0, positions + low + high - span + 1, stride_positions):
            patch = taps[:, first : first + span : dilation_positions]  # (k, n, C)
            for o in range(n_outputs):
                group = o * groups // n_outputs
                own = patch[..., group * group_channels : (group + 1) * group_channels]
                row.append((w[o] * own.transpose(2, 0, 1)).sum())
        y.append(row)
    width = (positions + low + high - span) // stride_positions + 1
    sums = np.asarray(y, dtype).reshape(-1, width, n_outputs)
    if bias is not None:
        sums = sums + np.asarray(bias, dtype)
    return ACTIVATIONS[activation](sums.reshape(-1, width * n_outputs), dtype)


def layer(
    x: ArrayLike,
    settings: Mapping[str, Any],
    *,
    lengths: ArrayLike | None = None,
    dtype: DTypeLike = np.float64,
    **given: Any,
) -> tuple[Array, None, list[dict[str, Array]]]:
    """`conv` for `pylstm.reference.layers.LAYERS`."""
    weights = settings["weights"]

    def run(rows: Array) -> Array:
        return conv(
            rows,
            weights["weight"],
            weights.get("bias"),
            padding=settings.get("padding", "valid"),
            padding_positions=settings.get("padding_positions", (0, 0)),
            dtype=dtype,
            **whole(settings, WHOLE),
        )

    sums = over_sequences(run, x, lengths, dtype)
    return ACTIVATIONS[settings.get("activation", "linear")](sums, dtype), None, [{"a": sums}]


def timing(settings: Mapping[str, Any]) -> Timing:
    """Which rows an output row sees."""
    given = whole(settings, ("kernel_size", "stride", "dilation"))
    return timing_of(
        given.get("kernel_size", 1),
        given.get("stride", 1),
        given.get("dilation", 1),
        settings.get("padding", "valid"),
    )
