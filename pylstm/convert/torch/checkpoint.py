"""Checkpoints: state dicts in files, below other things, and under the names of wrappers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylstm.arguments import listing
from pylstm.convert.source_file import check_regular
from pylstm.convert.torch.exclusion import one_thread
from pylstm.convert.torch.hostile_file import refuse_bombs
from pylstm.convert.torch.tensors import is_tensor

__all__ = ["beginnings", "read_checkpoint", "state_dict_in", "without_wrappers"]

# What wrappers put in front of all names: DataParallel and its kin, torch.compile, Lightning.
_WRAPPERS = ("module.", "_orig_mod.", "model.")
# What torch.compile puts in front of the names of one module.
_COMPILED = "_orig_mod."
# What torch.optim.swa_utils.AveragedModel counts.
_AVERAGED = "n_averaged"


def read_checkpoint(path: str | bytes | os.PathLike[Any]) -> Any:
    """What is in a file of tensors: of safetensors, or of ``torch.save``.

    No code from the file is run: ``torch.load`` reads it with ``weights_only=True``.

    Raises
    ------
    ImportError
        What reads such files is not installed.
    OSError
        The file cannot be read.
    ValueError
        It is not a regular file, or holds something else than tensors and plain data.
    """
    place = Path(os.fsdecode(path))
    shown = f"source is {str(place)!r}"
    check_regular(place)
    with place.open("rb") as file:
        file.read(1)
    if place.suffix == ".safetensors":
        return _read_safetensors(place, shown)
    try:
        import torch
    except ImportError as error:
        raise ImportError(f'{shown}, which PyTorch reads: pip install "pylstm[torch]"') from error
    refuse_bombs(place, shown)
    try:
        # What PyTorch says of its own parts while it reads. The filters are those of the process.
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(place, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # whatever a broken file makes of the reader
        raise ValueError(
            f"{shown}, which torch.load(weights_only=True) refuses; expected a file of"
            " torch.save(module.state_dict(), path): anything else can run code when it is read. If"
            " it is a whole module and you trust it, load it yourself and hand it over"
        ) from error


def _read_safetensors(place: Path, shown: str) -> Any:
    """The tensors of a file of safetensors, as PyTorch's where it is installed."""
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            f'{shown}, which safetensors reads: pip install "pylstm[torch]"'
        ) from error
    try:
        import torch  # noqa: F401

        framework = "pt"
    except ImportError:
        framework = "numpy"
    try:
        with safetensors.safe_open(str(place), framework=framework) as file:
            notes = file.metadata() or {}
            if "pylstm.format" in notes:
                raise ValueError(
                    f"{shown}, a model of pylstm; expected tensors of PyTorch: read it with"
                    " pylstm.load"
                )
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise ValueError(f"{shown}, which is no file of safetensors: {error}") from error


def state_dict_in(checkpoint: Any, where: str) -> Mapping[Any, Any]:
    """The state dict among other things, such as numbers of epochs and the optimiser's state.

    Raises
    ------
    TypeError
        It is no mapping.
    ValueError
        There are several state dicts, or none, because the checkpoint is inside itself.
    """
    if not isinstance(checkpoint, Mapping):
        raise TypeError(
            f"{where} holds an object of type {type(checkpoint).__name__}; expected a state dict"
        )
    seen: set[int] = set()
    while True:
        if all(map(is_tensor, checkpoint.values())):
            return checkpoint
        seen.add(id(checkpoint))
        inner = {name: value for name, value in checkpoint.items() if isinstance(value, Mapping)}
        found = {
            name: one for name, one in inner.items() if one and all(map(is_tensor, one.values()))
        }
        if found or len(inner) != 1 or len(checkpoint) != 1:
            break
        checkpoint = next(iter(inner.values()))
        if id(checkpoint) in seen:
            raise ValueError(f"{where} is a mapping inside itself; expected a state dict")
    if len(found) > 1:
        first = next(iter(found))
        raise ValueError(
            f"{where} is a checkpoint with state dicts under {listing(map(str, found))}; expected"
            f" one of them: hand over checkpoint[{first!r}], for example"
        )
    for name, value in checkpoint.items():
        if not found and callable(getattr(value, "state_dict", None)):
            raise ValueError(
                f"{where} is a checkpoint with a module of type {type(value).__name__} under"
                f" {name!r}; expected a module or a state dict: hand over checkpoint[{name!r}]"
            )
    if found and not any(map(is_tensor, checkpoint.values())):
        return next(iter(found.values()))
    return checkpoint


def without_wrappers(
    state: Mapping[str, Any], prefix: str, where: str
) -> tuple[dict[str, Any], str]:
    """The tensors under the names that they had before a wrapper renamed them, and the prefix.

    Raises
    ------
    ValueError
        Two of them then have one name.
    """
    names = {name: name.replace(_COMPILED, "") for name in state}
    prefix = prefix.replace(_COMPILED, "")
    averaged = _AVERAGED in names and len(names) > 1
    while names:
        rest = [name for old, name in names.items() if not (averaged and old == _AVERAGED)]
        wrapper = next((one for one in _WRAPPERS if all(n.startswith(one) for n in rest)), None)
        if wrapper is None:
            break
        if averaged:
            del names[_AVERAGED]
            averaged = False
        names = {old: name.removeprefix(wrapper) for old, name in names.items()}
        prefix = prefix.removeprefix(wrapper)
    if len(set(names.values())) < len(names):
        seen: dict[str, str] = {}
        for old, name in names.items():
            if name in seen:
                raise ValueError(
                    f"{where} has {seen[name]!r} and {old!r}, which are one name without the"
                    " wrapper of torch.compile; expected one of them"
                )
            seen[name] = old
    return {name: state[old] for old, name in names.items()}, prefix


def beginnings(state: Mapping[str, Any]) -> str:
    """What names begin with, up to the last dot: the prefixes to choose from."""
    found = sorted({name[: name.rfind(".") + 1] for name in state})
    shown = ", ".join(repr(prefix) for prefix in found[:8])
    return f"its names begin with {shown}" + (" and more" if len(found) > 8 else "")
