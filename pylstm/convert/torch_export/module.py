"""Models as PyTorch modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pylstm.convert.torch_export.layers import MAKERS, Step
from pylstm.layers import Conv
from pylstm.layers.graph import FEATURES, shown_node
from pylstm.model import Model

if TYPE_CHECKING:
    from torch import fx

__all__ = ["to_torch"]


def to_torch(model: Model) -> fx.GraphModule:
    """Turn a model into a PyTorch module with the same weights.

    The module takes frames, not samples: (T, n_features) or (T, B, n_features), float32, and gives
    rows, (T', n_outputs) or (T', B, n_outputs), as a stream does from its beginning to its end.
    Its submodules are called as the layers are, its parameters as PyTorch calls them. Weights are
    copied; it can be trained, saved and exported like any other module, and `from_torch` makes
    the same layers of it.

    ============================================  ================================================
    `LSTM` with ``proj_size``, `GRU`, `RNN`       ``nn.LSTM``, ``nn.GRU``, ``nn.RNN``
    `Dense`, `Conv`                               ``nn.Linear``, ``nn.Conv1d``, ``nn.Conv2d``
    `Pool`                                        ``nn.MaxPool1d`` and its kin
    `LayerNorm`, `Activation`                     ``nn.LayerNorm``, ``nn.ReLU`` and so on
    `Affine`, `Select`, `Add`, `Mul`, `Concat`    operations on tensors
    ============================================  ================================================

    Parameters
    ----------
    model : Model
        Of float32 weights. Its features, labels and decision are not part of the module.

    Returns
    -------
    torch.fx.GraphModule
        In evaluation mode.

    Raises
    ------
    ValueError
        PyTorch has no such layer: a `Stack`, an LSTM with peepholes, coupled gates, limits, hard
        gates or layer norm, a GRU with another reset or candidate or with hard gates, a maximum
        over rows of zeros, ``log``, ``sqrt``, a ``prelu`` with several slopes, other hard sigmoids
        than PyTorch's; or weights are quantised.
    TypeError
        `model` is no `Model`.
    ImportError
        PyTorch is not installed.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is of type {type(model).__name__}; expected a pylstm.Model")
    try:
        import torch
        from torch import fx, nn
    except ImportError as error:
        raise ImportError('to_torch needs PyTorch: pip install "pylstm[torch]"') from error
    graph, root = fx.Graph(), nn.Module()
    names: dict[str, str] = {}
    values = {FEATURES: graph.placeholder("frames")}
    for place, node in enumerate(model.nodes):
        where = shown_node(model.nodes, place)
        if node.layer.precision != "float32":
            raise ValueError(
                f"{where} is {node.layer.precision}; expected float32, as it was before quantize"
            )
        step = Step(graph, root, node.name, where, names)
        make = MAKERS.get(type(node.layer))
        if make is None:
            raise ValueError(
                f"{where} is a {type(node.layer).__name__}, which PyTorch has no module for;"
                f" expected {', '.join(kind.__name__ for kind in MAKERS)}"
            )
        values[node.name] = make(step, node.layer, *(values[one] for one in node.inputs))
    graph.output(values[model.nodes[-1].name])
    module: Any = fx.GraphModule(root, graph, "Model")
    for node in model.nodes:
        if node.layer.weights:
            own: Any = module.get_submodule(node.name)
            weights = {
                name: torch.from_numpy(values.copy()) for name, values in node.layer.weights.items()
            }
            if isinstance(node.layer, Conv):
                shape = own.weight.shape
                weights["weight"] = weights["weight"].reshape(shape)
            own.load_state_dict(weights)
    module.pylstm_layers = names
    made: fx.GraphModule = module.eval()
    return made
