"""Silero VAD 6 (MIT): ONNX files, the TorchScript program, and its tensors alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.conversion import Conversion
from pylstm.convert.onnx import from_onnx
from pylstm.convert.published.contents import Contents
from pylstm.convert.published.quiet_convolutions import with_quiet_sums
from pylstm.convert.published.recipe import Recipe
from pylstm.convert.spectral_front import spectral_front
from pylstm.decisions import DecisionSettings
from pylstm.layers import LSTM, Activation, Add, Conv, Dense, Select

__all__ = ["DECISION", "LABELS", "recipe"]

Array = NDArray[np.float32]

TITLE = "Silero VAD"
LABELS = ("speech",)

DECISION: DecisionSettings = {
    "kind": "segments",
    "threshold": 0.5,
    "neg_threshold": 0.35,
    "min_speech": 0.25,
    "min_silence": 0.1,
    "pad": 0.03,
    "min_silence_at_max_speech": 0.098,
}
"""The defaults of its ``get_speech_timestamps``."""

# Channels and strides of its convolutions, and the width of its LSTM.
_CONVOLUTIONS = ((128, 1), (64, 2), (64, 2), (128, 1))
_HIDDEN = 128
_COLUMNS = 4
# How many of them have sums that get lost beside their biases.
_QUIET = 3


class _Chunk(NamedTuple):
    """Samples of a chunk."""

    rate: int
    new: int

    @property
    def context(self) -> int:
        """Those of the chunk before, in front."""
        return self.new // 8

    @property
    def n_fft(self) -> int:
        """Of the Fourier transform inside."""
        return self.new // 2

    @property
    def bins(self) -> int:
        """Magnitudes of a column."""
        return self.n_fft // 2 + 1

    def rows(self, samples: Array) -> Array:
        """Chunks as its own code makes them: zeros before the first and behind the last sample."""
        padded = np.pad(samples.astype(np.float32), (self.context, -len(samples) % self.new))
        starts = range(0, len(padded) - self.context, self.new)
        width = self.context + self.new
        rows = [padded[start : start + width] for start in starts]
        return np.stack(rows) if rows else np.zeros((0, width), np.float32)


SPECTRUM = (
    "Its Fourier transform, a convolution in the file, became features; audio comes in any cut."
)
QUIET = (
    "Its first convolutions sum what differs from silence, so that near silence keeps its digits."
)

_CHUNKS = {rate: _Chunk(rate, rate * 4 // 125) for rate in (16000, 8000)}


def recipe(contents: Contents) -> Recipe | None:
    """How a file becomes a model; None if it is none of Silero VAD's."""
    if contents.kind == "onnx":
        inputs = contents.inputs
        if "input" not in inputs or not ("state" in inputs or {"h", "c"} <= set(inputs)):
            return None
        rates = tuple(rate for rate, chunk in _CHUNKS.items() if _is_in_graph(contents, chunk))
        return Recipe(TITLE, rates, partial(_of_graph, contents)) if rates else None
    for names in _NAMES:
        rates = tuple(rate for rate in _CHUNKS if names.begins(contents, _CHUNKS[rate]))
        if rates:
            return Recipe(TITLE, rates, partial(_of_tensors, contents, names, rates))
    return None


# --- ONNX -----------------------------------------------------------------------------------------


def _is_in_graph(contents: Contents, chunk: _Chunk) -> bool:
    return contents.has_shapes(
        (2 * chunk.bins, 1, chunk.n_fft), (128, chunk.bins, 3), (64, 128, 3), (64, 64, 3)
    )


