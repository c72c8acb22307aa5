"""Models as ONNX files."""

from pylstm.convert.onnx_export.to_onnx import to_onnx

__all__ = ["to_onnx"]
