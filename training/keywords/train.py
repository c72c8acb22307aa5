"""Train the keyword model with pylstm.train, and save it as a pylstm model file.

Usage::

    python train.py features CACHE          # mix sequences, compute their spectrograms
    python train.py fit CACHE               # train; writes CACHE/trained.safetensors
    python train.py settle CACHE            # with less augmentation: CACHE/settled.safetensors
    python train.py export CACHE MODEL      # write it as a model file with its decision

The network runs as it will in the engine: frame by frame, with a state that is carried from one
sequence to the next, so that minutes of audio are nothing new to it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from augment import CEPSTRUM, N_MELS, N_MFCC, Augmentation, another_articulation, log_mel, mfcc
from mix import HOP_LENGTH, Mixer
from synthesise import LABELS
from synthesisers import SAMPLE_RATE

import pylstm
from pylstm import train

HIDDEN_SIZE = 80
SECONDS = 10.0
CHUNK = 250  # frames that are unrolled at once
BATCH = 64
SETTLED = 0.5  # of the augmentation, in the end
FRESH = 0.04  # the share of streams that begin anew with a chunk

DECISION = {
    "kind": "words",
    "threshold": 0.7,
    "smoothing_frames": 15,
    "refractory_frames": 25,
    "background": ["unknown", "silence"],
}


def make_features(cache: Path, split: str, count: int, seed: int, processes: int) -> None:
    """Mix sequences and keep their spectrograms, labels and weights in the cache folder."""
    # Always four parts with seeds of their own, so that the number of processes changes nothing.
    jobs = [(cache, split, count // 4, 4 * seed + part) for part in range(4)]
    with multiprocessing.Pool(processes) as pool:
        parts = pool.starmap(mixed_part, jobs, chunksize=1)
    names = ("spectra", "labels", "weights")
    for name, arrays in zip(names, zip(*parts, strict=True), strict=True):
        np.save(cache / f"{split}.{name}.npy", np.concatenate(arrays))


def mixed_part(
    cache: Path, split: str, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectrograms in decibels, labels and weights of so many sequences."""
    mixer, spectrum_of = Mixer(cache, split, seed), log_mel()
    length = int(SECONDS * SAMPLE_RATE) // HOP_LENGTH
    spectra = np.empty((count, length, N_MELS), np.float16)
    labels = np.empty((count, length), np.int8)
    weights = np.empty((count, length), np.float32)
    began = time.monotonic()
    for i in range(count):
        samples, labels[i], weights[i] = mixer.sequence(SECONDS)
        spectra[i] = spectrum_of(samples)[:length]
        if (i + 1) % 250 == 0:
            print(f"{split}: {i + 1} of {count}, {time.monotonic() - began:.0f} s", flush=True)
    return spectra, labels, weights


