"""A recording in, what is said in it out: no class needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import described
from pylstm.audio.intake import Intake
from pylstm.decisions import DecisionSettings, Event
from pylstm.decisions.event import spans
from pylstm.model import Model, load

__all__ = ["find_words", "speech_segments"]

# Seconds of audio that are converted and pushed at a time.
_BLOCK = 10


def speech_segments(
    audio: NDArray[Any],
    rate: int,
    *,
    model: str | os.PathLike[str] | Model = "vad",
    channel: int | None = None,
    **settings: Unpack[DecisionSettings],
) -> list[tuple[float, float]]:
    """From when to when somebody speaks in a recording.

    Parameters
    ----------
    audio : array, shape (n,) or (n, n_channels)
        A whole recording, as `Intake` takes it: int16, int32, float32 or float64.
    rate : int
        Its sample rate, Hz. Any: what is not the model's is resampled, which needs
        ``pylstm[cli]``.
    model : str, path or Model
        What tells speech from the rest: the name of a bundled model, a file, or a model whose
        decision is "segments" (or that gets ``label=...``).
    channel : int, optional
        Which channel to take, from 0; default: the mean of all.
    **settings
        As in `Model.listener`: ``threshold``, ``min_speech``, ``min_silence``, ``pad``,
        ``max_speech`` ...

    Returns
    -------
    list of (float, float)
        Start and end of each segment, seconds.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type or out of its range, or audio holds NaN.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> pylstm.speech_segments(np.zeros(32000, np.float32), 16000)
    []
    """
    heard = _heard(audio, rate, _loaded(model), channel, _given(settings, "segments"))
    return spans(heard)


def find_words(
    audio: NDArray[Any],
    rate: int,
    *,
    model: str | os.PathLike[str] | Model = "keywords",
    channel: int | None = None,
    **settings: Unpack[DecisionSettings],
) -> list[Event]:
    """The words in a recording, with where they begin and end.

    Parameters
    ----------
    audio, rate, channel
        As in `speech_segments`.
    model : str, path or Model
        What knows the words: the name of a bundled model, a file, or a model whose decision is
        "words".
    **settings
        As in `Model.listener`: ``threshold``, for all labels or as a mapping from labels,
        ``smoothing_frames``, ``refractory_frames`` ...

    Returns
    -------
    list of Event
        In the order in which they were decided.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type or out of its range, or audio holds NaN.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> pylstm.find_words(np.zeros(32000, np.float32), 16000)
    []
    """
    heard = _heard(audio, rate, _loaded(model), channel, _given(settings, "words"))
    return sorted(heard, key=lambda event: event.time)


def _loaded(model: str | os.PathLike[str] | Model) -> Model:
    return model if isinstance(model, Model) else load(model)


def _given(settings: DecisionSettings, kind: Literal["words", "segments"]) -> DecisionSettings:
    """The settings of a user, and those that the function is for."""
    for name in ("kind", "report"):
        if name in settings:
            raise TypeError(
                f"{name} is set by the function; expected other settings, or Model.listener"
            )
    return {**settings, "kind": kind, "report": "final"}


def _heard(
    audio: NDArray[Any], rate: int, model: Model, channel: int | None, settings: DecisionSettings
) -> Iterator[Event]:
    """The events of a whole recording."""
    if not isinstance(audio, np.ndarray) or audio.ndim not in (1, 2):
        raise TypeError(
            f"audio is {described(audio)}; expected an array of shape (n,) or (n, n_channels)"
        )
    if audio.ndim == 2 and audio.shape[1] > max(audio.shape[0], 1):
        raise ValueError(
            f"audio has shape {audio.shape}; expected (n, n_channels): pass audio.T, if that is"
            " what it is"
        )
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    listener = model.listener(**settings)
    intake = Intake(model, rate=rate, channels=channels, channel=channel)
    size = max(1, int(_BLOCK * intake.rate))
    for start in range(0, len(audio), size):
        yield from listener.push(intake.push(audio[start : start + size]))
    yield from listener.push(intake.flush())
    yield from listener.flush()
