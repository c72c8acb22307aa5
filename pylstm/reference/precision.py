"""What becomes of the rows that go into a layer whose weights are bf16 or int8."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from pylstm.reference.activations import Array


def rounded_rows(x: ArrayLike, precision: Literal["float32", "bf16", "int8"]) -> Array:
    r"""Rows as such a layer sees them; the sums of its products are those of a float layer then.

    bf16: each value is rounded to the nearest bfloat16, ties to even. int8: each row becomes bytes,

    .. math:: q = \Big\lfloor \frac{127}{m} x + \frac{1}{2} \Big\rfloor, \qquad m = \max_k |x_k|

    which are worth m / 127 each; a row whose m is at most 1e-30 is silence. A convolution rounds
    each row as a whole, all of its positions and channels together, so that an output row sees rows
    with steps of their own; the zeros around a row are exact.

    Parameters
    ----------
    x : (T, I)
    precision : {"float32", "bf16", "int8"}

    Returns
    -------
    (T, I)
        float64.

    Examples
    --------
    >>> rounded_rows([[1.0, 0.7, -0.2]], "int8") * 127
    array([[127.,  89., -25.]])
    >>> rounded_rows([[1.0, 1.001]], "bf16")
    array([[1., 1.]])
    """
    rows = np.asarray(x, np.float32)
    if precision == "float32":
        return rows.astype(np.float64)
    if precision == "bf16":
        bits = np.ascontiguousarray(rows).view(np.uint32)
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)
        return bits.view(np.float32).astype(np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True)
    loud = largest > 1e-30
    inverse = np.where(loud, np.float32(127) / np.where(loud, largest, np.float32(1)), 0)
    steps = np.floor(rows * inverse.astype(np.float32) + np.float32(128.5)) - 128
    worth = np.where(loud, largest.astype(np.float64) / 127, 0)
    found: Array = steps.astype(np.float64) * worth
    return found
