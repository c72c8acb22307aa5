"""Symbols of a whole recording by prefix beam search: the likeliest ones over all alignments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.arguments import count, described, flag, number_of, whole

__all__ = ["Hypothesis", "prefix_beam_search"]

Floats = NDArray[np.float64]

# What rounding of a softmax in float32 may leave above 1.
_ABOVE_ONE = 1e-3


class Hypothesis(NamedTuple):
    """A sequence of symbols that may have been said."""

    labels: tuple[str, ...] | tuple[int, ...]
    """Its symbols; outputs where no labels were given."""
    log_probability: float
    """The natural logarithm of its probability, summed over all alignments that were followed."""
    onsets: tuple[int, ...]
    """The row on which each symbol begins in the likeliest alignment."""


def prefix_beam_search(
    posteriors: NDArray[np.float32] | NDArray[np.float64],
    labels: Sequence[str] | None = None,
    *,
    blank: int | str = 0,
    beam_width: int = 16,
    log_probabilities: bool = False,
    n_best: int = 1,
) -> list[Hypothesis]:
    r"""The likeliest sequences of symbols under connectionist temporal classification (CTC).

    An alignment π has one output a row; repeats merged and blanks removed, it is a sequence of
    symbols :math:`\mathcal{B}(π)`. The best path takes the likeliest π. Here a sequence has the
    probability of all of its alignments together:

    .. math:: P(l) = \sum_{π: \mathcal{B}(π) = l} \prod_t p_t(π_t)

    The search goes from row to row [1]_ [2]_. For each prefix l it keeps the probability
    :math:`b` of the alignments that end in a blank and :math:`s` of those that end in its last
    symbol, and with :math:`l^-`, which is l without that symbol k,

    .. math::

        b_t(l) &= p_t(\text{blank}) \, (b_{t-1}(l) + s_{t-1}(l)) \\
        s_t(l) &= p_t(k) \, (s_{t-1}(l) + b_{t-1}(l^-) + [k ≠ \text{the last of } l^-] \;
                  s_{t-1}(l^-))

    After each row the `beam_width` likeliest prefixes go on. If there are never more, probabilities
    are exact; else they are lower bounds, for what came by a prefix that was dropped is missing.
    All sums are those of logarithms in float64, so that no number of rows is too many.

    Onsets are those of the likeliest single alignment of a hypothesis (Viterbi), over all rows,
    whatever the search has dropped.

    Parameters
    ----------
    posteriors : ndarray of float32 or float64, shape (T, n_outputs)
        The probability of each output on each row: those of a softmax. Rows need not add up to 1
        exactly.
    labels : sequence of str, length n_outputs, optional
        Names of the outputs, for the result. None: numbers.
    blank : int or str, default 0
        The output that stands for no symbol: its number, or its label.
    beam_width : int, default 16
        Prefixes that are followed.
    log_probabilities : bool, default False
        Whether `posteriors` holds natural logarithms of probabilities.
    n_best : int, default 1
        Hypotheses that are returned, at most `beam_width`.

    Returns
    -------
    list of Hypothesis
        The likeliest first; fewer than `n_best` if there are no more. Without rows, it is the empty
        sequence with probability 1.

    Raises
    ------
    TypeError
        Something other than an array of float32 or float64, or an argument of another type.
    ValueError
        What is no probability, a row without any, labels of another number, or a blank that is none
        of the outputs.

    Notes
    -----
    A row takes time in proportion to beam_width · n_outputs. The onsets of L symbols take
    T · (2L + 1) bytes while they are computed.

    References
    ----------
    .. [1] A. Graves. Supervised Sequence Labelling with Recurrent Neural Networks. Springer, 2012,
       section 7.5.3.
    .. [2] A. Y. Hannun, A. L. Maas, D. Jurafsky, A. Y. Ng. First-Pass Large Vocabulary Continuous
       Speech Recognition using Bi-Directional Recurrent DNNs. arXiv:1408.2873, 2014.

    Examples
    --------
    The best path is blank, blank. But three of four alignments say "a", and they are likelier
    together.

    >>> import numpy as np
    >>> from pylstm.decisions import prefix_beam_search
    >>> p = np.array([[0.6, 0.4], [0.6, 0.4]])
    >>> [best, other] = prefix_beam_search(p, ["-", "a"], n_best=2)
    >>> best.labels, round(float(np.exp(best.log_probability)), 2), best.onsets
    (('a',), 0.64, (0,))
    >>> other.labels, round(float(np.exp(other.log_probability)), 2)
    ((), 0.36)
    """
    scores = _logarithms(posteriors, flag("log_probabilities", log_probabilities))
    names, blank = _outputs(labels, blank, scores.shape[1])
    beam_width = count("beam_width", beam_width, 1)
    n_best = count("n_best", n_best, 1, beam_width)
    found = []
    for symbols, log_probability in _search(scores, blank, beam_width)[:n_best]:
        told = tuple(symbols) if names is None else tuple(names[k] for k in symbols)
        found.append(Hypothesis(told, log_probability, _onsets(scores, symbols, blank)))
    return found


def _search(scores: Floats, blank: int, beam_width: int) -> list[tuple[list[int], float]]:
    """The prefixes that are left after the last row, with their logarithms, the likeliest first."""
    # Prefixes are a tree: each is its parent and one more symbol. Number 0 is the empty one, whose
    # last symbol is said to be the blank: no row makes that one longer.
    parents, lasts = [-1], [blank]
    children: dict[tuple[int, int], int] = {}
    beam = [0]
    ends_blank, ends_symbol = np.array([0.0]), np.array([-np.inf])
    for row in scores:
        width = len(beam)
        last = np.array([lasts[node] for node in beam])
        total = np.logaddexp(ends_blank, ends_symbol)
        longer = total[:, np.newaxis] + row
        # The same symbol again is a new one only after a blank.
        longer[np.arange(width), last] = ends_blank + row[last]
        longer[:, blank] = -np.inf
        stay_blank = total + row[blank]
        stay_symbol = ends_symbol + row[last]
        place = {node: i for i, node in enumerate(beam)}
        for i, node in enumerate(beam):
            j = place.get(parents[node])
            if j is not None:  # the prefix before it grows to be this one
                stay_symbol[i] = np.logaddexp(stay_symbol[i], longer[j, last[i]])
                longer[j, last[i]] = -np.inf
        candidates = np.concatenate([np.logaddexp(stay_blank, stay_symbol), longer.ravel()])
        kept = _largest(candidates, beam_width)
        ends_blank, ends_symbol = np.full(len(kept), -np.inf), candidates[kept]
        stays = np.flatnonzero(kept < width)
        ends_blank[stays], ends_symbol[stays] = stay_blank[kept[stays]], stay_symbol[kept[stays]]
        before, beam = beam, []
        for candidate in kept.tolist():
            if candidate < width:
                beam.append(before[candidate])
                continue
            i, symbol = divmod(candidate - width, scores.shape[1])
            child = children.setdefault((before[i], symbol), len(parents))
            if child == len(parents):
                parents.append(before[i])
                lasts.append(symbol)
            beam.append(child)
    found = []
    for node, log_probability in zip(beam, np.logaddexp(ends_blank, ends_symbol), strict=True):
        symbols = []
        while node:
            symbols.append(lasts[node])
            node = parents[node]
        found.append((symbols[::-1], float(log_probability)))
    return found


def _largest(candidates: Floats, n: int) -> NDArray[np.intp]:
    """The places of the n largest, the largest first, of equal ones the first; none of -inf."""
    least = np.partition(candidates, -n)[-n] if n < len(candidates) else -np.inf
    places = np.flatnonzero((candidates >= least) & (candidates > -np.inf))
    return places[np.argsort(-candidates[places], kind="stable")][:n]


def _onsets(scores: Floats, symbols: Sequence[int], blank: int) -> tuple[int, ...]:
    """The first row of each symbol in the likeliest alignment of all rows."""
    if not symbols:
        return ()
    # A blank before, between and behind the symbols: odd places are symbols.
    lattice = np.full(2 * len(symbols) + 1, blank)
    lattice[1::2] = symbols
    may_skip = np.zeros(len(lattice), bool)
    may_skip[3::2] = lattice[3::2] != lattice[1:-2:2]
    best = np.full(len(lattice), -np.inf)
    best[0] = 0.0  # before the first row, from where the first blank and symbol are reached
    moves = np.zeros((len(scores), len(lattice)), np.int8)
    for t, row in enumerate(scores):
        ways = np.full((3, len(lattice)), -np.inf)
        ways[0] = best
        ways[1, 1:] = best[:-1]
        ways[2, 2:] = np.where(may_skip[2:], best[:-2], -np.inf)
        moves[t] = ways.argmax(axis=0)
        best = ways.max(axis=0) + row[lattice]
    place = len(lattice) - 1 if best[-1] >= best[-2] else len(lattice) - 2
    onsets = [0] * len(symbols)
    for t in range(len(scores) - 1, -1, -1):
        move = int(moves[t, place])
        if place % 2 and move:
            onsets[place // 2] = t
        place -= move
    return tuple(onsets)


# --- arguments ------------------------------------------------------------------------------------


def _logarithms(posteriors: object, are_logarithms: bool) -> Floats:
    """The logarithms of posteriors in float64."""
    if not isinstance(posteriors, np.ndarray):
        raise TypeError(f"posteriors is {type(posteriors).__name__}; expected a NumPy array")
    _engine.refuse_masked("posteriors", posteriors)
    if posteriors.dtype not in (np.float32, np.float64):
        raise TypeError(f"posteriors is {posteriors.dtype}; expected float32 or float64")
    if posteriors.ndim != 2 or posteriors.shape[1] < 1:
        raise ValueError(f"posteriors is {described(posteriors)}; expected (T, n_outputs)")
    if np.isnan(posteriors).any():
        raise ValueError("posteriors holds NaN; expected probabilities")
    values = posteriors.astype(np.float64)
    if are_logarithms:
        if (values > _ABOVE_ONE).any():
            raise ValueError(
                f"posteriors holds {values.max():g}; expected logarithms of probabilities, at most"
                " 0. For probabilities use log_probabilities=False"
            )
        scores = values
    else:
        if (values < 0).any():
            raise ValueError(
                f"posteriors holds {values.min():g}; expected probabilities, 0 to 1. For their"
                " logarithms use log_probabilities=True"
            )
        if (values > 1 + _ABOVE_ONE).any():
            raise ValueError(
                f"posteriors holds {values.max():g}; expected probabilities, 0 to 1, as a softmax"
                " gives them"
            )
        with np.errstate(divide="ignore"):
            scores = np.log(values)
    empty = np.flatnonzero((scores == -np.inf).all(axis=1))
    if empty.size:
        raise ValueError(
            f"posteriors[{empty[0]}] has probability 0 everywhere; expected more in each row"
        )
    return scores


def _outputs(labels: object, blank: object, n: int) -> tuple[tuple[str, ...] | None, int]:
    """The names of outputs, if there are any, and the number of the blank."""
    if labels is None:
        if isinstance(blank, str):
            raise ValueError(
                f"blank is {blank!r} but there are no labels; expected the number of an output, or"
                " labels that have it"
            )
        return None, count("blank", blank, 0, n - 1)
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise TypeError(f"labels is {type(labels).__name__}; expected a sequence of str")
    for label in labels:
        if not isinstance(label, str):
            raise TypeError(f"labels holds {label!r}; expected str")
    if len(labels) != n:
        raise ValueError(
            f"labels has {number_of(len(labels), 'name')}; expected {n}, one for each output"
        )
    if not isinstance(blank, str):
        return tuple(labels), count("blank", whole("blank", blank), 0, n - 1)
    if labels.count(blank) != 1:
        raise ValueError(
            f"blank is {blank!r}; expected one of the labels, and one that is there once"
        )
    return tuple(labels), labels.index(blank)
