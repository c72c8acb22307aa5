"""PyTorch modules and state dicts to pylstm layers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.layers import GRU, LSTM, RNN, Dense
from pylstm.layers.dense import SumActivation
from pylstm.layers.weights import check_weights

if TYPE_CHECKING:
    from torch import nn

__all__ = ["from_torch"]

_STACKED = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)_l([0-9]{1,9})(?:_reverse)?")
_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BY_GATES: dict[int, type[LSTM | GRU | RNN]] = {4: LSTM, 3: GRU, 1: RNN}

Converted = LSTM | GRU | RNN | Dense


@overload
def from_torch(
    source: nn.Sequential, *, prefix: str = "", activation: SumActivation = "linear"
) -> list[Converted]: ...
@overload
def from_torch(
    source: nn.LSTM | nn.LSTMCell, *, prefix: str = "", activation: SumActivation = "linear"
) -> LSTM: ...
@overload
def from_torch(
    source: nn.GRU | nn.GRUCell, *, prefix: str = "", activation: SumActivation = "linear"
) -> GRU: ...
@overload
def from_torch(
    source: nn.RNN | nn.RNNCell, *, prefix: str = "", activation: SumActivation = "linear"
) -> RNN: ...
@overload
def from_torch(
    source: nn.Linear, *, prefix: str = "", activation: SumActivation = "linear"
) -> Dense: ...
@overload
def from_torch(
    source: Mapping[str, Any], *, prefix: str = "", activation: SumActivation = "linear"
) -> Converted: ...
def from_torch(
    source: Any, *, prefix: str = "", activation: SumActivation = "linear"
) -> Converted | list[Converted]:
    """Turn a PyTorch module, or its state dict, into layers with the same weights.

    ========================================  ====================================================
    ``nn.LSTM``, ``nn.GRU``, ``nn.RNN``       `LSTM`, with ``proj_size`` if there is one, `GRU`,
                                              `RNN`; ``batch_first`` and ``dropout`` change nothing
                                              for one stream at inference
    ``nn.LSTMCell`` and so on                 the same of one layer
    ``nn.Linear``                             `Dense`
    ``nn.Sequential`` of these                list; ``Sigmoid``, ``Tanh``, ``ReLU`` and
                                              ``Softmax(dim=-1)`` become the activation of the
                                              ``Linear`` before them, ``Dropout`` and ``Identity``
                                              do nothing at inference and are left out
    state dict of one of these                told from the names and shapes
    ========================================  ====================================================

    A plain ``Sequential`` cannot run an ``nn.LSTM`` or ``nn.GRU``, whose output is a tuple; here it
    only says in which order the layers follow each other.

    Parameters
    ----------
    source : torch.nn.Module or mapping of str to tensor or ndarray
        A state dict may hold NumPy arrays; PyTorch is then not needed.
    prefix : str
        The beginning of the names in a state dict that belong to this layer, such as ``"lstm."`` in
        the state dict of a whole model. Other names are ignored; every name with this beginning
        must be used.
    activation
        As of `Dense`: the activation of the layer that an ``nn.Linear`` or its state dict becomes,
        because they do not contain one. For the state dict of an RNN, which does not contain it
        either, its nonlinearity: "tanh" (that of ``nn.RNN`` unless it was made with another) or
        "relu".

    Returns
    -------
    LSTM, GRU, RNN, Dense or list
        With copies of the weights.

    Raises
    ------
    ValueError
        A tensor is missing, unused, of the wrong shape or not finite; an option or a module is not
        supported; sizes in a ``Sequential`` do not fit together.
    TypeError
        A tensor is not float32, or `source` is something else.
    ImportError
        `source` needs PyTorch, and it is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"lstm.weight_ih_l0": np.zeros((32, 13), np.float32),
    ...          "lstm.weight_hh_l0": np.zeros((32, 8), np.float32),
    ...          "head.weight": np.zeros((2, 8), np.float32)}
    >>> from_torch(state, prefix="lstm.")
    LSTM(input_size=13, hidden_size=8, num_layers=1, bias=False)
    >>> from_torch(state, prefix="head.", activation="softmax")
    Dense(input_size=8, output_size=2, activation='softmax', bias=False)
    """
    if isinstance(source, Mapping):
        return _from_state_dict(source, prefix, activation)
    if isinstance(source, (str, bytes)) or hasattr(source, "__fspath__"):
        raise TypeError(
            "source is a path: load the file first, with torch.load(path, weights_only=True) or "
            "safetensors, and hand over the state dict"
        )
    try:
        from torch import nn
    except ImportError as error:
        raise ImportError(
            'from_torch needs PyTorch for a module: pip install "pylstm[torch]"; '
            "a state dict of NumPy arrays needs nothing"
        ) from error
    if not isinstance(source, nn.Module):
        raise TypeError(
            f"source is of type {type(source).__name__}; expected a torch.nn.Module or a state dict"
        )
    if prefix:
        raise ValueError(
            f"prefix is {prefix!r}: it picks names from a state dict; of a module, hand over the "
            "submodule itself"
        )
    if isinstance(source, nn.Sequential) and type(source).forward is nn.Sequential.forward:
        if activation != "linear":
            raise ValueError(f"activation is {activation!r}: a Sequential names its own")
        return _from_sequential(source)
    return _from_module(source, None, activation)


def _from_module(
    module: nn.Module, where: str | None, activation: SumActivation = "linear"
) -> Converted:
    """One recurrent module or Linear. `where` says which in messages; None: the source itself."""
    from torch import nn

    for kind in (nn.LSTM, nn.LSTMCell, nn.GRU, nn.GRUCell, nn.RNN, nn.RNNCell, nn.Linear):
        # A subclass may compute something else; only what runs PyTorch's own forward is known.
        if isinstance(module, kind) and type(module).forward is kind.forward:
            break
    else:
        raise ValueError(
            f"{where or 'source'} is of type {type(module).__name__}; expected nn.LSTM, nn.GRU, "
            "nn.RNN, a cell of these, nn.Linear or nn.Sequential; for a model of your own, pass "
            "its parts one by one, or its state_dict() with a prefix"
        )
    if isinstance(module, (nn.RNN, nn.RNNCell)):
        if activation != "linear":
            raise ValueError(
                f"activation is {activation!r}: {where or 'source'} names its own nonlinearity"
            )
        activation = "relu" if module.nonlinearity == "relu" else "tanh"
    return _from_state_dict(module.state_dict(), "", activation, where or type(module).__name__)


def _from_sequential(sequential: nn.Sequential) -> list[Converted]:
    """All layers of a Sequential, those of Sequentials inside it included."""
    from torch import nn

    activations: dict[type[nn.Module], SumActivation] = {
        nn.Sigmoid: "sigmoid",
        nn.Tanh: "tanh",
        nn.ReLU: "relu",
        nn.Softmax: "softmax",
    }
    inert = (nn.Dropout, nn.Identity)
    modules = [found for found in _flattened(sequential) if type(found[1]) not in inert]
    layers: list[Converted] = []
    before: Any = None
    for (where, module), (after, following) in itertools.pairwise([*modules, ("", None)]):
        if type(module) in activations:
            if not isinstance(before, nn.Linear):
                raise ValueError(
                    f"{where} is of type {type(module).__name__} but follows no Linear: an "
                    "activation is part of the Linear before it"
                )
            before = module
            continue
        before = module
        activation: SumActivation = "linear"
        if isinstance(module, nn.Linear):
            activation = activations.get(type(following), activation)
        if activation == "softmax" and following.dim != -1:
            raise ValueError(
                f"{after} is a Softmax over dim={following.dim}; expected dim=-1, the outputs of "
                "one frame"
            )
        layer = _from_module(module, where, activation)
        if layers and layer.input_size != layers[-1].n_outputs:
            raise ValueError(
                f"{where} takes {number_of(layer.input_size, 'input')}, but the layer before it"
                f" has {number_of(layers[-1].n_outputs, 'output')}"
            )
        layers.append(layer)
    if not layers:
        raise ValueError("source is a Sequential without a recurrent layer or a Linear")
    return layers


def _flattened(sequential: nn.Sequential, path: str = "") -> list[tuple[str, Any]]:
    """The modules of a Sequential, each with its name in messages."""
    from torch import nn

    modules: list[tuple[str, Any]] = []
    # Iteration, unlike named_children, repeats a module that is used twice.
    for index, module in enumerate(sequential):
        if type(module) is nn.Sequential:
            modules += _flattened(module, f"{path}{index}.")
        else:
            modules.append((f"module {path}{index}", module))
    return modules


def _from_state_dict(
    state: Mapping[str, Any], prefix: str, activation: SumActivation, where: str = "the state dict"
) -> Converted:
    """A layer from the names that begin with `prefix`."""
    for name in state:
        if not isinstance(name, str):
            raise TypeError(f"a name in {where} is {name!r}; expected a string")
    tensors = {
        name: _array(value, name, where) for name, value in state.items() if name.startswith(prefix)
    }
    if not tensors:
        raise ValueError(
            f"no name in {where} begins with {prefix!r}: {_beginnings(state)}, "
            "choose one of them with prefix"
        )
    names = [name.removeprefix(prefix) for name in tensors]
    if any(_STACKED.fullmatch(name) for name in names):
        suffix = "_l{k}"
        stacked = [match[1] for name in names if (match := _STACKED.fullmatch(name))]
        num_layers = 1 + max(map(int, stacked))
    elif any(name in _CELL for name in names):
        suffix, num_layers = "", 1
    elif "weight" in names:
        return _dense(tensors, prefix, activation, where)
    else:
        raise ValueError(
            f"{where} has neither {prefix + 'weight_ih_l0'!r} nor {prefix + 'weight_ih'!r} nor "
            f"{prefix + 'weight'!r}: {_beginnings(state)}, choose one of them with prefix"
        )
    return _recurrent(tensors, prefix, suffix, num_layers, activation, where)


def _recurrent(
    tensors: Mapping[str, NDArray[Any]],
    prefix: str,
    suffix: str,
    num_layers: int,
    activation: SumActivation,
    where: str,
) -> LSTM | GRU | RNN:
    """From the tensors of an ``nn.LSTM``, GRU or RNN (suffix ``_l{k}``) or of a cell (none)."""
    first = suffix.format(k=0)
    _, input_size = _two_dimensions(tensors, f"{prefix}weight_ih{first}", where)
    rows, width = _two_dimensions(tensors, f"{prefix}weight_hh{first}", where)
    hidden_size, proj_size = width, 0
    if f"{prefix}weight_hr{first}" in tensors:
        proj_size, hidden_size = _two_dimensions(tensors, f"{prefix}weight_hr{first}", where)
    gates, rest_of_rows = divmod(rows, hidden_size)
    if rest_of_rows or gates not in _BY_GATES or (proj_size and gates != 4):
        raise ValueError(
            f"{prefix + 'weight_hh' + first!r} in {where} has {number_of(rows, 'row')} for a"
            f" hidden_size of {hidden_size}; expected {4 * hidden_size} of an LSTM,"
            f" {3 * hidden_size} of a GRU or {hidden_size} of a plain RNN"
        )
    kind = _BY_GATES[gates]
    for name in tensors:
        if name.endswith("_reverse"):
            raise ValueError(
                f"{name!r} in {where} belongs to a bidirectional {kind.__name__}: a stream cannot"
                " run backwards from the end; train with bidirectional=False"
            )
    settings: dict[str, Any] = {}
    if kind is RNN:
        if activation not in ("tanh", "relu"):
            raise ValueError(
                f"activation is {activation!r} for a plain RNN; expected 'tanh' or 'relu', its"
                " nonlinearity, which a state dict does not hold"
            )
        settings["nonlinearity"] = activation
    elif activation != "linear":
        owner = "an LSTM" if kind is LSTM else "a GRU"
        raise ValueError(f"activation is {activation!r}: the gates of {owner} have their own")
    bias = any(name.startswith(f"{prefix}bias") for name in tensors)
    # Counted first, because otherwise a hostile name such as weight_ih_l999999999 would cause a
    # long loop.
    if num_layers > len(tensors):
        raise ValueError(
            f"{where} has a layer {num_layers - 1} but only {number_of(len(tensors), 'tensor')}"
            f" under {prefix!r}: tensors of the layers below are missing"
        )
    theirs: dict[str, tuple[int, ...]] = {}
    for k in range(num_layers):
        rest = suffix.format(k=k)
        theirs[f"{prefix}weight_ih{rest}"] = (rows, width if k else input_size)
        theirs[f"{prefix}weight_hh{rest}"] = (rows, width)
        if proj_size:
            theirs[f"{prefix}weight_hr{rest}"] = (proj_size, hidden_size)
        if bias:
            theirs[f"{prefix}bias_ih{rest}"] = (rows,)
            theirs[f"{prefix}bias_hh{rest}"] = (rows,)
    checked = check_weights(tensors, theirs, where)
    weights = {name.removeprefix(prefix): array for name, array in checked.items()}
    if not suffix:
        weights = {f"{name}_l0": array for name, array in weights.items()}
    if proj_size:
        settings["proj_size"] = proj_size
    return kind(input_size, hidden_size, num_layers, bias=bias, weights=weights, **settings)


def _dense(
    tensors: Mapping[str, NDArray[Any]], prefix: str, activation: SumActivation, where: str
) -> Dense:
    """A Dense from the tensors of an ``nn.Linear``."""
    output_size, input_size = _two_dimensions(tensors, f"{prefix}weight", where)
    bias = f"{prefix}bias" in tensors
    theirs: dict[str, tuple[int, ...]] = {f"{prefix}weight": (output_size, input_size)}
    if bias:
        theirs[f"{prefix}bias"] = (output_size,)
    checked = check_weights(tensors, theirs, where)
    weights = {name.removeprefix(prefix): array for name, array in checked.items()}
    return Dense(input_size, output_size, activation, bias, weights)


def _two_dimensions(tensors: Mapping[str, NDArray[Any]], name: str, where: str) -> tuple[int, int]:
    """The shape of a weight matrix that must be there."""
    if name not in tensors:
        raise ValueError(f"{where} is missing {name!r}")
    shape = tensors[name].shape
    if len(shape) != 2:
        raise ValueError(f"{name!r} of {where} has shape {shape}; expected two dimensions")
    return shape[0], shape[1]


def _array(value: Any, name: str, where: str) -> NDArray[Any]:
    """A tensor or an array as a float32 array. PyTorch is not imported to tell them apart."""
    if isinstance(value, np.ndarray):
        if value.dtype != np.float32:
            # Bytes may be quantised: without their scale, a conversion would be wrong.
            wide = value.dtype.kind in "fiu" and value.dtype.itemsize > 1
            hint = ", convert it with .astype(np.float32)" if wide else ""
            raise TypeError(f"{name!r} of {where} is {value.dtype}; expected float32{hint}")
        return value
    if not all(hasattr(value, method) for method in ("detach", "is_meta", "is_sparse")):
        raise TypeError(
            f"{name!r} of {where} is of type {type(value).__name__}; expected a tensor or a NumPy "
            "array"
        )
    if str(value.dtype) != "torch.float32":
        floats = ("torch.float64", "torch.float16", "torch.bfloat16")
        hint = (
            ", convert it (or the whole module) with .float()" if str(value.dtype) in floats else ""
        )
        raise TypeError(f"{name!r} of {where} is {value.dtype}; expected torch.float32{hint}")
    if value.is_meta or value.is_sparse:
        kind = "on the meta device, without values" if value.is_meta else "sparse"
        raise ValueError(f"{name!r} of {where} is {kind}; expected a dense tensor with values")
    array: NDArray[Any] = value.detach().cpu().numpy()
    return array


def _beginnings(state: Mapping[str, Any]) -> str:
    """What names begin with, up to the last dot: the prefixes to choose from."""
    found = sorted({name[: name.rfind(".") + 1] for name in state})
    shown = ", ".join(repr(prefix) for prefix in found[:8])
    return f"its names begin with {shown}" + (" and more" if len(found) > 8 else "")
