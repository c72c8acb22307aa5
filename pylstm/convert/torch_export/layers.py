"""Layers as steps of a PyTorch forward pass: modules, and operations on tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pylstm.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Add,
    Affine,
    Concat,
    Conv,
    Dense,
    Layer,
    LayerNorm,
    Mul,
    Pool,
    Select,
)

if TYPE_CHECKING:
    from torch import fx, nn

__all__ = ["MAKERS", "Step"]


def _identifier(name: str) -> str:
    """The name of a step: that of the layer, which may be a number."""
    return f"_{name}" if name[0].isdigit() else name


class Step:
    """Adds what a layer is to a graph.

    Parameters
    ----------
    graph, root : torch.fx.Graph, torch.nn.Module
        Where steps and submodules go.
    name, where : str
        The layer's name, and what errors call it.
    names : dict
        The names of steps that are layers, with those of the layers; it grows.
    """

    def __init__(
        self, graph: fx.Graph, root: nn.Module, name: str, where: str, names: dict[str, str]
    ) -> None:
        self._graph, self._root, self._names = graph, root, names
        self.name, self.where = name, where

    def module(self, module: nn.Module, x: Any) -> Any:
        """A call of a submodule under the layer's name."""
        self._root.add_module(self.name, module)
        return self._noted(self._graph.call_module(self.name, (x,)))

    def _noted(self, node: Any) -> Any:
        """A step that is the layer, whatever the graph calls it."""
        self._names[node.name] = _identifier(self.name)
        return node

    def parameters(self, names: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """Parameters of a submodule under the layer's name."""
        import torch
        from torch import nn

        holder = nn.Module()
        for name, shape in names.items():
            holder.register_parameter(name, nn.Parameter(torch.zeros(shape)))
        self._root.add_module(self.name, holder)
        return {name: self._graph.get_attr(f"{self.name}.{name}") for name in names}

    def function(
        self, function: Callable[..., Any], *args: Any, is_layer: bool = False, **settings: Any
    ) -> Any:
        """A call of a function; `is_layer`: under the layer's name."""
        node = self._graph.create_node("call_function", function, args, settings)
        return self._noted(node) if is_layer else node

    def method(self, name: str, x: Any, *args: Any) -> Any:
        """A call of a method of x."""
        return self._graph.create_node("call_method", name, (x, *args))

    def refuse(self, what: str, expected: str) -> ValueError:
        """An error about the layer."""
        return ValueError(f"{self.where} has {what}; expected {expected}, as PyTorch has it")


# --- one kind of layer each -----------------------------------------------------------------------


def _recurrent(step: Step, layer: Any, x: Any) -> Any:
    import operator

    from torch import nn

    settings: dict[str, Any] = {"bias": layer.bias, "dropout": layer.dropout}
    if isinstance(layer, LSTM):
        for name in ("peepholes", "coupled", "gate_clip", "cell_clip", "gate_slope", "layer_norm"):
            if getattr(layer, name):
                raise step.refuse(f"{name}={getattr(layer, name)}", "a plain LSTM")
        settings["proj_size"] = layer.proj_size
    elif isinstance(layer, GRU):
        if not layer.reset_after or layer.candidate != "tanh":
            raise step.refuse(
                f"reset_after={layer.reset_after}, candidate={layer.candidate!r}",
                "reset_after=True and 'tanh'",
            )
        if layer.gate_slope:
            raise step.refuse(f"gate_slope={layer.gate_slope}", "gates that are sigmoids")
    else:
        settings["nonlinearity"] = layer.nonlinearity
    kind = getattr(nn, type(layer).__name__)
    module = kind(layer.input_size, layer.hidden_size, layer.num_layers, **settings)
    return step.function(operator.getitem, step.module(module, x), 0)


def _dense(step: Step, layer: Dense, x: Any) -> Any:
    from torch import nn

    y = step.module(nn.Linear(layer.input_size, layer.output_size, layer.bias), x)
    return _activated(step, layer.activation, y)


def _activated(step: Step, activation: str, y: Any) -> Any:
    """The activation inside of a layer, as a function."""
    import torch
    from torch.nn import functional

    if activation == "linear":
        return y
    if activation in ("softmax", "log_softmax"):
        return step.function(getattr(functional, activation), y, dim=-1)
    if activation in ("relu", "sigmoid", "tanh"):
        return step.function(getattr(torch, activation), y)
    if activation == "gelu_tanh":
        return step.function(functional.gelu, y, approximate="tanh")
    return step.function(getattr(functional, activation), y)


def _channels_first(step: Step, x: Any, layer: Any, pictures: bool) -> Any:
    """(T, B, positions × channels) as (B, channels, T) or (B, channels, T, positions)."""
    import torch

    if not pictures:
        return step.function(torch.movedim, x, 0, -1)
    x = step.method("unflatten", x, -1, (layer.positions, layer.channels))
    x = step.function(torch.movedim, x, 0, -1)
    return step.method("transpose", step.method("transpose", x, -3, -1), -3, -2)


def _rows_again(step: Step, y: Any, pictures: bool) -> Any:
    """What `_channels_first` did, undone."""
    import torch

    if not pictures:
        return step.function(torch.movedim, y, -1, 0)
    y = step.method("transpose", step.method("transpose", y, -3, -2), -3, -1)
    y = step.function(torch.movedim, y, -1, 0)
    return step.method("flatten", y, -2, -1)


def _conv(step: Step, layer: Conv, x: Any) -> Any:
    from torch import nn
    from torch.nn import functional

    pictures = layer.positions > 1 or layer.kernel_positions > 1
    x = _channels_first(step, x, layer, pictures)
    around = layer.padding if not pictures else (*layer.padding_positions, *layer.padding)
    if any(around):
        x = step.function(functional.pad, x, tuple(around))
    settings: dict[str, Any] = {"groups": layer.groups, "bias": layer.bias}
    module: nn.Module
    if pictures:
        module = nn.Conv2d(
            layer.channels,
            layer.output_channels,
            (layer.kernel_size, layer.kernel_positions),
            (layer.stride, layer.stride_positions),
            dilation=(layer.dilation, layer.dilation_positions),
            **settings,
        )
    else:
        module = nn.Conv1d(
            layer.channels,
            layer.output_channels,
            layer.kernel_size,
            layer.stride,
            dilation=layer.dilation,
            **settings,
        )
    y = _activated(step, layer.activation, step.module(module, x))
    return _rows_again(step, y, pictures)


def _pool(step: Step, layer: Pool, x: Any) -> Any:
    from torch import nn

    pictures = layer.positions > 1
    paddings = (layer.padding, layer.padding_positions)
    if any(left != right for left, right in paddings):
        raise step.refuse(
            f"padding={layer.padding}, padding_positions={layer.padding_positions}",
            "as much before as after",
        )
    counts = layer.mode == "mean" and layer.count_include_pad
    if layer.padding != (0, 0) and not counts:
        raise step.refuse(f"padding={layer.padding}", "none, or a mean that counts it")
    settings: dict[str, Any] = {"count_include_pad": counts} if layer.mode == "mean" else {}
    kind = ("MaxPool" if layer.mode == "max" else "AvgPool") + ("2d" if pictures else "1d")
    sizes: list[Any] = [
        (layer.kernel_size, layer.kernel_positions),
        (layer.stride, layer.stride_positions),
        (layer.padding[0], layer.padding_positions[0]),
    ]
    if not pictures:
        sizes = [pair[0] for pair in sizes]
    module = getattr(nn, kind)(*sizes, **settings)
    y = step.module(module, _channels_first(step, x, layer, pictures))
    return _rows_again(step, y, pictures)


def _in_positions(step: Step, layer: Any, x: Any, width: int) -> Any:
    """Rows with an axis for positions, where there are several."""
    if layer.positions == 1:
        return x
    return step.method("unflatten", x, -1, (layer.positions, width // layer.positions))


def _norm(step: Step, layer: LayerNorm, x: Any) -> Any:
    from torch import nn

    width = layer.input_size
    module = nn.LayerNorm(width // layer.positions, layer.eps, layer.affine)
    y = step.module(module, _in_positions(step, layer, x, width))
    return y if layer.positions == 1 else step.method("flatten", y, -2, -1)


def _affine(step: Step, layer: Affine, x: Any) -> Any:
    import torch

    width, split = layer.input_size, layer.positions > 1 and layer.per != "element"
    if split:
        x = _in_positions(step, layer, x, width)
    if split and layer.per == "position":
        x = step.method("transpose", x, -2, -1)
    parameters = step.parameters(layer.shapes)
    y = step.function(torch.mul, x, parameters["weight"], is_layer=True)
    if layer.bias:
        y = step.function(torch.add, y, parameters["bias"])
    if split and layer.per == "position":
        y = step.method("transpose", y, -2, -1)
    return step.method("flatten", y, -2, -1) if split else y


def _activation(step: Step, layer: Activation, x: Any) -> Any:
    import torch
    from torch import nn

    name = layer.function
    if name == "square":
        return step.function(torch.square, x, is_layer=True)
    if name == "prelu" and layer.num_parameters != 1:
        raise step.refuse(f"{layer.num_parameters} slopes", "one slope for all values")
    if name == "hard_sigmoid" and (layer.slope, layer.offset) != (1 / 6, 0.5):
        raise step.refuse(
            f"slope={layer.slope}, offset={layer.offset}", "a slope of 1/6 and an offset of 0.5"
        )
    modules: dict[str, Callable[[], nn.Module]] = {
        "linear": nn.Identity,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "softmax": lambda: nn.Softmax(dim=-1),
        "log_softmax": lambda: nn.LogSoftmax(dim=-1),
        "gelu": nn.GELU,
        "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
        "silu": nn.SiLU,
        "softsign": nn.Softsign,
        "leaky_relu": lambda: nn.LeakyReLU(float(layer.alpha or 0.0)),
        "elu": lambda: nn.ELU(float(layer.alpha or 0.0)),
        "clipped_relu": lambda: nn.Hardtanh(float(layer.low or 0.0), float(layer.high or 0.0)),
        "hard_sigmoid": nn.Hardsigmoid,
        "prelu": nn.PReLU,
    }
    if name not in modules:
        raise step.refuse(f"the function {name!r}", "one of " + ", ".join(modules))
    return step.module(modules[name](), x)


def _select(step: Step, layer: Select, x: Any) -> Any:
    import operator

    index = (Ellipsis, slice(layer.start, layer.stop))
    if layer.positions == 1:
        return step.function(operator.getitem, x, index, is_layer=True)
    parts = _in_positions(step, layer, x, layer.input_size)
    chosen = step.function(operator.getitem, parts, index)
    return step.function(_flat(), chosen, -2, -1, is_layer=True)


def _flat() -> Any:
    import torch

    return torch.flatten


def _sum(step: Step, layer: Add, *xs: Any) -> Any:
    import torch

    return _chained(step, torch.add, xs)


def _product(step: Step, layer: Mul, *xs: Any) -> Any:
    import torch

    return _chained(step, torch.mul, xs)


def _chained(step: Step, function: Any, xs: Any) -> Any:
    y = step.function(function, xs[0], xs[1], is_layer=True)
    for x in xs[2:]:
        y = step.function(function, y, x)
    return y


def _concat(step: Step, layer: Concat, *xs: Any) -> Any:
    import torch

    if layer.positions == 1:
        return step.function(torch.cat, list(xs), dim=-1, is_layer=True)
    parts = [step.method("unflatten", x, -1, (layer.positions, -1)) for x in xs]
    y = step.function(torch.cat, parts, dim=-1, is_layer=True)
    return step.method("flatten", y, -2, -1)


MAKERS: Mapping[type[Layer], Callable[..., Any]] = {
    LSTM: _recurrent,
    GRU: _recurrent,
    RNN: _recurrent,
    Dense: _dense,
    Conv: _conv,
    Pool: _pool,
    LayerNorm: _norm,
    Affine: _affine,
    Activation: _activation,
    Select: _select,
    Add: _sum,
    Mul: _product,
    Concat: _concat,
}
"""What adds each kind of layer to a graph; other kinds have no counterpart."""
