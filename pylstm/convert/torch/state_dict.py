"""The layer that the state dict of one PyTorch module holds, told from names and shapes."""

from __future__ import annotations

import itertools
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.torch.checkpoint import beginnings, state_dict_in, without_wrappers
from pylstm.convert.torch.embedding import ONE_HOT, table
from pylstm.convert.torch.parametrisations import computed_weights
from pylstm.convert.torch.tensors import Wanted, is_tensor
from pylstm.layers import GRU, LSTM, RNN, Dense
from pylstm.layers.dense import SumActivation
from pylstm.layers.weights import check_weights

__all__ = ["QUANTISED", "layer_from_tensors", "layer_of_state_dict", "own_tensors"]

_STACKED = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)_l([0-9]{1,9})(?:_reverse)?")
_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BY_GATES: dict[int, type[LSTM | GRU | RNN]] = {4: LSTM, 3: GRU, 1: RNN}

# What a weight is computed from has its name and one of these ends.
_COMPUTED = re.compile(r"parametrizations\.([^.]+)\..+|(.+)_(?:g|v|orig|mask)")

QUANTISED = (
    "expected float32: convert the model before it is quantised (pylstm quantises layers itself:"
    " layer.quantize('int8'))"
)
"""What to do with a quantised module."""


def layer_of_state_dict(
    source: Mapping[Any, Any],
    prefix: str,
    activation: SumActivation | None,
    dtype: Wanted,
    where: str = "the state dict",
    one_hot: bool = False,
) -> LSTM | GRU | RNN | Dense:
    """A layer from a state dict as somebody has it: in a checkpoint, under a wrapper's names.

    Raises
    ------
    TypeError, ValueError
        It holds no single layer, or not all of one.
    """
    own, prefix, state = own_tensors(source, prefix, where)
    _refuse_other_kinds(own, prefix, where, state)
    tensors = computed_weights(own, where, dtype)
    weight = tensors.get(prefix + "weight")
    if weight is not None:
        if one_hot and len(tensors) == 1:
            if activation is not None:
                raise ValueError(f"activation is {activation!r}; expected None with one_hot=True")
            return table(tensors, prefix + "weight", where)
        _refuse_other_weights(tensors, weight, prefix, activation, where)
    if one_hot:
        raise ValueError(
            f"one_hot is True, and the names in {where} are {', '.join(map(repr, tensors))};"
            " expected the weight of an nn.Embedding alone"
        )
    return layer_from_tensors(tensors, prefix, activation or "linear", where)


def own_tensors(
    source: Mapping[Any, Any], prefix: str, where: str
) -> tuple[dict[str, Any], str, Mapping[str, Any]]:
    """What begins with a prefix, under the names before any wrapper; the prefix; and all names.

    Raises
    ------
    TypeError, ValueError
        Nothing does, or a name is no string.
    """
    state = state_dict_in(source, where)
    for name in state:
        if not isinstance(name, str):
            raise TypeError(f"a name in {where} is {reprlib.repr(name)}; expected a string")
    if not state:
        raise ValueError(f"{where} is empty: it has no tensors; expected those of one layer")
    if not any(name.startswith(prefix) for name in state) or not prefix or "_orig_mod." in prefix:
        state, prefix = without_wrappers(state, prefix, where)
    else:
        state = {name.replace("_orig_mod.", ""): value for name, value in state.items()}
    own = {name: value for name, value in state.items() if name.startswith(prefix)}
    if not own:
        raise ValueError(
            f"no name in {where} begins with {prefix!r}: {beginnings(state)},"
            " choose one of them with prefix"
        )
    return own, prefix, state


def _refuse_other_kinds(
    own: Mapping[str, Any], prefix: str, where: str, state: Mapping[str, Any]
) -> None:
    """Refuses what the names say is no recurrent layer and no Linear."""
    names = [name.removeprefix(prefix) for name in own]
    if any("_packed_params" in name or "_all_weight_values" in name for name in names):
        raise ValueError(f"{where} is of a quantised module; {QUANTISED}")
    if "running_mean" in names:
        raise ValueError(
            f"{where} is of a batch norm, whose eps it does not hold; expected the module itself,"
            " or what it is part of"
        )
    if not _has_layer(names):
        for name, value in own.items():
            if not is_tensor(value):
                raise TypeError(
                    f"{name!r} of {where} is of type {type(value).__name__}; expected a tensor or"
                    " a NumPy array"
                )
        raise ValueError(
            f"{where} has neither {prefix + 'weight_ih_l0'!r} nor {prefix + 'weight_ih'!r} nor"
            f" {prefix + 'weight'!r}; expected the names of one layer: {beginnings(state)},"
            " choose one of them with prefix"
        )


def _has_layer(names: Iterable[str]) -> bool:
    """Whether there is a weight of a layer, or something that one is computed from."""
    for name in names:
        found = _COMPUTED.fullmatch(name)
        made = (found[1] or found[2]) if found else name
        if made == "weight" or made in _CELL or _STACKED.fullmatch(made):
            return True
    return False


def _refuse_other_weights(
    tensors: Mapping[str, NDArray[Any]],
    weight: NDArray[Any],
    prefix: str,
    activation: SumActivation | None,
    where: str,
) -> None:
    """Refuses a weight that is, or may be, of something else than a Linear."""
    shown = f"{prefix + 'weight'!r} of {where} has shape {weight.shape}"
    if weight.ndim in (3, 4):
        raise ValueError(
            f"{shown}, as of a convolution, whose stride, padding and dilation no state dict holds;"
            " expected two dimensions: hand over the module itself, or what it is part of"
        )
    if weight.ndim == 1:
        raise ValueError(
            f"{shown}, as of a norm, whose eps no state dict holds; expected two dimensions: hand"
            " over the module itself, or what it is part of"
        )
    if weight.ndim == 2 and len(tensors) == 1 and activation is None:
        raise ValueError(
            f"{shown} and stands alone, so that it may be of an nn.Embedding as well as of an"
            " nn.Linear without bias; expected activation='linear', or another, for a Linear, or"
            f" {ONE_HOT}"
        )


def layer_from_tensors(
    tensors: Mapping[str, NDArray[Any]], prefix: str, activation: SumActivation, where: str
) -> LSTM | GRU | RNN | Dense:
    """A layer from the arrays of one module, whose names begin with `prefix`."""
    names = [name.removeprefix(prefix) for name in tensors]
    if any(_STACKED.fullmatch(name) for name in names):
        stacked = [match[1] for name in names if (match := _STACKED.fullmatch(name))]
        num_layers = 1 + max(map(int, stacked))
        return _recurrent(tensors, prefix, "_l{k}", num_layers, activation, where)
    if any(name in _CELL for name in names):
        return _recurrent(tensors, prefix, "", 1, activation, where)
    return _dense(tensors, prefix, activation, where)


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
    # Of both directions for whole sequences; no stream runs backwards, and Model says so.
    directions = ("", "_reverse") if any(n.endswith("_reverse") for n in tensors) else ("",)
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
    for k, direction in itertools.product(range(num_layers), directions):
        rest = suffix.format(k=k) + direction
        theirs[f"{prefix}weight_ih{rest}"] = (rows, width * len(directions) if k else input_size)
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
    if len(directions) > 1:
        settings["bidirectional"] = True
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
    if 0 in shape:
        raise ValueError(f"{name!r} of {where} has shape {shape}; expected sizes above 0")
    return shape[0], shape[1]
