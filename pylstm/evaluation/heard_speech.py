"""What a model that decides on segments hears in one recording: its probabilities and segments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.audio import AudioError, AudioFile
from pylstm.brief_repr import named_values
from pylstm.decisions import DecisionSettings
from pylstm.decisions.event import spans
from pylstm.model import Model

__all__ = ["HeardSpeech", "SpeechModel"]


class HeardSpeech(NamedTuple):
    """What was heard in a recording."""

    times: NDArray[np.float64]
    """The time that each row of the model stands for, (n,), seconds."""
    scores: NDArray[np.float32]
    """The probability of speech in each row, (n,)."""
    segments: list[tuple[float, float]]
    """Start and end of each segment of the decision, seconds; they do not overlap."""
    seconds: float
    """Length of the recording."""

    def __repr__(self) -> str:
        return named_values(self, self._asdict())


class SpeechModel:
    """A model that decides on segments, ready to hear recordings, each from a fresh state.

    Parameters
    ----------
    model : Model
    decision : DecisionSettings, optional
        Settings in place of the model's own, as `Model.listener` takes them.

    Attributes
    ----------
    label : str
        Whose probability is that of speech.
    threshold : float
        From which probability on speech begins.

    Raises
    ------
    ValueError
        The model has no features, or it decides on something other than segments.
    """

    def __init__(self, model: Model, decision: DecisionSettings | None = None) -> None:
        settings: DecisionSettings = {**(decision or {}), "report": "final"}
        self._listener = model.listener(**settings)
        self._listener._watch_scale(False)  # files are on the scale of samples
        self._model = model
        in_force = self._listener.decision
        if in_force["kind"] != "segments":
            raise ValueError(f"model decides on {in_force['kind']}; expected segments")
        self.label = str(in_force["label"])
        self.threshold = float(in_force["threshold"])
        self._column = model.labels.index(self.label) if model.labels else int(self.label)

    def hear(self, file: AudioFile, name: str) -> HeardSpeech:
        """Runs a recording through the model, as a stream, in bounded memory for its audio.

        Parameters
        ----------
        file : AudioFile
            Open, at the model's sample rate; read to its end.
        name : str
            What it is called in errors.

        Returns
        -------
        HeardSpeech

        Raises
        ------
        AudioError
            The file is damaged, or too short for the model.
        """
        listener = self._listener
        listener.reset()
        events, rows, rate = [], [], int(self._model.sample_rate or 0)
        for chunk in file.chunks(rate):
            found, given = listener.push(chunk, posteriors=True)
            events += found
            rows.append(given[:, self._column].copy())
        try:
            found, given = listener.flush(posteriors=True)
        except ValueError as error:  # too few frames for deltas
            raise AudioError(f"{name}: {error}") from None
        scores = np.concatenate([*rows, given[:, self._column]])
        times = self._model.row_times(len(scores))
        return HeardSpeech(times, scores, spans([*events, *found]), file.seconds_read)
