"""A recording in, what is said in it out: no class needed."""

from __future__ import annotations

import math
import os
import warnings
from bisect import bisect_left
from functools import partial
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from pylstm import _engine, model_files
from pylstm._engine import Stream
from pylstm.arguments import described, listing, number_of
from pylstm.audio.input_format import MOST_CHANNELS
from pylstm.audio.intake import Intake
from pylstm.audio.sample_encoding import SampleEncoding
from pylstm.decisions import DecisionSettings, Event
from pylstm.decisions.event import spans
from pylstm.model import Model, load

__all__ = ["find_words", "speech_segments"]

# Up to so many channels, an array may have fewer samples than channels.
_MANY_CHANNELS = 64

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
        A whole recording, as `Intake` takes it: int16, int32, uint8, float32 or float64. More than
        64 channels, and fewer samples than channels, are taken for a transposed array and refused.
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
        An argument is of the wrong type or out of its range, or audio holds NaN or is too short
        for the deltas of a model.

    Warns
    -----
    RuntimeWarning
        Float samples are on another scale than -1 to 1, or all samples come twice; or the rows of
        the model are no probabilities, as in `Model.listener`.

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

    Warns
    -----
    RuntimeWarning
        As in `speech_segments`.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> pylstm.find_words(np.zeros(32000, np.float32), 16000)
    []
    """
    heard = _heard(audio, rate, _loaded(model), channel, _given(settings, "words"))
    return sorted(heard, key=lambda event: event.time)


def _loaded(model: str | os.PathLike[str] | Model) -> Model:
    if isinstance(model, Model):
        return model
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(
            f"model is {described(model)}; expected a Model, the name of one, or a path: pass"
            f" {listing(model_files.bundled()).replace(', ', ' or ')}"
        )
    return load(model)


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
) -> list[Event]:
    """The events of a whole recording."""
    channels = _channels(audio)
    listener = model._new_listener(settings, stacklevel=4)
    intake = _Recording(model, rate=rate, channels=channels, channel=channel)
    if audio.dtype.kind == "f":
        _warn_off_scale(audio, channel)
    listener._watch_scale(False)  # it would speak of samples that are resampled
    size = max(1, int(_BLOCK * intake.rate))
    events: list[Event] = []
    for start in range(0, len(audio), size):
        events += listener.push(intake.push(audio[start : start + size]))
    events += listener.push(intake.flush())
    if len(audio) == 0:
        return events
    stream = model.stream()
    if not _can_end(stream, intake.given):
        fewest = bisect_left(range(1 << 32), True, key=partial(_can_end, stream))
        least = -(-fewest * intake.rate // intake.model_rate)
        raise ValueError(
            f"audio has {number_of(len(audio), 'sample')}; expected {least} or more, because the"
            " model takes deltas of 9 frames"
        )
    return events + listener.flush()


class _Recording(Intake):
    """The intake of an array that a user gives as `audio`."""

    def _warn_of_doubled_samples(self) -> None:
        warnings.warn(
            "audio has all samples twice, as those of interleaved stereo; expected one channel:"
            " pass audio.reshape(-1, 2) if there are two",
            RuntimeWarning,
            stacklevel=6,
        )


def _channels(audio: NDArray[Any]) -> int:
    """The channels of a recording, or an error that says what is wrong with it."""
    if not isinstance(audio, np.ndarray) or audio.ndim not in (1, 2):
        raise TypeError(
            f"audio is {described(audio)}; expected an array of shape (n,) or (n, n_channels)"
        )
    _engine.refuse_masked("audio", audio)
    n, channels = (len(audio), 1) if audio.ndim == 1 else audio.shape
    # Few samples of many channels may be the end of a recording; more channels than anybody has
    # microphones are time.
    if n < channels > _MANY_CHANNELS:
        hint = ": pass audio.T, if that is what it is" if n else ""
        raise ValueError(f"audio has shape {audio.shape}; expected (n, n_channels){hint}")
    if not 1 <= channels <= MOST_CHANNELS:
        raise ValueError(
            f"audio has shape {audio.shape}; expected (n, n_channels) with 1 to {MOST_CHANNELS}"
            " channels"
        )
    if SampleEncoding.of_dtype(audio.dtype) is None:
        hint = _engine.samples_instead(audio, "audio", channels)
        raise TypeError(
            f"audio is {described(audio)}; expected int16, int32, uint8, float32 or float64{hint}"
        )
    return channels


def _warn_off_scale(audio: NDArray[Any], channel: int | None) -> None:
    """Warns of float samples that are not from -1 to 1, with their place in what the user gave."""
    heard = audio if audio.ndim == 1 or channel is None else audio[:, channel]
    if not heard.size:
        return
    place = int(heard.argmax() if heard.max() >= -heard.min() else heard.argmin())
    where = np.unravel_index(place, heard.shape)
    peak = float(heard[where])
    if not _engine.LARGEST_SAMPLE < abs(peak) < math.inf:  # NaN and infinity are refused later
        return
    at = [int(index) for index in where] + ([] if heard.ndim == audio.ndim else [channel])
    warnings.warn(
        f"audio[{', '.join(map(str, at))}] is {peak:.6g}; expected float samples from -1 to 1:"
        f" {_engine.scale_remedy('pass', 'audio', abs(peak))}. They are taken as they are",
        RuntimeWarning,
        stacklevel=4,
    )


def _can_end(stream: Stream, n: int) -> bool:
    """Whether so many samples are enough for a flush."""
    try:
        stream.rows(n, flush=True)
    except ValueError:
        return False
    return True