class Sequences:
    """A source of batches: chunks of 64 streams, each of which goes from sequence to sequence.

    Parameters
    ----------
    cache : Path
        Folder with what `make_features` wrote.
    split : str
        ``training``: shuffled and augmented; ``validation``: as mixed, every stream one sequence.
    mean, std : array, shape (N_MFCC,), optional
        Of the cepstra; measured if they are not given.
    strength : float
        Of the augmentation.
    """

    def __init__(
        self,
        cache: Path,
        split: str,
        mean: np.ndarray | None = None,
        std: np.ndarray | None = None,
        strength: float = 1.0,
    ) -> None:
        self.spectra, self.labels, self.weights = (
            np.load(cache / f"{split}.{name}.npy") for name in ("spectra", "labels", "weights")
        )
        self.augmented = split == "training"
        self._augmentation = Augmentation(strength)
        if mean is None or std is None:
            draw = np.random.default_rng(0)
            parts = [
                self._augmentation(draw, *self._mixed(rows))[0]
                for rows in draw.permutation(len(self.spectra))[: 8 * BATCH].reshape(8, -1)
            ]
            mean = np.mean(parts, axis=(0, 1, 2), dtype=np.float64).astype(np.float32)
            std = np.std(parts, axis=(0, 1, 2), dtype=np.float64).astype(np.float32)
        self.mean, self.std = mean, std

    @property
    def n_batches(self) -> int:
        """Batches an epoch."""
        return len(self.spectra) // BATCH * (self.spectra.shape[1] // CHUNK)

    def _mixed(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.spectra[rows].astype(np.float32), self.labels[rows], self.weights[rows]

    def batches(self, epoch: int, seed: int) -> Iterator[train.Batch]:
        """The batches of an epoch."""
        draw = np.random.default_rng([seed, epoch])
        order = np.arange(len(self.spectra))
        if self.augmented:
            order = draw.permutation(order)
        lengths = np.full(BATCH, CHUNK)
        for group in range(len(order) // BATCH):
            mixed = self._mixed(order[group * BATCH : (group + 1) * BATCH])
            if self.augmented:
                cepstra, labels, weights = self._augmentation(draw, *mixed)
                frames = another_articulation(
                    draw, (cepstra - self.mean) / self.std, self._augmentation.strength
                )
            else:
                spectra, labels, weights = mixed
                frames = (spectra @ CEPSTRUM - self.mean) / self.std
            for part in range(frames.shape[1] // CHUNK):
                cut = slice(part * CHUNK, (part + 1) * CHUNK)
                begins = part == 0 if not self.augmented else draw.random(BATCH) < FRESH
                yield train.Batch(
                    x=np.ascontiguousarray(frames[:, cut].transpose(1, 0, 2)),
                    lengths=lengths,
                    targets=labels[:, cut].T.astype(np.int64),
                    weights=np.ascontiguousarray(weights[:, cut].T),
                    continues=np.where(begins | (group + part == 0), -1, np.arange(BATCH)),
                )


def untrained(mean: np.ndarray, std: np.ndarray, seed: int) -> pylstm.Model:
    """Two LSTM layers and a projection to the labels, with random weights."""
    lstm = pylstm.LSTM(N_MFCC, HIDDEN_SIZE, num_layers=2, seed=seed)
    weights = {name: np.array(values) for name, values in lstm.weights.items()}
    # A forget gate that starts open: words are tens of frames long.
    for layer in range(2):
        weights[f"bias_ih_l{layer}"][HIDDEN_SIZE : 2 * HIDDEN_SIZE] = 1.0
    layers = [
        pylstm.LSTM(N_MFCC, HIDDEN_SIZE, num_layers=2, weights=weights),
        pylstm.Dense(HIDDEN_SIZE, len(LABELS), activation="softmax", seed=seed + 1),
    ]
    return pylstm.Model(mfcc(mean=mean, std=std), layers, list(LABELS))


def fit(
    cache: Path, epochs: int, learning_rate: float, seed: int, threads: int, resume: bool
) -> None:
    """Train from random weights; what came of earlier ones is deleted when that has been done."""
    training = Sequences(cache, "training")
    model = untrained(training.mean, training.std, seed)
    learned = learn(cache, model, training, epochs, learning_rate, seed, threads,
                    cache / "checkpoint.safetensors", resume)  # fmt: skip
    learned.save(cache / "trained.safetensors")
    for name in ("settled.safetensors", "settling.safetensors", "decision.json"):
        (cache / name).unlink(missing_ok=True)


def settle(
    cache: Path, epochs: int, learning_rate: float, seed: int, threads: int, resume: bool
) -> None:
    """Go on from the trained weights, with half of the augmentation; keep the mean of both.

    Who has learned from voices of every kind then hears more of how words are mostly said. Half way
    back to where that began is better than either end on voices that are in neither.

    References
    ----------
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """
    model = pylstm.load(cache / "trained.safetensors")
    training = Sequences(cache, "training", model.features.mean, model.features.std, SETTLED)
    learned = learn(cache, model, training, epochs, learning_rate, seed, threads,
                    cache / "settling.safetensors", resume)  # fmt: skip
    mean_of(model, learned).save(cache / "settled.safetensors")


def mean_of(one: pylstm.Model, other: pylstm.Model) -> pylstm.Model:
    """The model whose weights lie half way between those of two."""
    lstm, dense = (
        {name: (values + b.weights[name]) / 2 for name, values in a.weights.items()}
        for a, b in zip(one.layers, other.layers, strict=True)
    )
    layers = [
        pylstm.LSTM(N_MFCC, HIDDEN_SIZE, num_layers=2, weights=lstm),
        pylstm.Dense(HIDDEN_SIZE, len(LABELS), activation="softmax", weights=dense),
    ]
    return pylstm.Model(one.features, layers, list(LABELS))


def learn(
    cache: Path,
    model: pylstm.Model,
    training: Sequences,
    epochs: int,
    learning_rate: float,
    seed: int,
    threads: int,
    checkpoint: Path,
    resume: bool,
) -> pylstm.Model:
    """Train; the weights of the epoch that did best on the validation split."""
    fitted = train.fit(
        model,
        training,
        Sequences(cache, "validation", training.mean, training.std),
        loss=train.CrossEntropy(per="frame"),
        optimiser=train.AdamW(learning_rate, weight_decay=1e-3),
        schedule=train.Cosine(epochs * training.n_batches, warmup_steps=100),
        epochs=epochs,
        checkpoint=checkpoint,
        resume=resume,
        seed=seed,
        threads=threads,
        progress=True,
    )
    print(f"epoch {fitted.best_epoch}: {fitted.history[fitted.best_epoch - 1]}")
    return fitted.model


def export(cache: Path, path: Path) -> None:
    """Write the trained model with the decision that was tuned."""
    settled = cache / "settled.safetensors"
    trained = pylstm.load(settled if settled.exists() else cache / "trained.safetensors")
    tuned = cache / "decision.json"
    decision = DECISION | (json.loads(tuned.read_text()) if tuned.exists() else {})
    model = pylstm.Model(trained.features, trained.layers, trained.labels, decision=decision)
    model.save(path)
    print(f"{path}: {path.stat().st_size} bytes")


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    features = steps.add_parser("features")
    features.add_argument("cache", type=Path)
    features.add_argument("--count", type=int, default=10400, help="sequences to train on")
    features.add_argument("--seed", type=int, default=1)
    features.add_argument("--processes", type=int, default=1)
    for name, epochs, rate, seed in (("fit", 24, 4e-3, 1), ("settle", 8, 1.5e-3, 2)):
        learning = steps.add_parser(name)
        learning.add_argument("cache", type=Path)
        learning.add_argument("--epochs", type=int, default=epochs)
        learning.add_argument("--learning-rate", type=float, default=rate)
        learning.add_argument("--seed", type=int, default=seed)
        learning.add_argument("--threads", type=int, default=2)
        learning.add_argument("--resume", action="store_true", help="go on from its checkpoint")
    exporting = steps.add_parser("export")
    exporting.add_argument("cache", type=Path)
    exporting.add_argument("model", type=Path)
    options = parser.parse_args()
    if options.step == "features":
        make_features(options.cache, "validation", 256, options.seed + 1000, options.processes)
        make_features(options.cache, "training", options.count, options.seed, options.processes)
    elif options.step in ("fit", "settle"):
        step = fit if options.step == "fit" else settle
        step(options.cache, options.epochs, options.learning_rate, options.seed, options.threads,
             options.resume)  # fmt: skip
    else:
        export(options.cache, options.model)


if __name__ == "__main__":
    main()
