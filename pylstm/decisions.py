"""Turn posteriors into events: which keyword was heard, and when.

A model says for every frame how likely each label is.  A :class:`Detector` averages these
posteriors over a few frames and reports a label once, when its average crosses a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pylstm.arguments import count, listing, real
from pylstm.model import Model

__all__ = ["Detector", "Event"]


@dataclass(frozen=True)
class Event:
    """One keyword that was heard.

    Attributes
    ----------
    time : float
        Seconds from the start of the stream to the frame on which the detector decided.
    label : str
        What was heard.
    score : float
        The smoothed posterior on that frame.
    """

    time: float
    label: str
    score: float


class Detector:
    """Find keywords in the posteriors of one stream.

    On every frame the posteriors of the last `smoothing_frames` frames are averaged (frames before
    the start count as zero).  The keyword with the highest average is reported when that average
    reaches `threshold`.  Nothing is reported in the `refractory_frames` frames after an event, and
    a keyword that was reported is not reported again before its average has fallen below the
    threshold.

    The detector looks only back, and cutting a stream into other chunks gives the same events.

    Parameters
    ----------
    labels : sequence of str
        The label of every column of the posteriors.
    threshold : float, default 0.5
        The average at which a keyword is reported; above 0, at most 1.
    smoothing_frames : int, default 10
        Number of frames over which the posteriors are averaged.
    refractory_frames : int, default 40
        Number of frames after an event in which nothing is reported.
    background : sequence of str, default ("unknown", "silence")
        Labels that are never reported.
    hop_seconds : float, default 0.01
        Seconds from one frame to the next.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.decisions import Detector
    >>> detector = Detector(["silence", "go"], smoothing_frames=2, background=["silence"])
    >>> detector.push(np.array([[1, 0], [1, 0], [0.1, 0.9]], np.float32))
    []
    >>> [event] = detector.push(np.array([[0, 1], [0, 1]], np.float32))
    >>> event.label, event.time, round(event.score, 2)
    ('go', 0.03, 0.95)
    """

    _past: np.ndarray

    def __init__(
        self,
        labels: Sequence[str],
        threshold: float = 0.5,
        smoothing_frames: int = 10,
        refractory_frames: int = 40,
        background: Sequence[str] = ("unknown", "silence"),
        hop_seconds: float = 0.01,
    ) -> None:
        self.labels = _names("labels", labels)
        self.background = _names("background", background)
        for label in self.background:
            if label not in self.labels:
                raise ValueError(
                    f"background names {label!r}; expected some of the labels {list(self.labels)}"
                )
        if set(self.labels) == set(self.background):
            raise ValueError("labels are all background; expected at least one that is not")
        self.threshold = real("threshold", threshold)
        if not 0.0 < self.threshold <= 1.0:
            raise ValueError(f"threshold is {threshold!r}; expected above 0 and at most 1")
        self.hop_seconds = real("hop_seconds", hop_seconds)
        if not 0.0 < self.hop_seconds < float("inf"):
            raise ValueError(f"hop_seconds is {hop_seconds!r}; expected above 0 and finite")
        self.smoothing_frames = count("smoothing_frames", smoothing_frames, 1)
        self.refractory_frames = count("refractory_frames", refractory_frames, 0)
        self._keywords = np.array(
            [i for i, label in enumerate(self.labels) if label not in self.background], np.intp
        )
        self.reset()

    @classmethod
    def for_model(cls, model: Model) -> Detector:
        """Make the detector whose parameters a model carries.

        Parameters
        ----------
        model : pylstm.Model
            A model with features and labels, whose ``info`` has ``detector.threshold``,
            ``detector.smoothing_frames``, ``detector.refractory_frames`` and
            ``detector.background`` (labels with commas between them; may be empty): strings, as
            ``info={"detector.threshold": "0.5", "detector.smoothing_frames": "10",
            "detector.refractory_frames": "40", "detector.background": "silence"}``.

        Returns
        -------
        Detector
            A new detector, at the start of a stream.

        Raises
        ------
        TypeError
            If `model` is something else.
        ValueError
            If the model has no labels or no features, two labels are alike, or a parameter is
            missing or malformed. The engine reads them: C programs get the same numbers and the
            same refusals.
        """
        if not isinstance(model, Model):
            raise TypeError(f"model is {type(model).__name__}; expected a pylstm.Model")
        core = model._core
        threshold, smoothing_frames, refractory_frames, background = core.detector_settings()
        return cls(
            model.labels or (),  # not None: the engine would have refused the model
            threshold,
            smoothing_frames,
            refractory_frames,
            background,
            hop_seconds=core.hop_length / core.sample_rate,
        )

    def __repr__(self) -> str:
        return (
            f"Detector([{listing(self.labels)}], threshold={self.threshold:g},"
            f" smoothing_frames={self.smoothing_frames},"
            f" refractory_frames={self.refractory_frames}, background={list(self.background)},"
            f" hop_seconds={self.hop_seconds:g})"
        )

    def push(self, posteriors: np.ndarray) -> list[Event]:
        """Take the next posteriors and return the keywords heard in them.

        Parameters
        ----------
        posteriors : ndarray of float32 or float64, shape (n, n_labels)
            Any number of frames, also none.

        Returns
        -------
        list of Event
            In order of time; most often empty.
        """
        if not isinstance(posteriors, np.ndarray):
            raise TypeError(f"posteriors is {type(posteriors).__name__}; expected a NumPy array")
        if posteriors.dtype not in (np.float32, np.float64):
            raise TypeError(f"posteriors is {posteriors.dtype}; expected float32 or float64")
        if posteriors.ndim != 2 or posteriors.shape[1] != len(self.labels):
            raise ValueError(
                f"posteriors has shape {posteriors.shape}; expected (n, {len(self.labels)})"
            )
        if not np.isfinite(posteriors).all():
            raise ValueError("posteriors holds NaN or infinity; expected finite values")
        n = len(posteriors)
        if n == 0:
            return []
        scores = posteriors[:, self._keywords].astype(np.float64)
        rows = np.concatenate([self._past, scores])
        # Adds frame after frame in the order of time, so that the sums do not depend on the chunks.
        smoothed = np.zeros_like(scores)
        for age in range(self.smoothing_frames):
            smoothed += rows[age : age + n]
        smoothed /= self.smoothing_frames
        events = self._decide(smoothed)
        self._past = rows[n:]
        self._position += n
        return events

    def reset(self) -> None:
        """Forget everything heard: the next frame is the first of a stream."""
        self._position = 0
        self._quiet_until = 0
        self._armed = np.ones(len(self._keywords), bool)
        self._past = np.zeros((self.smoothing_frames - 1, len(self._keywords)))

    def _decide(self, smoothed: np.ndarray) -> list[Event]:
        """Compare averages with the threshold, frame by frame where any reaches it."""
        events = []
        above = smoothed >= self.threshold
        next_row = 0
        for row in np.flatnonzero(above.any(axis=1)).tolist():
            if row > next_row:
                self._armed[:] = True  # frames without any score above the threshold lie between
            next_row = row + 1
            self._armed |= ~above[row]
            frame = self._position + row
            best = int(np.argmax(smoothed[row]))
            if frame < self._quiet_until or not self._armed[best]:
                continue
            label = self.labels[self._keywords[best]]
            score = float(smoothed[row, best])
            events.append(Event(frame * self.hop_seconds, label, score))
            self._armed[best] = False
            self._quiet_until = frame + 1 + self.refractory_frames
        if next_row < len(smoothed):
            self._armed[:] = True
        return events


def _names(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Distinct strings, or an error that says what is wrong with them."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} is {type(values).__name__}; expected a sequence of str")
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{name} is {type(value).__name__}; expected str")
        if not value:
            raise ValueError(f"{name} holds an empty one; expected names")
    if len(set(values)) != len(values):
        raise ValueError(f"{name} is {list(values)}; expected distinct names")
    return tuple(values)
