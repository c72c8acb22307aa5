"""Recordings one after the other on one tape, as a listener hears them: never reset."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike, fsdecode
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number
from pylstm.audio import AudioError, AudioFile, Header, scale_problem
from pylstm.brief_repr import named_values

if TYPE_CHECKING:
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings

__all__ = ["GAP", "TapePiece", "TapeWord", "WordTape"]

GAP = 0.5
"""Seconds of silence behind each recording, and how long after a word its event may come."""


class TapeWord(NamedTuple):
    """Something said on a tape. Times are seconds from its beginning."""

    label: str
    start: float
    end: float
    until: float
    """Events before it belong to the word: a listener needs time to decide."""


@dataclass(frozen=True)
class TapePiece:
    """A file on a tape, or a span of one.

    Attributes
    ----------
    path : str
    source : str
        What figures are gathered by, such as the folder that the file is in.
    first, last : float, float or None
        The span of the file, seconds; None: to its end.
    start, length : int
        Where the file begins on the tape, and how much of it the file takes, samples.
    known_short : bool
        Whether it was known before, and said, that its header is wrong.
    """

    path: str
    source: str
    first: float
    last: float | None
    start: int
    length: int
    known_short: bool = False


@dataclass(frozen=True, repr=False)
class WordTape:
    """Files one after the other with a gap behind each, and the words on them.

    The samples are read when they are needed, file by file, so that a tape may last for hours.
    What a file says of its length is how much of the tape it takes; if it turns out to be shorter,
    silence stands for the rest.

    Created by `of_recordings` and `of_files`.

    Attributes
    ----------
    sample_rate : int
        Hz.
    pieces : tuple of TapePiece
        In their order on the tape.
    words : tuple of TapeWord
        What is said and when, sorted by start. All other audio is known to hold no word.
    gap : int
        Samples of silence or noise behind each file.
    noise : array, shape (n,), float32, or None
        What fills the gaps, repeated as often as needed; None: silence.
    """

    sample_rate: int
    pieces: tuple[TapePiece, ...]
    words: tuple[TapeWord, ...]
    gap: int
    noise: NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        return named_values(self, vars(self))

    @classmethod
    def of_recordings(
        cls,
        recordings: Recordings,
        sample_rate: int,
        gap: float = GAP,
        noise: NDArray[np.float32] | None = None,
    ) -> WordTape:
        """Labelled recordings on one tape, in an order that is drawn once for their number.

        Recordings of one label mostly stand together in a set. Side by side on the tape, a word
        that is still reported behind its end would pass for the next one.

        A recording with a label is a word from its beginning to its end, and an event belongs to it
        up to the beginning of the next one. A recording with times has a word for each mark, and an
        event belongs to it up to `GAP` seconds after its end.

        Parameters
        ----------
        recordings : Recordings
            With a label each, or with marks.
        sample_rate : int
            That of the model, Hz.
        gap : float
            Seconds of silence behind each recording.
        noise : array, shape (n,), float32, optional
            What fills the gaps in place of silence.

        Returns
        -------
        WordTape

        Raises
        ------
        ValueError
            The recordings have transcripts, or gap or noise are wrong.
        """
        if recordings.per == "transcript":
            raise ValueError(f"{recordings.name} has transcripts; expected labels")
        pause, filling = _checked_gap(gap, sample_rate, noise)
        pieces: list[TapePiece] = []
        words: list[TapeWord] = []
        start = 0
        # Of the same recordings each tape is the same.
        for place in np.random.default_rng(0).permutation(len(recordings.items)).tolist():
            item = recordings.items[place]
            last = None if item.end == item.header.seconds else item.end
            piece = TapePiece(
                item.path, str(Path(item.path).parent), item.start, last, start,
                max(1, round(item.seconds * sample_rate)), item.header.shortfall is not None,
            )  # fmt: skip
            pieces.append(piece)
            start += piece.length + pause
            begins = piece.start / sample_rate
            if item.label is not None:
                ends = (piece.start + piece.length) / sample_rate
                words.append(TapeWord(item.label, begins, ends, start / sample_rate))
            for mark in sorted(item.marks):
                ends = begins + mark.end
                words.append(TapeWord(mark.label, begins + mark.start, ends, ends + GAP))
        return cls(sample_rate, tuple(pieces), tuple(words), pause, filling)

    @classmethod
    def of_files(
        cls,
        paths: Sequence[str | PathLike[str]],
        sample_rate: int,
        gap: float = GAP,
        noise: NDArray[np.float32] | None = None,
        *,
        sources: Sequence[str] | None = None,
    ) -> WordTape:
        """Audio files without any of the words on one tape.

        Parameters
        ----------
        paths : sequence of str or path
            At any rate, with any number of channels.
        sample_rate, gap, noise
            As in `of_recordings`.
        sources : sequence of str, optional
            For each file what figures are gathered by; default: the folder that it is in.

        Returns
        -------
        WordTape
            Without words.

        Raises
        ------
        AudioError
            A file cannot be read, or its float samples are on another scale than -1 to 1.
        ValueError
            As `of_recordings`.
        """
        pause, filling = _checked_gap(gap, sample_rate, noise)
        pieces: list[TapePiece] = []
        start = 0
        names = [fsdecode(path) for path in paths]
        gathered = [str(Path(name).parent) for name in names] if sources is None else sources
        for path, source in zip(names, gathered, strict=True):
            header = Header.of(path)
            if problem := scale_problem(header.peak):
                raise AudioError(f"{path} {problem}")
            length = max(1, round(header.seconds * sample_rate))
            short = header.shortfall is not None
            pieces.append(TapePiece(path, source, 0.0, None, start, length, short))
            start += length + pause
        return cls(sample_rate, tuple(pieces), (), pause, filling)

    @property
    def seconds(self) -> float:
        """Length of the tape, gaps included."""
        if not self.pieces:
            return 0.0
        last = self.pieces[-1]
        return (last.start + last.length + self.gap) / self.sample_rate

    def wordless(self) -> dict[str, float]:
        """Seconds outside of all words, gaps included, of each folder that has some.

        Returns
        -------
        dict of str to float
        """
        found: dict[str, float] = {}
        words, place, covered = self.words, 0, 0.0
        for piece in self.pieces:
            start = piece.start / self.sample_rate
            end = (piece.start + piece.length + self.gap) / self.sample_rate
            said, covered = 0.0, max(covered, start)
            while place < len(words) and words[place].start < end:
                word = words[place]
                said += max(0.0, min(word.until, end) - max(word.start, covered))
                covered, place = max(covered, min(word.until, end)), place + 1
            if end - start - said > 1e-6:  # not by rounding alone
                found[piece.source] = found.get(piece.source, 0.0) + end - start - said
        return found

    def samples(self) -> Iterator[NDArray[np.float32]]:
        """The audio of the tape, chunk by chunk, from its beginning to its end.

        Yields
        ------
        array, shape (n,), float32
            A second at most, or the gap behind a file.

        Raises
        ------
        AudioError
            A file can no longer be read, or holds NaN or infinity.

        Warns
        -----
        UserWarning
            A file is shorter than its header says.
        """
        silence = np.zeros(self.sample_rate, np.float32)
        gap = np.zeros(self.gap, np.float32)
        if self.noise is not None:
            gap = np.resize(self.noise, self.gap)
        for piece in self.pieces:
            left = piece.length
            with AudioFile(piece.path, self.sample_rate, start=piece.first, end=piece.last) as file:
                for chunk in file.chunks(self.sample_rate):
                    # A resampler may give some samples more or less than the header promises.
                    if len(chunk := chunk[:left]):
                        yield chunk
                    left -= len(chunk)
                if file.shortfall is not None and not piece.known_short:
                    warnings.warn(
                        f"{piece.path} is {file.shortfall}; silence stands for the rest",
                        UserWarning,
                        stacklevel=2,
                    )
            while left > 0:
                yield silence[:left]
                left -= min(left, len(silence))
            if len(gap):
                yield gap

    def rows(
        self, model: Model, progress: Callable[[float], Any] | None = None
    ) -> NDArray[np.float32]:
        """The posteriors of one stream that hears the tape from its beginning to its end.

        Parameters
        ----------
        model : Model
            With features at the tape's rate.
        progress : callable, optional
            Called with the seconds heard so far, now and then.

        Returns
        -------
        array, shape (n_rows, n_outputs), float32

        Raises
        ------
        ValueError
            The model has no features, or features at another rate.
        AudioError
            As `samples`.
        """
        if model.features is None:
            raise ValueError("model has no features, so that it hears no audio; expected some")
        if model.sample_rate != self.sample_rate:
            raise ValueError(
                f"the tape has {self.sample_rate} Hz; expected {model.sample_rate} Hz, as the model"
                " takes"
            )
        stream, heard = model.stream(), 0
        found = [np.empty((0, model.n_outputs), np.float32)]
        for chunk in self.samples():
            found.append(stream.push(chunk))
            heard += len(chunk)
            if progress is not None:
                progress(heard / self.sample_rate)
        found.append(stream.flush())
        return np.concatenate(found)


def _checked_gap(
    gap: float, sample_rate: int, noise: NDArray[np.float32] | None
) -> tuple[int, NDArray[np.float32] | None]:
    """The gap in samples, and what fills it."""
    samples = round(number("gap", gap, 0.0) * sample_rate)
    if noise is None:
        return samples, None
    if noise.dtype != np.float32 or noise.ndim != 1 or not len(noise):
        raise ValueError(
            f"noise is {noise.dtype} with shape {noise.shape}; expected float32 with shape (n,)"
        )
    if not np.isfinite(noise).all():
        raise ValueError("noise holds NaN or infinity; expected finite samples")
    return samples, noise
