"""The decision on words, for posteriors that were computed elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from pylstm import _engine
from pylstm.arguments import count, listing, real, text
from pylstm.decisions.event import Event, event
from pylstm.decisions.settings import settings_as_text

__all__ = ["Detector"]


class _Model(Protocol):
    """What is asked of a `pylstm.Model`, which stands above decisions."""

    _core: _engine.Core

    @property
    def labels(self) -> tuple[str, ...] | None: ...


class Detector:
    r"""Find keywords in the posteriors of one stream.

    With the posterior p of label k on frame t (0 before the start) and N = `smoothing_frames`:

    .. math::

        a_k(t) = \frac{1}{N} \sum_{n=0}^{N-1} p_k(t - n)

    The keyword with the highest average is reported when that average reaches `threshold`.
    Nothing is reported in the `refractory_frames` frames after an event, and a keyword that was
    reported is not reported again before its average has fallen below the threshold. Averages are
    exact: posteriors are rounded to multiples of :math:`2^{-32}`, sums are whole numbers.

    The detector looks only back, and cutting a stream into other chunks gives the same events.
    `Model.listener` decides the same way in one call, and keeps stream and decision in one state.

    Parameters
    ----------
    labels : sequence of str
        The label of every column of the posteriors.
    threshold : float or mapping of label to float, default 0.5
        The average at which a keyword is reported; above 0, at most 1. Labels that a mapping does
        not name have 0.5.
    smoothing_frames : int, default 10
        Number of frames over which the posteriors are averaged.
    refractory_frames : int, default 40
        Number of frames after an event in which nothing is reported.
    background : sequence of str, default ("unknown", "silence")
        Labels that are never reported.
    hop_seconds : float, default 0.01
        Seconds from one frame to the next.
    min_frames : int, default 1
        Number of frames in a row on which the average has to reach the threshold.
    exclusive : bool, default True
        Whether labels exclude each other. If not, each is decided on by itself.
    report : {"early", "final"}, default "early"
        Whether a word is reported when it is decided, or once it is over and its offset is known.

    Examples
    --------
    >>> import numpy as np
    >>> from pylstm.decisions import Detector
    >>> detector = Detector(["silence", "go"], smoothing_frames=2, background=["silence"])
    >>> detector.push(np.array([[1, 0], [1, 0], [0.1, 0.9]], np.float32))
    []
    >>> [event] = detector.push(np.array([[0, 1], [0, 1]], np.float32))
    >>> event.label, event.time, event.onset, round(event.score, 2)
    ('go', 0.03, 0.02, 0.95)
    """

    def __init__(
        self,
        labels: Sequence[str],
        threshold: float | Mapping[str, float] = 0.5,
        smoothing_frames: int = 10,
        refractory_frames: int = 40,
        background: Sequence[str] = ("unknown", "silence"),
        hop_seconds: float = 0.01,
        *,
        min_frames: int = 1,
        exclusive: bool = True,
        report: Literal["early", "final"] = "early",
    ) -> None:
        names = _names("labels", labels)
        silent = _names("background", background)
        for label in silent:
            if label not in names:
                raise ValueError(
                    f"background names {label!r}; expected some of the labels {list(names)}"
                )
        if set(names) == set(silent):
            raise ValueError("labels are all background; expected at least one that is not")
        if not isinstance(threshold, Mapping) and not 0.0 < real("threshold", threshold) <= 1.0:
            raise ValueError(f"threshold is {threshold!r}; expected above 0 and at most 1")
        hop = real("hop_seconds", hop_seconds)
        if not 0.0 < hop < float("inf"):
            raise ValueError(f"hop_seconds is {hop_seconds!r}; expected above 0 and finite")
        settings: dict[str, Any] = {
            "kind": "words",
            "threshold": threshold,
            "smoothing_frames": count("smoothing_frames", smoothing_frames, 1),
            "refractory_frames": count("refractory_frames", refractory_frames, 0),
            "min_frames": count("min_frames", min_frames, 1),
            "background": silent,
            "exclusive": exclusive,
            "report": report,
        }
        self._labels, self._background, self._hop_seconds = names, silent, hop
        decision = _engine.Decision.for_rows(
            list(names), len(names), hop, settings_as_text(names, settings), event
        )
        self._listener = _engine.RowListener(decision)

    @classmethod
    def for_model(cls, model: _Model) -> Detector:
        """Make the detector whose parameters a model carries.

        Parameters
        ----------
        model : pylstm.Model
            A model with features and labels whose decision is "words": by ``decision``, or by the
            notes of older files, ``info={"detector.threshold": "0.5",
            "detector.smoothing_frames": "10", "detector.refractory_frames": "40",
            "detector.background": "silence"}`` (labels with commas between them; may be empty).

        Returns
        -------
        Detector
            A new detector, at the start of a stream.

        Raises
        ------
        TypeError
            If `model` is something else.
        ValueError
            If the model has no labels or no features, two labels are alike, a parameter is missing
            or malformed, or the model decides on something else and has no such notes. The engine
            reads them: C programs get the same numbers and the same refusals.
        """
        core = getattr(model, "_core", None)
        if not isinstance(core, _engine.Core):
            raise TypeError(f"model is {type(model).__name__}; expected a pylstm.Model")
        common, smoothing_frames, refractory_frames, background = core.detector_settings()
        threshold: float | dict[str, float] = common
        labels = model.labels or ()  # not None: the engine would have refused the model
        more: dict[str, Any] = {}
        decision = _engine.Decision.for_model(core, [], event)
        if decision.kind == "words":
            threshold = {
                label: decision.threshold(k)
                for k, label in enumerate(labels)
                if label not in background
            }
            more = {
                "min_frames": int(decision.settings["min_frames"]),
                "exclusive": bool(decision.settings["exclusive"]),
            }
        return cls(
            labels,
            threshold,
            smoothing_frames,
            refractory_frames,
            background,
            core.hop_length / core.sample_rate,
            **more,
        )

    @property
    def _decision(self) -> _engine.Decision:
        return self._listener.decision

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of every column of the posteriors."""
        return self._labels

    @property
    def background(self) -> tuple[str, ...]:
        """Labels that are never reported."""
        return self._background

    @property
    def threshold(self) -> float | dict[str, float]:
        """The average at which a keyword is reported; a mapping where it depends on the label."""
        reported = {
            label: self._decision.threshold(k)
            for k, label in enumerate(self._labels)
            if label not in self._background
        }
        values = set(reported.values())
        return values.pop() if len(values) == 1 else reported

    @property
    def smoothing_frames(self) -> int:
        """Number of frames over which the posteriors are averaged."""
        return int(self._decision.settings["smoothing_frames"])

    @property
    def refractory_frames(self) -> int:
        """Number of frames after an event in which nothing is reported."""
        return int(self._decision.settings["refractory_frames"])

    @property
    def hop_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self._hop_seconds

    def __copy__(self) -> Detector:
        """A detector in the same state; from here on the two are independent."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        threshold = self.threshold
        shown = threshold if isinstance(threshold, dict) else f"{threshold:g}"
        return (
            f"Detector([{listing(self.labels)}], threshold={shown},"
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
            In the order in which they were decided; most often empty.
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
        return self._listener.push(posteriors)

    def flush(self) -> list[Event]:
        """End the posteriors and return the keywords that were still to be reported.

        With ``report="early"`` there are none. Afterwards it takes nothing more until `reset`.

        Returns
        -------
        list of Event
        """
        return self._listener.finish(None)

    def reset(self) -> None:
        """Forget everything heard: the next frame is the first of a stream."""
        self._listener.reset()


def _names(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Distinct strings, or an error that says what is wrong with them."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} is {type(values).__name__}; expected a sequence of str")
    for place, value in enumerate(values):
        if not isinstance(value, str):
            raise TypeError(f"{name} is {type(value).__name__}; expected str")
        if not value:
            raise ValueError(f"{name} holds an empty one; expected names")
        text(f"{name}[{place}]", value)
    if len(set(values)) != len(values):
        raise ValueError(f"{name} is {list(values)}; expected distinct names")
    return tuple(values)
