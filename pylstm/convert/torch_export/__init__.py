"""Models become PyTorch's modules."""

from pylstm.convert.torch_export.module import to_torch

__all__ = ["to_torch"]
