"""Inputs and weights of the golden files, made anew wherever they are needed.

Only outputs are stored. Everything else comes from `numpy.random.RandomState`, whose stream NumPy
has frozen (NEP 19), unlike that of `numpy.random.default_rng`.
"""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.speech_probabilities import SpeechCase

FOLDER = Path(__file__).parent

Array = NDArray[np.float32]


def uniform(rng: np.random.RandomState, shape: tuple[int, ...], bound: float) -> Array:
    """float32 from U(-bound, bound)."""
    return rng.uniform(-bound, bound, shape).astype(np.float32)


@dataclass(frozen=True)
class LstmCase:
    """One LSTM, its input and the steps whose outputs are stored."""

    input_size: int
    hidden_size: int
    num_layers: int
    n_steps: int
    bias: bool = True
    with_state: bool = False
    scale: float = 1.0
    """Largest input; a large one drives the gates into saturation."""

    @property
    def name(self) -> str:
        return (
            f"{self.input_size}x{self.hidden_size}x{self.num_layers}"
            f"{'' if self.bias else '_nobias'}{'_state' if self.with_state else ''}"
            f"{'' if self.scale == 1 else '_loud'}"
        )

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps whose outputs are stored: more at the start, always the last one."""
        steps = np.array([0, 1, 2, 3, 7, 15, 16, 99, 499, self.n_steps - 1])
        return np.unique(steps[steps < self.n_steps])

    def weights(self) -> dict[str, Array]:
        """PyTorch's names and PyTorch's initialisation."""
        rng = np.random.RandomState(self.input_size * 31 + self.hidden_size * 7 + self.num_layers)
        rows, bound = 4 * self.hidden_size, self.hidden_size**-0.5
        weights = {}
        for k in range(self.num_layers):
            width = self.hidden_size if k else self.input_size
            weights[f"weight_ih_l{k}"] = uniform(rng, (rows, width), bound)
            weights[f"weight_hh_l{k}"] = uniform(rng, (rows, self.hidden_size), bound)
            if self.bias:
                weights[f"bias_ih_l{k}"] = uniform(rng, (rows,), bound)
                weights[f"bias_hh_l{k}"] = uniform(rng, (rows,), bound)
        return weights

    def x(self) -> Array:
        """(n_steps, input_size)."""
        rng = np.random.RandomState(self.n_steps)
        return uniform(rng, (self.n_steps, self.input_size), self.scale)

    def state(self) -> tuple[Array, Array] | None:
        """(h, c), each (num_layers, hidden_size)."""
        if not self.with_state:
            return None
        rng = np.random.RandomState(5)
        shape = (self.num_layers, self.hidden_size)
        return uniform(rng, shape, 1.0), uniform(rng, shape, 2.0)


LSTM_CASES = [
    LstmCase(1, 1, 1, 1000),
    LstmCase(13, 16, 1, 1000),
    LstmCase(13, 40, 1, 1000, scale=10.0),
    LstmCase(16, 13, 2, 1000),
    LstmCase(40, 65, 2, 1000),
    LstmCase(40, 128, 1, 1000),
    LstmCase(65, 127, 1, 300),
    LstmCase(127, 1, 1, 300),
    LstmCase(13, 17, 3, 300),
    LstmCase(13, 33, 4, 300),
    LstmCase(13, 33, 4, 100, with_state=True),
    LstmCase(1, 65, 1, 300, with_state=True),
    LstmCase(40, 31, 2, 100, bias=False),
    LstmCase(129, 257, 1, 50),
    LstmCase(1000, 15, 1, 50),
    LstmCase(15, 1000, 1, 10),
]


@dataclass(frozen=True)
class DenseCase:
    """One dense layer and its input."""

    input_size: int
    output_size: int
    activation: str
    bias: bool = True

    @property
    def name(self) -> str:
        bias = "" if self.bias else "_nobias"
        return f"{self.input_size}x{self.output_size}_{self.activation}{bias}"

    def weights(self) -> dict[str, Array]:
        rng = np.random.RandomState(self.input_size * 31 + self.output_size)
        bound = self.input_size**-0.5
        weights = {"weight": uniform(rng, (self.output_size, self.input_size), bound)}
        if self.bias:
            weights["bias"] = uniform(rng, (self.output_size,), bound)
        return weights

    def x(self) -> Array:
        """(6, input_size), from tiny to large enough to saturate."""
        rng = np.random.RandomState(self.input_size)
        scales = np.array([0, 1e-3, 0.1, 1, 10, 100], np.float32)[:, np.newaxis]
        return scales * uniform(rng, (6, self.input_size), 1.0)


DENSE_CASES = [
    DenseCase(*sizes, activation)
    for activation in ("linear", "sigmoid", "tanh", "relu", "softmax")
    for sizes in ((1, 1), (13, 40), (40, 13), (65, 127), (128, 16))
] + [DenseCase(40, 12, "softmax", bias=False), DenseCase(40, 12, "linear", bias=False)]


def signal(kind: str, n: int, sr: int = 16000) -> Array:
    """A test signal.

    ``"noise"`` fades in from silence; ``"chirp"`` sweeps up to sr / 2; ``"speech"`` has a voice's
    shape: harmonics of a moving pitch in syllables with pauses of near silence between them;
    ``"clicks"`` is zero but for a few samples; ``"silence"`` is zero.
    """
    rng = np.random.RandomState(n)
    t = np.arange(n) / sr
    if kind == "noise":
        y = rng.uniform(-1, 1, n) * np.linspace(0, 0.5, n)
    elif kind == "chirp":
        y = 0.5 * np.sin(np.pi * sr / 2 * t * t / t[-1])
    elif kind == "speech":
        phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 1.5 * t)) / sr
        y = sum(np.sin(k * phase) / k for k in range(1, 20))
        y = 0.1 * y * np.maximum(0, np.sin(2 * np.pi * 3 * t)) + 1e-4 * rng.uniform(-1, 1, n)
    elif kind == "clicks":
        y = np.zeros(n)
        y[:: n // 5] = rng.uniform(-1, 1, len(y[:: n // 5]))
    elif kind == "silence":
        y = np.zeros(n)
    else:
        raise ValueError(kind)
    return y.astype(np.float32)


@dataclass(frozen=True)
class FeaturesCase:
    """Settings under pylstm's names, and the signal that they are tried on."""

    name: str
    kind: str = "mfcc"
    signal: str = "speech"
    n_samples: int = 8000
    settings: dict[str, Any] = field(default_factory=dict)

    def y(self) -> Array:
        return signal(self.signal, self.n_samples, self.settings.get("sr", 16000))


