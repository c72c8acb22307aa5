"""What an importer has made of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pylstm.layers.graph import Layers

__all__ = ["Conversion"]


@dataclass(frozen=True)
class Conversion:
    """What an importer has made of a file: layers, and how the source itself can be run.

    Attributes
    ----------
    layers : list of Layer, or dict of str to tuple
        As `Model` takes them.
    run_source : callable, optional
        Frames (T, n_features), float32, to rows (T', n_outputs), float32: what the framework itself
        gives from the beginning. None where the framework is not installed.
    notes : tuple of str
        What was left out or made into something else, and why that changes nothing.
    """

    layers: Layers
    run_source: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
    notes: tuple[str, ...] = ()
