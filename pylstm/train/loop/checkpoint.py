"""Checkpoints: everything a training needs to continue as if it had never stopped.

A checkpoint is one safetensors file: the weights, the best weights so far and the optimiser's
moments are tensors named after the network's weights; everything else is JSON in the metadata.
Reading one runs no code, so a file from a stranger is safe to open.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pylstm import safetensors_encoding, whole_writes
from pylstm.arguments import number_of
from pylstm.train.loop.best_epoch import BestEpoch
from pylstm.train.loop.training_identity import BATCHES

__all__ = ["Checkpoint", "NamedWeights"]

Floats = NDArray[np.float32]

FORMAT = "1"
_TEXTS = {"identity": dict, "progress": dict, "optimiser": dict, "schedule": dict, "history": list}


class NamedWeights(Protocol):
    """Weights that have names: `pylstm.train.Network`."""

    parameters: Floats
    """All of them, flat."""

    @property
    def names(self) -> Mapping[str, Floats]:
        """Name -> view into `parameters`."""


@dataclass
class Checkpoint:
    """The state of a training between two epochs.

    Attributes
    ----------
    identity : dict of str to str
        What the training is, in words: all of it must be the same to continue.
    parameters : array, float32
        The weights, flat, in the network's order.
    optimiser, schedule : dict
        What their ``state()`` returned.
    history : list of dict
        One entry for each epoch.
    epoch, step : int
        Finished epochs and steps.
    best : BestEpoch
    """

    identity: dict[str, str]
    parameters: Floats
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    history: list[dict[str, Any]]
    epoch: int = 0
    step: int = 0
    best: BestEpoch = field(default_factory=BestEpoch)

    # --- bytes ------------------------------------------------------------------------------------

    def to_bytes(self, network: NamedWeights) -> bytes:
        """The checkpoint as the bytes of a file; equal checkpoints give equal bytes.

        Raises
        ------
        TypeError, ValueError
            The state of the optimiser or the schedule holds something other than numbers, strings
            and float32 arrays with as many values as there are weights.
        """
        arrays = {"parameters": self.parameters}
        if self.best.parameters is not None:
            arrays["best"] = self.best.parameters
        numbers = {}
        for key, value in self.optimiser.items():
            if not isinstance(value, np.ndarray):
                numbers[key] = value
                continue
            if value.dtype != np.float32 or value.shape != self.parameters.shape:
                raise TypeError(
                    f"the optimiser's state {key!r} is {value.dtype} of shape {value.shape};"
                    f" expected float32 of shape {self.parameters.shape}"
                )
            arrays[f"optimiser.{key}"] = value
        progress = {
            "epoch": self.epoch,
            "step": self.step,
            "best_epoch": self.best.epoch,
            "best_value": self.best.loss,
            "waited": self.best.epochs_since,
        }
        metadata = {
            "pylstm.checkpoint": FORMAT,
            "identity": _json("identity", self.identity),
            "progress": _json("progress", progress),
            "optimiser": _json("the optimiser's state", numbers),
            "schedule": _json("the schedule's state", self.schedule),
            "history": _json("history", self.history),
        }
        tensors = {
            f"{group}.{name}": view
            for group, flat in arrays.items()
            for name, view in _views(flat, network).items()
        }
        # A weight with a flipped bit is still a weight: only the checksum tells.
        metadata["checksum"] = _checksum(metadata, tensors)
        # Not by the safetensors library, which writes metadata in another order every time.
        return safetensors_encoding.encode(metadata, tensors)

    @classmethod
    def from_bytes(
        cls, data: bytes, network: NamedWeights, identity: Mapping[str, str] | None = None
    ) -> Checkpoint:
        """The inverse of `to_bytes`, for a network with the same weights.

        Parameters
        ----------
        data : bytes
        network : NamedWeights
        identity : mapping of str to str, optional
            What the training must be. None: anything.

        Raises
        ------
        ValueError
            It is not a checkpoint of this network and of this training; the message says why.
        ImportError
            safetensors is missing.
        """
        metadata, tensors = decode(data)
        if metadata.get("pylstm.checkpoint") != FORMAT:
            came = metadata.get("pylstm.checkpoint")
            raise ValueError(f"its 'pylstm.checkpoint' is {came!r}; expected {FORMAT!r}")
        # Else a damaged name of the checksum would be a checkpoint without one.
        for key in metadata.keys() - {"pylstm.checkpoint", "checksum", *_TEXTS}:
            raise ValueError(f"its metadata has {key!r}; expected no such key: the file is damaged")
        texts = {key: _parsed(key, metadata) for key in _TEXTS}
        # Compared before the tensors are: "another network" says more than a missing tensor.
        if identity is not None:
            _check_identity(texts["identity"], identity)
        groups: dict[str, dict[str, Floats]] = {}
        for name, tensor in tensors.items():
            group, weight = _group_and_weight(name, network)
            groups.setdefault(group, {})[weight] = tensor
        arrays = {group: _gathered(group, found, network) for group, found in groups.items()}
        if "parameters" not in arrays:
            raise ValueError("it holds no weights")
        progress = _progress(texts)
        # Last, because every error above says more. Files of 0.1.0 have no checksum.
        checksum = metadata.pop("checksum", None)
        if checksum is not None and checksum != _checksum(metadata, tensors):
            raise ValueError("its checksum is wrong: the file is damaged")
        return cls(
            identity=texts["identity"],
            parameters=arrays.pop("parameters"),
            best=BestEpoch(
                progress["best_epoch"],
                progress["best_value"],
                arrays.pop("best", None),
                progress["waited"],
            ),
            optimiser=texts["optimiser"]
            | {group.removeprefix("optimiser."): flat for group, flat in arrays.items()},
            schedule=texts["schedule"],
            history=texts["history"],
            epoch=progress["epoch"],
            step=progress["step"],
        )

    # --- files ------------------------------------------------------------------------------------

    def write(self, path: str | os.PathLike[str], network: NamedWeights) -> None:
        """Replaces a file, all or nothing.

        Raises
        ------
        OSError
            The folder or the disk refused; the file at `path` is unchanged.
        """
        whole_writes.write(path, self.to_bytes(network))

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], network: NamedWeights, identity: Mapping[str, str]
    ) -> Checkpoint:
        """The checkpoint of the training that `identity` describes.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is not a checkpoint, or of another training; the message says why.
        ImportError
            safetensors is missing.
        """
        name = os.fspath(path)
        try:
            # Looked at before it is opened: opening a pipe would wait for its other end.
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise ValueError(f"{name} is not a regular file; expected a checkpoint")
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{name} does not exist; expected a checkpoint (resume=False starts a new training)"
            ) from None
        with open(path, "rb") as file:
            data = file.read()
        try:
            return cls.from_bytes(data, network, identity)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"cannot resume from {name}: {error}") from None


def decode(data: bytes) -> tuple[dict[str, str], dict[str, Floats]]:
    """Metadata and tensors of a safetensors file, in the order of its header.

    Raises
    ------
    ValueError
        It is not a safetensors file, or cut off.
    ImportError
        safetensors is missing.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ImportError as error:
        raise ImportError(
            f'checkpoints need safetensors: pip install "pylstm[train]" ({error})'
        ) from None
    try:
        tensors = load(data)
    except (SafetensorError, KeyError) as error:  # KeyError: a dtype that NumPy lacks
        raise ValueError(f"it is damaged or cut off: {error}") from None
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", None) or {}
    return metadata, {name: tensors[name] for name in header}


