"""Checkpoints: all that a training needs to go on as if nothing had happened.

One safetensors file: the weights, the best weights so far and the optimiser's moments as tensors
under the names of the network's weights, everything else as JSON in its metadata. Nothing in it is
code, so reading one from a stranger runs nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pylstm import safetensors_encoding, whole_writes
from pylstm.train.loop import checkpoint_file
from pylstm.train.loop.training_identity import BATCHES

__all__ = ["Checkpoint", "Named"]

Floats = NDArray[np.float32]

FORMAT = "1"
_NUMBERS = ("epoch", "step", "best_epoch", "best_value", "waited")


class Named(Protocol):
    """Weights that have names: `pylstm.train.Network`."""

    parameters: Floats
    """All of them, flat."""

    @property
    def names(self) -> Mapping[str, Floats]:
        """Name -> view into `parameters`."""


@dataclass
class Checkpoint:
    """Where a training stands between two epochs.

    Attributes
    ----------
    identity : dict of str to str
        What the training is, in words: what must be the same for the numbers to go on.
    epoch, step : int
        How many epochs and steps are done.
    parameters : array, float32
        The weights, flat, in the network's order.
    best : array, float32, or None
        The weights of the best epoch, where a validation tells which one that was.
    best_epoch : int
        Its number, counted from 1; 0: none yet.
    best_value : float or None
        Its validation loss.
    waited : int
        Epochs since then.
    optimiser, schedule : dict
        What their ``state()`` gave.
    history : list of dict
        An entry an epoch.
    """

    identity: dict[str, str]
    parameters: Floats
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    history: list[dict[str, Any]]
    epoch: int = 0
    step: int = 0
    best: Floats | None = None
    best_epoch: int = 0
    best_value: float | None = None
    waited: int = 0

    # --- files ------------------------------------------------------------------------------------

    def to_bytes(self, network: Named) -> bytes:
        """The checkpoint as the bytes of a file; equal ones give equal bytes.

        Raises
        ------
        TypeError, ValueError
            The state of the optimiser or the schedule holds something other than numbers, texts and
            float32 arrays as long as the weights.
        """
        arrays = {"parameters": self.parameters}
        if self.best is not None:
            arrays["best"] = self.best
        numbers = {}
        for key, value in self.optimiser.items():
            if isinstance(value, np.ndarray):
                if value.dtype != np.float32 or value.shape != self.parameters.shape:
                    raise TypeError(
                        f"the optimiser's state {key!r} is {value.dtype} of shape {value.shape}:"
                        f" expected float32 of shape {self.parameters.shape}"
                    )
                arrays[f"optimiser.{key}"] = value
            else:
                numbers[key] = value
        metadata = {
            "pylstm.checkpoint": FORMAT,
            "identity": _json("identity", self.identity),
            "progress": _json("progress", {name: getattr(self, name) for name in _NUMBERS}),
            "optimiser": _json("the optimiser's state", numbers),
            "schedule": _json("the schedule's state", self.schedule),
            "history": _json("history", self.history),
        }
        tensors = {
            f"{group}.{name}": view
            for group, flat in arrays.items()
            for name, view in _views(flat, network).items()
        }
        # A flipped bit of a weight is a weight, too: only this tells.
        metadata["checksum"] = _checksum(metadata, tensors)
        return safetensors_encoding.encode(metadata, tensors)

    @classmethod
    def from_bytes(cls, data: bytes, network: Named) -> Checkpoint:
        """The inverse of `to_bytes`, for a network of the same weights.

        Raises
        ------
        ValueError
            It is no checkpoint, or not one of this network.
        """
        metadata, tensors = checkpoint_file.decode(data)
        if metadata.get("pylstm.checkpoint") != FORMAT:
            raise ValueError("its metadata does not have 'pylstm.checkpoint' with the value 1")
        texts = {
            key: _parsed(key, metadata)
            for key in ("identity", "progress", "optimiser", "schedule", "history")
        }
        groups: dict[str, dict[str, Floats]] = {}
        for name, tensor in tensors.items():
            group, weight = _divided(name, network)
            groups.setdefault(group, {})[weight] = tensor
        arrays = {group: _gathered(group, found, network) for group, found in groups.items()}
        if "parameters" not in arrays:
            raise ValueError("it holds no weights")
        numbers = texts["progress"]
        if not isinstance(numbers, dict) or set(numbers) != set(_NUMBERS):
            raise ValueError(f"its progress does not tell exactly {', '.join(_NUMBERS)}")
        for name, value in numbers.items():
            if name == "best_value" and (value is None or type(value) is float):
                continue
            if name == "best_value" or type(value) is not int or value < 0:
                raise ValueError(f"its {name} is {value!r}")
        if numbers["epoch"] != len(texts["history"]):
            raise ValueError(
                f"its history has {len(texts['history'])} entries for {numbers['epoch']} epochs"
            )
        # Last: what is wrong says more than that something is. Files from before it have none.
        told = metadata.pop("checksum", None)
        if told is not None and told != _checksum(metadata, tensors):
            raise ValueError("its checksum is wrong: it is damaged")
        return cls(
            identity=texts["identity"],
            parameters=arrays.pop("parameters"),
            best=arrays.pop("best", None),
            optimiser=texts["optimiser"]
            | {group.removeprefix("optimiser."): flat for group, flat in arrays.items()},
            schedule=texts["schedule"],
            history=texts["history"],
            **numbers,
        )

    def write(self, path: str | os.PathLike[str], network: Named) -> None:
        """Replaces a file as a whole or not at all.

        Raises
        ------
        OSError
            The folder or the disk refused; what stood at `path` is as it was.
        """
        whole_writes.write(path, self.to_bytes(network))

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], network: Named, identity: Mapping[str, str]
    ) -> Checkpoint:
        """The checkpoint of a training that is what `identity` says.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no checkpoint, or one of another training: the message says what differs.
        """
        name = os.fspath(path)
        try:
            data = checkpoint_file.read(path)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{name} is not there: there is no checkpoint to resume from; resume=False begins"
            ) from None
        try:
            metadata, _ = checkpoint_file.decode(data)
            if metadata.get("pylstm.checkpoint") != FORMAT:
                raise ValueError("its metadata does not have 'pylstm.checkpoint' with the value 1")
            found = _parsed("identity", metadata)
        except ValueError as error:
            raise ValueError(f"{name} is no checkpoint that can be resumed: {error}") from None
        # Compared before the tensors are: "another network" says more than a missing tensor.
        differences = [
            f"its {key} is {found.get(key, 'not told')}, here it is {identity.get(key, 'not told')}"
            for key in dict.fromkeys([*identity, *found])
            if identity.get(key) != found.get(key)
            # Checkpoints of 0.1.0 do not tell.
            and not (key == BATCHES and (key not in found or key not in identity))
        ]
        if differences:
            raise ValueError(f"{name} is of another training: {'; '.join(differences)}")
        try:
            return cls.from_bytes(data, network)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{name} is no checkpoint that can be resumed: {error}") from None


# --- names and places -----------------------------------------------------------------------------


def _views(flat: Floats, network: Named) -> dict[str, Floats]:
    """The weights in an array that is laid out as the network's parameters."""
    flat = np.ascontiguousarray(flat)
    start = network.parameters.__array_interface__["data"][0]
    return {
        name: np.ndarray(
            view.shape,
            np.float32,
            flat.data,
            view.__array_interface__["data"][0] - start,
            view.strides,
        )
        for name, view in network.names.items()
    }


