"""Whole PyTorch networks as graphs of layers: a forward pass is traced and gone through."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pylstm.arguments import listing
from pylstm.convert.torch.arrangement import Steps, fitting_layers
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.functions import FUNCTIONS, IN_PLACE
from pylstm.convert.torch.modules import applied, is_known, kind_of, refusal, unwrapped
from pylstm.convert.torch.network import Network
from pylstm.convert.torch.parametrisations import refuse_other_computations
from pylstm.convert.torch.rows import TIME, Rows
from pylstm.convert.torch.tensors import Wanted, array_of
from pylstm.convert.torch.views import LAST_STATE, VIEWS, LastState, Zeros, cut_rows

if TYPE_CHECKING:
    from torch import fx, nn

__all__ = ["graph_layers", "layer_names", "sequence_layers"]


def sequence_layers(
    modules: Sequence[tuple[str, nn.Module]],
    dtype: Wanted,
    axes: str | None,
    input_size: int | None,
) -> Steps:
    """The layers of modules that follow each other, each with its name in messages."""

    def run(network: Network, rows: Rows, progress: list[str]) -> Rows:
        for place, (where, module) in enumerate(modules):
            call = Call(network, f"_{place}", where, dtype, True, axes is not None)
            rows = _explained(call, partial(applied, module, call, rows))
            progress.append(where)
        return rows

    channels = _channels(module for _, module in modules)
    return fitting_layers(run, axes, input_size, channels, (), True)


def graph_layers(
    module: nn.Module, dtype: Wanted, axes: str | None, input_size: int | None
) -> Steps:
    """The layers of a module of one's own.

    Raises
    ------
    ValueError
        Its forward pass cannot be traced, or a step of it cannot be expressed.
    """
    from torch import nn

    refuse_other_computations(module, "source")
    graph = _traced(module)

    def run(network: Network, rows: Rows, progress: list[str]) -> Rows:
        return _Walk(module, network, dtype, axes is not None, progress).run(graph, rows)

    calls = [node for node in graph.nodes if node.op == "call_module"]
    channels = _channels(module.get_submodule(str(node.target)) for node in calls)
    kept = layer_names(module).values()
    recurrent = any(isinstance(m, nn.RNNBase) for m in module.modules())
    return fitting_layers(run, axes, input_size, channels, [*kept], not recurrent)


def _channels(modules: Any) -> int:
    """Channels that the first convolution over pictures takes; 1 if there is none."""
    from torch import nn

    return next((m.in_channels for m in modules if isinstance(m, nn.Conv2d)), 1)


def _explained(call: Call, run: Callable[[], Any]) -> Any:
    """Runs a step; an error that does not say where it is says so then."""
    try:
        return run()
    except (TypeError, ValueError) as error:
        if call.where in str(error):
            raise
        raise type(error)(f"{call.where}: {error}") from None
    except (IndexError, AttributeError, KeyError) as error:
        raise ValueError(f"{call.where} cannot be done: {error}") from None


# --- a forward pass -------------------------------------------------------------------------------


def layer_names(module: nn.Module) -> Mapping[str, str]:
    """The layers that `to_torch` has made steps of, by the names of the steps."""
    names = getattr(module, "pylstm_layers", None)
    return names if isinstance(names, Mapping) else {}


@contextmanager
def _at_inference(module: nn.Module) -> Iterator[None]:
    """The module as it is at inference, and afterwards as it was."""
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for one, mode in modes:
            one.training = mode


def _traced(module: nn.Module) -> fx.Graph:
    """The steps of the forward pass, as ``torch.fx`` sees them."""
    from torch import fx

    if isinstance(module, fx.GraphModule):
        return module.graph

    class Tracer(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            inside = unwrapped(m)
            return is_known(inside) or super().is_leaf_module(inside, module_qualified_name)

        def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
            inside = unwrapped(m)
            if inside is m:
                return super().call_module(m, forward, args, kwargs)
            return inside(*args, **kwargs)

    kind = type(module).__name__
    inputs = [*inspect.signature(module.forward).parameters.values()]
    needed = [one.name for one in inputs if one.default is one.empty and one.kind < 2]
    if len(needed) > 1:
        raise ValueError(
            f"source is of type {kind}, whose forward takes {listing(needed)}; expected one input,"
            " the frames, and a default for all others: pass its parts one by one, or its"
            " state_dict() with a prefix"
        )
    defaults = {one.name: one.default for one in inputs[1:] if one.default is not one.empty}
    with _at_inference(module):
        try:
            return Tracer().trace(module, concrete_args=defaults)
        except Exception as error:  # whatever a forward pass does with what is no tensor
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(
                f"source is of type {kind}; expected a module whose forward torch.fx can trace"
                f" ({reason}): pass its parts one by one, or its state_dict() with a prefix"
            ) from error


class _Walk:
    """One way through the steps of a forward pass."""

    def __init__(
        self,
        module: nn.Module,
        network: Network,
        dtype: Wanted,
        axes_given: bool,
        progress: list[str],
    ) -> None:
        self._module, self._network, self._dtype = module, network, dtype
        self._axes_given, self._progress = axes_given, progress
        self._names = layer_names(module)
        self._values: dict[Any, Any] = {}
        self._cuts: dict[Any, int] = {}

    def run(self, graph: fx.Graph, rows: Rows) -> Rows:
        """What comes out."""
        given = iter([rows])
        for node in graph.nodes:
            if node.op == "placeholder":
                value = next(given, None)
                if value is None and node.users and not node.args and not self._asserted(node):
                    raise ValueError(
                        f"the forward pass takes {node.target!r} as well; expected one input"
                    )
                self._values[node] = value if value is not None else (node.args or (None,))[0]
            elif node.op == "output":
                return self._output(self._value(node.args[0]))
            else:
                self._values[node] = self._as_a_layer(node, self._step(node))
            self._progress.append(node.name)
        raise ValueError("the forward pass gives nothing; expected rows")

    def _as_a_layer(self, node: Any, value: Any) -> Any:
        """A part of a row that was a layer of its own before it was made into this step."""
        name = self._names.get(node.name)
        if isinstance(value, Rows) and name is not None and name not in self._network.steps:
            return self._network.in_order(value, name, exactly=True)
        return value

    def _asserted(self, node: Any) -> bool:
        return all("assert" in str(user.target) for user in node.users)

    def _value(self, argument: Any) -> Any:
        """An argument with what its nodes have become."""
        from torch import fx

        if isinstance(argument, fx.Node):
            return self._values[argument]
        if isinstance(argument, slice):
            return slice(*map(self._value, (argument.start, argument.stop, argument.step)))
        if isinstance(argument, tuple | list):
            return (
                type(argument)(map(self._value, argument))
                if type(argument)
                in (
                    tuple,
                    list,
                )
                else tuple(map(self._value, argument))
            )
        if isinstance(argument, Mapping):
            return {key: self._value(value) for key, value in argument.items()}
        return argument

    def _step(self, node: Any) -> Any:
        where = f"{node.name!r} of the forward pass"
        if node.op == "get_attr":
            found: Any = self._module
            for part in str(node.target).split("."):
                found = getattr(found, part)
            return array_of(found, str(node.target), "source", self._dtype)
        name = getattr(node.target, "__name__", str(node.target)).rstrip("_")
        if "assert" in name and not node.users:
            return None
        args, settings = self._value(tuple(node.args)), self._value(dict(node.kwargs))
        if any(isinstance(one, LastState) for one in (*args, *settings.values())) and not (
            name == "getitem" and not node.users
        ):
            raise ValueError(
                f"{where} takes the state after the last frame; expected the outputs, of which the"
                " last is h of the last layer: out, _ = lstm(x)"
            )
        if node.op == "call_module":
            return self._module_call(node, args, settings)
        from_torch = getattr(node.target, "__module__", None) or "torch"
        known = node.op == "call_method" or from_torch.partition(".")[0] in (
            "torch",
            "operator",
            "_operator",
            "builtins",
        )
        if not known or name not in FUNCTIONS:
            raise ValueError(
                f"{where} calls {name}, which no layer does; expected activations, sums, products,"
                " torch.cat and ways to arrange a tensor: hand over the parts before and behind it"
            )
        written = getattr(node.target, "__name__", str(node.target))
        in_place = name in IN_PLACE or settings.get("inplace") or written.endswith("_")
        self._check_in_place(node, bool(in_place), where)
        call = Call(
            self._network,
            self._names.get(node.name, node.name),
            where,
            self._dtype,
            axes_given=self._axes_given,
            cut=self._cuts.get(node, 0),
        )
        function = FUNCTIONS[name]
        try:
            inspect.signature(function).bind(call, *args, **settings)
        except TypeError as error:
            raise ValueError(
                f"{where} calls {name} in a way that is not known ({error}); expected what"
                " PyTorch's page on it begins with, without out"
            ) from None
        return _explained(call, partial(function, call, *args, **settings))

    def _check_in_place(self, node: Any, in_place: bool, where: str) -> None:
        """What is changed in place must not be taken by anything else."""
        while in_place and node.all_input_nodes:
            node = node.all_input_nodes[0]
            if len(node.users) > 1:
                raise ValueError(
                    f"{where} changes in place what something else takes as well; expected"
                    " inplace=False, or a + b instead of a += b"
                )
            if getattr(node.target, "__name__", node.target) not in VIEWS:
                return

    def _module_call(self, node: Any, args: Any, settings: Any) -> Any:
        target = str(node.target)
        where = f"module {target}"
        name = target.replace("_orig_mod.", "")
        module = unwrapped(self._module.get_submodule(target))
        self._check_in_place(node, bool(getattr(module, "inplace", False)), where)
        if not is_known(module):
            raise ValueError(refusal(module, where))
        given = [*args, *settings.values()]
        if not given or not isinstance(given[0], Rows):
            raise ValueError(f"{where} takes no rows; expected those of a layer, or the input")
        if not all(map(_is_zero, given[1:])):
            raise ValueError(
                f"{where} takes an initial state; expected none: it begins with zeros, as a"
                " stream does"
            )
        rows = given[0]
        cut = 0
        users = list(node.users)
        kind = getattr(kind_of(module), "__name__", "")
        is_cut = kind.startswith("Conv") and len(users) == 1
        if is_cut and "getitem" in str(users[0].target) and TIME in rows.axes:
            index = self._value(users[0].args[1])
            cut = cut_rows(index, rows.axes.index(TIME), rows.rank)
            self._cuts[users[0]] = cut
        call = Call(self._network, name, where, self._dtype, axes_given=self._axes_given, cut=cut)
        found = _explained(call, lambda: applied(module, call, rows))
        return (found, LAST_STATE) if kind in ("LSTM", "GRU", "RNN") else found

    def _output(self, value: Any) -> Rows:
        """The rows that a forward pass gives: one tensor, or heads side by side."""
        values = list(value) if isinstance(value, tuple | list) else [value]
        rows = [one for one in values if isinstance(one, Rows)]
        states = [one for one in values if _is_state(one)]
        if not rows or len(rows) + len(states) < len(values):
            raise ValueError(
                f"the forward pass gives {type(value).__name__}; expected rows, or a tuple of rows"
            )
        if len(rows) == 1:
            return rows[0]
        return self._network.side_by_side("heads", rows, -1)


def _is_zero(value: Any) -> bool:
    """Whether an initial state is the one without one."""
    if isinstance(value, tuple | list):
        return all(map(_is_zero, value))
    return value is None or isinstance(value, Zeros)


def _is_state(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_state, value))
    return value is None or isinstance(value, LastState)
