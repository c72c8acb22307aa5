"""DTLN (MIT): both stages of the noise suppressor, in ONNX."""

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

_STATE = (1, 2, 128, 2)
_BLOCK, _SHIFT, _RATE = 512, 128, 16000

MASK = "Its rows are a mask: they multiply the spectrum of the 512 samples."
BLOCKS = (
    "Frames come from outside: a block of 512 samples every 128, what the first stage makes of its"
    " spectrum. The rows are blocks, too, and are added where they overlap."
)


def recipe(contents: Contents) -> Recipe | None:
    """How a file becomes a model; None if it is neither stage."""
    if contents.kind != "onnx" or len(contents.inputs) != 2:
        return None
    sizes = set(contents.inputs.values())
    if sizes == {(1, 1, 257), _STATE} and contents.has_shapes((128, 257)):
        return Recipe("DTLN, stage 1", (_RATE,), partial(_mask, contents))
    if sizes == {(1, 1, 512), _STATE} and contents.has_shapes((256, 512, 1), (512, 256, 1)):
        return Recipe("DTLN, stage 2", (_RATE,), partial(_blocks, contents))
    return None


def _mask(contents: Contents, rate: int) -> Conversion:
    features = Spectrum(
        sr=rate, n_fft=_BLOCK, hop_length=_SHIFT, window="boxcar", center=False, framing="chunk"
    )
    found = from_onnx(contents.path)
    return behind_features(replace(found, notes=(*found.notes, MASK)), features)


def _blocks(contents: Contents, rate: int) -> Conversion:
    found = from_onnx(contents.path)
    return replace(found, notes=(*found.notes, BLOCKS))
