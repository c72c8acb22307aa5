r"""Symbols of connectionist temporal classification (CTC) [1]_, by the best path.

References
----------
.. [1] A. Graves, S. Fernández, F. Gomez, J. Schmidhuber. Connectionist Temporal Classification:
   Labelling Unsegmented Sequence Data with Recurrent Neural Networks. ICML 2006, 369-376.
"""

from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from pylstm.reference.decisions.event import Event


def symbols(
    posteriors: ArrayLike,
    *,
    hop: float,
    blank: int = 0,
    report: Literal["early", "final"] = "early",
    end: float | None = None,
) -> list[Event]:
    r"""The best path: on every row the likeliest output, repeats collapsed, blanks dropped.

    .. math:: π(t) = \mathrm{argmax}_k \; p_k(t)

    the first on a tie. Each run of rows :math:`a \ldots b` on which π has one value other than the
    blank is a symbol. Its onset is a · hop.

    ====== =============== ==================== ===================================
    report time            offset               score
    ====== =============== ==================== ===================================
    early  a · hop         (a + 1) · hop        p(a)
    final  (b + 1) · hop   (b + 1) · hop        the highest of p(a) ... p(b)
    ====== =============== ==================== ===================================

    Parameters
    ----------
    posteriors : (T, n_outputs)
    hop : float
        Seconds from row to row.
    blank : int
    report : {"early", "final"}
    end : float, optional
        Seconds of audio; nothing here depends on it.

    Returns
    -------
    list of Event

    Examples
    --------
    >>> p = [[0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]]
    >>> [(event.output, event.time) for event in symbols(p, hop=0.5)]
    [(1, 0.0), (1, 1.5)]
    >>> symbols(p, hop=0.5, report="final")[0]
    Event(kind='symbol', output=1, time=1.0, onset=0.0, offset=1.0, score=0.9, row=2)
    """
    p = np.asarray(posteriors, np.float64)
    best = [int(k) for k in p.argmax(axis=1)]
    events = []
    for k, run in groupby(range(len(p)), key=lambda t: best[t]):
        rows = list(run)
        first, last = rows[0], rows[-1]
        if k == blank:
            continue
        if report == "early":
            row, offset, score = first, (first + 1) * hop, p[first, k]
        else:
            row, offset, score = last + 1, (last + 1) * hop, p[rows, k].max()
        events.append(Event("symbol", k, row * hop, first * hop, offset, float(score), row))
    return events
