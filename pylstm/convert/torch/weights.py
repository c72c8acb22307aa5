"""Files of PyTorch's weights as layers, beside PyTorch's own modules with the same weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import listing
from pylstm.convert.conversion import Conversion
from pylstm.convert.torch.checkpoint import read_checkpoint
from pylstm.convert.torch.exclusion import one_thread
from pylstm.convert.torch.state_dict import layer_of_state_dict, own_tensors
from pylstm.layers import RNN, Dense, Layer

if TYPE_CHECKING:
    from torch import nn

__all__ = ["from_weights"]

Array = NDArray[np.float32]
Part = tuple[str, Any]


def from_weights(path: str | os.PathLike[str], parts: Sequence[Part]) -> Conversion:
    """Turn a file that holds weights alone into layers that follow each other.

    Parameters
    ----------
    path : str or path
        As `from_torch` takes it.
    parts : sequence of (str, str or None)
        Of each layer what its names begin with, and its activation, as ``prefix`` and
        ``activation`` of `from_torch`.

    Returns
    -------
    Conversion
        ``run_source`` runs PyTorch's own modules, into which the tensors of the file are loaded
        under the names that they have, where PyTorch is installed.

    Raises
    ------
    TypeError, ValueError, ImportError, OSError
        As of `from_torch`.
    """
    where = "the file"
    source = read_checkpoint(path)
    if not isinstance(source, Mapping):
        raise TypeError(f"{where} holds a {type(source).__name__}; expected a state dict")
    layers = [layer_of_state_dict(source, *part, None, where) for part in parts]
    notes = _left_out(source, [prefix for prefix, _ in parts], where)
    if find_spec("torch") is None:
        return Conversion(layers, notes=notes)
    own = []
    for (prefix, activation), layer in zip(parts, layers, strict=True):
        tensors, prefix, _ = own_tensors(source, prefix, where)
        named = {name.removeprefix(prefix): value for name, value in tensors.items()}
        own.append((layer, activation or "linear", named))
    return Conversion(layers, _ModuleChain(tuple(own)), notes)


def _left_out(source: Mapping[str, Any], prefixes: Sequence[str], where: str) -> tuple[str, ...]:
    """What no layer takes, which the user may not know of."""
    taken = {name for prefix in prefixes for name in own_tensors(source, prefix, where)[0]}
    state = own_tensors(source, prefixes[0], where)[2]
    rest = [name for name in state if name not in taken]
    return (f"Left out, as no layer that was named has them: {listing(rest, 6)}.",) if rest else ()


@dataclass(frozen=True)
class _ModuleChain:
    """Modules of PyTorch with the tensors of a state dict, one after the other."""

    parts: tuple[tuple[Layer, str, Mapping[str, Any]], ...]
    """Of each a layer, whose sizes the module has, the activation behind it, and its tensors."""

    def __call__(self, frames: Array) -> Array:
        """What they give for frames (T, n_features) from the beginning."""
        import torch

        x = torch.from_numpy(np.ascontiguousarray(frames))
        # The filters of warnings are those of the process.
        with one_thread(), torch.no_grad(), warnings.catch_warnings():
            # Weight norm in its former place; a projection that runs slowly.
            warnings.filterwarnings("ignore", category=FutureWarning)
            warnings.filterwarnings("ignore", message="LSTM with projections is not supported")
            for layer, activation, tensors in self.parts:
                x = _run(_module_with(layer, activation, tensors), activation, x)
        found: Array = x.numpy()
        return found


def _run(module: Any, activation: str, x: Any) -> Any:
    """What a module gives for frames without a batch."""
    import torch
    from torch import nn

    if isinstance(module, nn.RNNBase):
        return module(x)[0]
    if isinstance(module, nn.RNNCellBase):
        state, rows = None, []
        for frame in x:
            state = module(frame, state)
            rows.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(rows)
    return _activated(activation, module(x))


def _activated(activation: str, y: Any) -> Any:
    import torch
    from torch.nn import functional

    if activation == "linear":
        return y
    if activation in ("softmax", "log_softmax"):
        return getattr(torch, activation)(y, -1)
    if activation == "gelu_tanh":
        return functional.gelu(y, approximate="tanh")
    return getattr(functional, activation)(y)


def _module_with(layer: Any, activation: str, tensors: Mapping[str, Any]) -> nn.Module:
    """The module of PyTorch whose sizes the layer has, with tensors under PyTorch's own names."""
    import torch
    from torch import nn

    kind = type(layer).__name__
    module: nn.Module
    if isinstance(layer, Dense):
        module = nn.Linear(layer.input_size, layer.output_size, layer.bias)
    else:
        settings: dict[str, Any] = {"nonlinearity": activation} if isinstance(layer, RNN) else {}
        sizes = (layer.input_size, layer.hidden_size)
        if any("weight_ih_l" in name for name in tensors):
            if layer.proj_size:
                settings["proj_size"] = layer.proj_size
            module = getattr(nn, kind)(
                *sizes,
                layer.num_layers,
                bias=layer.bias,
                bidirectional=layer.bidirectional,
                **settings,
            )
        else:
            module = getattr(nn, f"{kind}Cell")(*sizes, bias=layer.bias, **settings)
    own = {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in tensors.items()
    }
    try:
        _prepare(module, own)
        module.load_state_dict(own, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"its tensors are {', '.join(map(repr, own))}; expected those that PyTorch's"
            f" {type(module).__name__} loads ({reason})"
        ) from error
    return module.eval()


def _prepare(module: nn.Module, tensors: Mapping[str, Any]) -> None:
    """Puts weights under weight norm or pruning where the names say that they are."""
    from torch.nn import utils
    from torch.nn.utils import prune

    for name, value in tensors.items():
        if name.startswith("parametrizations.") and name.endswith(".original0"):
            weight = name.split(".")[1]
            utils.parametrizations.weight_norm(module, weight, dim=_kept(value))
        elif name.endswith("_g") and f"{name[:-2]}_v" in tensors:
            utils.weight_norm(module, name[:-2], dim=_kept(value))
        elif name.endswith("_orig") and f"{name[:-5]}_mask" in tensors:
            prune.identity(module, name[:-5])


def _kept(norms: Any) -> Any:
    """The dimension that norms have; None: there is one norm of all."""
    wide = [k for k, size in enumerate(norms.shape) if size > 1]
    return None if norms.ndim == 0 else (wide or [0])[0]
