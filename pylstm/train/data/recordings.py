"""Recordings: the audio files that a model learns from, and what is to be heard in each."""

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
from pylstm.train.augment.waveform import Augmentation, Chain
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.label_folders import read_label_folders
from pylstm.train.data.manifest import Spans, Units, read_manifest
from pylstm.train.data.normalisation import mean_and_std
from pylstm.train.data.recording import Recording
from pylstm.train.data.recording_source import RecordingSource
from pylstm.train.data.speaker_split import names_of, sides_of
from pylstm.train.data.targets import Per

__all__ = ["BLANK", "Recordings", "Split"]

BLANK = "<blank>"


class Split(NamedTuple):
    """Recordings for three purposes; no speaker is in two of them, unless a list says so."""

    training: Recordings
    validation: Recordings
    testing: Recordings


class Recordings:
    """Audio files, each opened and found readable, and what is to be heard in them.

    Made by `from_folder` or `from_manifest`.

    Attributes
    ----------
    items : tuple of Recording
        In a stable order.
    labels : tuple of str
        What the outputs of a model mean: sorted, and the same in each part of a split. For
        transcripts the units, after ``"<blank>"``.
    per : {"sequence", "frame", "transcript"}
        What a target belongs to: one label a recording, one a frame (events), or a transcript.
    background : str or None
        With events: the label of frames where nothing is marked.
    noises : tuple of str
        Files of noise that came with the recordings, for `pylstm.train.Noise`.
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

    # --- where they come from ---------------------------------------------------------------------

    @classmethod
    def from_folder(
        cls,
        path: str | os.PathLike[str],
        labels: Sequence[str] | None = None,
        others: str | None = None,
    ) -> Recordings:
        """Recordings that lie in one folder a label, as those of Speech Commands do.

        Every file in a label's folder must be audio; hidden files and folders are passed over.
        ``_background_noise_`` becomes `noises`. Files named in ``validation_list.txt`` and
        ``testing_list.txt`` go to these sides of a split.

        Parameters
        ----------
        path : str or path
        labels : list of str, optional
            The folders to take; None: all.
        others : str, optional
            The label of all other folders (``"unknown"``); None: they are left out.

        Returns
        -------
        Recordings

        Raises
        ------
        RecordingsError
            No folder, an empty one, a file that cannot be read, only one label, a line of a list
            without its file: all that is wrong, a line each.
        OSError
            A folder cannot be read.
        """
        folder = Path(path)
        items, noises = read_label_folders(folder, labels, others)
        names = sorted({item.label for item in items if item.label is not None})
        if len(names) < 2:
            raise RecordingsError(
                str(folder), [f"holds only the label {names[0]!r}; expected two labels at least"]
            )
        return cls(str(folder), items, names, "sequence", None, noises)

    @classmethod
    def from_manifest(
        cls,
        path: str | os.PathLike[str],
        spans: Spans = "events",
        units: Units = "characters",
        background: str = "background",
    ) -> Recordings:
        """Recordings that a table lists: CSV with a header, or JSONL; UTF-8.

        ========== =====================================================================
        column     meaning
        ========== =====================================================================
        path       the audio file; relative to the manifest's folder
        label      what is heard
        start, end from when to when, seconds; may be missing or empty
        transcript what is said, in place of a label: text, or in JSONL a list of units
        speaker    what is of one speaker goes to one side of a split
        split      the side of a split: training, validation or testing
        ========== =====================================================================

        Labels without times: one example a row, one target a sequence. Labels with times are events
        inside a recording, any number of rows for a file: the file is one example with a target a
        frame, and `background` wherever nothing is marked. A row of a file that has the label
        `background` and no times says that there is nothing in it. Transcripts: one example a row,
        for `CTC`.

        Parameters
        ----------
        path : str or path
            Ends in ``.csv`` or ``.jsonl``.
        spans : {"events", "clips"}
            What labels with times are: events, or clips to be cut out, one target each.
        units : {"characters", "words"}
            What transcripts that are text are made of.
        background : str
            The label of frames where nothing is marked.

        Returns
        -------
        Recordings

        Raises
        ------
        RecordingsError
            An unknown column, a missing or unreadable file, times that are not inside the file,
            rows that say the same or contradict each other, only one label, nothing at all: all
            that is wrong, a line each, with the number of its line.
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
                raise RecordingsError(str(path), [f"a transcript holds {BLANK!r}, which is CTC's"])
            if not said:
                raise RecordingsError(str(path), ["nothing is said; expected a transcript"])
            return cls(str(path), items, [BLANK, *sorted(said)], "transcript")
        names = {name for item in items for name in names_of(item)}
        if all(item.label is None for item in items):
            if not names:
                raise RecordingsError(
                    str(path), [f"marks nothing but {background!r}; expected another label, too"]
                )
            names.add(background)
            return cls(str(path), items, sorted(names), "frame", background)
        if len(names) < 2:
            only = next(iter(names))
            raise RecordingsError(
                str(path), [f"holds only the label {only!r}; expected two labels at least"]
            )
        return cls(str(path), items, sorted(names), "sequence")

    # --- what they are ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Recordings({self.name!r}: {len(self)} recordings, {len(self.labels)} labels)"

    @property
    def seconds(self) -> float:
        """Length of all together."""
        return math.fsum(item.seconds for item in self.items)

    def counts(self) -> dict[str, int]:
        """How many examples each label has: recordings, events, or units of transcripts.

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
        """How many recordings there are at each sample rate, Hz.

        Returns
        -------
        dict of int to int
            By rate, lowest first.
        """
        return dict(sorted(Counter(item.header.rate for item in self.items).items()))

    def check(self) -> None:
        """Reads every file to its end; making `Recordings` opens them and reads their headers.

        Raises
        ------
        RecordingsError
            Files that are damaged or cut off, a line each.
        """
        problems = []
        for path in dict.fromkeys([*(item.path for item in self.items), *self.noises]):
            try:
                Header.of(path, decode=True)
            except AudioError as error:
                problems.append(str(error))
        if problems:
            raise RecordingsError(self.name, problems)

    # --- what is made of them ---------------------------------------------------------------------

    def split(self, validation: float = 0.1, testing: float = 0.0, seed: int = 0) -> Split:
        """Recordings to learn from and others to judge by.

        A speaker is on one side. Where a list or a column says who is validated or tested, that is
        so; else it is decided by a hash of the speaker and the seed: it does not change where the
        set lies, in which order it is read, or what is added to it. (Only a label that would be
        missing on a side moves a speaker there.) The shares are met as nearly as chance has it.

        Parameters
        ----------
        validation, testing : float
            Shares of the speakers, where no list says who.
        seed : int

        Returns
        -------
        Split
            ``training, validation, testing``.

        Raises
        ------
        RecordingsError
            A label cannot be on both sides: it has one example or one speaker.
        ValueError
            A share is below 0, or nothing is left to learn from.
        """
        for name, share in (("validation", validation), ("testing", testing)):
            if not isinstance(share, (int, float)) or not 0 <= share < 1:
                raise ValueError(f"{name} is {share!r}; expected a share, 0 to below 1")
        if validation + testing >= 1:
            raise ValueError(f"validation + testing is {validation + testing}; expected below 1")
        sides = sides_of(self.items, validation, testing, count("seed", seed, 0), self.name)
        parts = Split(
            *(
                self._of([item for item, on in zip(self.items, sides, strict=True) if on == side])
                for side in Split._fields
            )
        )
        absent = [
            f"nothing to learn {label!r} from: all its examples are on other sides"
            for label, there in self.counts().items()
            if there and not parts.training.counts()[label]
        ]
        if absent and self.per != "transcript":
            raise RecordingsError(self.name, absent)
        if self.items and not parts.training.items:
            raise RecordingsError(self.name, ["nothing is left to learn from"])
        return parts

    def _of(self, items: Sequence[Recording]) -> Recordings:
        return Recordings(self.name, items, self.labels, self.per, self.background, self.noises)

    def normalised(
        self, features: MFCC | LogMel, cache: FeatureCache | str | os.PathLike[str] | None = None
    ) -> MFCC | LogMel:
        """The same features, with the mean and the standard deviation of these recordings' frames.

        Parameters
        ----------
        features : MFCC or LogMel
            Without a mean and a standard deviation.
        cache : FeatureCache or path, optional

        Returns
        -------
        MFCC or LogMel
            To be used for training and for the model.

        Raises
        ------
        ValueError
            The features are normalised already, or there are no recordings.
        AudioError
            A recording cannot be read.
        """
        if features.mean is not None:
            raise ValueError("features have a mean and std; expected features without")
        if not self.items:
            raise ValueError(f"{self.name}: there are no recordings")
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
        """A source of the frames of these recordings and of their targets.

        Parameters
        ----------
        features : MFCC or LogMel
            Those of the model; see `normalised`.
        batch_size, shuffle, bucket
            As in `Arrays`.
        augment : Chain, augmentation, or list of them, optional
            Done anew in every epoch.
        cache : FeatureCache or path of a folder, optional
            Keeps the frames of recordings that are not augmented.
        resample : bool or None
            Whether files at another rate than the features' are resampled (soxr, high quality) or
            refused. None: resampled, with one warning that says so.
        workers : int
            Threads that read and compute; batches are the same for any number.

        Returns
        -------
        RecordingSource

        Raises
        ------
        RecordingsError
            Files at another rate where that is refused, recordings too short for a frame or for
            their transcripts: all of them, a line each.
        TypeError, ValueError
            Another argument is not what was expected; no recordings.

        Warns
        -----
        UserWarning
            Files are resampled or mixed down to mono and `resample` is None.
        """
        if not isinstance(features, (MFCC, LogMel)):
            raise TypeError(f"features is {type(features).__name__}; expected MFCC or LogMel")
        if not self.items:
            raise ValueError(f"{self.name}: there are no recordings")
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
