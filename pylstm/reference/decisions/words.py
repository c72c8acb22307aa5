r"""Words: keyword spotting, and sounds that a model knows by name.

Averaged posteriors against a threshold, with a refractory time, are the "posterior handling" of
Chen, Parada and Heigold [1]_. Onset and offset are read from the posteriors that were averaged.

References
----------
.. [1] G. Chen, C. Parada, G. Heigold. Small-Footprint Keyword Spotting Using Deep Neural Networks.
   ICASSP 2014, 4087-4091.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylstm.reference.decisions.averages import ONE, Integers, on_grid, sums
from pylstm.reference.decisions.event import Event

Truths = NDArray[np.bool_]


def words(
    posteriors: ArrayLike,
    *,
    hop: float,
    threshold: float | Sequence[float] = 0.5,
    smoothing_frames: int = 10,
    refractory_frames: int = 40,
    min_frames: int = 1,
    background: Collection[int] = (),
    exclusive: bool = True,
    report: Literal["early", "final"] = "early",
    end: float | None = None,
) -> list[Event]:
    r"""Labels whose averaged posterior reaches a threshold.

    With :math:`S_k(t)` and :math:`q` of `pylstm.reference.decisions.averages`, n smoothing_frames
    and a threshold :math:`θ_k` for each label, the average *reaches* its threshold on the rows

    .. math:: R_k = \{ t : S_k(t) \ge n \, q(θ_k) \}

    An event of label k on row t needs that the average has reached the threshold for long enough,
    and that no event of k came since it did (one event for each time that it rises):

    .. math::

        & t, t - 1, \ldots, t - \mathrm{min\_frames} + 1 \in R_k \\
        & \text{no event of } k \text{ on a row } u < t \text{ with } u, u + 1, \ldots, t \in R_k

    If *exclusive*, k has to be the one with the largest :math:`S_k(t)` among those that reach their
    thresholds (the first on a tie), and no event of any label lies in the refractory_frames rows
    before t. If not, every label is by itself: no event of k lies in these rows.

    A row u *supports* label k if :math:`p_k(u) \ge θ_k / 2`. Supporting rows of which none is more
    than n rows from the next are one stretch. With the last stretch that begins at or before t:

    .. math:: \mathrm{onset} = \mathrm{hop} · (\text{its first row}), \qquad
              \mathrm{offset} = \mathrm{hop} · (1 + \text{the last row up to } v
              \text{ that supports } k)

    Without any, row t takes the place of both. The time of an event is that of row t. Early events
    come on that row, and v is t. Final events come on row v > t: the first on which the average is
    below the threshold or, if exclusive, on which there is an event of another label; or else at
    the end.

    Parameters
    ----------
    posteriors : (T, n_outputs)
    hop : float
        Seconds from row to row.
    threshold : float, or one for each output
    smoothing_frames, refractory_frames, min_frames : int
    background : collection of int
        Outputs that are never reported.
    exclusive : bool
    report : {"early", "final"}
    end : float, optional
        Seconds of audio; nothing here depends on it.

    Returns
    -------
    list of Event
        In the order in which they come, on one row in the order of outputs. The score is
        :math:`S_k(t) / 2^{32} / n`.

    Examples
    --------
    >>> p = [[0.0], [0.25], [0.75], [0.75], [0.25], [0.0]]
    >>> words(p, hop=0.5, smoothing_frames=1)
    [Event(kind='word', output=0, time=1.0, onset=0.5, offset=1.5, score=0.75, row=2)]
    >>> words(p, hop=0.5, smoothing_frames=1, report="final")[0].offset
    2.5
    """
    p = np.asarray(posteriors, np.float64)
    n_rows, n_outputs = p.shape
    thresholds = np.broadcast_to(np.asarray(threshold, np.float64), n_outputs)
    total = sums(p, smoothing_frames)
    reached = total >= np.maximum(1, on_grid(thresholds)) * smoothing_frames
    keywords = [k for k in range(n_outputs) if k not in background]
    if exclusive:
        decided = _decided(total, reached, keywords, min_frames, refractory_frames)
    else:
        decided = [
            one
            for k in keywords
            for one in _decided(total, reached, [k], min_frames, refractory_frames)
        ]
    events = []
    for t, k in decided:
        others = [u for u, other in decided if other != k] if exclusive else []
        over = [u for u in range(t + 1, n_rows) if not reached[u, k] or u in others]
        comes = t if report == "early" else min(over, default=n_rows)
        supports = [u for u in range(n_rows) if p[u, k] >= thresholds[k] / 2]
        first, last = _extent(supports, t, comes, smoothing_frames)
        score = float(total[t, k] / ONE / smoothing_frames)
        events.append(Event("word", k, t * hop, first * hop, (last + 1) * hop, score, comes))
    return sorted(events, key=lambda event: (event.row, event.output))


def _decided(
    total: Integers,
    reached: Truths,
    keywords: Sequence[int],
    min_frames: int,
    refractory_frames: int,
) -> list[tuple[int, int]]:
    """Row and output of each event, where one label excludes the others."""
    decided: list[tuple[int, int]] = []
    for t in range(len(total)):
        able = [k for k in keywords if reached[t, k]]
        if not able:
            continue
        k = max(able, key=lambda k: total[t, k])
        ready = t + 1 >= min_frames and reached[t + 1 - min_frames : t + 1, k].all()
        fired = any(other == k and reached[u : t + 1, k].all() for u, other in decided)
        quiet = any(t - u <= refractory_frames for u, _ in decided)
        if ready and not fired and not quiet:
            decided.append((t, k))
    return decided


def _extent(supports: list[int], t: int, comes: int, smoothing_frames: int) -> tuple[int, int]:
    """The first row of a word that was decided on row t, and its last one as far as is known."""
    before = [u for u in supports if u <= t]
    first = before[-1] if before else t
    for u in reversed(before):
        if first - u > smoothing_frames:
            break
        first = u
    return first, max((u for u in supports if u <= comes), default=first)
