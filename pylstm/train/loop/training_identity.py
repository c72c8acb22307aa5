"""What a training is, in words: what must be the same for a checkpoint to belong to it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pylstm.layers.graph import graph_keys
from pylstm.model import Model
from pylstm.train.data.source import Source, known_n_batches

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
    """What must be the same for a checkpoint to belong to this training."""
    identity = {
        "network": _in_words(network),
        "loss": describe(loss),
        "optimiser": describe(optimiser),
        # Its kind alone: training on for more epochs changes its length.
        "schedule": type(schedule).__name__,
        "seed": str(seed),
        "max_norm": str(max_norm),
        "validation": "none" if validation is None else "given",
    }
    if frozen := getattr(network, "frozen", ()):
        identity["frozen"] = ", ".join(frozen)
    # Differs with other data or another batch size.
    if (n_batches := known_n_batches(training)) is not None:
        identity[BATCHES] = str(n_batches)
    if model is not None:
        identity["labels"] = "none" if model.labels is None else ", ".join(model.labels)
        identity["features"] = repr(model.features)
        if model.features is not None and (tensors := model.features.tensors()):
            values = b"".join(tensor.tobytes() for tensor in tensors.values())
            identity["mean and std"] = f"those of sha256 {hashlib.sha256(values).hexdigest()[:16]}"
    return identity


def describe(thing: object) -> str:
    """The kind and the settings of a loss, an optimiser or a schedule.

    Its repr, or if it has none its public attributes.

    Examples
    --------
    >>> import numpy as np
    >>> class SGD:
    ...     def __init__(self):
    ...         self.lr, self.betas, self._steps = np.float32(0.5), (0.9, 0.999), 7
    >>> describe(SGD())
    'SGD(lr=0.5, betas=[0.9, 0.999])'
    """
    if type(thing).__repr__ is not object.__repr__:
        return repr(thing)
    settings = {name: value for name, value in vars(thing).items() if not name.startswith("_")}
    words = ", ".join(f"{name}={_plain(value)!r}" for name, value in settings.items())
    return f"{type(thing).__name__}({words})"


def _plain(value: Any) -> Any:
    """The value without NumPy's types, whose repr changes from version to version."""

    def plain(part: Any) -> Any:
        return part.tolist() if hasattr(part, "tolist") else repr(part)

    return json.loads(json.dumps(value, default=plain))


def _in_words(network: Any) -> str:
    """The layers of a network, and how they hang together where that is no chain."""
    layers = list(map(repr, network.layers()))
    nodes = getattr(network, "nodes", ())
    if not any(graph_keys(nodes, place) for place in range(len(nodes))):
        return ", ".join(layers)
    return ", ".join(
        f"{node.name}({', '.join(node.inputs)}): {layer}"
        for node, layer in zip(nodes, layers, strict=True)
    )
