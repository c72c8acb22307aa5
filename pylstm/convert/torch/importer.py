"""PyTorch modules and state dicts to pylstm layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from pylstm.arguments import choice
from pylstm.convert.torch.arrangement import Input
from pylstm.convert.torch.checkpoint import read_checkpoint, state_dict_in
from pylstm.convert.torch.graph import layer_names
from pylstm.convert.torch.module_fit import fit_of
from pylstm.convert.torch.modules import is_known, kind_of, tensors_of, unwrapped
from pylstm.convert.torch.network import Step
from pylstm.convert.torch.state_dict import layer_from_tensors, layer_of_state_dict
from pylstm.convert.torch.tensors import Wanted
from pylstm.layers import GRU, LSTM, RNN, Dense, Layer
from pylstm.layers.dense import SumActivation
from pylstm.layers.graph import FEATURES

if TYPE_CHECKING:
    from torch import nn

__all__ = ["from_torch"]

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Graph = dict[str, Layer | tuple[Any, ...]]
Axes = Literal["BTF", "TBF", "TF", "BFT", "FT", "BCTF", "BCFT", "BF", "F", "BT", "TB", "T", "B"]


@overload
def from_torch(
    source: nn.Sequential,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
    axes: Axes | None = None,
    input_size: int | None = None,
    one_hot: bool = False,
    notes: list[str] | None = None,
) -> list[Layer]: ...
@overload
def from_torch(
    source: nn.LSTM | nn.LSTMCell,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
) -> LSTM: ...
@overload
def from_torch(
    source: nn.GRU | nn.GRUCell,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
) -> GRU: ...
@overload
def from_torch(
    source: nn.RNN | nn.RNNCell,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
) -> RNN: ...
@overload
def from_torch(
    source: nn.Linear,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
) -> Dense: ...
@overload
def from_torch(
    source: Mapping[str, Any] | Path,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
    one_hot: bool = False,
) -> LSTM | GRU | RNN | Dense: ...
@overload
def from_torch(
    source: nn.Module,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
    axes: Axes | None = None,
    input_size: int | None = None,
    one_hot: bool = False,
    notes: list[str] | None = None,
) -> Layer | list[Layer] | Graph: ...
def from_torch(
    source: Any,
    *,
    prefix: str = "",
    activation: SumActivation | None = None,
    dtype: Wanted = None,
    axes: Axes | None = None,
    input_size: int | None = None,
    one_hot: bool = False,
    notes: list[str] | None = None,
) -> Layer | list[Layer] | Graph:
    """Turn a PyTorch module, or its state dict, into layers with the same weights.

    ===========================================  =================================================
    ``nn.LSTM``, ``nn.GRU``, ``nn.RNN``          `LSTM`, with ``proj_size`` if there is one, `GRU`,
                                                 `RNN`; ``batch_first`` and ``dropout`` change
                                                 nothing for one stream at inference; with
                                                 ``bidirectional=True`` for whole sequences alone
    ``nn.LSTMCell`` and so on                    the same of one layer
    ``nn.Embedding``, with ``one_hot=True``      `Dense` without bias
    ``nn.Linear``                                `Dense`
    ``nn.Conv1d``, ``nn.Conv2d``, pools          `Conv`, `Pool`
    ``nn.BatchNorm1d``, ``nn.BatchNorm2d``       a part of the layer before, or an `Affine`
    ``nn.LayerNorm``                             `LayerNorm`
    activations, ``nn.PReLU``                    a part of the layer before, or an `Activation`
    ``nn.Dropout``, ``nn.Identity``              nothing, as at inference
    ``nn.Sequential`` of these                   a list
    a module of one's own                        a dict, the graph that its forward pass is
    state dict, or file, of one layer            told from the names and shapes
    ===========================================  =================================================

    A module of one's own is traced by ``torch.fx``: its forward takes the frames, and may arrange
    them anew (permute, reshape, flatten), add, multiply, concatenate, and call modules and
    functions of this table; of ``out, state = lstm(x)`` it takes the outputs. Its rows are then
    those of the module, one for each frame. Where it gives the last row alone, ``out[:, -1]`` or
    ``h[-1]``, a stream gives that row for each frame, and the last is the same.

    A forward pass may take the states of its recurrent modules as arguments, if it gives them
    back: ``y, h = module(x, h)``. Each call may then have one frame, as cells take it. A stream
    keeps the states, and begins with zeros.

    What torch.compile, DataParallel, Lightning's checkpoints and the like put around a module or
    its names is taken away, and weights under weight norm or pruning are computed. A plain
    ``Sequential`` cannot run an ``nn.LSTM``, whose output is a tuple; here it only says in which
    order the layers follow each other.

    Several threads may convert modules: they take turns, because ``torch.fx`` changes classes of
    PyTorch while it traces. The module is in evaluation mode meanwhile, and afterwards as it was.

    Parameters
    ----------
    source : torch.nn.Module, mapping of str to tensor or ndarray, or path
        A state dict may hold NumPy arrays; PyTorch is then not needed. A checkpoint may hold other
        things beside one. A path is that of a safetensors file, or of one by ``torch.save``, which
        is read with ``weights_only=True``.
    prefix : str
        The beginning of the names in a state dict that belong to this layer, such as ``"lstm."`` in
        the state dict of a whole model. Other names are ignored; every name with this beginning
        must be used.
    activation
        As of `Dense`: the activation of the layer that an ``nn.Linear`` or its state dict becomes,
        because they do not contain one; None is "linear". A state dict of one matrix alone may be
        of an ``nn.Embedding``, so that it needs one. For the state dict of an RNN, which does not
        contain it either, its nonlinearity: "tanh" (that of ``nn.RNN`` unless it was made with
        another) or "relu".
    dtype : {"float32"}, optional
        Converts float64, float16 and bfloat16, and takes what the scales of a dynamically quantised
        LSTM, GRU or Linear say. None: they are refused.
    axes
        What the axes of the module's input are: B sequences, T time, F values of a frame, C
        channels of each value, as in "BTF", "TBF", "TF", "BFT", "FT", "BCTF" and "BCFT". In "BF"
        and "F" a call takes one frame. Of symbols: "BT", "TB", "T" or "B". None: what fits, if one
        alone does.
    input_size : int, optional
        Values of a frame. None: what the first layer says.
    one_hot : bool
        Takes an ``nn.Embedding`` that the input goes to, or its state dict, as a `Dense`. A frame
        then has a 1 at the number of the symbol, and 0 elsewhere.
    notes : list, optional
        What was made into something else is added to it, in short sentences: that a module gives
        its last row alone, for example, while a stream gives one for each frame.

    Returns
    -------
    Layer, list of Layer, or dict of str to Layer or tuple
        With copies of the weights; `Model` takes it as it is, a layer alone in a list.

    Raises
    ------
    ValueError
        A tensor is missing, unused, of the wrong shape or not finite; an option, a module or a step
        of a forward pass is not supported; sizes do not fit together.
    TypeError
        A tensor is not float32, or `source` is something else.
    ImportError
        `source` needs PyTorch or safetensors, and it is not installed.
    OSError
        A file cannot be read.

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
    if dtype is not None:
        choice("dtype", dtype, ["float32"])
    given = Input(axes, input_size, one_hot)
    where = "the state dict"
    if isinstance(source, (str, bytes)) or hasattr(source, "__fspath__"):
        source = read_checkpoint(source)
        where = "the file"
    if isinstance(source, Mapping):
        return layer_of_state_dict(source, prefix, activation, dtype, where, one_hot)
    try:
        from torch import jit, nn
    except ImportError as error:
        raise ImportError(
            'from_torch needs PyTorch for a module: pip install "pylstm[torch]"; '
            "a state dict of NumPy arrays needs nothing"
        ) from error
    if not isinstance(source, nn.Module):
        if where == "the file":
            state_dict_in(source, where)
        raise TypeError(
            f"source is of type {type(source).__name__}; expected a torch.nn.Module, a state dict"
            " or a path"
        )
    source = unwrapped(source)
    if isinstance(source, jit.ScriptModule):
        return layer_of_state_dict(
            source.state_dict(),
            prefix,
            activation,
            dtype,
            "the state dict of the ScriptModule",
            one_hot,
        )
    if prefix:
        raise ValueError(
            f"prefix is {prefix!r}: it picks names from a state dict; of a module, hand over the "
            "submodule itself"
        )
    return _from_module(source, activation, dtype, given, notes)


