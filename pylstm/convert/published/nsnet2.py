"""NSNet2 (MIT, weights CC BY 4.0): the network of the noise suppressor, in ONNX."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pylstm.convert.conversion import Conversion
from pylstm.convert.onnx import from_onnx
from pylstm.convert.published.contents import Contents
from pylstm.convert.published.framed_source import behind_features
from pylstm.convert.published.recipe import Recipe
from pylstm.features import Spectrum

__all__ = ["recipe"]

GAINS = "Its rows are gains: they multiply the spectrum of the same samples."

# Width of the GRUs by sample rate, and that of the dense layers behind them.
_SIZES = {16000: (161, 400, 600), 48000: (513, 600, 800)}


def recipe(contents: Contents) -> Recipe | None:
    """How a file becomes a model; None if it is none of its networks."""
    if contents.kind != "onnx" or len(contents.inputs) != 1:
        return None
    (sizes,) = contents.inputs.values()
    for rate, (bins, hidden, wide) in _SIZES.items():
        gates = (1, 3 * hidden, hidden)
        known = contents.has_shapes((bins, hidden), gates, (hidden, wide), (wide, bins))
        if known and sizes[-1] == bins:
            return Recipe("NSNet2", (rate,), partial(_gains, contents))
    return None


def _features(rate: int) -> Spectrum:
    """log10(max(|X|^2, 1e-12)) with a square root of Hann over 20 ms, as its package has it."""
    if rate == 16000:
        n_fft, win_length, hop_length, periodic = 320, 320, 160, False
    else:
        n_fft, win_length, hop_length, periodic = 1024, 960, 512, True
    return Spectrum(
        sr=rate,
        n_fft=n_fft,
        win_length=win_length,
        hop_length=hop_length,
        window="sqrt_hann",
        periodic=periodic,
        center=False,
        framing="kaldi",
        power=2.0,
        log="log10",
        log_floor=1e-12,
    )


def _gains(contents: Contents, rate: int) -> Conversion:
    found = from_onnx(contents.path)
    return behind_features(replace(found, notes=(*found.notes, GAINS)), _features(rate))
