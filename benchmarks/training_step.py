"""How long does a step of training take: forward, loss, backward, clipping, Adam?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.peers import peer
from benchmarks.result import Result, Table
from benchmarks.speech import frames

QUESTION = "How long does a step of training take: forward, loss, backward, clipping, Adam?"
SHAPES = ((13, 64), (40, 128), (40, 256))
FRAMES, BATCH, CLASSES = 100, 32, 12
THREADS = (1, 2)
STEPS = 3
"""The number of steps from the same weights after which the contenders' losses have to agree."""

Array = NDArray[np.float32]


def lengths_of(unequal: bool) -> NDArray[np.int64]:
    """Frames of each sequence; unequal: from 3 to all, as many between 3 and 6 as between 50 and
    100."""
    if not unequal:
        return np.full(BATCH, FRAMES)
    return np.random.default_rng(0).permutation(
        np.round(np.geomspace(3, FRAMES, BATCH)).astype(np.int64)
    )


def layers_of(input_size: int, hidden_size: int) -> list[pylstm.layers.Layer]:
    return [
        pylstm.LSTM(input_size, hidden_size, seed=0),
        pylstm.Dense(hidden_size, CLASSES, "softmax", seed=1),
    ]


def ours(
    layers: list[pylstm.layers.Layer], x: Array, y: NDArray[np.int64], unequal: bool, threads: int
) -> Callable[[], float]:
    """A function that makes a step and gives the loss."""
    from pylstm.train import Adam, CrossEntropy, Network, clip_global_norm

    network, loss = Network(layers, threads=threads), CrossEntropy()
    optimiser = Adam(lr=1e-3)
    lengths = lengths_of(True) if unequal else None

    def step() -> float:
        outputs, _, tape = network.forward(x, lengths, training=True)
        result = loss(outputs, y, lengths)
        network.backward(tape, result.gradient)
        clip_global_norm(network.gradients, 1.0)
        optimiser.step(network.parameters, network.gradients)
        return result.value

    return step


def torchs(
    layers: list[pylstm.layers.Layer], x: Array, y: NDArray[np.int64], unequal: bool, threads: int
) -> Callable[[], float] | None:
    """The same with PyTorch; packed sequences where lengths differ."""
    torch = peer("torch")
    if torch is None:
        return None
    lstm, head = layers
    assert isinstance(lstm, pylstm.LSTM)
    lengths = torch.from_numpy(lengths_of(unequal))
    rnn = torch.nn.utils.rnn
    with torch.enable_grad():
        net = torch.nn.LSTM(lstm.input_size, lstm.hidden_size)
        linear = torch.nn.Linear(lstm.hidden_size, CLASSES)
        for module, layer in ((net, lstm), (linear, head)):
            module.load_state_dict({k: torch.from_numpy(w) for k, w in layer.weights.items()})
        parameters = [*net.parameters(), *linear.parameters()]
        optimiser = torch.optim.Adam(parameters, lr=1e-3)
    batch, targets = torch.from_numpy(x), torch.from_numpy(y)
    if unequal:
        packed = rnn.pack_padded_sequence(targets, lengths, enforce_sorted=False).data

    def step() -> float:
        torch.set_num_threads(threads)
        with torch.enable_grad():
            optimiser.zero_grad()
            if unequal:
                sequences = rnn.pack_padded_sequence(batch, lengths, enforce_sorted=False)
                loss = torch.nn.functional.cross_entropy(linear(net(sequences)[0].data), packed)
            else:
                hidden = net(batch)[0]
                loss = torch.nn.functional.cross_entropy(
                    linear(hidden).flatten(0, 1), targets.flatten()
                )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
        torch.set_num_threads(1)
        return float(loss)

    return step


def contenders(input_size: int, hidden_size: int, unequal: bool, threads: int) -> list[Contender]:
    x = frames(FRAMES * BATCH, input_size).reshape(FRAMES, BATCH, input_size)
    y = np.random.default_rng(1).integers(0, CLASSES, (FRAMES, BATCH))
    layers = layers_of(input_size, hidden_size)
    found = []
    for name, make in (("torch", torchs), ("pylstm", ours)):
        step, fresh = (make(layers, x, y, unequal, threads) for _ in range(2))
        if step is not None and fresh is not None:
            losses = lambda fresh=fresh: np.array([fresh() for _ in range(STEPS)], np.float32)  # noqa: E731
            found.append(Contender(name, calls(step), losses))
    return found


def run(effort: Effort) -> Result:
    # A step takes as long as a turn or longer, so fewer rounds are enough.
    effort = replace(effort, rounds=effort.rounds // 6)
    tables = []
    for threads in THREADS:
        for unequal in (False, True):
            kind = "lengths 3 to 100" if unequal else f"{FRAMES} frames each"
            table = Table(
                f"A step on {BATCH} sequences, {kind}, {threads} thread{'s'[: threads > 1]}",
                "input → hidden",
                "ms",
                "pylstm",
            )
            for input_size, hidden_size in SHAPES:
                found = contenders(input_size, hidden_size, unequal, threads)
                times = contest(found, effort, tolerance=1e-4)
                table.add(f"{input_size} → {hidden_size}", times, 1e3)
            tables.append(table)
    notes = [
        "LSTM and a dense layer of 12, cross-entropy per frame, the norm of all gradients clipped"
        " at 1, Adam. Different lengths: torch gets packed sequences, pylstm `lengths`."
    ]
    return Result(QUESTION, tables, notes)
