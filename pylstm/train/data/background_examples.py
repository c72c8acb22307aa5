"""Adds noise and silence examples to each batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, number
from pylstm.features import Features
from pylstm.train.augment.noise import Noise
from pylstm.train.data.batch import Batch
from pylstm.train.data.source import Source, WrappedSource
from pylstm.train.random_draws import Purpose, generator

__all__ = ["BackgroundExamples"]

# Silence counts as -60 dB of full scale to Noise: from -80 to -20 dB.
_SNR_DB = (-40.0, 20.0)


class BackgroundExamples(WrappedSource):
    """A source that adds noise and silence examples, with a label of their own, to each batch.

    A model that was trained on words alone finds a word in everything. The added sequences are
    coloured or recorded noise from -80 to -20 dB of full scale; one in eight is digital silence.
    Each is as long as one of the batch.

    Parameters
    ----------
    source : source
        Its batches have a label for each sequence.
    features : Features
        Those of the source.
    label : int
        The label of the added sequences.
    share : float
        Added sequences for each sequence of the source, 0 or more; at least one a batch.
    noises : sequence of paths
        Files of recorded noise; used for half of the noise examples.

    Raises
    ------
    TypeError, ValueError, AudioError
        An argument is not as described, or a file of noise cannot be read.
    """

    def __init__(
        self,
        source: Source,
        features: Features,
        label: int,
        share: float = 0.2,
        noises: Sequence[str] = (),
    ) -> None:
        super().__init__(source)
        if not isinstance(features, Features):
            raise TypeError(
                f"features is {type(features).__name__};"
                " expected MFCC, LogMel, Spectrum or Waveform"
            )
        self.features = features
        self.label = count("label", label, 0)
        self.share = number("share", share)
        self._noises = [Noise(snr_db=_SNR_DB)]
        if noises:
            self._noises.append(Noise(snr_db=_SNR_DB, recordings=noises))

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch; see `Source.batches`."""
        for place, batch in enumerate(self.source.batches(epoch, seed)):
            draw = generator(Purpose.SILENCE, seed=seed, epoch=epoch, batch=place)
            targets = batch.targets
            if (
                not isinstance(targets, np.ndarray)
                or targets.ndim != 1
                or batch.continues is not None
            ):
                raise ValueError(
                    "source has batches without a label for each sequence; expected one each, and"
                    " none that carry on"
                )
            more = max(1, round(self.share * len(batch.lengths)))
            frames = [self._frames(draw, int(n)) for n in draw.choice(batch.lengths, more)]
            x = np.zeros((len(batch.x), len(targets) + more, batch.x.shape[2]), np.float32)
            x[:, : len(targets)] = batch.x
            for row, found in enumerate(frames, len(targets)):
                x[: len(found), row] = found
            weights = batch.weights
            if isinstance(weights, np.ndarray):
                weights = np.append(weights, np.ones(more, np.float32))
            yield Batch(
                x,
                np.append(batch.lengths, [len(found) for found in frames]),
                np.append(targets, np.full(more, self.label, targets.dtype)),
                weights,
            )

    def _frames(self, draw: np.random.Generator, n: int) -> NDArray[np.float32]:
        """At most n frames of noise or silence."""
        hop, rate = self.features.hop_length, self.features.sr
        whole_frame = getattr(self.features, "n_fft", self.features.span)
        samples = np.zeros(max(n * hop, whole_frame), np.float32)
        if draw.random() >= 1 / 8:
            noise = self._noises[int(draw.integers(len(self._noises)))]
            samples, _ = noise.samples(samples, rate, draw)
        return self.features(samples)[:n]