def _of_graph(contents: Contents, rate: int) -> Conversion:
    chunk = _CHUNKS[rate]
    in_sequence = "h" in contents.inputs
    found = from_onnx(
        contents.path,
        shapes={"input": (None if in_sequence else 1, chunk.context + chunk.new)},
        constants={"sr": rate} if "sr" in contents.inputs else None,
    )
    # The order that samples are brought into belongs to the Fourier transform, which is taken out.
    notes = tuple(note for note in found.notes if not note.startswith("Values are brought"))
    run = found.run_source
    source = None if run is None else partial(_in_chunks, chunk, run)
    made = _converted(found.layers, chunk, source, notes)
    assert isinstance(made.layers, dict)
    # PyTorch adds products to biases, as `Conv` does; ONNX Runtime does not, and is more exact.
    layers = with_quiet_sums(made.layers, _QUIET)
    return replace(made, layers=layers, notes=(*made.notes, QUIET))


def _in_chunks(chunk: _Chunk, run: Callable[[Array], Array], samples: Array) -> Array:
    return run(chunk.rows(samples))


def _converted(
    layers: Any,
    chunk: _Chunk,
    run_source: Callable[[Array], Array] | None,
    notes: tuple[str, ...],
    runs_code: bool = False,
) -> Conversion:
    features, rest = spectral_front(layers, chunk.rate, chunk.new)
    return Conversion(rest, run_source, (SPECTRUM, *notes), features, LABELS, DECISION, runs_code)


# --- tensors --------------------------------------------------------------------------------------


class _Names(NamedTuple):
    """What the tensors are called in one kind of file."""

    prefixes: Mapping[int, str]
    basis: str
    convolution: str
    cell: str
    head: str
    attributes: tuple[str, ...] = ()
    """Tensors of the program that are no weights: they are empty."""

    def begins(self, contents: Contents, chunk: _Chunk) -> bool:
        """Whether there is a network for a rate, as its Fourier transform tells."""
        name = f"{self.prefixes.get(chunk.rate)}{self.basis}"
        return contents.shapes.get(name) == (2 * chunk.bins, 1, chunk.n_fft)

    def shapes(self, chunk: _Chunk) -> dict[str, tuple[int, ...]]:
        """All weights of the network for a rate."""
        prefix, wide = self.prefixes[chunk.rate], 4 * _HIDDEN
        found: dict[str, tuple[int, ...]] = {
            f"{prefix}{self.basis}": (2 * chunk.bins, 1, chunk.n_fft)
        }
        width = chunk.bins
        for place, (channels, _) in enumerate(_CONVOLUTIONS):
            name = prefix + self.convolution.format(place, place + 1)
            found |= {f"{name}.weight": (channels, width, 3), f"{name}.bias": (channels,)}
            width = channels
        for side, size in (("ih", width), ("hh", _HIDDEN)):
            found[f"{prefix}{self.cell}.weight_{side}"] = (wide, size)
            found[f"{prefix}{self.cell}.bias_{side}"] = (wide,)
        head = f"{prefix}{self.head}"
        return found | {f"{head}.weight": (1, _HIDDEN, 1), f"{head}.bias": (1,)}


_NAMES = (
    _Names(
        {16000: "_model.", 8000: "_model_8k."},
        "stft.forward_basis_buffer",
        "encoder.{0}.reparam_conv",
        "decoder.rnn",
        "decoder.decoder.2",
        ("_state", "_context"),
    ),
    _Names({16000: ""}, "stft_conv.weight", "conv{1}", "lstm_cell", "final_conv"),
)


def _of_tensors(contents: Contents, names: _Names, rates: tuple[int, ...], rate: int) -> Conversion:
    expected = {name: shape for one in rates for name, shape in names.shapes(_CHUNKS[one]).items()}
    given = {name: shape for name, shape in contents.shapes.items() if name not in names.attributes}
    for name, shape in expected.items():
        if given.get(name) != shape:
            raise ValueError(
                f"tensor {name!r} is {given.get(name, 'missing')}; expected {shape}, as {TITLE} has"
            )
    for name in given:
        if name not in expected:
            raise ValueError(
                f"tensor {name!r} is none of {TITLE}'s; expected its"
                f" {number_of(len(expected), 'tensor')} and no other"
            )
    chunk, prefix = _CHUNKS[rate], names.prefixes[rate]
    weights = {name: contents.array(name) for name in names.shapes(chunk)}
    notes = tuple(f"The network for {one} Hz is left out." for one in rates if one != rate)
    layers = _layers(weights, names, prefix, chunk)
    if contents.kind != "torchscript":
        return _converted(layers, chunk, None, notes)
    program = None if find_spec("torch") is None else TorchScriptProgram(contents.path, chunk)
    return _converted(layers, chunk, program, notes, runs_code=program is not None)


