"""PyTorch's modules, state dicts and checkpoints become layers."""

from pylstm.convert.torch.importer import from_torch

__all__ = ["from_torch"]
