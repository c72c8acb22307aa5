"""Models of other frameworks become pylstm layers.

An importer takes every tensor or none: a missing, unused or misshapen one is an error that names
it. Its framework is imported only while it runs, and nothing is ever unpickled.
"""

from pylstm.convert.torch import from_torch

__all__ = ["from_torch"]
