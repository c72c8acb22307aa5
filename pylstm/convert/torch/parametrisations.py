"""Weights that PyTorch computes from other tensors: under weight norm, and pruned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.torch.tensors import Wanted, array_of

if TYPE_CHECKING:
    from torch import nn

__all__ = ["computed_weights", "refuse_other_computations"]

# parametrizations.weight.original0: the module's own name, the tensor's, and what it is made from.
_PARAMETRISED = re.compile(r"((?:.*\.)?)parametrizations\.([^.]+)\.(.+)")

# Whose hooks compute weights from tensors that a state dict has.
_COMPUTING = {"torch.nn.utils.weight_norm", "torch.nn.utils.prune"}


def computed_weights(
    state: Mapping[str, Any], where: str, dtype: Wanted = None
) -> dict[str, NDArray[Any]]:
    """All tensors as arrays; what PyTorch computes weights from is replaced by the weights.

    Weight norm (Salimans and Kingma 2016) is w = g v / ‖v‖, under the names of
    ``torch.nn.utils.weight_norm`` and of ``torch.nn.utils.parametrizations.weight_norm`` (PyTorch
    2.13). A pruned weight is its original times its mask.

    Raises
    ------
    ValueError
        A weight is computed in another way, or a part of it is missing.
    """
    parts = _parametrised(state)
    arrays: dict[str, NDArray[Any]] = {}
    for name, value in state.items():
        found = _PARAMETRISED.fullmatch(name)
        if found:
            weight = found[1] + found[2]
            if weight not in arrays:
                originals = parts[weight]
                if set(originals) != {"original0", "original1"}:
                    raise ValueError(_other_parametrisation(weight, found[2], where))
                g, v = (
                    array_of(state[originals[key]], originals[key], where, dtype)
                    for key in ("original0", "original1")
                )
                if not _fits(g, v):
                    raise ValueError(_other_parametrisation(weight, found[2], where))
                arrays[weight] = _normed(g, v)
            continue
        stem, _, part = name.rpartition("_")
        if part == "orig" and f"{stem}_u" in state:
            short = stem.rpartition(".")[2]
            raise ValueError(
                f"{stem!r} of {where} is under spectral norm; expected weights as they are used:"
                f" torch.nn.utils.remove_spectral_norm(module, {short!r}) first"
            )
        if part == "orig" or (part == "mask" and f"{stem}_orig" in state):
            if part == "orig":
                mask = _part(state, f"{stem}_mask", name, where, dtype)
                whole = array_of(value, name, where, dtype)
                if mask.shape != whole.shape:
                    raise ValueError(
                        f"{stem + '_mask'!r} of {where} has shape {mask.shape}; expected"
                        f" {whole.shape}"
                    )
                arrays[stem] = whole * mask
        elif part == "g" or (part == "v" and f"{stem}_g" in state):
            if part == "g":
                g = array_of(value, name, where, dtype)
                v = _part(state, f"{stem}_v", name, where, dtype)
                if not _fits(g, v):
                    raise ValueError(
                        f"{name!r} of {where} has shape {g.shape}; expected the norms of"
                        f" {stem + '_v'!r}, which has shape {v.shape}"
                    )
                arrays[stem] = _normed(g, v)
        else:
            arrays[name] = array_of(value, name, where, dtype)
    return arrays


def _parametrised(state: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Of each parametrised weight the names of what it is made from."""
    parts: dict[str, dict[str, str]] = {}
    for name in state:
        if found := _PARAMETRISED.fullmatch(name):
            parts.setdefault(found[1] + found[2], {})[found[3]] = name
    return parts


def _part(
    state: Mapping[str, Any], name: str, beside: str, where: str, dtype: Wanted
) -> NDArray[Any]:
    if name not in state:
        raise ValueError(f"{where} is missing {name!r}, which belongs to {beside!r}")
    return array_of(state[name], name, where, dtype)


def _other_parametrisation(weight: str, short: str, where: str) -> str:
    return (
        f"{weight!r} of {where} is under a parametrisation that is not weight norm; expected"
        " weights as they are used: torch.nn.utils.parametrize.remove_parametrizations(module,"
        f" {short!r}) first"
    )


def _fits(g: NDArray[Any], v: NDArray[Any]) -> bool:
    """Whether g can be the norms of v: of all, or along all dimensions but one."""
    if g.size == 1:
        return True
    same = [a == b for a, b in zip(g.shape, v.shape, strict=False)]
    kept = sum(size > 1 for size in g.shape)
    return (
        g.ndim == v.ndim
        and kept == 1
        and all(one or size == 1 for one, size in zip(same, g.shape, strict=True))
    )


def _normed(g: NDArray[Any], v: NDArray[Any]) -> NDArray[Any]:
    """w = g v / ‖v‖, the norm being over all dimensions that g does not have."""
    wide = v.astype(np.float64)
    over = tuple(k for k in range(v.ndim) if g.ndim < v.ndim or g.shape[k] == 1)
    norms = np.sqrt(np.square(wide).sum(axis=over, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):  # what is not finite is refused by name
        normed: NDArray[Any] = (g.reshape(norms.shape) * wide / norms).astype(np.float32)
    return normed


def refuse_other_computations(module: nn.Module, where: str) -> None:
    """Refuses a module that something else than its own forward has a hand in.

    Raises
    ------
    ValueError
        It has a parametrisation that is not weight norm, or hooks.
    """
    for name, chain in getattr(module, "parametrizations", {}).items():
        kinds = [type(one).__name__ for one in chain]
        if kinds != ["_WeightNorm"]:
            raise ValueError(
                f"{name!r} of {where} is under the parametrisation {', '.join(kinds)}; expected"
                " weights as they are used:"
                f" torch.nn.utils.parametrize.remove_parametrizations(module, {name!r}) first"
            )
    hooks: list[Any] = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    for hook in hooks:
        kind = type(hook)
        if kind.__name__ == "SpectralNorm":
            raise ValueError(
                f"{hook.name!r} of {where} is under spectral norm; expected weights as they are"
                f" used: torch.nn.utils.remove_spectral_norm(module, {hook.name!r}) first"
            )
        if not _COMPUTING.intersection(base.__module__ for base in kind.__mro__):
            raise ValueError(
                f"{where} has the hook {getattr(hook, '__name__', kind.__name__)!r}; expected a"
                " module without hooks, which may change what it gives: remove it, with the handle"
                " that registering it gave"
            )
