"""Batches of recordings: their frames, computed or cached, and their targets."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag, number_of
from pylstm.features import Features
from pylstm.train.augment.augmentation import Augmentation, Chain, Times
from pylstm.train.data.batch import Batch, collate
from pylstm.train.data.batch_order import batch_order
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.feature_cache import FeatureCache
from pylstm.train.data.recording import Recording, frame_seconds
from pylstm.train.data.recording_set import RecordingSet
from pylstm.train.thread_pool import ThreadPool

__all__ = ["RecordingSource"]


class _Example(NamedTuple):
    x: NDArray[np.float32]
    y: NDArray[np.int64]


class RecordingSource:
    """A source of the frames of recordings and their targets; see `Recordings.source`.

    Attributes
    ----------
    recordings : Recordings
    features : Features
    per : {"sequence", "frame", "transcript"}
        What a target belongs to.
    """

    def __init__(
        self,
        recordings: RecordingSet,
        features: Features,
        batch_size: int = 32,
        *,
        augment: Chain | Augmentation | Iterable[Augmentation] | None = None,
        cache: FeatureCache | str | os.PathLike[str] | None = None,
        shuffle: bool = True,
        bucket: bool = True,
        resample: bool | None = None,
        workers: int = 1,
    ) -> None:
        self.recordings, self.features = recordings, features
        self.per = recordings.per
        self.batch_size = count("batch_size", batch_size, 1)
        self.shuffle, self.bucket = flag("shuffle", shuffle), flag("bucket", bucket)
        self.augment = Chain.of(augment)
        self.workers = count("workers", workers, 1)
        _check_rates(recordings, features.sr, resample)
        self._place = {label: place for place, label in enumerate(recordings.labels)}
        # Milliseconds: numbers of frames vary with augmentation, but in the same order.
        self._lengths = np.array([round(1000 * item.seconds) for item in recordings.items])
        if problems := [text for item in recordings.items if (text := self._too_short(item))]:
            raise RecordingsError(recordings.name, problems)
        self.cache = FeatureCache.of(cache)

    def __repr__(self) -> str:
        settings = f"{self.features!r}, batch_size={self.batch_size}"
        return f"RecordingSource({self.recordings!r}, {settings})"

    def __len__(self) -> int:
        return len(self.recordings.items)

    @property
    def n_features(self) -> int:
        """Width of a frame."""
        return self.features.n_features

    @property
    def n_batches(self) -> int:
        """Batches in an epoch."""
        return -(-len(self) // self.batch_size)

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch, with every recording once; see `Source.batches`.

        Raises
        ------
        AudioError
            A file cannot be read, is damaged, or holds NaN; the message names it.

        Warns
        -----
        UserWarning
            Files end before their headers say: all of them, once, after the last batch.
        """

        def example(place: int) -> _Example:
            return self._example(place, epoch, seed)

        order = batch_order(self._lengths, self.batch_size, self.shuffle, self.bucket, epoch, seed)
        pool = ThreadPool(self.workers) if self.workers > 1 else None
        mapped = map if pool is None else pool.map
        try:
            for rows in order:
                examples = list(mapped(example, rows.tolist()))
                yield collate([e.x for e in examples], [e.y for e in examples], self.per)
            self.recordings.cut.warn()
        finally:  # also if the caller stops early
            if pool is not None:
                pool.shutdown()

    def _example(self, place: int, epoch: int, seed: int) -> _Example:
        """The frames and the target of a recording in an epoch."""
        item, features, times = self.recordings.items[place], self.features, Times()
        if self.augment.changes_samples(seed=seed, epoch=epoch, item=place):
            y = item.samples(features.sr, self.recordings.cut)
            y, times = self.augment.samples(y, features.sr, seed=seed, epoch=epoch, item=place)
            x = item.frames_of(y, features)
        elif self.cache is not None:
            x = self.cache.frames(item, features, self.recordings.cut)
        else:
            x = item.frames(features, self.recordings.cut)
        blocks = 1 + features.deltas
        x = self.augment.frames(x, seed=seed, epoch=epoch, item=place, blocks=blocks)
        return _Example(x, self._target(item, len(x), times))

    def _target(self, item: Recording, n: int, times: Times) -> NDArray[np.int64]:
        """A label, the labels of n frames, or a transcript, as indices of outputs."""
        if item.label is not None:
            return np.array(self._place[item.label], np.int64)
        if item.transcript is not None:
            return np.array([self._place[unit] for unit in item.transcript], np.int64)
        assert self.recordings.background is not None
        background = self._place[self.recordings.background]
        events = [mark for mark in item.marks if mark.label != self.recordings.background]
        spans = [(times(mark.start), times(mark.end)) for mark in events]
        middles = frame_seconds(self.features, n)
        owners = _owners(spans, middles, times.scale * item.seconds)
        # Frames without an event have the owner -1: the last label.
        labels = [*(self._place[mark.label] for mark in events), background]
        return np.array(labels, np.int64)[owners]

    def _too_short(self, item: Recording) -> str | None:
        """Why a recording is too short; None: it is not."""
        features, transcript = self.features, item.transcript
        n = round(item.seconds * features.sr * self.augment.shortest)
        n_frames = features.n_frames(n)
        least = 9 if features.deltas else 1
        if n_frames < least or n < 1:
            return (
                f"{item.name} has {item.seconds:.3f} s, {number_of(max(n_frames, 0), 'frame')}"
                f"{self._faster}; expected {number_of(least, 'frame')} or more"
            )
        if transcript is None:
            return None
        # CTC needs a blank between equal neighbours.
        twins = sum(one == two for one, two in pairwise(transcript))
        if n_frames < len(transcript) + twins:
            return (
                f"{item.name} has {item.seconds:.3f} s, {number_of(n_frames, 'frame')}"
                f"{self._faster}; expected {number_of(len(transcript) + twins, 'frame')}"
                f" for its {number_of(len(transcript), 'unit')}"
            )
        return None

    @property
    def _faster(self) -> str:
        return "" if self.augment.shortest == 1 else " at the highest speed"


