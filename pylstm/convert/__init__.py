"""Models of other frameworks become pylstm layers, and models become C source or ONNX files.

An importer takes every tensor or none: a missing, unused or misshapen one is an error that names
it. Its framework is imported only while it runs, and no code from a file is run.
"""

from pylstm.convert.conversion import Conversion
from pylstm.convert.export_c import CSource, c_name, to_c
from pylstm.convert.onnx_export import to_onnx
from pylstm.convert.torch import from_torch
from pylstm.convert.torch_export.module import to_torch

__all__ = ["CSource", "c_name", "from_torch", "to_c", "to_onnx"]
