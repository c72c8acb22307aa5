"""Running audio made of recordings: words among other speech, noise and silence, without an end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice, count, listing, number
from pylstm.features import Features
from pylstm.model import Model
from pylstm.train.augment.augmentation import Augmentation, Chain
from pylstm.train.data.batch import Batch
from pylstm.train.data.hard_places import hard_places
from pylstm.train.data.recording_set import RecordingSet
from pylstm.train.data.running_row import RowPlan, RunningRow
from pylstm.train.data.stretches import Stretches
from pylstm.train.data.word_clips import WordClips
from pylstm.train.network import Network
from pylstm.train.random_draws import Purpose, generator
from pylstm.train.thread_pool import ThreadPool

__all__ = ["RunningAudio"]

# A row starts from a fresh state about so often; the others carry on from the batch before.
_FRESH = 1 / 8
# Hard negatives are looked for from this epoch on, counted from 0.
_FIRST_HARD_EPOCH = 2


class RunningAudio:
    """A source of running audio, with a target for each frame.

    A model that was trained on single clips fails on a stream: it has never heard a word after
    another one, nor an hour without any. Here clips are set into audio that goes on: words between
    pauses, other speech before and after them, minutes without a word, noise, silence, other
    levels. The state is carried over from batch to batch, row by row. A word is the target from
    shortly before its end to a quarter of a second after it, when it has been said; while it is
    being said, nothing counts.

    Parameters
    ----------
    recordings : RecordingSet
        A label each, or events.
    features : Features
        Those of the model.
    labels : sequence of str
        The model's, in the order of its outputs: those of the recordings, and `background`.
    batch_size : int
        Rows of audio side by side.
    seconds : float
        The length of a row.
    n_batches : int, optional
        Batches in an epoch. None: as many as there are words, about.
    background : str
        The label of frames without a word.
    others : str, optional
        The label of speech that is none of the words, where the model has one. None: `background`.
    negatives : sequence of paths
        Recordings without any of the words.
    noises : sequence of paths
        Recordings of noise, which also stand alone.
    augment : Chain, augmentation, or list of them, optional
        Changes of each clip and stretch before they are joined.
    scene : Chain, augmentation, or list of them, optional
        Changes of a whole row: rooms, noise, levels, masked frames.
    workers : int
        Threads that compose rows; the batches do not depend on it.

    Raises
    ------
    TypeError, ValueError
        An argument is not as described.
    AudioError
        A file of `negatives` or `noises` cannot be read.

    Notes
    -----
    Batches depend on epoch and seed, and on `negatives.hard` while there are any: see `Stretches`.
    """

    per = "frame"

    def __init__(
        self,
        recordings: RecordingSet,
        features: Features,
        labels: Sequence[str],
        batch_size: int = 32,
        *,
        background: str,
        seconds: float = 8.0,
        n_batches: int | None = None,
        others: str | None = None,
        negatives: Sequence[str] = (),
        noises: Sequence[str] = (),
        augment: Chain | Augmentation | Sequence[Augmentation] | None = None,
        scene: Chain | Augmentation | Sequence[Augmentation] | None = None,
        workers: int = 1,
    ) -> None:
        if recordings.per == "transcript":
            raise ValueError(f"{recordings.name} has transcripts; expected labels or events")
        self.recordings, self.features = recordings, features
        self.labels = tuple(labels)
        self.batch_size = count("batch_size", batch_size, 1)
        self.seconds = number("seconds", seconds, 1.0)
        choice("background", background, self.labels)
        if others is not None:
            choice("others", others, self.labels)
        self.words = WordClips(recordings)
        if missing := [name for name in self.words.labels if name not in self.labels]:
            raise ValueError(
                f"labels is {listing(self.labels)}; expected {missing[0]!r} among them"
            )
        self.negatives, self.noises = Stretches(negatives), Stretches(noises)
        self.augment, self.scene = Chain.of(augment), Chain.of(scene)
        self.workers = count("workers", workers, 1)
        self._plan = RowPlan(
            self.words, self.negatives, self.noises, self.labels, background, others
        )
        words = sum(recordings.counts().values())
        # About two words in a row, on average.
        self._n_batches = n_batches or max(1, round(words / 2 / self.batch_size))

    def __repr__(self) -> str:
        return f"RunningAudio({self.recordings!r}, {self.negatives!r}, {self.seconds:g} s)"

    @property
    def n_batches(self) -> int:
        """Batches in an epoch."""
        return self._n_batches

    @property
    def n_features(self) -> int:
        """Width of a frame."""
        return self.features.n_features

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch; see `Source.batches`."""
        pool = ThreadPool(self.workers) if self.workers > 1 else None
        mapped: Any = map if pool is None else pool.map
        try:
            for place in range(self._n_batches):

                def row(number: int, place: int = place) -> RunningRow:
                    return self._row(epoch, seed, place * self.batch_size + number)

                rows = list(mapped(row, range(self.batch_size)))
                yield self._batch(rows, epoch, seed, place)
            self.recordings.cut.warn()
        finally:
            if pool is not None:
                pool.shutdown()

    def prepare(self, network: Network, epoch: int, seed: int) -> None:
        """Looks for hard negatives before an epoch: see `Source`.

        The network listens to the negatives; where it finds words, half of the negatives of the
        epoch are cut. From the third epoch on, as before that it finds words everywhere.
        """
        if not len(self.negatives) or epoch < _FIRST_HARD_EPOCH:
            self.negatives.hard = ()
            return
        model = Model(self.features, network.graph())
        words = [place for place, name in enumerate(self.labels) if name in self.keywords]
        begin = generator(Purpose.HARD_NEGATIVES, seed=seed, epoch=epoch).integers(
            len(self.negatives)
        )
        self.negatives.hard = hard_places(model, self.negatives, words, int(begin))

    @property
    def keywords(self) -> tuple[str, ...]:
        """The labels that a listener reports: not `background`, not `others`."""
        return self._plan.keywords

    def row(self, epoch: int, seed: int, number: int) -> RunningRow:
        """A row of audio, before features: for those who want to listen.

        Parameters
        ----------
        epoch, seed, number : int
            The draws depend on them, 0 or more.
        """
        return self._plan.row(
            self.seconds,
            self.features.sr,
            generator(Purpose.RUNNING_AUDIO, seed=seed, epoch=epoch, row=number),
            self._clip_changes(epoch, seed, number),
        )

    def _clip_changes(self, epoch: int, seed: int, number: int) -> Any:
        """What changes the n-th clip of a row."""

        def change(y: NDArray[np.float32], place: int) -> Any:
            # An item of its own for each clip: no row has 256 of them.
            item = number * 256 + place
            return self.augment.samples(y, self.features.sr, seed=seed, epoch=epoch, item=item)

        return change

    def _row(self, epoch: int, seed: int, number: int) -> RunningRow:
        """A row with its frames and their targets."""
        row = self.row(epoch, seed, number)
        y, times = self.scene.samples(
            row.samples, self.features.sr, seed=seed, epoch=epoch, item=number
        )
        if times != (1.0, 0.0) or len(y) != len(row.samples):
            raise ValueError("scene moves events in time; expected changes that do not, in augment")
        x = self.features(y)
        blocks = 1 + self.features.deltas
        x = self.scene.frames(x, seed=seed, epoch=epoch, item=number, blocks=blocks)
        return row.with_frames(x, self.features)

    def _batch(self, rows: Sequence[RunningRow], epoch: int, seed: int, place: int) -> Batch:
        continues = None
        if place:
            draw = generator(Purpose.CARRIED_STATE, seed=seed, epoch=epoch, batch=place)
            fresh = draw.random(len(rows)) < _FRESH
            continues = np.where(fresh, -1, np.arange(len(rows)))
        x = np.stack([row.frames for row in rows], axis=1)
        return Batch(
            np.ascontiguousarray(x),
            np.full(len(rows), len(x), np.int64),
            np.stack([row.targets for row in rows], axis=1),
            np.stack([row.weights for row in rows], axis=1),
            continues,
        )