def _divided(name: str, network: Named) -> tuple[str, str]:
    """The group and the weight in the name of a tensor: optimiser.v.0.weight, for example."""
    for weight in network.names:
        group = name.removesuffix(f".{weight}")
        if group != name and (group in ("parameters", "best") or group.startswith("optimiser.")):
            return group, weight
    raise ValueError(f"tensor {name!r} belongs to no weight of this network")


def _gathered(group: str, found: Mapping[str, Floats], network: Named) -> Floats:
    """Tensors of a group as one flat array in the network's order."""
    flat = np.zeros(network.parameters.shape, np.float32)
    for name, view in _views(flat, network).items():
        if name not in found:
            raise ValueError(f"tensor '{group}.{name}' is missing")
        if found[name].shape != view.shape:
            raise ValueError(
                f"tensor '{group}.{name}' has shape {found[name].shape}; expected {view.shape}"
            )
        view[...] = found[name]
    return flat


def _checksum(metadata: Mapping[str, str], tensors: Mapping[str, Floats]) -> str:
    """Of all that a checkpoint holds: BLAKE2b, in hex."""
    digest = hashlib.blake2b(safetensors_encoding.encode(metadata, {}), digest_size=32)
    for tensor in tensors.values():
        digest.update(tensor.astype("<f4", order="C", copy=False).tobytes())
    return digest.hexdigest()


def _json(what: str, value: Any) -> str:
    def number(item: Any) -> Any:
        if isinstance(item, np.generic):
            return item.item()
        raise TypeError(f"{what} holds {type(item).__name__}; expected numbers and texts")

    # Numbers are written with all their digits: what is read is what was written, bit for bit.
    return json.dumps(value, default=number)


def _parsed(key: str, metadata: Mapping[str, str]) -> Any:
    if key not in metadata:
        raise ValueError(f"its metadata lacks {key!r}")
    expected = list if key == "history" else dict
    try:
        value = json.loads(metadata[key])
    except (ValueError, RecursionError):
        raise ValueError(f"its {key!r} is no JSON") from None
    if not isinstance(value, expected):
        raise ValueError(f"its {key!r} is no JSON {expected.__name__}")
    return value
