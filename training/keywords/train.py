"""Train the keyword model, and save it as a pylstm model file.

Usage::

    python train.py features CACHE          # mix sequences, compute their MFCC frames
    python train.py fit CACHE               # train; writes CACHE/keywords.pt
    python train.py export CACHE MODEL      # write CACHE/keywords.pt as a model file

The network runs as it will in the engine: frame by frame, with a state that is carried from one
sequence to the next, so that minutes of audio are nothing new to it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from augment import HOP_LENGTH, Mixer
from synthesise import LABELS, SAMPLE_RATE
from torch import nn

import pylstm

N_MFCC = 13
HIDDEN_SIZE = 80
SECONDS = 10.0
CHUNK = 250  # frames that are unrolled at once
BATCH = 64

DETECTOR = {
    "detector.threshold": "0.70",
    "detector.smoothing_frames": "15",
    "detector.refractory_frames": "25",
    "detector.background": "unknown,silence",
}


def mfcc(**normalisation: np.ndarray) -> pylstm.MFCC:
    """The frames that the model hears."""
    return pylstm.MFCC(
        sr=SAMPLE_RATE, n_mfcc=N_MFCC, n_fft=512, win_length=400, hop_length=HOP_LENGTH,
        n_mels=40, fmin=20, fmax=7600, center=True, pad_mode="constant", top_db=None, deltas=0,
        **normalisation,
    )  # fmt: skip


class Network(nn.Module):
    """Two LSTM layers and a projection to the labels."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MFCC, HIDDEN_SIZE, num_layers=2, dropout=0.05)
        self.output = nn.Linear(HIDDEN_SIZE, len(LABELS))

    def forward(
        self, frames: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Logits of the frames (T, B, N_MFCC), and the state after the last of them."""
        hidden, state = self.lstm(frames, state)
        return self.output(hidden), state


def make_features(cache: Path, split: str, count: int, seed: int, processes: int) -> None:
    """Mix sequences and keep their frames, labels and weights in the cache folder."""
    # Always four parts with seeds of their own, so that the number of processes changes nothing.
    jobs = [(cache, split, count // 4, 4 * seed + part) for part in range(4)]
    with multiprocessing.Pool(processes) as pool:
        parts = pool.starmap(mixed_part, jobs)
    for name, arrays in zip(("frames", "labels", "weights"), zip(*parts, strict=True), strict=True):
        np.save(cache / f"{split}.{name}.npy", np.concatenate(arrays))


def mixed_part(
    cache: Path, split: str, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, labels and weights of so many sequences."""
    mixer, frames_of = Mixer(cache, split, seed), mfcc()
    length = int(SECONDS * SAMPLE_RATE) // HOP_LENGTH
    frames = np.empty((count, length, N_MFCC), np.float32)
    labels = np.empty((count, length), np.int8)
    weights = np.empty((count, length), np.float32)
    began = time.monotonic()
    for i in range(count):
        samples, labels[i], weights[i] = mixer.sequence(SECONDS)
        frames[i] = frames_of(samples)[:length]
        if (i + 1) % 250 == 0:
            print(f"{split}: {i + 1} of {count}, {time.monotonic() - began:.0f} s", flush=True)
    return frames, labels, weights


def load(cache: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, labels and weights of a split."""
    return tuple(np.load(cache / f"{split}.{name}.npy") for name in ("frames", "labels", "weights"))


def fit(
    cache: Path, epochs: float, learning_rate: float, seed: int, minutes: float, start: Path | None
) -> None:
    """Train, and keep the weights of the end (the learning rate falls to nothing)."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    frames, labels, weights = load(cache, "training")
    mean = frames.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    std = frames.std(axis=(0, 1), dtype=np.float64).astype(np.float32)
    network = Network()
    # A forget gate that starts open: words are tens of frames long.
    for layer in range(2):
        bias = getattr(network.lstm, f"bias_ih_l{layer}")
        nn.init.constant_(bias[HIDDEN_SIZE : 2 * HIDDEN_SIZE], 1.0)
    if start is not None:
        checkpoint = torch.load(start, weights_only=False)
        network.load_state_dict(checkpoint["network"])
        mean, std = checkpoint["mean"], checkpoint["std"]
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-3)
    rounds, parts = len(frames) // BATCH, frames.shape[1] // CHUNK
    total = int(epochs * rounds * parts)
    began, done, epoch = time.monotonic(), 0, 0
    state = None
    while done < total:
        order = draw.permutation(len(frames))
        for r in range(rounds):
            rows = np.sort(order[r * BATCH : (r + 1) * BATCH])
            rows = draw.permutation(rows)
            batch, targets, counts = another_rhythm(draw, frames, labels, weights, rows)
            batch = another_articulation(draw, (batch - mean) / std)
            for part in range(parts):
                cut = slice(part * CHUNK, (part + 1) * CHUNK)
                x = torch.from_numpy(batch[:, cut].transpose(1, 0, 2).copy())
                y = torch.from_numpy(targets[:, cut].T.astype(np.int64))
                w = torch.from_numpy(counts[:, cut].T.copy())
                # The learning rate follows the clock or the count, whichever is further on.
                progress = max(done / total, (time.monotonic() - began) / (60 * minutes))
                if progress >= 1.0:
                    done = total
                    break
                warm = min(1.0, done / 100)
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate * warm * (0.5 + 0.5 * np.cos(np.pi * progress))
                if state is not None:
                    # Some streams begin here; the others have been running for a while.
                    fresh = torch.from_numpy((draw.random(BATCH) < 0.04)[None, :, None])
                    state = tuple(s.detach().masked_fill(fresh, 0.0) for s in state)
                logits, state = network(x, state)
                loss = nn.functional.cross_entropy(
                    logits.flatten(0, 1), y.flatten(), reduction="none"
                )
                loss = (loss * w.flatten()).sum() / w.sum()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                done += 1
                if done % 100 == 0:
                    print(f"{done} of {total}: loss {loss.item():.4f}, "
                          f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
            if done >= total:
                break
        epoch += 1
        report(network, cache, mean, std, epoch)
        torch.save({"network": network.state_dict(), "mean": mean, "std": std},
                   cache / "keywords.pt")  # fmt: skip


def another_rhythm(
    draw: np.random.Generator,
    frames: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences whose sounds are drawn out and shortened at random, with their targets.

    A synthesiser says a word with the same inner timing every time; people do not.
    """
    count = frames.shape[1]
    knots = np.arange(0, count + 25, 12)
    places = np.empty((len(rows), count))
    for row in range(len(rows)):
        pace = np.exp(draw.normal(0, 0.3, len(knots)))
        passed = np.cumsum(np.interp(np.arange(count), knots, pace / pace.mean()))
        # Half of the sequences also become slower: a voice made higher has become faster.
        part = draw.uniform(0.62, 1.0) if draw.random() < 0.5 else 1.0
        places[row] = (passed - passed[0]) * (part * (count - 1.001) / (passed[-1] - passed[0]))
    below = places.astype(int)
    share = (places - below).astype(np.float32)[:, :, None]
    across = rows[:, None]
    warped = frames[across, below] * (1 - share) + frames[across, below + 1] * share
    return warped, labels[across, below], weights[across, below]


def another_articulation(draw: np.random.Generator, batch: np.ndarray) -> np.ndarray:
    """Normalised frames as another mouth and microphone would have given them.

    A constant offset of the cepstrum is a filter; a factor is more or less pronounced speech; a
    slow drift is what no two utterances of a word have in common.
    """
    rows, count, width = batch.shape
    offset = draw.normal(0, 0.35, (rows, 1, width))
    factor = np.exp(draw.normal(0, 0.12, (rows, 1, width)))
    step = 12
    knots = draw.normal(0, 0.3, (rows, count // step + 2, width)).astype(np.float32)
    place = np.arange(count) / step
    below = place.astype(int)
    share = (place - below).astype(np.float32)[None, :, None]
    drift = knots[:, below] * (1 - share) + knots[:, below + 1] * share
    return (batch * factor + offset + drift).astype(np.float32)


@torch.no_grad()
def report(network: Network, cache: Path, mean: np.ndarray, std: np.ndarray, epoch: int) -> None:
    """Print the loss and the share of frames of each keyword that are named right."""
    frames, labels, weights = load(cache, "validation")
    network.eval()
    x = torch.from_numpy(((frames - mean) / std).transpose(1, 0, 2).copy())
    logits = network(x)[0].transpose(0, 1)
    network.train()
    y, w = torch.from_numpy(labels.astype(np.int64)), torch.from_numpy(weights)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
    loss = (loss * w.flatten()).sum() / w.sum()
    guess = logits.argmax(-1)
    recall = [float((guess == k)[(y == k) & (w > 0)].float().mean()) for k in range(len(LABELS))]
    named = " ".join(f"{LABELS[k]} {recall[k]:.2f}" for k in range(len(LABELS)))
    print(f"epoch {epoch}: validation loss {loss:.4f}; {named}", flush=True)


def export(cache: Path, path: Path) -> None:
    """Write the trained weights as a pylstm model file, with the detector that was tuned."""
    checkpoint = torch.load(cache / "keywords.pt", weights_only=False)
    network = Network()
    network.load_state_dict(checkpoint["network"])
    tuned = cache / "detector.json"
    detector = DETECTOR | (json.loads(tuned.read_text()) if tuned.exists() else {})
    model = pylstm.Model(
        features=mfcc(mean=checkpoint["mean"], std=checkpoint["std"]),
        layers=[
            pylstm.convert.from_torch(network.lstm),
            pylstm.convert.from_torch(network.output, activation="softmax"),
        ],
        labels=list(LABELS),
        info=detector,
    )
    model.save(path)
    print(f"{path}: {path.stat().st_size} bytes")


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    features = steps.add_parser("features")
    features.add_argument("cache", type=Path)
    features.add_argument("--count", type=int, default=6000, help="sequences to train on")
    features.add_argument("--seed", type=int, default=1)
    features.add_argument("--processes", type=int, default=1)
    training = steps.add_parser("fit")
    training.add_argument("cache", type=Path)
    training.add_argument("--epochs", type=float, default=10)
    training.add_argument("--learning-rate", type=float, default=4e-3)
    training.add_argument("--seed", type=int, default=1)
    training.add_argument("--minutes", type=float, default=float("inf"), help="at most so long")
    training.add_argument("--start", type=Path, help="weights to begin with")
    exporting = steps.add_parser("export")
    exporting.add_argument("cache", type=Path)
    exporting.add_argument("model", type=Path)
    options = parser.parse_args()
    if options.step == "features":
        make_features(options.cache, "validation", 240, options.seed + 1000, options.processes)
        make_features(options.cache, "training", options.count, options.seed, options.processes)
    elif options.step == "fit":
        fit(
            options.cache, options.epochs, options.learning_rate, options.seed, options.minutes,
            options.start,
        )  # fmt: skip
    else:
        export(options.cache, options.model)


if __name__ == "__main__":
    main()
