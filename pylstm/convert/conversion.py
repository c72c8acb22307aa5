"""What an importer has made of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pylstm.decisions import DecisionSettings
from pylstm.features import Features
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
        gives from the beginning. With `features` it takes samples (n,), float32, in place of
        frames. None where the framework is not installed.
    notes : tuple of str
        What was left out or made into something else, and why that changes nothing.
    features : Features, optional
        What the layers take, where the file or its kind tells it. None: frames come from outside.
    labels : sequence of str, optional
        Names of the outputs, as `Model` takes them.
    decision : mapping, optional
        How posteriors become events, as `Model` takes it.
    runs_code : bool
        Whether `run_source` runs a program that is in the file. Call it only if you trust the file.
    """

    layers: Layers
    run_source: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
    notes: tuple[str, ...] = ()
    features: Features | None = None
    labels: Sequence[str] | None = None
    decision: DecisionSettings | None = None
    runs_code: bool = False
