"""ONNX files become layers."""

from pylstm.convert.onnx.importer import from_onnx

__all__ = ["from_onnx"]
