"""Recordings: a set of labelled audio files, to be split and turned into batches."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pylstm.arguments import count
from pylstm.features import Features
from pylstm.train.augment.augmentation import Augmentation, Chain
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.file_headers import FileHeaders
from pylstm.train.data.found_recordings import FoundRecordings
from pylstm.train.data.label_folders import Subfolders, read_label_folders
from pylstm.train.data.manifest import Spans, Units, read_manifest
from pylstm.train.data.normalisation import mean_and_std
from pylstm.train.data.output_labels import BLANK, OutputLabels
from pylstm.train.data.recording import Recording
from pylstm.train.data.recording_set import RecordingSet
from pylstm.train.data.recording_source import RecordingSource
from pylstm.train.data.shown_names import shown
from pylstm.train.data.speaker_split import sides_of

__all__ = ["BLANK", "Recordings", "Split"]


class Split(NamedTuple):
    """The three sides of a split; no speaker is on two of them, unless a list puts him there."""

    training: Recordings
    validation: Recordings
    testing: Recordings


class Recordings(RecordingSet):
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
    notes : tuple of str
        What was passed over or left out when it was read, in words.
    """

    # --- reading ----------------------------------------------------------------------------------

    @classmethod
    def from_folder(
        cls,
        path: str | os.PathLike[str],
        labels: Sequence[str] | None = None,
        others: str | None = None,
        *,
        subfolders: Subfolders | None = None,
        skip_missing: bool = False,
        skip_unreadable: bool = False,
        one_label: bool = False,
    ) -> Recordings:
        """Recordings in one folder for each label, as in Speech Commands.

        Files are recordings if their names end as audio does (``.wav``) or if they begin as audio
        does. Everything else is passed over and stands in `notes`. The files in
        ``_background_noise_`` become `noises`. Files in ``validation_list.txt`` and
        ``testing_list.txt`` go to these sides of a split.

        Parameters
        ----------
        path : str or path
        labels : list of str, optional
            The folders to use; None: all with recordings.
        others : str, optional
            One label for all other folders (``"unknown"``); None: they are ignored.
        subfolders : {"speakers", "include", "skip"}, optional
            What to do with recordings in a subfolder of a label's folder: each subfolder is one
            speaker, they are like those beside it, or they are passed over. None: refused.
        skip_missing : bool
            Whether to leave out files that a list names and links whose file is missing.
        skip_unreadable : bool
            Whether to leave out files that cannot be read as audio, or whose float samples do not
            go from -1 to 1. Every file is then read to its end.
        one_label : bool
            Whether a single label is enough, as to judge a model, or for a wake word that is learnt
            among other audio.

        Returns
        -------
        Recordings

        Raises
        ------
        RecordingsError
            No folder, no recordings, an unreadable file, float samples on the scale of int16,
            recordings in subfolders, only one label, a missing file in a list: all problems, one on
            each line.
        OSError
            A folder cannot be read.

        Warns
        -----
        UserWarning
            Something was passed over or left out; not for hidden files and a README beside the
            folders.
        """
        folder = Path(path)
        files = FileHeaders(skip_missing, skip_unreadable)
        found = read_label_folders(folder, labels, others, subfolders, files)
        return cls._found(folder, found, None, one_label)

    @classmethod
    def from_manifest(
        cls,
        path: str | os.PathLike[str],
        spans: Spans = "events",
        units: Units = "characters",
        background: str = "background",
        *,
        skip_missing: bool = False,
        skip_unreadable: bool = False,
        one_label: bool = False,
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
        file without events. Transcripts: each row is an example, for `CTC`. Other columns are not
        used, and said.

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
        skip_missing, skip_unreadable, one_label : bool
            As in `from_folder`.

        Returns
        -------
        Recordings

        Raises
        ------
        RecordingsError
            A missing or unreadable file, times outside of the file, rows that
            duplicate or contradict each other, only one label, no rows: all problems, one on each
            line, with line numbers.
        OSError
            The manifest cannot be read.

        Warns
        -----
        UserWarning
            Columns are not used, or files were left out.

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
        files = FileHeaders(skip_missing, skip_unreadable)
        found = read_manifest(path, spans, units, background, files)
        return cls._found(path, found, background, one_label)

    @classmethod
    def _found(
        cls, path: Path, found: FoundRecordings, background: str | None, one_label: bool
    ) -> Recordings:
        outputs = OutputLabels.of(str(path), found.items, background, one_label)
        for note in found.notes:
            if note.warns:  # at the call of from_folder or from_manifest
                warnings.warn(shown(note.text), UserWarning, stacklevel=3)
        texts = [shown(note.text) for note in found.notes]
        return cls(str(path), found.items, *outputs, found.noises, texts)

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
        return Recordings(
            self.name, items, self.labels, self.per, self.background, self.noises, cut=self.cut
        )

    def normalised(
        self, features: Features, cache: FeatureCache | str | os.PathLike[str] | None = None
    ) -> Features:
        """The same features, normalised by the mean and standard deviation of these recordings.

        Parameters
        ----------
        features : Features
            Without a mean and a standard deviation.
        cache : FeatureCache or path, optional

        Returns
        -------
        Features
            For training and for the model.

        Raises
        ------
        ValueError
            The features have a mean and std already, or there are no recordings.
        AudioError
            A recording cannot be read.

        Warns
        -----
        UserWarning
            Recordings end before their headers say: all of them, once.
        """
        if features.mean is not None:
            raise ValueError("features has a mean and std; expected features without")
        if not self.items:
            raise ValueError(f"{self.name} has no recordings; expected at least one")
        store = FeatureCache.of(cache)
        mean, std = mean_and_std(
            item.frames(features, self.cut)
            if store is None
            else store.frames(item, features, self.cut)
            for item in self.items
        )
        self.cut.warn()
        return replace(features, mean=mean, std=std)  # type: ignore[type-var]

    def source(
        self,
        features: Features,
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
        features : Features
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
        if not isinstance(features, Features):
            raise TypeError(
                f"features is {type(features).__name__};"
                " expected MFCC, LogMel, Spectrum or Waveform"
            )
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
