"""Batches and what cuts them, where version 0.1 had them; they are in `pylstm.train.data`."""

from pylstm.train.data.arrays import Arrays
from pylstm.train.data.batch import Batch
from pylstm.train.data.truncated import Truncated

__all__ = ["Arrays", "Batch", "Truncated"]
