"""What a loss returns, and checks of what it is given: outputs, lengths, weights."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm.arguments import described
from pylstm.brief_repr import named_values
from pylstm.bulk import frames

__all__ = [
    "Loss",
    "LossResult",
    "check_lengths",
    "check_outputs",
    "check_weights",
    "nothing_counted",
    "weight_vector",
]

Array = NDArray[Any]


class LossResult(NamedTuple):
    """The result of a loss.

    Attributes
    ----------
    value : float
        The mean loss. NaN if an output that counts is NaN, or if nothing counts.
    gradient : (T, B, O)
        Of `value` with respect to the outputs, in their dtype; 0 where a frame does not count.
    correct : int
        The number of correct predictions.
    counted : int
        The number of predictions; 0 for losses without right and wrong.
    """

    value: float
    gradient: Array
    correct: int
    counted: int

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


def nothing_counted(result: Any) -> bool:
    """Whether all targets of a batch are ignored or have weight 0: NaN, but not by the network."""
    return math.isnan(result.value) and not result.gradient.any()


class Loss(Protocol):
    """What `fit` takes for a loss: something to call, as `CrossEntropy` and `CTC` are.

    Its ``per``, if it is "frame", says that there is a target for each row. Its ``activation``
    names the function that it computes itself, "softmax" or "sigmoid": it takes logits, as losses
    without this attribute do. With None it takes outputs as a stream gives them.
    """

    def __call__(
        self,
        outputs: Array,
        targets: Any,
        lengths: Array | None = None,
        weights: Any = None,
    ) -> LossResult: ...


def check_outputs(outputs: object) -> Array:
    """The outputs of a network: (T, B, O), none of them 0, float32 (or float64, for checks)."""
    if not isinstance(outputs, np.ndarray) or outputs.dtype not in (np.float32, np.float64):
        raise TypeError(f"outputs is {described(outputs)}; expected an array of float32")
    if outputs.ndim != 3 or 0 in outputs.shape:
        raise ValueError(f"outputs has shape {outputs.shape}; expected (T, B, O), none of them 0")
    return outputs


def check_lengths(lengths: object, n_frames: int, n_sequences: int) -> NDArray[np.int64] | None:
    """The frames of each sequence; None if all have all frames.

    Raises
    ------
    TypeError, ValueError
        `lengths` is not an array of B whole numbers from 1 to T.
    """
    if lengths is None:
        return None
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths is {described(lengths)}; expected an array of whole numbers")
    try:
        return frames.check_lengths(lengths, n_frames, n_sequences)
    except ValueError as error:
        if lengths.ndim == 1 and lengths.max(initial=0) > n_frames:
            raise ValueError(
                f"{error}, the rows of outputs; where layers give fewer rows than frames,"
                " Network.n_rows_out(lengths) counts them and Network.row_times says which frames"
                " they stand for"
            ) from None
        raise


def check_weights(name: str, weights: object, shape: tuple[int, ...], dtype: Any) -> Array | None:
    """Weights of frames, sequences or classes, in the dtype of the outputs; None stays None.

    Raises
    ------
    TypeError, ValueError
        Not an array of numbers, another shape, or a weight that is negative, NaN or infinite.
    """
    if weights is None:
        return None
    if not isinstance(weights, np.ndarray) or weights.dtype.kind not in "fiu":
        raise TypeError(f"{name} is {described(weights)}; expected an array of numbers")
    if weights.shape != shape:
        raise ValueError(f"{name} has shape {weights.shape}; expected {shape}")
    # Written so that NaN is refused too.
    if not (weights.min(initial=0) >= 0 and weights.max(initial=0) < np.inf):
        raise ValueError(f"{name} holds values that are negative or not finite; expected 0 or more")
    return weights.astype(dtype, copy=False)


def weight_vector(name: str, values: ArrayLike | None) -> NDArray[np.float64] | None:
    """A copy of the weights of classes or outputs; their number is checked with the outputs."""
    if values is None:
        return None
    array = np.asarray(values)
    if array.dtype.kind not in "fiu" or array.ndim != 1 or not array.size:
        raise TypeError(f"{name} is {values!r}; expected a sequence of numbers")
    check_weights(name, array, array.shape, array.dtype)
    return array.astype(np.float64)
