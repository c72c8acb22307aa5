"""Connectionist temporal classification: labels in order, without times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, described, flag, number_of
from pylstm.train.losses.loss import LossResult, check_lengths, check_outputs, check_weights
from pylstm.train.losses.pooling import counted
from pylstm.train.settings_repr import SettingsRepr

__all__ = ["CTC"]

Array = NDArray[Any]

# Log of probability 0 in the lattice. Finite, so that the difference of two is not NaN, and lower
# than any sum of real log probabilities.
NEVER = -1e30


class CTC(SettingsRepr):
    r"""The probability of a sequence of labels, over all ways to place them in time [1]_.

    A path π has one class a frame; repeats merged and blanks removed, it is a sequence of labels
    :math:`\mathcal{B}(π)`. With softmax p of the logits, frames n and the target l:

    .. math:: L(x, l) = -\ln \sum_{π: \mathcal{B}(π) = l} \prod_{t<n} p_t(π_t)

    The sum runs over the lattice of l', which is l with a blank before, between and behind its
    labels: :math:`α_t(s)` sums the ways to be at l'_s after the frame t, :math:`β_t(s)` those to go
    on from there, both in logarithms:

    .. math::

        α_t(s) &= p_t(l'_s) \bigl(α_{t-1}(s) + α_{t-1}(s-1)
            + [l'_s ≠ \text{blank}, l'_s ≠ l'_{s-2}]\; α_{t-1}(s-2)\bigr) \\
        \frac{∂L}{∂x_t(k)} &= p_t(k) - e^{L} \sum_{s: l'_s = k} α_t(s) β_t(s)

    The value is that of ``torch.nn.functional.ctc_loss`` (PyTorch 2.13) with reduction="mean" on
    the log-softmax of the outputs: each loss divided by the length of its target (an empty one: by
    1), then the mean over the batch. A target that needs more frames than there are, one for each
    label and one between two equal ones, costs infinity, and its gradient is NaN.

    ``correct`` counts the sequences whose best path, the largest logit of every frame, gives the
    target.

    Parameters
    ----------
    blank : int, default 0
        The class that stands for no label.
    zero_infinity : bool, default False
        Targets that cannot be placed cost 0 and have no gradient, but count in the mean.

    References
    ----------
    .. [1] A. Graves, S. Fernández, F. Gomez, J. Schmidhuber. Connectionist Temporal Classification:
       Labelling Unsegmented Sequence Data with Recurrent Neural Networks. ICML 2006, 369-376.

    Examples
    --------
    Two frames, two classes, all equally likely: of the four paths three give the label 1.

    >>> import numpy as np
    >>> from pylstm.train.losses.ctc import CTC
    >>> result = CTC()(np.zeros((2, 1, 2), np.float32), [np.array([1])])
    >>> round(result.value, 4)  # -ln(3/4)
    0.2877
    >>> result.gradient.round(3)[:, 0]
    array([[ 0.167, -0.167], [ 0.167, -0.167]], dtype=float32)
    """

    activation: ClassVar[str] = "softmax"
    """The function that the loss computes itself, from logits."""

    def __init__(self, blank: int = 0, zero_infinity: bool = False) -> None:
        self.blank = count("blank", blank, 0)
        self.zero_infinity = flag("zero_infinity", zero_infinity)

    def __call__(
        self,
        outputs: Array,
        targets: Sequence[Array],
        lengths: Array | None = None,
        weights: Any = None,
    ) -> LossResult:
        """The loss of a batch, and its gradient.

        Parameters
        ----------
        outputs : (T, B, K) float32
            Logits. float64 is accepted, too.
        targets : list of B one-dimensional arrays of whole numbers
            Labels in order, any number of them, also none; 0 to K-1 without the blank.
        lengths : (B,) of whole numbers, optional
            As in `RowLoss`, like what is returned and raised.
        weights : (B,) of numbers, optional
            Weight of each sequence, 0 or more; with 0 it is ignored.
        """
        outputs = check_outputs(outputs)
        n_frames, n_sequences, n_classes = outputs.shape
        some = check_lengths(lengths, n_frames, n_sequences)
        frames = np.full(n_sequences, n_frames) if some is None else some
        weights = check_weights("weights", weights, (n_sequences,), np.float64)
        targets = self._check_targets(targets, n_sequences, n_classes)
        sizes = np.array([len(target) for target in targets])

        # NaN and infinity in the outputs show in the value; no warning is needed.
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            # In float64, as the lattice is: in float32 a loss near 0 is mostly rounding.
            log_p = np.subtract(outputs, outputs.max(axis=2, keepdims=True), dtype=np.float64)
            log_p -= np.log(np.exp(log_p).sum(axis=2, keepdims=True))
            lattice = _Lattice.of(targets, self.blank)
            loss, visits = lattice.sum(log_p, frames)
            gradient = np.exp(log_p)
            gradient -= visits
            impossible = np.isposinf(loss)
            share = np.ones(n_sequences) if weights is None else weights
            divisor = float(share.sum())
            out = share == 0
            if self.zero_infinity:
                out |= impossible
            else:
                gradient[:, impossible] = math.nan
            share = share / (np.maximum(sizes, 1) * divisor)
            loss[out], gradient[:, out] = 0, 0
            value = float(loss @ share) if divisor else math.nan
            gradient *= share[:, None]
        if divisor == 0 or some is not None:
            gradient[~counted(frames if divisor else frames * 0, n_frames)] = 0
        correct = self._correct(outputs, targets, frames)
        return LossResult(value, gradient.astype(outputs.dtype, copy=False), correct, n_sequences)

    def needed_rows(self, target: Array) -> int:
        """The rows without which a target cannot be placed: one for each label, and one between two
        that are equal.

        Examples
        --------
        >>> import numpy as np
        >>> CTC().needed_rows(np.array([3, 3, 1]))
        4
        """
        return len(target) + int(np.count_nonzero(target[1:] == target[:-1]))

    def _check_targets(self, targets: object, n_sequences: int, n_classes: int) -> list[Array]:
        if self.blank >= n_classes:
            raise ValueError(
                f"blank is {self.blank}; expected 0 to {n_classes - 1}, as outputs has"
                f" {number_of(n_classes, 'class', 'classes')}"
            )
        if not isinstance(targets, (list, tuple)):
            raise TypeError(f"targets is {described(targets)}; expected a list of arrays of labels")
        if len(targets) != n_sequences:
            raise ValueError(
                f"targets has {number_of(len(targets), 'array')};"
                f" expected {n_sequences}, one for each sequence"
            )
        for b, target in enumerate(targets):
            if (
                not isinstance(target, np.ndarray)
                or target.dtype.kind not in "iu"
                or target.ndim != 1
            ):
                raise TypeError(
                    f"targets[{b}] is {described(target)}; expected whole numbers, one dimension"
                )
            if not target.size:
                continue
            for wrong in (int(target.min()), int(target.max())):
                if not 0 <= wrong < n_classes:
                    raise ValueError(
                        f"targets[{b}] holds {wrong}; expected 0 to {n_classes - 1}, as outputs "
                        f"has {number_of(n_classes, 'class', 'classes')}"
                    )
            if (target == self.blank).any():
                raise ValueError(f"targets[{b}] holds {self.blank}, the blank; expected labels")
        return [target.astype(np.intp) for target in targets]

    def _correct(self, outputs: Array, targets: list[Array], frames: Array) -> int:
        """The number of best paths that give the target."""
        best = outputs.argmax(axis=2)
        label = best != self.blank
        label[1:] &= best[1:] != best[:-1]
        label &= counted(frames, len(best))
        return sum(np.array_equal(best[label[:, b], b], target) for b, target in enumerate(targets))


class _Lattice(NamedTuple):
    """l' of every target of a batch, padded with blanks to the longest: (B, S).

    Attributes
    ----------
    labels : (B, S)
        l'.
    skip : (B, S)
        0 where s may follow upon s-2, else NEVER.
    size : (B,)
        How long each l' is: 2 L + 1.
    """

    labels: NDArray[np.intp]
    skip: NDArray[np.float64]
    size: NDArray[np.intp]

    @classmethod
    def of(cls, targets: list[Array], blank: int) -> _Lattice:
        size = np.array([2 * len(target) + 1 for target in targets])
        labels = np.full((len(targets), size.max()), blank)
        for b, target in enumerate(targets):
            labels[b, 1 : size[b] : 2] = target
        skip = np.full(labels.shape, NEVER)
        skip[:, 2:][(labels[:, 2:] != labels[:, :-2]) & (labels[:, 2:] != blank)] = 0
        return cls(labels, skip, size)

    def sum(self, log_p: Array, frames: Array) -> tuple[Array, Array]:
        """Losses (B,), and how probable each class is on each frame of the right paths (T, B, K).

        The ways on from a frame, β, are the ways up to it, α, in a lattice and in a time turned
        round. So both run side by side, as 2 B sequences, through one loop over time.
        """
        n_frames, n_sequences, n_classes = log_p.shape
        n_states = self.labels.shape[1]
        rows = np.arange(n_sequences)
        # The frame that the turned half of the batch is at; past its end it stays at frame 0.
        turned = np.maximum(frames - 1 - np.arange(n_frames)[:, None], 0)
        both = np.concatenate([log_p, log_p[turned, rows]], axis=1)
        np.maximum(both, NEVER, out=both)  # logits may be -inf; NaN stays NaN
        both = both.reshape(n_frames, -1)
        labels = np.concatenate([self.labels, self.labels[:, ::-1]])
        every = np.arange(2 * n_sequences)
        at = every[:, None] * n_classes + labels
        # Turned round, s follows upon s-2 where s-2 was allowed to follow upon s.
        skip = np.full((2 * n_sequences, n_states), NEVER)
        skip[:n_sequences] = self.skip
        skip[n_sequences:, 2:] = self.skip[:, :1:-1]

        # Two states that never are stand before the first: s-1 and s-2 then need no edges. A path
        # begins on the first blank or on the first label; turned round, l' stands at the far end.
        ways = np.full((2 * n_sequences, n_states + 2), NEVER)
        first = np.concatenate([np.zeros_like(self.size), n_states - self.size])
        stay, step, leap = ways[:, 2:], ways[:, 1:-1], ways[:, :-2]
        store = np.empty((n_frames, 2 * n_sequences, n_states))
        terms = np.empty((3, 2 * n_sequences, n_states))
        most = np.empty((2 * n_sequences, n_states))
        emission = np.empty_like(most)
        for t in range(n_frames):
            total = store[t]
            if t == 0:
                total[:] = NEVER
                total[every, first] = 0
                total[every, np.minimum(first + 1, n_states - 1)] = 0
            else:
                # total = log(exp(stay) + exp(step) + exp(leap)), the largest taken out
                np.add(leap, skip, out=terms[2])
                np.maximum(stay, step, out=most)
                np.maximum(most, terms[2], out=most)
                np.subtract(stay, most, out=terms[0])
                np.subtract(step, most, out=terms[1])
                terms[2] -= most
                np.exp(terms, out=terms)
                np.add.reduce(terms, axis=0, out=total)
                np.log(total, out=total)
                total += most
            np.take(both[t], at, out=emission, mode="clip")
            np.add(total, emission, out=stay)
            # Kept: α with the frame itself and β without it, so that α β has every frame once.
            total[:n_sequences] = stay[:n_sequences]

        alpha = store[:, :n_sequences]
        end = alpha[frames - 1, rows]
        last = end[rows, self.size - 1]
        before = np.where(self.size > 1, end[rows, self.size - 2], NEVER)
        log_likelihood = np.logaddexp(last, before)
        visits = alpha + store[turned, n_sequences + rows, ::-1]
        visits -= log_likelihood[:, None]
        np.exp(visits, out=visits)
        bins = np.arange(n_frames * n_sequences).reshape(n_frames, n_sequences, 1) * n_classes
        per_class = np.bincount(
            (bins + self.labels).reshape(-1), visits.reshape(-1), bins.size * n_classes
        )
        loss = np.where(log_likelihood < NEVER / 2, np.inf, -log_likelihood)
        return loss, per_class.reshape(log_p.shape)