def _owners(
    spans: Sequence[tuple[float, float]], middles: NDArray[np.float64], seconds: float
) -> NDArray[np.int64]:
    """The index of the event that each frame belongs to; -1: none.

    An event without the middle of a frame gets the nearest free frame. Times are seconds of the
    audio; middles are evenly spaced.
    """
    owners = np.full(len(middles), -1, np.int64)
    for number, (first, end) in enumerate(np.searchsorted(middles, spans).tolist()):
        owners[first:end] = number
    held = np.bincount(owners + 1, minlength=len(spans) + 1)[1:]
    hop = middles[1] - middles[0] if len(middles) > 1 else np.inf
    for number in np.flatnonzero(held == 0).tolist():
        middle = sum(spans[number]) / 2
        if not 0 <= middle <= seconds:
            continue  # a shift has moved it out of the audio
        before = int((middle - middles[0]) // hop)
        # Before the first middle and after the last there may be more than a hop.
        near = {min(max(place, 0), len(middles) - 1) for place in (before, before + 1)}
        # A frame without an event, else one of an event with several; of these the nearer one.
        free = [
            (owners[place] >= 0, abs(middles[place] - middle), place)
            for place in near
            if owners[place] < 0 or held[owners[place]] > 1
        ]
        if free:
            taken, _, place = min(free)
            if taken:
                held[owners[place]] -= 1
            owners[place], held[number] = number, 1
    return owners


def _check_rates(recordings: RecordingSet, sample_rate: int, resample: bool | None) -> None:
    """Refuses files at other rates, or warns that they are resampled."""
    if resample is not None and flag("resample", resample):
        return
    other = {i.path: i.header.rate for i in recordings.items if i.header.rate != sample_rate}
    if resample is None:
        if said := _changes(recordings.items, sample_rate):
            # At the call of Recordings.source.
            warnings.warn(said, UserWarning, stacklevel=4)
    elif other:
        raise RecordingsError(
            recordings.name,
            [
                f"{path} is at {rate} Hz; expected {sample_rate} Hz, as resample is False"
                for path, rate in other.items()
            ],
        )


def _changes(items: Sequence[Recording], sample_rate: int) -> str:
    """What is done to the audio, in words."""
    said = []
    if other := [item for item in items if item.header.rate != sample_rate]:
        said.append(
            f"{len(other)} of {number_of(len(items), 'recording')}"
            f" {'is' if len(other) == 1 else 'are'} resampled to {sample_rate} Hz"
            f" ({other[0].path} from {other[0].header.rate} Hz); resample=False refuses them"
        )
    if many := [item for item in items if item.header.channels > 1]:
        said.append(
            f"{len(many)} of {number_of(len(items), 'recording')}"
            f" {'is' if len(many) == 1 else 'are'} mixed down to mono"
            f" ({many[0].path} has {many[0].header.channels} channels)"
        )
    return "; ".join([*said, "resample=True accepts this"]) if said else ""
