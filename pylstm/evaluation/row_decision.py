"""The events that a model's decision finds in rows that are kept: without running the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine
from pylstm.decisions.event import Event, event
from pylstm.decisions.settings import settings_as_text

if TYPE_CHECKING:
    from pylstm.model import Model

__all__ = ["RowDecision", "decision_kind"]


def decision_kind(model: Model) -> str | None:
    """What a model decides on: "words", "segments", "symbols"; None: nothing, or it is wrong."""
    try:
        return str(model._decides([]).kind)
    except ValueError:
        return None


class RowDecision:
    """The decision of a model on words, for rows of posteriors.

    The engine decides, as in ``model.listener(**settings)``: the events have the same times and
    scores.

    Parameters
    ----------
    model : Model
        With features and labels.
    settings : mapping, optional
        As `Model.listener` takes them; they replace those of the model.

    Attributes
    ----------
    labels : tuple of str
        The model's.
    settings : dict
        All settings in force.
    thresholds : dict of str to float
        Those of the labels that can be reported.

    Raises
    ------
    TypeError, ValueError
        As `Model.listener`, or the decision is not on words.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> decision = RowDecision(pylstm.load("keywords"))
    >>> rows = np.zeros((50, 12), np.float32)
    >>> rows[:, 2] = 1.0
    >>> [event] = decision.events(rows)
    >>> event.label, event.time
    ('yes', 0.09)
    """

    def __init__(self, model: Model, settings: Mapping[str, Any] | None = None) -> None:
        if model.features is None or model.labels is None:
            raise ValueError("model has no features or no labels; expected both")
        decided = model._decides(
            settings_as_text(model.labels, {} if settings is None else settings)
        )
        if decided.kind != "words":
            raise ValueError(
                f"the model decides on {decided.kind}; expected one that decides on words"
            )
        self._model = model
        self.labels: tuple[str, ...] = model.labels
        self.settings: dict[str, Any] = decided.in_force
        self.thresholds = {
            label: decided.threshold(k)
            for k, label in enumerate(self.labels)
            if decided.threshold(k) > 0
        }

    @property
    def background(self) -> tuple[str, ...]:
        """Labels that are never reported."""
        return tuple(label for label in self.labels if label not in self.thresholds)

    @property
    def smoothing_frames(self) -> int:
        """Rows over which posteriors are averaged."""
        return int(self.settings["smoothing_frames"])

    def with_thresholds(self, thresholds: float | Mapping[str, float]) -> RowDecision:
        """The same decision with other thresholds: one for all labels, or some of their own."""
        if isinstance(thresholds, Mapping):
            new = self.thresholds | dict(thresholds)
        else:
            new = dict.fromkeys(self.thresholds, thresholds)
        return RowDecision(self._model, {**self.settings, "threshold": new})

    def events(self, rows: NDArray[np.float32]) -> list[Event]:
        """The events of a stream.

        Parameters
        ----------
        rows : array, shape (n_rows, n_labels), float32
            All of its posteriors.

        Returns
        -------
        list of Event
            In the order in which they were decided, those that wait for the end included.
        """
        texts = settings_as_text(self.labels, self.settings)
        # Rows are counted, so that their times are computed as the engine computes them.
        decision = _engine.Decision.for_rows(self.labels, len(self.labels), 1.0, texts, event)
        listener = _engine.RowListener(decision)
        return [self._in_seconds(found) for found in listener.push(rows) + listener.finish(None)]

    def smoothed(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The averages that the decision compares with its thresholds, (n_rows, n_labels).

        Before the first row posteriors are 0.
        """
        sums = np.cumsum(rows, axis=0, dtype=np.float64)
        before = np.zeros_like(sums)
        before[self.smoothing_frames :] = sums[: -self.smoothing_frames]
        return (sums - before) / self.smoothing_frames

    def _in_seconds(self, found: Event) -> Event:
        def seconds(row: float) -> float:
            core = self._model._core
            return float((core.first_sample + row * core.hop_length) / core.sample_rate)

        return replace(
            found,
            time=seconds(found.time),
            onset=None if found.onset is None else seconds(found.onset),
            offset=None if found.offset is None else seconds(found.offset),
        )