FEATURES_CASES = [
    FeaturesCase("default"),
    FeaturesCase("noise", signal="noise"),
    FeaturesCase("chirp", signal="chirp"),
    FeaturesCase("clicks", signal="clicks"),
    FeaturesCase("silence", signal="silence", n_samples=4000),
    FeaturesCase("top_db", settings={"top_db": 80.0}),
    FeaturesCase("top_db_low", settings={"top_db": 30.0}),
    FeaturesCase("reflect", settings={"pad_mode": "reflect"}),
    FeaturesCase("left", settings={"center": False}),
    FeaturesCase("short", n_samples=100, settings={"pad_mode": "reflect"}),
    FeaturesCase("htk", settings={"htk": True, "norm": None, "fmin": 20.0, "fmax": 7600.0}),
    FeaturesCase("deltas", settings={"deltas": 2}),
    FeaturesCase("lifter", settings={"lifter": 22.0, "n_mfcc": 20}),
    FeaturesCase("hamming", settings={"window": "hamming", "win_length": 399, "hop_length": 201}),
    FeaturesCase("blackman", settings={"window": "blackman", "win_length": 512}),
    FeaturesCase("boxcar", settings={"window": "boxcar", "power": 1.0}),
    FeaturesCase(
        "telephone",
        signal="noise",
        settings={"sr": 8000, "n_fft": 256, "win_length": 200, "hop_length": 80, "n_mels": 23},
    ),
    FeaturesCase(
        "librosa",
        signal="noise",
        n_samples=11025,
        settings={
            "sr": 22050,
            "n_fft": 2048,
            "win_length": 2048,
            "hop_length": 512,
            "n_mels": 128,
            "n_mfcc": 20,
            "top_db": 80.0,
        },
    ),
    FeaturesCase("dct3", settings={"dct_type": 3}),
    FeaturesCase("dct1", settings={"dct_type": 1, "dct_norm": None}),
    FeaturesCase("logmel", kind="logmel", n_samples=4000),
    FeaturesCase("logmel_deltas", kind="logmel", n_samples=4000, settings={"deltas": 1}),
    FeaturesCase(
        "logmel_top_db", kind="logmel", n_samples=4000, settings={"top_db": 60.0, "n_mels": 20}
    ),
]


@functools.cache
def stored(name: str) -> dict[str, Array]:
    """All arrays of one golden file."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def decibel_tolerance(expected: Array, ulp: int = 3) -> float:
    """What librosa's own float32 leaves open: 1e-4, and more where values are large.

    Near silence the first coefficient of an MFCC is about -630, where neighbouring float32 are
    6e-5 apart, and librosa itself is some of these steps away from the exact result; without the
    orthogonal norm of the DCT, or with a lifter, values and their roundings are larger still.
    """
    return max(1e-4, ulp * float(np.spacing(np.abs(expected).max())))


def silero_cases() -> list[tuple[SpeechCase, list[list[int]]]]:
    """Tracks of the probability of speech, and where silero-vad's segments start and end."""
    stored = json.loads((FOLDER / "silero_segments.json").read_text(encoding="utf-8"))["cases"]
    segments = [row.pop("segments") for row in stored]
    return [(SpeechCase(**row), found) for row, found in zip(stored, segments, strict=True)]
