"""Train the speech detector on people, with `pylstm.train`, and save it as a model file.

Usage::

    python train_on_people.py SPEECH MODEL [--clips CLIPS] [--epochs N]

SPEECH is the folder of recordings (see ``people.py``), CLIPS what
``training/keywords/synthesise.py`` wrote. Scenes are mixed while the training goes on: every epoch
some new ones take the place of the oldest, so each is learnt from a few times and never again. The
state is carried from one scene to the next, as it is in a stream.

MODEL is written anew after every epoch: the mean of the weights of the last few epochs, which is
better than any of them. So it can be taken at any time. ``--begin`` starts from the weights of
another model instead of drawn ones.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from energy_labels import HOP_LENGTH
from people import Pools
from scenes import scene
from train import BATCH, CHUNK, DECISION, DETECTOR, FRESH, HIDDEN_SIZE, N_MFCC, NUM_LAYERS, mfcc

import pylstm
from pylstm.train import AdamW, Batch, Cosine, CrossEntropy, Network, Report, fit

LABELS = ("other", "speech")
SECONDS = 10.0
FRAMES = 1000
# Scenes that an epoch learns from, and how many of them are new.
WINDOW, NEW = 768, 256
VALIDATION = 192
# Epochs whose weights are averaged.
AVERAGED = 5
_PURPOSES = {"training": 1, "validation": 2}

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]


class Scenes:
    """A source for `pylstm.train.fit`: scenes of ten seconds, mixed when they are needed.

    Parameters
    ----------
    pools : Pools
    side : str
        ``training``: epoch e has the scenes from e * NEW on, WINDOW of them, in an order of its
        own. ``validation``: always the first VALIDATION ones, from a fresh state.
    features : MFCC
        What the model hears.
    """

    def __init__(self, pools: Pools, side: str, features: pylstm.MFCC) -> None:
        self._pools, self._side, self._features = pools, side, features
        self._kept: dict[int, Scene] = {}
        self._seed: int | None = None
        self._count = WINDOW if side == "training" else VALIDATION

    @property
    def n_batches(self) -> int:
        """Batches of an epoch."""
        return self._count // BATCH * (FRAMES // CHUNK)

    def scene(self, number: int, seed: int) -> Scene:
        """Frames, labels and weights of a scene; the same numbers give the same one."""
        draw = np.random.default_rng([seed, _PURPOSES[self._side], number])
        samples, labels, weights = scene(self._pools, draw, SECONDS)
        return self._features(samples)[: len(labels)], labels, weights

    def _scenes(self, epoch: int, seed: int) -> list[Scene]:
        first = epoch * NEW if self._side == "training" else 0
        if seed != self._seed:
            self._kept, self._seed = {}, seed
        self._kept = {
            number: self._kept.get(number) or self.scene(number, seed)
            for number in range(first, first + self._count)
        }
        return list(self._kept.values())

    def batches(self, epoch: int, seed: int) -> Iterator[Batch]:
        """The batches of one epoch, each a chunk of BATCH scenes."""
        training = self._side == "training"
        scenes = self._scenes(epoch, seed if training else 0)
        draw = np.random.default_rng([seed, 3, epoch])
        order = draw.permutation(len(scenes)) if training else np.arange(len(scenes))
        lengths = np.full(BATCH, CHUNK)
        for r in range(len(scenes) // BATCH):
            chosen = [scenes[k] for k in order[r * BATCH : (r + 1) * BATCH]]
            frames, labels, weights = (
                np.stack(arrays, axis=1) for arrays in zip(*chosen, strict=True)
            )
            if training:
                # A constant offset of the cepstrum is a filter, a factor other dynamics.
                shape = (1, BATCH, frames.shape[2])
                frames *= np.exp(draw.normal(0, 0.05, shape)).astype(np.float32)
                frames += draw.normal(0, 0.1, shape).astype(np.float32)
            for part in range(FRAMES // CHUNK):
                cut = slice(part * CHUNK, (part + 1) * CHUNK)
                carried = np.arange(BATCH)
                if training:
                    carried[draw.random(BATCH) < FRESH] = -1
                if (r, part) == (0, 0) or (part == 0 and not training):
                    carried[:] = -1
                yield Batch(
                    np.ascontiguousarray(frames[cut]),
                    lengths,
                    labels[cut].astype(np.int64),
                    np.ascontiguousarray(weights[cut]),
                    carried,
                )


def normalised(pools: Pools, count: int) -> pylstm.MFCC:
    """The features, normalised by mean and standard deviation over some scenes."""
    source = Scenes(pools, "training", mfcc())
    frames = np.concatenate([source.scene(number, 0)[0] for number in range(count)])
    mean, std = (getattr(frames.astype(np.float64), name)(axis=0) for name in ("mean", "std"))
    return mfcc(mean=mean.astype(np.float32), std=std.astype(np.float32))


def new_model(features: pylstm.MFCC, seed: int) -> pylstm.Model:
    """A model with weights drawn by the seed."""
    lstm = pylstm.LSTM(N_MFCC, HIDDEN_SIZE, num_layers=NUM_LAYERS, seed=seed)
    for layer in range(NUM_LAYERS):
        # A forget gate that starts open: speech lasts hundreds of frames.
        lstm.weights[f"bias_ih_l{layer}"][HIDDEN_SIZE : 2 * HIDDEN_SIZE] = 1.0
    return pylstm.Model(
        features,
        [lstm, pylstm.Dense(HIDDEN_SIZE, len(LABELS), "softmax", seed=seed)],
        labels=list(LABELS),
        info=DETECTOR,
        decision=DECISION,
    )


def averaged(model: pylstm.Model, network: Network, last: Sequence[np.ndarray]) -> pylstm.Model:
    """The model with the mean of some weights of its network."""
    now = network.parameters.copy()
    network.parameters[:] = np.mean(last, axis=0)
    layers = list(network.layers())
    network.parameters[:] = now
    return model.with_layers(layers)


def train(
    speech: Path, clips: Path | None, path: Path, epochs: int, learning_rate: float, seed: int,
    checkpoint: Path | None, begin: Path | None,
) -> None:  # fmt: skip
    """Train from weights drawn by the seed, or from those of a model."""
    began = time.monotonic()
    pools = Pools(speech, clips, "training")
    for name, speakers in pools.speakers.items():
        spoken = sum(one.loud.sum() for said in speakers for one in said)
        minutes = spoken * HOP_LENGTH / 16000 / 60
        print(f"{name}: {len(speakers)} speakers, {minutes:.1f} minutes of speech")
    print("noises:", {kind: len(files) for kind, files in pools.noises.items()}, flush=True)
    model = new_model(normalised(pools, 128), seed) if begin is None else pylstm.load(begin)
    features = model.features
    training = Scenes(pools, "training", features)
    validation = Scenes(Pools(speech, None, "validation"), "validation", features)

    last: deque[np.ndarray] = deque(maxlen=AVERAGED)

    def keep(report: Report) -> None:
        if report.kind != "epoch":
            return
        mark = " *" if report.best else ""
        print(
            f"{time.monotonic() - began:.0f} s: epoch {report.epoch}, loss {report.loss:.4f},"
            f" validation {report.validation_loss:.4f}, {report.validation_accuracy:.4f}{mark}",
            flush=True,
        )
        last.append(report.network.parameters.copy())
        averaged(model, report.network, last).save(path)

    fit(
        model,
        training,
        validation,
        loss=CrossEntropy(),
        optimiser=AdamW(lr=learning_rate, weight_decay=1e-3),
        schedule=Cosine(total_steps=epochs * training.n_batches, warmup_steps=100),
        epochs=epochs,
        max_norm=1.0,
        checkpoint=checkpoint,
        resume=checkpoint is not None and checkpoint.exists(),
        seed=seed,
        threads=1,
        callbacks=[keep],
        progress=False,
    )


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("speech", type=Path, help="folder of recordings, see people.py")
    parser.add_argument("model", type=Path)
    parser.add_argument("--clips", type=Path, help="folder that synthesise.py wrote")
    parser.add_argument("--checkpoint", type=Path, help="written every epoch; resumed if there")
    parser.add_argument("--epochs", type=int, default=42)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--begin", type=Path, help="a model to begin with")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    train(
        options.speech, options.clips, options.model, options.epochs, options.learning_rate,
        options.seed, options.checkpoint, options.begin,
    )  # fmt: skip


if __name__ == "__main__":
    main()