def _from_module(
    module: nn.Module,
    activation: SumActivation | None,
    dtype: Wanted,
    given: Input,
    notes: list[str] | None,
) -> Layer | list[Layer] | Graph:
    """Layers from a module that no wrapper is around."""
    from torch import nn

    if is_known(module):
        kind = kind_of(module).__name__
        if kind.removesuffix("Cell") in ("LSTM", "GRU", "RNN") or kind == "Linear":
            return _from_one(module, activation, dtype)
    if activation is not None:
        owner = (
            "a Sequential names its" if type(module) is nn.Sequential else "the modules name their"
        )
        raise ValueError(f"activation is {activation!r}: {owner} own")
    found = fit_of(module, dtype, given)
    if notes is not None:
        notes += found.notes
    steps = found.fit.steps
    if found.chain is None:
        return _graph(steps, module)
    layers = [step.layer for step in steps.values()]
    return layers[0] if len(layers) == 1 and not isinstance(module, nn.Sequential) else layers


def _from_one(module: Any, activation: SumActivation | None, dtype: Wanted) -> Layer:
    """A recurrent module, a cell, or a Linear."""
    if hasattr(module, "nonlinearity"):
        if activation is not None:
            raise ValueError(f"activation is {activation!r}: source names its own nonlinearity")
        activation = "relu" if module.nonlinearity == "relu" else "tanh"
    where = type(module).__name__
    return layer_from_tensors(tensors_of(module, where, dtype), "", activation or "linear", where)


def _graph(steps: dict[str, Step], module: nn.Module) -> Graph | list[Layer]:
    """Layers under their names; a list where the module is one that was made from a list."""
    graph: Graph = {}
    before = FEATURES
    for name, step in steps.items():
        graph[name] = step.layer if step.inputs == (before,) else (step.layer, *step.inputs)
        before = name
    layers = [value for value in graph.values() if isinstance(value, Layer)]
    names = layer_names(module).values()
    numbered = names and all(name.lstrip("_").isdigit() for name in names)
    return layers if numbered and len(layers) == len(graph) else graph
