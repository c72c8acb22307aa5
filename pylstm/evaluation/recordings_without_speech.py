"""How often a model takes for speech what is none: recordings in which nobody speaks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pylstm.audio import AudioFile
from pylstm.decisions import DecisionSettings
from pylstm.evaluation.heard_speech import SpeechModel
from pylstm.model import Model

__all__ = ["FalseSpeech", "speech_in_none"]


@dataclass(frozen=True)
class FalseSpeech:
    """What a model took for speech in recordings without any.

    Attributes
    ----------
    files : int
    seconds : float
        Length of all of them.
    starts : int
        Segments that were found.
    frames, taken : int
        Rows of the model, and those of them that score the decision's threshold or more.
    """

    files: int = 0
    seconds: float = 0.0
    starts: int = 0
    frames: int = 0
    taken: int = 0

    def __add__(self, other: FalseSpeech) -> FalseSpeech:
        return FalseSpeech(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )

    @property
    def starts_an_hour(self) -> float:
        """False starts in an hour; NaN without any audio."""
        return self.starts * 3600 / self.seconds if self.seconds > 0 else float("nan")

    @property
    def share(self) -> float:
        """The share of the frames that was taken for speech; NaN without any."""
        return self.taken / self.frames if self.frames else float("nan")


def speech_in_none(
    model: Model,
    paths: Iterable[str | os.PathLike[str]],
    decision: DecisionSettings | None = None,
    progress: Callable[[float], Any] | None = None,
) -> list[FalseSpeech]:
    """Runs recordings without speech through a model and its decision, each from a fresh state.

    Parameters
    ----------
    model : Model
        Its decision is on segments.
    paths : iterable of paths
        Audio files; resampled to the model's rate.
    decision : DecisionSettings, optional
        Settings in place of the model's, as `Model.listener` takes them.
    progress : callable, optional
        Called with the seconds of audio done so far, after each recording.

    Returns
    -------
    list of FalseSpeech
        One for each file; their sum is that of all.

    Raises
    ------
    ValueError
        The model decides on something other than segments.
    AudioError
        A file cannot be read.
    """
    heard_by, found, seconds = SpeechModel(model, decision), [], 0.0
    for path in paths:
        with AudioFile(path, model.sample_rate) as file:
            heard = heard_by.hear(file, os.fsdecode(path))
        taken = int((heard.scores >= heard_by.threshold).sum())
        found.append(FalseSpeech(1, heard.seconds, len(heard.segments), len(heard.scores), taken))
        seconds += heard.seconds
        if progress is not None:
            progress(seconds)
    return found
