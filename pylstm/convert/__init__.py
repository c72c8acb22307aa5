"""Models of other frameworks become pylstm layers, and models become modules, ONNX and C source.

An importer takes every tensor or none: a missing, unused or misshapen one is an error that names
it. Its framework is imported only while it runs, and no code from a file is run.
"""

from pylstm.convert.conversion import Conversion
from pylstm.convert.export_c import CSource, c_name, to_c
from pylstm.convert.keras import from_keras
from pylstm.convert.onnx import from_onnx
from pylstm.convert.onnx_export import to_onnx
from pylstm.convert.published import from_published
from pylstm.convert.rtneural import from_rtneural
from pylstm.convert.self_check import largest_difference
from pylstm.convert.spectral_front import SpectralFront, spectral_front
from pylstm.convert.torch import from_torch
from pylstm.convert.torch_export import to_torch

__all__ = [
    "CSource",
    "Conversion",
    "SpectralFront",
    "c_name",
    "from_keras",
    "from_onnx",
    "from_published",
    "from_rtneural",
    "from_torch",
    "largest_difference",
    "spectral_front",
    "to_c",
    "to_onnx",
    "to_torch",
]
