"""What a training is, in words: what must be the same for a checkpoint to belong to it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from pylstm.model import Model
from pylstm.train.data.batches import Source, batches_told

__all__ = ["BATCHES", "describe", "identity_of"]

BATCHES = "number of batches an epoch"


def identity_of(
    network: Any,
    model: Model | None,
    loss: Any,
    optimiser: Any,
    schedule: Any,
    seed: int,
    max_norm: float | None,
    training: Source,
    validation: Source | None,
) -> dict[str, str]:
    """What must be the same for a checkpoint to be of this training."""
    identity = {
        "network": ", ".join(map(repr, network.layers())),
        "loss": describe(loss),
        "optimiser": describe(optimiser),
        # By its kind alone: who trains on for more epochs sets another length.
        "schedule": type(schedule).__name__,
        "seed": str(seed),
        "max_norm": str(max_norm),
        "validation": "none" if validation is None else "given",
    }
    # Other data or another batch size; a source that cannot tell beforehand is taken at its word.
    if (n_batches := batches_told(training)) is not None:
        identity[BATCHES] = str(n_batches)
    if model is not None:
        identity["labels"] = "none" if model.labels is None else ", ".join(model.labels)
        identity["features"] = repr(model.features)
        if model.features is not None and (tensors := model.features.tensors()):
            values = b"".join(tensor.tobytes() for tensor in tensors.values())
            identity["mean and std"] = f"those of sha256 {hashlib.sha256(values).hexdigest()[:16]}"
    return identity


def describe(thing: object) -> str:
    """A loss, an optimiser or a schedule in words: its kind and its settings.

    Its repr, or if it has none its public attributes.

    Examples
    --------
    >>> class SGD:
    ...     def __init__(self):
    ...         self.lr, self.betas, self._steps = np.float64(0.1), (0.9, 0.999), 7
    >>> describe(SGD())
    'SGD(lr=0.1, betas=[0.9, 0.999])'
    """
    if type(thing).__repr__ is not object.__repr__:
        return repr(thing)
    settings = {name: value for name, value in vars(thing).items() if not name.startswith("_")}
    words = ", ".join(f"{name}={_plain(value)!r}" for name, value in settings.items())
    return f"{type(thing).__name__}({words})"


def _plain(value: Any) -> Any:
    """Without NumPy's types, whose repr changes from version to version."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value