def _layers(
    weights: Mapping[str, Array], names: _Names, prefix: str, chunk: _Chunk
) -> dict[str, Any]:
    """From the samples of a chunk on."""
    width, size, bins = chunk.context + chunk.new, 5 * chunk.n_fft // 2, chunk.bins
    mirrored = np.pad(np.arange(width), (0, size - width), mode="reflect")
    columns = _COLUMNS * 2 * bins
    layers: dict[str, Any] = {
        "mirrored": Dense(
            width, size, bias=False, weights={"weight": np.eye(width, dtype=np.float32)[mirrored]}
        ),
        "stft": Conv(
            size,
            2 * bins,
            positions=size,
            kernel_positions=chunk.n_fft,
            stride_positions=chunk.n_fft // 2,
            bias=False,
            weights={"weight": weights[f"{prefix}{names.basis}"][:, :, None]},
        ),
        "squares": Activation(columns, "square"),
        "real": Select(columns, 0, bins, positions=_COLUMNS),
        "imaginary": (Select(columns, bins, 2 * bins, positions=_COLUMNS), "squares"),
        "power": (Add(), "real", "imaginary"),
        "magnitude": Activation(_COLUMNS * bins, "sqrt"),
    }
    row, positions = _COLUMNS * bins, _COLUMNS
    for place, (channels, stride) in enumerate(_CONVOLUTIONS):
        name = prefix + names.convolution.format(place, place + 1)
        conv = layers[f"encoder_{place}"] = Conv(
            row,
            channels,
            positions=positions,
            kernel_positions=3,
            stride_positions=stride,
            padding_positions=(1, 1),
            activation="relu",
            weights={
                "weight": weights[f"{name}.weight"][:, :, None],
                "bias": weights[f"{name}.bias"],
            },
        )
        row, positions = conv.n_outputs, conv.output_positions
    cell, head = f"{prefix}{names.cell}", f"{prefix}{names.head}"
    parts = [f"{kind}_{side}" for kind in ("weight", "bias") for side in ("ih", "hh")]
    layers["lstm"] = LSTM(
        row, _HIDDEN, weights={f"{part}_l0": weights[f"{cell}.{part}"] for part in parts}
    )
    layers["relu"] = Activation(_HIDDEN, "relu")
    layers["head"] = Dense(
        _HIDDEN,
        1,
        "sigmoid",
        weights={
            "weight": weights[f"{head}.weight"][:, :, 0],
            "bias": weights[f"{head}.bias"],
        },
    )
    inputs = ["features", *layers]
    return {
        name: given if isinstance(given, tuple) else (given, inputs[place])
        for place, (name, given) in enumerate(layers.items())
    }


@dataclass(frozen=True)
class TorchScriptProgram:
    """The program of a TorchScript file: samples to probabilities, by PyTorch."""

    path: Path
    chunk: _Chunk

    @cached_property
    def _program(self) -> Any:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # PyTorch's, of the form of its file
            return torch.jit.load(str(self.path), map_location="cpu").eval()

    def __call__(self, samples: Array) -> Array:
        """The probabilities of samples (n,), from the beginning."""
        import torch

        self._program.reset_states()
        rows = self.chunk.rows(samples)[:, self.chunk.context :]
        with torch.no_grad():
            found = [self._program(torch.from_numpy(row.copy()), self.chunk.rate) for row in rows]
        return np.array([float(one) for one in found], np.float32)[:, None]
