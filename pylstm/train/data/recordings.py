"""Recordings: a set of labelled audio files, to be split and turned into batches."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pylstm.arguments import count
from pylstm.audio import AudioError
from pylstm.audio.header import Header
from pylstm.features import MFCC, LogMel
from pylstm.train.augment.augmentation import Augmentation, Chain
from pylstm.train.data.batch import Per
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.label_folders import read_label_folders
from pylstm.train.data.manifest import Spans, Units, read_manifest
from pylstm.train.data.normalisation import mean_and_std
from pylstm.train.data.recording import Recording
from pylstm.train.data.recording_source import RecordingSource
from pylstm.train.data.speaker_split import names_of, sides_of

__all__ = ["BLANK", "Recordings", "Split"]

BLANK = "<blank>"


class Split(NamedTuple):
    """The three sides of a split; no speaker is on two of them, unless a list puts him there."""

    training: Recordings
    validation: Recordings
    testing: Recordings


class Recordings:
    """Readable audio files, and their labels, events or transcripts.

    Created by `from_folder` or `from_manifest`.

    Attributes
    ----------
    items : tuple of Recording
        In a stable order.
    labels : tuple of str
        The labels of a model's outputs: sorted, and the same on each side of a split. For
        transcripts, the units after ``"<blank>"``.
    per : {"sequence", "frame", "transcript"}
        What a target belongs to: a recording, a frame (events), or it is a transcript.
    background : str or None
        With events, the label of frames without one.
    noises : tuple of str
        Files of noise in the folder, for `pylstm.train.Noise`.
    name : str
        The folder or the manifest.
    """

    def __init__(
        self,
        name: str,
        items: Sequence[Recording],
        labels: Sequence[str],
        per: Per,
        background: str | None = None,
        noises: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.items = tuple(items)
        self.labels = tuple(labels)
        self.per = per
        self.background = background
        self.noises = tuple(noises)

    # --- reading ----------------------------------------------------------------------------------

    @classmethod
    def from_folder(
        cls,
        path: str | os.PathLike[str],
        labels: Sequence[str] | None = None,
        others: str | None = None,
    ) -> Recordings:
        """Recordings in one folder for each label, as in Speech Commands.

        Every file in a label's folder must be audio; hidden files and folders are ignored. The
        files in ``_background_noise_`` become `noises`. Files in ``validation_list.txt`` and
        ``testing_list.txt`` go to these sides of a split.

        Parameters
        ----------
        path : str or path
        labels : list of str, optional
            The folders to use; None: all.
        others : str, optional
            One label for all other folders (``"unknown"``); None: they are ignored.

        Returns
        -------
        Recordings

        Raises
        ------
        RecordingsError
            No folder, an empty folder, an unreadable file, only one label, a missing file in a
            list: all problems, one on each line.
        OSError
            A folder cannot be read.
        """
        folder = Path(path)
        items, noises = read_label_folders(folder, labels, others)
        labels = _two_labels(str(folder), {item.label for item in items if item.label is not None})
        return cls(str(folder), items, labels, "sequence", None, noises)

    @classmethod
    def from_manifest(
        cls,
        path: str | os.PathLike[str],
        spans: Spans = "events",
        units: Units = "characters",
        background: str = "background",
    ) -> Recordings:
        """Recordings from a table: CSV with a header, or JSONL, in UTF-8.

        ========== =====================================================================
        column     meaning
        ========== =====================================================================
        path       the audio file; relative to the manifest's folder
        label      what can be heard
        start, end from when to when, seconds; may be missing or empty
        transcript what is said, instead of a label: text, or in JSONL a list of units
        speaker    all files of a speaker go to one side of a split
        split      the side of a split: training, validation or testing
        ========== =====================================================================

        Labels without times: each row is an example with one target. Labels with times are events
        in a file, which may have any number of rows: the file is one example with a target for each
        frame, `background` outside of events. A row with the label `background` and no times is a
        file without events. Transcripts: each row is an example, for `CTC`.

        Parameters
        ----------
        path : str or path
            Ends in ``.csv`` or ``.jsonl``.
        spans : {"events", "clips"}
            What rows with times are: events, or clips that are cut out, with one target each.
        units : {"characters", "words"}
            The units of transcripts that are text.
        background : str
            The label of frames without an event.

        Returns
        -------
        Recordings

        Raises
        ------
        RecordingsError
            An unknown column, a missing or unreadable file, times outside of the file, rows that
            duplicate or contradict each other, only one label, no rows: all problems, one on each
            line, with line numbers.
        OSError
            The manifest cannot be read.

        Examples
        --------
        >>> import tempfile, numpy as np, soundfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/a.wav", np.zeros(16000), 16000)
        ...     rows = "path,label,start,end", "a.wav,yes,0.2,0.5", "a.wav,no,0.6,0.9"
        ...     _ = Path(folder, "events.csv").write_text("\\n".join(rows))
        ...     recordings = Recordings.from_manifest(f"{folder}/events.csv")
        >>> recordings.labels, recordings.counts()
        (('background', 'no', 'yes'), {'background': 0, 'no': 1, 'yes': 1})
        """
        path = Path(path)
        items = read_manifest(path, spans, units, background)
        if items[0].transcript is not None:
            said = {unit for item in items for unit in item.transcript or ()}
            if BLANK in said:
                raise RecordingsError(
                    str(path), [f"a transcript holds {BLANK!r}; expected other units"]
                )
            if not said:
                raise RecordingsError(str(path), ["has only empty transcripts; expected units"])
            return cls(str(path), items, [BLANK, *sorted(said)], "transcript")
        events = all(item.label is None for item in items)
        names = {name for item in items for name in names_of(item)} | (
            {background} if events else set()
        )
        labels = _two_labels(str(path), names)
        if events:
            return cls(str(path), items, labels, "frame", background)
        return cls(str(path), items, labels, "sequence")

    # --- facts ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Recordings({self.name!r}: {len(self)} recordings, {len(self.labels)} labels)"

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

    def check(self) -> None:
        """Reads every file to its end; creating `Recordings` only reads their headers.

        Raises
        ------
        RecordingsError
            Files are damaged or cut off, one on each line.
        """
        problems = []
        for path in dict.fromkeys([*(item.path for item in self.items), *self.noises]):
            try:
                Header.of(path, decode=True)
            except AudioError as error:
                problems.append(str(error))
        if problems:
            raise RecordingsError(self.name, problems)

    # --- use --------------------------------------------------------------------------------------

    def split(self, validation: float = 0.1, testing: float = 0.0, seed: int = 0) -> Split:
        """Recordings for training, validation and testing; each speaker is on one side.

        Speakers without a given side, in a list or a column, are assigned by a hash of seed and
        name: moving, reordering or extending the set moves nobody. (Only a label that would be
        missing on a side moves a speaker there.) The shares are met on average.

        Parameters
        ----------
        validation, testing : float
            Shares of the speakers without a given side.
        seed : int

        Returns
        -------
        Split
            ``training, validation, testing``.

        Raises
        ------
        RecordingsError
            A label cannot be on both sides, because it has one example or one speaker.
        ValueError
            A share is below 0, or the shares leave nothing for training.
        """
        for name, share in (("validation", validation), ("testing", testing)):
            if not isinstance(share, (int, float)) or not 0 <= share < 1:
                raise ValueError(f"{name} is {share!r}; expected 0 or more and below 1")
        if validation + testing >= 1:
            raise ValueError(f"validation + testing is {validation + testing}; expected below 1")
        sides = sides_of(self.items, validation, testing, count("seed", seed, 0), self.name)
        return Split(
            *(
                self._of([item for item, on in zip(self.items, sides, strict=True) if on == side])
                for side in Split._fields
            )
        )

    def _of(self, items: Sequence[Recording]) -> Recordings:
        return Recordings(self.name, items, self.labels, self.per, self.background, self.noises)

    def normalised(
        self, features: MFCC | LogMel, cache: FeatureCache | str | os.PathLike[str] | None = None
    ) -> MFCC | LogMel:
        """The same features, normalised by the mean and standard deviation of these recordings.

        Parameters
        ----------
        features : MFCC or LogMel
            Without a mean and a standard deviation.
        cache : FeatureCache or path, optional

        Returns
        -------
        MFCC or LogMel
            For training and for the model.

        Raises
        ------
        ValueError
            The features have a mean and std already, or there are no recordings.
        AudioError
            A recording cannot be read.
        """
        if features.mean is not None:
            raise ValueError("features has a mean and std; expected features without")
        if not self.items:
            raise ValueError(f"{self.name} has no recordings; expected at least one")
        store = FeatureCache.of(cache)
        mean, std = mean_and_std(
            item.frames(features) if store is None else store.frames(item, features)
            for item in self.items
        )
        return replace(features, mean=mean, std=std)

    def source(
        self,
        features: MFCC | LogMel,
        batch_size: int = 32,
        *,
        augment: Chain | Augmentation | Sequence[Augmentation] | None = None,
        cache: FeatureCache | str | os.PathLike[str] | None = None,
        shuffle: bool = True,
        bucket: bool = True,
        resample: bool | None = None,
        workers: int = 1,
    ) -> RecordingSource:
        """A source of the frames of these recordings and their targets.

        Parameters
        ----------
        features : MFCC or LogMel
            Those of the model; see `normalised`.
        batch_size, shuffle, bucket
            As in `Arrays`.
        augment : Chain, augmentation, or list of them, optional
            Drawn anew in every epoch.
        cache : FeatureCache or path of a folder, optional
            Keeps the frames of recordings that are not changed by augmentation.
        resample : bool or None
            Whether files at another rate than the features' are resampled (soxr, high quality) or
            refused. None: resampled, with one warning.
        workers : int
            Threads that read and compute; the batches do not depend on it.

        Returns
        -------
        RecordingSource

        Raises
        ------
        RecordingsError
            Files at another rate that is refused, recordings too short for a frame or for their
            transcripts: all of them, one on each line.
        TypeError, ValueError
            Another argument is wrong, or there are no recordings.

        Warns
        -----
        UserWarning
            Files are resampled or mixed down to mono and `resample` is None.
        """
        if not isinstance(features, (MFCC, LogMel)):
            raise TypeError(f"features is {type(features).__name__}; expected MFCC or LogMel")
        if not self.items:
            raise ValueError(f"{self.name} has no recordings; expected at least one")
        return RecordingSource(
            self,
            features,
            batch_size,
            augment=augment,
            cache=cache,
            shuffle=shuffle,
            bucket=bucket,
            resample=resample,
            workers=workers,
        )


def _two_labels(what: str, labels: set[str]) -> list[str]:
    """At least two labels, sorted."""
    if len(labels) < 2:
        raise RecordingsError(what, [f"has only the label {min(labels)!r}; expected at least two"])
    return sorted(labels)
