"""Train the speech detector with `pylstm.train`, and save it as a model file.

Usage::

    python train.py features CLIPS CACHE     # mix sequences, compute their MFCC frames
    python train.py fit CACHE MODEL          # train; write the model file

The network learns as it will run: frame by frame, looking only back, with a state that is carried
from one sequence to the next, so that minutes of audio are nothing new to it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from material import SAMPLE_RATE
from mix import HOP_LENGTH, LABELS, Mixer

import pylstm
from pylstm.train import AdamW, Batch, Cosine, CrossEntropy, fit

N_MFCC = 20
HIDDEN_SIZE = 40
NUM_LAYERS = 2
SECONDS = 10.0
CHUNK = 200  # frames that are unrolled at once
BATCH = 64
FRESH = 0.04  # of the rows of a batch begin anew: a stream lives about a minute

# The first two are to begin with: `evaluate.py tune` chooses them.
DETECTOR = {
    "detector.threshold": "0.5",
    "detector.smoothing_frames": "10",
    "detector.refractory_frames": "20",
    "detector.background": "other",
}
# What a listener decides by; the notes above are for `Detector.for_model`.
DECISION = {
    "kind": "segments",
    "label": "speech",
    "threshold": 0.7,
    "smoothing_frames": 5,
    "min_speech": 0.25,
    "min_silence": 0.3,
    "pad": 0.03,
}


def mfcc(**normalisation: np.ndarray) -> pylstm.MFCC:
    """The frames that the model hears."""
    return pylstm.MFCC(
        sr=SAMPLE_RATE, n_mfcc=N_MFCC, n_fft=512, win_length=400, hop_length=HOP_LENGTH,
        n_mels=40, fmin=20, fmax=7600, center=True, pad_mode="constant", top_db=None, deltas=0,
        **normalisation,
    )  # fmt: skip


def make_features(clips: Path, cache: Path, split: str, count: int, seed: int) -> None:
    """Mix so many sequences and keep their frames, labels and weights in the cache folder."""
    mixer, frames_of = Mixer(clips, split, seed), mfcc()
    length = int(SECONDS * SAMPLE_RATE) // HOP_LENGTH
    frames = np.empty((count, length, N_MFCC), np.float32)
    labels = np.empty((count, length), np.int8)
    weights = np.empty((count, length), np.float32)
    began = time.monotonic()
    for i in range(count):
        samples, labels[i], weights[i] = mixer.sequence(SECONDS)
        frames[i] = frames_of(samples)[:length]
        if (i + 1) % 500 == 0:
            print(f"{split}: {i + 1} of {count}, {time.monotonic() - began:.0f} s", flush=True)
    for name, array in (("frames", frames), ("labels", labels), ("weights", weights)):
        np.save(cache / f"{split}.{name}.npy", array)


class Sequences:
    """A source for `pylstm.train.fit`: the sequences of a split, streams that go on and on.

    Parameters
    ----------
    cache : Path
        Folder that ``train.py features`` wrote.
    split : str
        ``training``: in another order every epoch, each sequence a little changed.
        ``validation``: as they are, side by side, from a fresh state.
    """

    def __init__(self, cache: Path, split: str) -> None:
        self.frames = np.load(cache / f"{split}.frames.npy")
        self._labels = np.load(cache / f"{split}.labels.npy")
        self._weights = np.load(cache / f"{split}.weights.npy")
        self._changed = split == "training"
        self._parts = self.frames.shape[1] // CHUNK
        self._rounds = len(self.frames) // BATCH

    @property
    def n_batches(self) -> int:
        """Batches an epoch; sequences that fill no batch wait for another epoch."""
        return self._rounds * self._parts

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch, each a chunk of BATCH sequences."""
        draw = np.random.default_rng([seed, epoch])
        count, width = len(self.frames), self.frames.shape[2]
        order = draw.permutation(count) if self._changed else np.arange(count)
        lengths = np.full(BATCH, CHUNK)
        for r in range(self._rounds):
            rows = order[r * BATCH : (r + 1) * BATCH]
            frames = self.frames[rows]
            if self._changed:
                # A constant offset of the cepstrum is a filter, a factor other dynamics.
                frames *= np.exp(draw.normal(0, 0.08, (BATCH, 1, width))).astype(np.float32)
                frames += draw.normal(0, 0.2, (BATCH, 1, width)).astype(np.float32)
            for part in range(self._parts):
                cut = slice(part * CHUNK, (part + 1) * CHUNK)
                carried = np.arange(BATCH)
                if self._changed:
                    carried[draw.random(BATCH) < FRESH] = -1
                if (r, part) == (0, 0) or (part == 0 and not self._changed):
                    carried[:] = -1
                yield Batch(
                    np.ascontiguousarray(frames[:, cut].transpose(1, 0, 2)),
                    lengths,
                    self._labels[rows, cut].T.astype(np.int64),
                    np.ascontiguousarray(self._weights[rows, cut].T),
                    carried,
                )


def train(cache: Path, path: Path, epochs: int, learning_rate: float, seed: int) -> None:
    """Train from weights drawn by the seed, and write the best epoch's by the validation split."""
    training, validation = Sequences(cache, "training"), Sequences(cache, "validation")
    mean = training.frames.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    std = training.frames.std(axis=(0, 1), dtype=np.float64).astype(np.float32)
    for source in (training, validation):
        source.frames -= mean
        source.frames /= std
    lstm = pylstm.LSTM(N_MFCC, HIDDEN_SIZE, num_layers=NUM_LAYERS, seed=seed)
    for layer in range(NUM_LAYERS):
        # A forget gate that starts open: speech lasts hundreds of frames.
        lstm.weights[f"bias_ih_l{layer}"][HIDDEN_SIZE : 2 * HIDDEN_SIZE] = 1.0
    model = pylstm.Model(
        mfcc(mean=mean, std=std),
        [lstm, pylstm.Dense(HIDDEN_SIZE, len(LABELS), "softmax", seed=seed)],
        labels=list(LABELS),
        info=DETECTOR,
        decision=DECISION,
    )
    fitted = fit(
        model,
        training,
        validation,
        loss=CrossEntropy(),
        optimiser=AdamW(lr=learning_rate, weight_decay=1e-3),
        schedule=Cosine(total_steps=epochs * training.n_batches, warmup_steps=100),
        epochs=epochs,
        max_norm=1.0,
        seed=seed,
        progress=True,
    )
    fitted.model.save(path)
    print(f"{path}: {path.stat().st_size} bytes, the weights of epoch {fitted.best_epoch}")


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    features = steps.add_parser("features")
    features.add_argument("clips", type=Path, help="folder that synthesise.py wrote")
    features.add_argument("cache", type=Path)
    features.add_argument("--count", type=int, default=8000, help="sequences to train on")
    features.add_argument("--seed", type=int, default=1)
    fitting = steps.add_parser("fit")
    fitting.add_argument("cache", type=Path)
    fitting.add_argument("model", type=Path)
    fitting.add_argument("--epochs", type=int, default=20)
    fitting.add_argument("--learning-rate", type=float, default=4e-3)
    fitting.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.step == "features":
        options.cache.mkdir(parents=True, exist_ok=True)
        make_features(options.clips, options.cache, "validation", 256, options.seed + 1000)
        make_features(options.clips, options.cache, "training", options.count, options.seed)
    else:
        train(options.cache, options.model, options.epochs, options.learning_rate, options.seed)


if __name__ == "__main__":
    main()
