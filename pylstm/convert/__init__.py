"""Models of other frameworks become pylstm layers, and models become C source.

An importer takes every tensor or none: a missing, unused or misshapen one is an error that names
it. Its framework is imported only while it runs, and nothing is ever unpickled.
"""

from pylstm.convert.export_c import CSource, c_name, to_c
from pylstm.convert.onnx import from_onnx
from pylstm.convert.spectral_front import SpectralFront, spectral_front
from pylstm.convert.torch import from_torch

__all__ = [
    "CSource",
    "SpectralFront",
    "c_name",
    "from_onnx",
    "from_torch",
    "spectral_front",
    "to_c",
]
