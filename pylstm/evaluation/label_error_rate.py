"""How many labels of a transcript are wrong: the label error rate.

Of phones it is the phone error rate, of words the word error rate, of characters the character
error rate.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of

__all__ = ["LabelErrors", "label_error_rate", "label_errors"]


class LabelErrors(NamedTuple):
    """How one transcript, or several, differ from what was said."""

    substitutions: int
    """Labels in the place of others."""
    insertions: int
    """Labels that were not said."""
    deletions: int
    """Labels that are missing."""
    length: int
    """Labels that were said: of the references, all together."""

    @property
    def errors(self) -> int:
        """Substitutions, insertions and deletions: the Levenshtein distance."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def correct(self) -> int:
        """Labels that were said and found."""
        return self.length - self.substitutions - self.deletions

    @property
    def rate(self) -> float:
        """Errors over length. It may be above 1; NaN if nothing was said."""
        return self.errors / self.length if self.length else float("nan")


def label_errors(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> LabelErrors:
    r"""The fewest errors that make one sequence of labels of another [1]_.

    With reference r and hypothesis h, the distance of their first i and j labels is

    .. math::

        d(i, j) = \min \begin{cases}
            d(i - 1, j - 1) + [r_i ≠ h_j] & \text{correct, or a substitution} \\
            d(i - 1, j) + 1 & \text{a deletion} \\
            d(i, j - 1) + 1 & \text{an insertion}
        \end{cases}

    with d(0, 0) = 0. Often several alignments have the fewest errors; counted is one of those with
    the fewest substitutions, which have the most correct labels.

    Parameters
    ----------
    reference : sequence of hashable, length n
        What was said.
    hypothesis : sequence of hashable, length m
        What was found. It takes n steps over arrays of m numbers.

    Returns
    -------
    LabelErrors

    Raises
    ------
    TypeError
        Something other than a sequence, or a label that is not hashable.

    References
    ----------
    .. [1] V. I. Levenshtein. Binary codes capable of correcting deletions, insertions, and
       reversals. Soviet Physics Doklady 10(8), 1966, 707-710.

    Examples
    --------
    >>> label_errors(["stop", "go", "left"], ["go", "left", "left"])
    LabelErrors(substitutions=0, insertions=1, deletions=1, length=3)
    >>> label_errors("kitten", "sitting").errors
    3
    """
    numbers: dict[Hashable, int] = {}
    said = _numbered("reference", reference, numbers)
    found = _numbered("hypothesis", hypothesis, numbers)
    n, m = len(said), len(found)
    # An error costs so much that no number of substitutions weighs as much as one more error.
    error = n + m + 1
    along = error * np.arange(m + 1)
    costs = along
    for i, label in enumerate(said.tolist(), start=1):
        deleted = costs + error
        aligned = costs[:-1] + np.where(found == label, 0, error + 1)
        costs = np.append(i * error, np.minimum(deleted[1:], aligned))
        # Insertions go along the row: the cheapest start before each place, and the way from it.
        costs = np.minimum.accumulate(costs - along) + along
    errors, substitutions = divmod(int(costs[-1]), error)
    # Insertions less deletions are what the hypothesis is longer.
    insertions = (errors - substitutions + m - n) // 2
    return LabelErrors(substitutions, insertions, errors - substitutions - insertions, n)


def label_error_rate(
    references: Iterable[Sequence[Hashable]], hypotheses: Iterable[Sequence[Hashable]]
) -> LabelErrors:
    r"""The label error rate of many transcripts.

    .. math:: \mathrm{rate} = \frac{\sum \text{substitutions} + \text{insertions} +
              \text{deletions}}{\sum \text{length of the reference}}

    Long transcripts weigh more than short ones, as each label weighs the same.

    Parameters
    ----------
    references : iterable of sequences of hashable
        What was said, a sequence a recording.
    hypotheses : iterable of sequences of hashable
        What was found, in the same order.

    Returns
    -------
    LabelErrors
        The sums over all recordings, and their `rate`.

    Raises
    ------
    TypeError
        A string in the place of several sequences, or as in `label_errors`.
    ValueError
        Other numbers of references than of hypotheses.

    Examples
    --------
    >>> errors = label_error_rate([["yes", "no"], ["go", "stop"]], [["yes", "no"], ["go"]])
    >>> errors, errors.rate
    (LabelErrors(substitutions=0, insertions=0, deletions=1, length=4), 0.25)
    """
    several = {"references": references, "hypotheses": hypotheses}
    for name, value in several.items():
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise TypeError(
                f"{name} is {type(value).__name__}; expected sequences of labels, one a recording:"
                f" for a single one [{name}]"
            )
    said, found = list(references), list(hypotheses)
    if len(said) != len(found):
        raise ValueError(
            f"hypotheses has {number_of(len(found), 'sequence')}; expected {len(said)}, as"
            " references"
        )
    total = np.zeros(4, np.int64)
    for reference, hypothesis in zip(said, found, strict=True):
        total += label_errors(reference, hypothesis)
    return LabelErrors(*total.tolist())


def _numbered(
    name: str, labels: Sequence[Hashable], numbers: dict[Hashable, int]
) -> NDArray[np.int64]:
    """A number for each label, the same for equal ones; new ones are written into `numbers`."""
    if not isinstance(labels, (Sequence, np.ndarray)):
        raise TypeError(f"{name} is {type(labels).__name__}; expected a sequence of labels")
    for label in labels:
        if not isinstance(label, Hashable):
            raise TypeError(
                f"{name} holds a {type(label).__name__}; expected labels that are hashable, such as"
                " strings or numbers"
            )
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.int64)
