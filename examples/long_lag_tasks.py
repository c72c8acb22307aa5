"""Tasks in which what matters lies far back, after Hochreiter and Schmidhuber (1997).

Each task draws batches without end, so that nothing can be learned by heart, and says what counts
as an error. The numbers of the experiments are those of the paper:

    S. Hochreiter, J. Schmidhuber. Long Short-Term Memory. Neural Computation 9(8), 1735-1780, 1997.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pylstm.train import MSE, CrossEntropy

__all__ = ["Adding", "Batch", "EmbeddedReber", "Task", "TemporalOrder", "followers", "reber"]

Array = NDArray[np.float32]


class Batch(NamedTuple):
    """What a task draws: inputs (T, B, n_inputs), lengths (B,) or None, targets for the loss."""

    x: Array
    lengths: NDArray[np.int64] | None
    targets: NDArray[np.float32] | NDArray[np.int64]
    legal: NDArray[np.bool_] | None = None
    """Embedded Reber grammar: what may follow, (T, B, 7)."""


class Task(Protocol):
    """A task of the comparison."""

    name: str
    n_inputs: int
    n_outputs: int
    lag: int
    """The largest distance, in frames, over which something has to be remembered."""
    loss: MSE | CrossEntropy
    chance: float
    """The lowest error that is possible without remembering what lies far back."""
    error_name: str

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """So many fresh sequences."""
        ...

    def error(self, outputs: Array, batch: Batch) -> float:
        """How wrong outputs are: below 0.01 the task counts as solved."""
        ...


class Adding:
    r"""The adding problem (experiment 4 of the paper): add the two numbers that were marked.

    A frame is a number from U(0, 1) and a mark, 1 at two frames of the sequence, else 0. The first
    mark lies in the first tenth, the second between there and the middle. After the last frame the
    output has to be the sum of the two marked numbers:

    .. math:: y = v_{t_1} + v_{t_2}, \qquad t_1 < T / 10 ≤ t_2 < T / 2

    A network that always says 1 has an error of the variance of that sum, 1/6. The gradient has to
    travel at least T / 2 frames. The paper has numbers from -1 to 1, targets scaled to 0 to 1, the
    first mark among the first ten frames, and lengths that vary by a tenth.
    """

    n_inputs, n_outputs, chance = 2, 1, 1 / 6
    error_name = "mean squared error"

    def __init__(self, frames: int) -> None:
        if frames < 10:
            raise ValueError(f"frames is {frames}; expected 10 or more")
        self.name = f"adding, T = {frames:,}"
        self.frames = self.lag = frames
        self.loss = MSE(per="sequence")

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """So many fresh sequences."""
        x = np.zeros((self.frames, size, 2), np.float32)
        x[:, :, 0] = rng.random((self.frames, size), np.float32)
        first = rng.integers(0, self.frames // 10, size)
        second = rng.integers(self.frames // 10, self.frames // 2, size)
        sequence = np.arange(size)
        x[first, sequence, 1] = x[second, sequence, 1] = 1
        return Batch(x, None, (x[first, sequence, 0] + x[second, sequence, 0])[:, None])

    def error(self, outputs: Array, batch: Batch) -> float:
        """Mean squared error after the last frame."""
        return self.loss(outputs, batch.targets).value


class TemporalOrder:
    """Temporal order (experiment 6a of the paper): which of X and Y came first, which second?

    A sequence of 100 to 110 symbols, one of eight a frame, begins with E and ends with B. In
    between stand a, b, c and d at random, and twice X or Y: at frame 10 to 20 and at frame 50 to
    60. After the last frame: was it X X, X Y, Y X or Y Y?
    """

    symbols = "abcdXYEB"
    n_inputs, n_outputs, chance = 8, 4, 0.75
    error_name = "sequences classified wrongly"

    def __init__(self, frames: int = 100) -> None:
        if frames < 20:
            raise ValueError(f"frames is {frames}; expected 20 or more")
        self.name = f"temporal order, T = {frames:,}"
        self.frames = frames
        self.lag = frames + frames // 10
        self.loss = CrossEntropy(per="sequence")

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """So many fresh sequences."""
        tenth = self.frames // 10
        lengths = rng.integers(self.frames, self.lag + 1, size)
        codes = rng.integers(0, 4, (self.lag, size))
        sequence = np.arange(size)
        first, second = rng.integers(0, 2, (2, size))
        codes[rng.integers(tenth, 2 * tenth + 1, size), sequence] = 4 + first
        codes[rng.integers(5 * tenth, 6 * tenth + 1, size), sequence] = 4 + second
        codes[0] = self.symbols.index("E")
        codes[lengths - 1, sequence] = self.symbols.index("B")
        x = np.eye(8, dtype=np.float32)[codes]
        x[np.arange(self.lag)[:, None] >= lengths] = 0
        return Batch(x, lengths, 2 * first + second)

    def error(self, outputs: Array, batch: Batch) -> float:
        """Share of sequences whose most likely class is wrong."""
        result = self.loss(outputs, batch.targets, batch.lengths)
        return 1 - result.correct / result.counted


# --- the embedded Reber grammar -------------------------------------------------------------------

SYMBOLS = "BTPSXVE"
# The Reber grammar: from each state, which symbols may come and to which state they lead.
GRAMMAR = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
)
END = 7


def reber(rng: np.random.Generator) -> str:
    """A string of the Reber grammar; where two symbols may come, each does half the time."""
    state, string = 0, ""
    while state != END:
        symbols = sorted(GRAMMAR[state])
        symbol = symbols[rng.integers(len(symbols))]
        string, state = string + symbol, GRAMMAR[state][symbol]
    return string


def followers(string: str) -> list[str]:
    """What may come after each symbol of a string of the embedded grammar, B k reber k E with k
    either T or P and both the same; nothing after the last.

    Raises
    ------
    ValueError
        The string is not one of the grammar.
    """
    kind, inner, state = string[1:2], string[2:-2], 0
    found = ["PT", "B"]
    for symbol in inner:
        if state == END or symbol not in GRAMMAR[state]:
            raise ValueError(f"{string!r}: {inner!r} is no string of the Reber grammar")
        state = GRAMMAR[state][symbol]
        found.append(kind if state == END else "".join(sorted(GRAMMAR[state])))
    if state != END or kind not in ("P", "T") or string[0] != "B" or string[-2:] != kind + "E":
        raise ValueError(f"{string!r} is no string of the embedded Reber grammar")
    return [*found, "E", ""]


class EmbeddedReber:
    """The embedded Reber grammar (experiment 1 of the paper): which symbols may come next?

    The second symbol, T or P, comes again as the last but one: after the inner string the network
    has to know it. That is 6 frames back at least and 9 on average: the paper's example of a
    lag that plain networks can learn, too. Trained with cross entropy on the symbol that really
    comes; a string is right if after each symbol all that may come are likelier than all that may
    not.
    """

    name = "embedded Reber grammar"
    n_inputs = n_outputs = len(SYMBOLS)
    lag = 12
    chance = 0.5
    error_name = "strings with an error"

    def __init__(self) -> None:
        self.loss = CrossEntropy(per="frame")

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """So many fresh sequences."""
        strings = []
        for kind in rng.integers(0, 2, size):
            strings.append(f"B{'TP'[kind]}{reber(rng)}{'TP'[kind]}E")
        lengths = np.array([len(string) - 1 for string in strings])
        codes = np.zeros((lengths.max() + 1, size), np.int64)
        legal = np.zeros((lengths.max(), size, len(SYMBOLS)), bool)
        for k, string in enumerate(strings):
            codes[: len(string), k] = [SYMBOLS.index(symbol) for symbol in string]
            for t, may in enumerate(followers(string)[:-1]):
                legal[t, k, [SYMBOLS.index(symbol) for symbol in may]] = True
        x = np.eye(len(SYMBOLS), dtype=np.float32)[codes[:-1]]
        x[np.arange(len(x))[:, None] >= lengths] = 0
        return Batch(x, lengths, codes[1:], legal)

    def error(self, outputs: Array, batch: Batch) -> float:
        """Share of strings in which, at some symbol, one that may not come is at least as likely as
        one that may."""
        assert batch.legal is not None
        assert batch.lengths is not None
        least = np.where(batch.legal, outputs, np.inf).min(axis=2)
        most = np.where(batch.legal, -np.inf, outputs).max(axis=2)
        past = np.arange(len(outputs))[:, None] >= batch.lengths
        return float(1 - ((least > most) | past).all(axis=0).mean())
