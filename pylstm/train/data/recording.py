"""A recording: an audio file, or a span of one, and its label, events or transcript."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.audio import AudioError, AudioFile, Header
from pylstm.features import Features
from pylstm.train.data.cut_files import CutFiles

__all__ = ["Mark", "Recording", "frame_seconds", "names_of"]


class Mark(NamedTuple):
    """An event inside a recording: from `start` to before `end`, seconds from its beginning."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Recording:
    """One example: audio, and its label, events or transcript.

    Attributes
    ----------
    path : str
        The file.
    start, end : float
        The span of the file, seconds.
    header : Header
        Rate, channels and length of the file.
    label : str or None
        The label of the whole span.
    marks : tuple of Mark
        Events in it, which do not overlap; the rest is background.
    transcript : tuple of str or None
        What is said, unit by unit.
    speaker : str
        All recordings of a speaker go to one side of a split.
    side : {"training", "validation", "testing"} or None
        Its side of a split, if a list gives one.
    """

    path: str
    start: float
    end: float
    header: Header
    label: str | None = None
    marks: tuple[Mark, ...] = ()
    transcript: tuple[str, ...] | None = None
    speaker: str = ""
    side: str | None = None

    @property
    def seconds(self) -> float:
        """Length of the span."""
        return self.end - self.start

    @property
    def name(self) -> str:
        """The file and the span, for people."""
        if self.start == 0 and self.end == self.header.seconds:
            return self.path
        return f"{self.path} ({self.start:.2f} to {self.end:.2f} s)"

    def opened(self, sample_rate: int) -> AudioFile:
        """The audio, open, at a rate in Hz.

        Raises
        ------
        AudioError
            The file can no longer be read.
        """
        end = None if self.end == self.header.seconds else self.end
        return AudioFile(self.path, sample_rate, start=self.start, end=end)

    def samples(self, sample_rate: int, cut: CutFiles | None = None) -> NDArray[np.float32]:
        """All of the audio, mono, at a rate in Hz.

        Parameters
        ----------
        sample_rate : int
        cut : CutFiles, optional
            Receives the file if it ends before its header says, and the header was not known to be
            wrong.

        Returns
        -------
        array, shape (n,), float32

        Raises
        ------
        AudioError
            The file is damaged, holds NaN or infinity, or is cut off and there is no `cut`.
        """
        with self.opened(sample_rate) as file:
            samples = file.read()
            self._note_cut(file, cut)
        return samples

    def frames(self, features: Features, cut: CutFiles | None = None) -> NDArray[np.float32]:
        """The frames of the audio.

        Parameters
        ----------
        features : Features
        cut : CutFiles, optional
            As in `samples`.

        Returns
        -------
        array, shape (T, n_features), float32

        Raises
        ------
        AudioError
            As `samples`, or the audio is too short for a frame.
        """
        if features.top_db is not None:  # relative to the loudest band of the whole audio
            return self.frames_of(self.samples(features.sr, cut), features)

        def streamed() -> NDArray[np.float32]:
            # The same bits, without an hour of audio in memory.
            stream = features.stream()
            with self.opened(features.sr) as file:
                frames = [stream.push(chunk) for chunk in file.chunks(features.sr)]
                self._note_cut(file, cut)
            return np.concatenate([*frames, stream.flush()])

        return self._enough(streamed)

    def _note_cut(self, file: AudioFile, cut: CutFiles | None) -> None:
        """Passes on, or refuses, that a file is cut off, after it was read to its end."""
        if file.shortfall is None or self.header.shortfall is not None:
            return
        if cut is None:
            raise AudioError(f"{self.path} is {file.shortfall}")
        cut.add(self.path, file.shortfall)

    def frames_of(self, y: NDArray[np.float32], features: Features) -> NDArray[np.float32]:
        """The frames of samples that augmentation made of this recording; see `frames`."""
        return self._enough(lambda: features(y))

    def _enough(self, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Computed frames, at least one; errors name the recording."""
        try:
            frames = compute()
        except AudioError:
            raise
        except ValueError as error:  # too few frames for deltas
            raise AudioError(f"{self.name}: {error}") from None
        if len(frames) == 0:
            raise AudioError(f"{self.name} is too short; expected at least one frame")
        return frames

    def identity(self) -> list[str | int | float]:
        """What tells the audio from any other: the file, its size and modification time, the span.

        Raises
        ------
        AudioError
            The file does not exist.
        """
        path = os.path.realpath(self.path)
        try:
            facts = os.stat(path)
        except OSError as error:
            raise AudioError(f"cannot read {self.path}: {error.strerror}") from None
        return [path, facts.st_size, facts.st_mtime_ns, self.start, self.end]


def names_of(recording: Recording) -> set[str]:
    """The labels of a recording or of its events; none for background and transcripts."""
    if recording.label is not None:
        return {recording.label}
    return {mark.label for mark in recording.marks}


def frame_seconds(features: Features, n: int) -> NDArray[np.float64]:
    """The centres of n frames, seconds from the beginning of the audio."""
    return (np.arange(n) * features.hop_length + features.first_centre) / features.sr