# --- names and places -----------------------------------------------------------------------------


def _views(flat: Floats, network: NamedWeights) -> dict[str, Floats]:
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


def _group_and_weight(name: str, network: NamedWeights) -> tuple[str, str]:
    """The two parts of a tensor's name: optimiser.v and 0.weight, for example."""
    for weight in network.names:
        group = name.removesuffix(f".{weight}")
        if group != name and (group in ("parameters", "best") or group.startswith("optimiser.")):
            return group, weight
    raise ValueError(f"tensor {name!r} belongs to no weight of this network")


def _gathered(group: str, found: Mapping[str, Floats], network: NamedWeights) -> Floats:
    """The tensors of a group as one flat array in the network's order."""
    flat = np.zeros(network.parameters.shape, np.float32)
    for name, view in _views(flat, network).items():
        tensor = found.get(name)
        if tensor is None:
            raise ValueError(f"tensor '{group}.{name}' is missing")
        if tensor.dtype != np.float32 or tensor.shape != view.shape:
            raise ValueError(
                f"tensor '{group}.{name}' is {tensor.dtype} of shape {tensor.shape};"
                f" expected float32 of shape {view.shape}"
            )
        view[...] = tensor
    return flat


# --- metadata -------------------------------------------------------------------------------------


def _checksum(metadata: Mapping[str, str], tensors: Mapping[str, Floats]) -> str:
    """BLAKE2b of everything in a checkpoint, in hex."""
    digest = hashlib.blake2b(safetensors_encoding.encode(metadata, {}), digest_size=32)
    for tensor in tensors.values():
        digest.update(tensor.astype("<f4", order="C", copy=False).tobytes())
    return digest.hexdigest()


def _json(what: str, value: Any) -> str:
    def number(item: Any) -> Any:
        if isinstance(item, np.generic):
            return item.item()
        raise TypeError(f"{what} holds {type(item).__name__}; expected numbers and strings")

    # Numbers are written with all their digits and read back bit for bit.
    return json.dumps(value, default=number)


def _parsed(key: str, metadata: Mapping[str, str]) -> Any:
    if key not in metadata:
        raise ValueError(f"its metadata lacks {key!r}")
    try:
        value = json.loads(metadata[key])
    except (ValueError, RecursionError):
        raise ValueError(f"its {key!r} is not JSON") from None
    if not isinstance(value, _TEXTS[key]):
        raise ValueError(
            f"its {key!r} is a JSON {type(value).__name__}; expected a {_TEXTS[key].__name__}"
        )
    return value


def _progress(texts: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a checkpoint, each of its kind."""
    progress = texts["progress"]
    names = ("epoch", "step", "best_epoch", "best_value", "waited")
    if set(progress) != set(names):
        raise ValueError(f"its progress holds {', '.join(progress)}; expected {', '.join(names)}")
    for name, value in progress.items():
        # type(), because JSON's true is an int to isinstance.
        if name == "best_value":
            if value is not None and type(value) is not float:
                raise ValueError(f"its {name} is {value!r}; expected a number or null")
        elif type(value) is not int or value < 0:
            raise ValueError(f"its {name} is {value!r}; expected a whole number from 0 on")
    if progress["epoch"] != len(texts["history"]):
        raise ValueError(
            f"its history has {number_of(len(texts['history']), 'entry', 'entries')};"
            f" expected {progress['epoch']}, one for each epoch"
        )
    return dict(progress)


def _check_identity(found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Refuses the checkpoint of another training, with everything that differs."""
    differences = [
        f"its {key} is {found.get(key, 'missing')}; expected {expected.get(key, 'nothing')}"
        for key in dict.fromkeys([*expected, *found])
        if expected.get(key) != found.get(key)
        # Checkpoints of 0.1.0 lack it, and so do sources that do not know it.
        and not (key == BATCHES and (key not in found or key not in expected))
    ]
    if differences:
        raise ValueError(f"it is of another training: {'; '.join(differences)}")
