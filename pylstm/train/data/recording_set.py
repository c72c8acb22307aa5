"""A set of readable audio files: what is in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from pylstm.arguments import number_of
from pylstm.audio import AudioError
from pylstm.audio.header import Header
from pylstm.train.data.batch import Per
from pylstm.train.data.cut_files import CutFiles
from pylstm.train.data.errors import RecordingsError, Remedy
from pylstm.train.data.recording import Recording

__all__ = ["RecordingSet"]


class RecordingSet:
    """Readable audio files, and their labels, events or transcripts.

    What its attributes are, `Recordings` says.
    """

    def __init__(
        self,
        name: str,
        items: Sequence[Recording],
        labels: Sequence[str],
        per: Per,
        background: str | None = None,
        noises: Sequence[str] = (),
        notes: Sequence[str] = (),
        cut: CutFiles | None = None,
    ) -> None:
        self.name = name
        self.items = tuple(items)
        self.labels = tuple(labels)
        self.per = per
        self.background = background
        self.noises = tuple(noises)
        self.notes = tuple(notes)
        self.cut = CutFiles() if cut is None else cut

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        recordings, labels = number_of(len(self), "recording"), number_of(len(self.labels), "label")
        return f"Recordings({self.name!r}: {recordings}, {labels})"

    @property
    def seconds(self) -> float:
        """Total length."""
        return math.fsum(item.seconds for item in self.items)

    def counts(self) -> dict[str, int]:
        """The number of examples of each label: recordings, events, or units of transcripts.

        Returns
        -------
        dict of str to int
            Every label, in the order of `labels`.
        """
        counts: Counter[str] = Counter()
        for item in self.items:
            if item.label is not None:
                counts[item.label] += 1
            counts.update(mark.label for mark in item.marks)
            counts.update(item.transcript or ())
        return {label: counts[label] for label in self.labels}

    def rates(self) -> dict[int, int]:
        """The number of recordings at each sample rate, Hz, lowest first."""
        return dict(sorted(Counter(item.header.rate for item in self.items).items()))

    def check(self, cut_off: bool = True) -> None:
        """Reads every file to its end; creating `Recordings` only reads their headers.

        Parameters
        ----------
        cut_off : bool
            Whether files that end before their headers say are refused, too.

        Raises
        ------
        RecordingsError
            Files are damaged or cut off, one on each line.
        """
        problems, n_damaged = [], 0
        for path in dict.fromkeys([*(item.path for item in self.items), *self.noises]):
            try:
                header = Header.of(path, decode=True)
            except AudioError as error:
                problems.append(str(error))
                n_damaged += 1
                continue
            if cut_off and header.shortfall is not None:
                problems.append(f"{path} is {header.shortfall}")
        if problems:
            does = "leaves out what is damaged"
            remedies = [Remedy("skip_unreadable", True, does)] if n_damaged else []
            raise RecordingsError(self.name, problems, remedies)
