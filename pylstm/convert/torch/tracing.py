"""The steps of a PyTorch forward pass, as ``torch.fx`` sees them."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylstm.arguments import listing
from pylstm.convert.torch.exclusion import one_thread
from pylstm.convert.torch.modules import is_known, unwrapped

if TYPE_CHECKING:
    from torch import fx, nn

__all__ = ["ForwardPass", "at_inference", "traced"]


@dataclass(frozen=True)
class ForwardPass:
    """What a module does with its input.

    Attributes
    ----------
    graph : torch.fx.Graph
        Its steps.
    kind : str
        The module's type, in messages.
    needed : tuple of str
        The arguments that have no default. The first is the frames.
    optional : tuple of str
        The arguments that are None by default.
    """

    graph: fx.Graph
    kind: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def two_inputs(self) -> str:
        """What is wrong with arguments that are no states."""
        return (
            f"source is of type {self.kind}, whose forward takes {listing(self.needed)}; expected"
            " one input, the frames, and after it states of recurrent layers that come back among"
            " the results, or arguments with a default: pass its parts one by one, or its"
            " state_dict() with a prefix"
        )


@contextmanager
def at_inference(module: nn.Module) -> Iterator[None]:
    """The module as it is at inference, and afterwards as it was. No other thread is inside."""
    with one_thread():
        before = [(one, dict(one.__dict__)) for one in module.modules()]
        try:
            module.eval()
            yield
        finally:
            for one, attributes in before:
                # A forward pass may set some, such as a state that it remembers.
                for name in [*one.__dict__]:
                    if name not in attributes:
                        del one.__dict__[name]
                one.__dict__.update(attributes)


@contextmanager
def _zeros_of_traced_sizes(tracer: fx.Tracer) -> Iterator[None]:
    """Makes ``torch.zeros(x.size(0), n)`` a step: it takes a traced size in other places only."""
    import torch
    from torch import fx

    usual: Any = torch.zeros

    def zeros(*size: Any, **settings: Any) -> Any:
        if any(isinstance(one, fx.Proxy) for one in (*size, *settings.values())):
            return tracer.create_proxy("call_function", usual, size, settings)
        return usual(*size, **settings)

    torch.zeros = zeros
    try:
        yield
    finally:
        torch.zeros = usual


def traced(module: nn.Module) -> ForwardPass:
    """The steps of the forward pass.

    Raises
    ------
    ValueError
        It cannot be traced.
    """
    from torch import fx

    kind = type(module).__name__
    if isinstance(module, fx.GraphModule):
        places = [node for node in module.graph.nodes if node.op == "placeholder"]
        needed = tuple(str(node.target) for node in places if not node.args)
        return ForwardPass(module.graph, kind, needed)

    here = threading.get_ident()

    class Tracer(fx.Tracer):
        """The patches of torch.fx reach all threads; those that run modules meanwhile run them."""

        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            inside = unwrapped(m)
            return is_known(inside) or super().is_leaf_module(inside, module_qualified_name)

        def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
            if threading.get_ident() != here:
                return forward(*args, **kwargs)
            inside = unwrapped(m)
            if inside is m:
                return super().call_module(m, forward, args, kwargs)
            return inside(*args, **kwargs)

        def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
            if threading.get_ident() != here:
                return attr_val
            return super().getattr(attr, attr_val, parameter_proxy_cache)

    inputs = [*inspect.signature(module.forward).parameters.values()]
    plain = [one for one in inputs if one.kind < 2]
    needed = tuple(one.name for one in plain if one.default is one.empty)
    defaults = {one.name: one.default for one in inputs[1:] if one.default is not one.empty}
    tracer = Tracer()
    with at_inference(module), _zeros_of_traced_sizes(tracer):
        try:
            graph = tracer.trace(module, concrete_args=defaults)
        except Exception as error:  # whatever a forward pass does with what is no tensor
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"source is of type {kind}; expected a module whose forward torch.fx can trace"
                f" ({reason}): pass its parts one by one, or its state_dict() with a prefix"
            ) from error
    optional = tuple(name for name, value in defaults.items() if value is None)
    return ForwardPass(graph, kind, needed, optional)
