"""Losses of frames or sequences: cross entropy, squared error, and their gradients.

A loss is called with the outputs of `Network.forward`, which are logits unless ``logits=False``
asks for those of a stream, and returns its value and its gradient with respect to them. The
formulas are those of ``torch.nn.functional`` (PyTorch 2.13) with ``reduction="mean"``. Frames past
the length of their sequence never count, whatever they hold.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm.arguments import described, number_of, whole, within
from pylstm.train.losses.loss import LossResult, check_weights, weight_vector
from pylstm.train.losses.pooling import Pooling
from pylstm.train.losses.row_loss import Per, RowLoss

__all__ = ["MSE", "BCEWithLogits", "CrossEntropy", "LossResult"]

Array = NDArray[Any]


class CrossEntropy(RowLoss):
    r"""Cross entropy of classes.

    With logits x, :math:`\log p_k = x_k - \log\sum_j e^{x_j}`, the class y, weights w of classes
    and u of frames (or sequences), label smoothing ε and K classes:

    .. math::

        L = \frac{1}{\sum_n u_n w_{y_n}} \sum_n u_n \Bigl(
            -(1 - ε) w_{y_n} \log p_{n y_n} - \frac{ε}{K} \sum_k w_k \log p_{nk} \Bigr)

    as ``torch.nn.functional.cross_entropy`` (PyTorch 2.13) has it: class weights enter the smoothed
    part class by class, while the divisor has the true classes only. If nothing counts, or only
    with weight 0, the value is NaN, as in PyTorch, and the gradient is 0.

    Parameters
    ----------
    class_weights : (K,) of numbers, optional
        w. None: 1 each.
    ignore_index : int, default -100
        Frames or sequences with this target do not count.
    label_smoothing : float, default 0.0
        ε, from 0 to 1.
    per : {"frame", "sequence"}
        What a target belongs to: targets are (T, B), or (B,).
    pooling : {"last", "mean"}
        With per="sequence": the logits of a sequence are those of its last frame, or the mean over
        its frames.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.losses.frame_losses import CrossEntropy
    >>> outputs = np.log(np.array([[[0.5, 0.25, 0.25]], [[0.1, 0.8, 0.1]]], np.float32))
    >>> result = CrossEntropy()(outputs, np.array([[0], [2]]))
    >>> round(result.value, 4)  # (ln 2 + ln 10) / 2
    1.4979
    >>> result.gradient[0].round(3)  # (p - 1) / 2 at the class, p / 2 elsewhere
    array([[-0.25 , 0.125, 0.125]], dtype=float32)
    >>> result.correct, result.counted
    (1, 2)
    """

    target_dimensions = 0
    activation = "softmax"

    def __init__(
        self,
        class_weights: ArrayLike | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        per: Per = "frame",
        pooling: Pooling = "last",
    ) -> None:
        super().__init__(per, pooling)
        self.class_weights = weight_vector("class_weights", class_weights)
        self.ignore_index = whole("ignore_index", ignore_index)
        self.label_smoothing = within("label_smoothing", label_smoothing, 0.0, 1.0)

    def _check_targets(self, targets: object, outputs: Array) -> None:
        if not isinstance(targets, np.ndarray) or targets.dtype.kind not in "iu":
            raise TypeError(f"targets is {described(targets)}; expected an array of whole numbers")

    def _kept(self, targets: Array) -> Array | None:
        keep: Array = targets != self.ignore_index
        return None if keep.all() else keep

    def _mean(self, x: Array, y: Array, u: Array | None) -> tuple[float, Array, int, int]:
        n_rows, n_classes = x.shape
        if y.min() < 0 or y.max() >= n_classes:
            wrong = int(y.min() if y.min() < 0 else y.max())
            raise ValueError(
                f"targets holds {wrong}; expected 0 to {n_classes - 1}, as outputs has "
                f"{number_of(n_classes, 'class', 'classes')}, or ignore_index, {self.ignore_index}"
            )
        w = check_weights("class_weights", self.class_weights, (n_classes,), x.dtype)
        smoothing = self.label_smoothing

        # Classes first: NumPy then runs along thousands of rows instead of a dozen of classes.
        z = np.empty((n_classes, n_rows), x.dtype)
        np.copyto(z, x.T)
        flat = z.reshape(-1)
        at_target = y.astype(np.intp, copy=False) * n_rows + np.arange(n_rows)
        np.subtract(z, np.maximum.reduce(z, axis=0), out=z)
        z_target = flat[at_target]
        # Where only one class has the maximum, this is what argmax would say.
        if np.count_nonzero(z == 0) == n_rows:
            correct = int(np.count_nonzero(z_target == 0))
        else:
            correct = int(np.count_nonzero(x.argmax(axis=1) == y))
        z_sum = None
        if smoothing:
            z_sum = np.add.reduce(z, axis=0) if w is None else w @ z
        np.exp(z, out=z)
        total = np.add.reduce(z, axis=0)
        log_total = np.log(total)

        true = w[y] if w is not None else None  # u_n w_y
        if u is not None:
            true = u if true is None else u * true
        divisor = float(n_rows) if true is None else float(true.sum(dtype=np.float64))
        if divisor == 0:
            return math.nan, np.zeros_like(x), correct, n_rows
        nll = log_total - z_target
        if true is not None:
            nll *= true
        value = float(nll.sum(dtype=np.float64)) / divisor
        share: Any = 1 / divisor if true is None else true / x.dtype.type(divisor)

        if z_sum is None:
            z *= share / total
            flat[at_target] -= share
        else:
            weight_sum = float(n_classes if w is None else w.sum(dtype=np.float64))
            smooth = weight_sum * log_total - z_sum
            if u is not None:
                smooth *= u
            value *= 1 - smoothing
            value += smoothing / n_classes * float(smooth.sum(dtype=np.float64)) / divisor
            spare: Any = smoothing / n_classes / divisor
            if u is not None:
                spare = spare * u
            z *= ((1 - smoothing) * share + weight_sum * spare) / total
            z -= spare if w is None else w[:, None] * spare
            flat[at_target] -= (1 - smoothing) * share
        gradient = np.empty_like(x, order="C")
        np.copyto(gradient, z.T)
        return value, gradient, correct, n_rows


class MSE(RowLoss):
    r"""Mean squared error.

    .. math:: L = \frac{1}{O \sum_n u_n} \sum_n u_n \sum_o (x_{no} - y_{no})^2

    as ``torch.nn.functional.mse_loss`` (PyTorch 2.13) has it, with weights u of frames or sequences
    added. The outputs x are those of a stream: `fit` trains a mask that ends in sigmoid as it is.
    In a loop of your own ``Network.forward(..., logits=False)`` gives them. ``correct`` and
    ``counted`` are 0.

    Parameters
    ----------
    per : {"frame", "sequence"}
        What a target belongs to: targets are (T, B, O), or (B, O); float32 or float64, converted
        to the dtype of the outputs.
    pooling : {"last", "mean"}
        With per="sequence": compared are the outputs of the last frame, or their mean over the
        frames.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.losses.frame_losses import MSE
    >>> outputs = np.array([[[1.0, 2.0]], [[3.0, 4.0]]], np.float32)
    >>> MSE()(outputs, np.zeros((2, 1, 2), np.float32)).value  # (1 + 4 + 9 + 16) / 4
    7.5
    """

    target_dimensions = 1
    activation = None

    def __init__(self, per: Per = "frame", pooling: Pooling = "last") -> None:
        super().__init__(per, pooling)

    def _check_targets(self, targets: object, outputs: Array) -> None:
        if not isinstance(targets, np.ndarray) or targets.dtype not in (np.float32, np.float64):
            raise TypeError(f"targets is {described(targets)}; expected an array of float32")

    def _mean(self, x: Array, y: Array, u: Array | None) -> tuple[float, Array, int, int]:
        if not np.isfinite(y).all():
            raise ValueError("targets holds NaN or infinity; expected numbers")
        d = x - y.astype(x.dtype, copy=False)
        squares = np.square(d)
        divisor = float(x.size)
        if u is not None:
            divisor = float(u.sum(dtype=np.float64)) * x.shape[1]
            squares *= u[:, None]
            d *= u[:, None]
        if divisor == 0:
            return math.nan, np.zeros_like(x), 0, 0
        d *= 2 / divisor
        return float(squares.sum(dtype=np.float64)) / divisor, d, 0, 0


class BCEWithLogits(RowLoss):
    r"""Binary cross entropy of each output, from logits.

    With σ the logistic function and the weight q of positives:

    .. math::

        L = -\frac{1}{O \sum_n u_n} \sum_n u_n \sum_o \bigl(
            q_o y_{no} \log σ(x_{no}) + (1 - y_{no}) \log(1 - σ(x_{no})) \bigr)

    as ``torch.nn.functional.binary_cross_entropy_with_logits`` (PyTorch 2.13) has it, with weights
    u of frames or sequences added. Every output is a prediction, right when it is above 0 just
    where its target is above 0.5.

    Parameters
    ----------
    pos_weight : (O,) of numbers, optional
        q. None: 1 each.
    per : {"frame", "sequence"}
        What a target belongs to: targets are (T, B, O), or (B, O), from 0 to 1; bool, whole numbers
        or floats, converted to the dtype of the outputs.
    pooling : {"last", "mean"}
        With per="sequence": the logits are those of the last frame, or the mean over the frames.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.train.losses.frame_losses import BCEWithLogits
    >>> result = BCEWithLogits()(np.zeros((1, 1, 2), np.float32), np.array([[[True, False]]]))
    >>> round(result.value, 4), result.gradient  # ln 2
    (0.6931, array([[[-0.25, 0.25]]], dtype=float32))
    >>> result.correct, result.counted
    (1, 2)
    """

    target_dimensions = 1
    activation = "sigmoid"

    def __init__(
        self, pos_weight: ArrayLike | None = None, per: Per = "frame", pooling: Pooling = "last"
    ) -> None:
        super().__init__(per, pooling)
        self.pos_weight = weight_vector("pos_weight", pos_weight)

    def _check_targets(self, targets: object, outputs: Array) -> None:
        if not isinstance(targets, np.ndarray) or targets.dtype.kind not in "biuf":
            raise TypeError(
                f"targets is {described(targets)}; expected an array of numbers from 0 to 1"
            )

    def _mean(self, x: Array, y: Array, u: Array | None) -> tuple[float, Array, int, int]:
        if not (y.min() >= 0 and y.max() <= 1):  # so written, NaN is refused too
            raise ValueError(f"targets holds values from {y.min()} to {y.max()}; expected 0 to 1")
        q = check_weights("pos_weight", self.pos_weight, x.shape[1:], x.dtype)
        correct = int(np.count_nonzero((x > 0) == (y > 0.5)))
        y = y.astype(x.dtype, copy=False)
        # In place wherever that is possible: pages of new arrays cost more here than arithmetic.
        e = np.abs(x)
        np.exp(np.negative(e, out=e), out=e)  # at most 1, so that nothing overflows
        loss = np.log1p(e)
        gradient = np.where(x >= 0, x.dtype.type(1), e)
        e += 1
        gradient /= e  # now it is σ(x)
        loss -= np.minimum(x, 0, out=e)  # now it is -log σ(x)
        negative = np.subtract(1, y, out=e)
        if q is None:
            gradient -= y
        else:
            positive = y * q
            loss *= positive + negative
            gradient *= positive + negative
            gradient -= positive
        negative *= x
        loss += negative
        divisor = float(x.size)
        if u is not None:
            divisor = float(u.sum(dtype=np.float64)) * x.shape[1]
            loss *= u[:, None]
            gradient *= u[:, None]
        if divisor == 0:
            return math.nan, np.zeros_like(x), correct, x.size
        gradient *= 1 / divisor
        return float(loss.sum(dtype=np.float64)) / divisor, gradient, correct, x.size
