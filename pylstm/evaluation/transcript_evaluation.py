"""The symbols that a model hears in recordings, beside their transcripts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, listing, number_of
from pylstm.brief_repr import named_values
from pylstm.decisions import prefix_beam_search
from pylstm.evaluation.label_error_rate import LabelErrors, label_error_rate, label_errors
from pylstm.model import Model

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings

__all__ = ["HeardTranscript", "TranscriptEvaluation", "evaluate_transcripts"]

_SHOWN = 10


@dataclass(frozen=True)
class HeardTranscript:
    """What was said in a recording, and what a model heard in it.

    Attributes
    ----------
    recording : str
        The file, and the span of it if that is not all.
    said : tuple of str
        The units of the transcript.
    heard : tuple of str
        The symbols that a listener reports.
    likeliest : tuple of str or None
        Those of the likeliest prefix of a beam search; None if there was none.
    """

    recording: str
    said: tuple[str, ...]
    heard: tuple[str, ...]
    likeliest: tuple[str, ...] | None = None

    @property
    def errors(self) -> LabelErrors:
        """How what was heard differs from what was said."""
        return label_errors(self.said, self.heard)


@dataclass(frozen=True, repr=False)
class TranscriptEvaluation:
    """What a model heard in recordings with transcripts.

    Attributes
    ----------
    transcripts : tuple of HeardTranscript
        In the order of the recordings.
    beam_width : int or None
        Prefixes that the beam search followed; None: there was none.
    """

    transcripts: tuple[HeardTranscript, ...]
    beam_width: int | None = None

    def __repr__(self) -> str:
        return named_values(self, vars(self))

    @property
    def errors(self) -> LabelErrors:
        """Errors of all recordings together, and their rate: those of the listener's symbols."""
        return label_error_rate(*self._said([one.heard for one in self.transcripts]))

    @property
    def beam_errors(self) -> LabelErrors | None:
        """The same of the beam search; None if there was none."""
        if self.beam_width is None:
            return None
        return label_error_rate(*self._said([one.likeliest or () for one in self.transcripts]))

    @property
    def n_right(self) -> int:
        """Recordings in which every symbol was heard as it was said."""
        return sum(one.heard == one.said for one in self.transcripts)

    @property
    def n_right_of_beam(self) -> int | None:
        """The same of the beam search; None if there was none."""
        if self.beam_width is None:
            return None
        return sum(one.likeliest == one.said for one in self.transcripts)

    def worst(self, n: int) -> list[HeardTranscript]:
        """The recordings with the most errors, those without errors left out.

        Parameters
        ----------
        n : int
            How many there are at most.

        Returns
        -------
        list of HeardTranscript
            The most errors first; of as many errors the shorter transcript first.
        """
        wrong = [(one.errors, place) for place, one in enumerate(self.transcripts)]
        wrong = [found for found in wrong if found[0].errors]
        wrong.sort(key=lambda found: (-found[0].errors, found[0].length, found[1]))
        return [self.transcripts[place] for _, place in wrong[:n]]

    def _said(
        self, heard: Sequence[tuple[str, ...]]
    ) -> tuple[list[tuple[str, ...]], Sequence[tuple[str, ...]]]:
        return [one.said for one in self.transcripts], heard


def evaluate_transcripts(
    model: Model,
    recordings: Recordings,
    beam_width: int | None = None,
    progress: Callable[[float], Any] | None = None,
) -> TranscriptEvaluation:
    """Hears recordings as a listener does, and compares with their transcripts.

    Each recording goes through a listener of the model from its beginning, so the symbols are those
    of ``pylstm run``: the best output of each row, repeats merged, blanks left out.

    Parameters
    ----------
    model : Model
        With features and labels, whose decision is on symbols.
    recordings : Recordings
        With transcripts; all of their units must be labels of the model.
    beam_width : int, optional
        Prefixes that `prefix_beam_search` follows over the same rows. None: no beam search.
    progress : callable, optional
        Called with the seconds of audio done so far, after each recording.

    Returns
    -------
    TranscriptEvaluation

    Raises
    ------
    ValueError
        The model does not decide on symbols, it lacks a unit, or the recordings have no
        transcripts.
    AudioError
        A recording cannot be read.

    Warns
    -----
    UserWarning
        Recordings end before their headers say: all of them, once.
    """
    if beam_width is not None:
        beam_width = count("beam_width", beam_width, 1)
    if recordings.per != "transcript":
        raise ValueError(f"{recordings.name} has labels; expected transcripts")
    if model.features is None or model.labels is None:
        raise ValueError("model has no features or no labels; expected both")
    listener = model.listener(report="final")
    kind = listener.decision["kind"]
    if kind != "symbols":
        raise ValueError(
            f"model decides on {kind}; expected symbols: Model(..., decision={{'kind': 'symbols'}})"
        )
    blank = str(listener.decision["blank"])
    _check_units(model.labels, blank, recordings)
    transcripts, seconds = [], 0.0
    for item in recordings.items:
        assert item.transcript is not None
        samples = item.samples(model.features.sr, recordings.cut)
        listener.reset()
        with warnings.catch_warnings():
            # The scale of the samples was checked, file by file, when the recordings were opened.
            warnings.filterwarnings("ignore", r"pcm\[\d+\] is", RuntimeWarning)
            events, rows = listener.push(samples, posteriors=True)
        last_events, last_rows = listener.flush(posteriors=True)
        heard = tuple(event.label for event in (*events, *last_events))
        likeliest = None
        if beam_width is not None:
            likeliest = _likeliest(np.concatenate([rows, last_rows]), model, blank, beam_width)
        transcripts.append(HeardTranscript(item.name, item.transcript, heard, likeliest))
        seconds += item.seconds
        if progress is not None:
            progress(seconds)
    recordings.cut.warn()
    return TranscriptEvaluation(tuple(transcripts), beam_width)


def _likeliest(
    rows: NDArray[np.float32], model: Model, blank: str, beam_width: int
) -> tuple[str, ...]:
    """The symbols of the likeliest prefix."""
    best = prefix_beam_search(rows, model.labels, blank=blank, beam_width=beam_width)[0]
    return tuple(map(str, best.labels))


def _check_units(labels: Sequence[str], blank: str, recordings: Recordings) -> None:
    """Refuses units of transcripts that the model cannot hear."""
    known = set(labels) - {blank}
    unknown: dict[str, str] = {}  # unit -> the first recording that has it
    for item in recordings.items:
        for unit in item.transcript or ():
            if unit not in known:
                unknown.setdefault(unit, item.name)
    if not unknown:
        return
    first, where = next(iter(unknown.items()))
    others = sorted(unknown.keys() - {first})
    more = ""
    if others:
        names = ", ".join(map(repr, others[:_SHOWN]))
        left = len(others) - _SHOWN
        more = f", and {names}" + (f" and {number_of(left, 'other')}" if left > 0 else "")
    raise ValueError(
        f"{recordings.name} has the unit {first!r} ({where}){more}; expected units of the model:"
        f" {listing([label for label in labels if label != blank])}"
    )
