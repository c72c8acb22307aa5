"""Whole PyTorch networks as graphs of layers: a forward pass is traced and gone through."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pylstm.arguments import number_of
from pylstm.convert.torch.arrangement import Fit, Input, fitting_layers
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.embedding import Symbols
from pylstm.convert.torch.functions import FUNCTIONS, IN_PLACE, OF_STATES
from pylstm.convert.torch.modules import applied, is_known, kind_of, refusal, unwrapped
from pylstm.convert.torch.network import Network
from pylstm.convert.torch.parametrisations import refuse_other_computations
from pylstm.convert.torch.rows import TIME, Rows
from pylstm.convert.torch.states import GivenState, LastState, States, is_state
from pylstm.convert.torch.tensors import Wanted, array_of
from pylstm.convert.torch.tracing import ForwardPass, traced
from pylstm.convert.torch.views import VIEWS, cut_rows

if TYPE_CHECKING:
    from torch import nn

__all__ = ["graph_layers", "layer_names", "sequence_layers"]


def sequence_layers(modules: Sequence[tuple[str, nn.Module]], dtype: Wanted, given: Input) -> Fit:
    """The layers of modules that follow each other, each with its name in messages."""

    def run(network: Network, rows: Any, progress: list[str]) -> tuple[Rows, Any]:
        for place, (where, module) in enumerate(modules):
            call = Call(network, f"_{place}", where, dtype, True, given.axes is not None)
            rows = _explained(call, partial(applied, module, call, rows))
            progress.append(where)
        return rows, None

    channels = _channels(module for _, module in modules)
    return fitting_layers(run, given, channels, may_be_single=True)


def graph_layers(module: nn.Module, dtype: Wanted, given: Input) -> Fit:
    """The layers of a module of one's own.

    Raises
    ------
    ValueError
        Its forward pass cannot be traced, or a step of it cannot be expressed.
    """
    from torch import nn

    refuse_other_computations(module, "source")
    forward = traced(module)

    def run(network: Network, rows: Any, progress: list[str]) -> tuple[Rows, Any]:
        walk = _Walk(module, network, dtype, given.axes is not None, progress)
        return walk.run(forward, rows), walk

    calls = [node for node in forward.graph.nodes if node.op == "call_module"]
    called = [unwrapped(module.get_submodule(str(node.target))) for node in calls]
    kept = layer_names(module).values()
    recurrent = any(isinstance(m, nn.RNNBase) for m in module.modules())
    return fitting_layers(
        run,
        given,
        _channels(called),
        kept=[*kept],
        may_be_single=not recurrent,
        # Cells, and states that are handed over, can be of a call that has one frame.
        by_frame=any(isinstance(m, nn.RNNCellBase) for m in called)
        or (recurrent and bool(forward.needed[1:] or forward.optional)),
    )


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
        self._in_time = False
        self.states = States()
        self.places: list[int] = []
        """Which of the results are rows."""

    def run(self, forward: ForwardPass, rows: Any) -> Rows:
        """What comes out."""
        self._in_time = TIME in "".join(rows.axes)
        self.forward = forward
        given = iter([rows])
        for node in forward.graph.nodes:
            if node.op == "placeholder":
                value = next(given, None)
                if value is None and str(node.target) in forward.needed:
                    value = GivenState(str(node.target))
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
        if node.op == "call_module":
            return self._module_call(node, args, settings)
        if isinstance(node.target, type) and issubclass(node.target, tuple):
            return (*args, *settings.values())  # a tuple with names
        if name in ("stack", "cat") and args and self.states.all_states(args[0]):
            return tuple(args[0])
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
        self._check_states(name, where, args, settings)
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

    def _check_states(self, name: str, where: str, args: Any, settings: Any) -> None:
        """Refuses to compute with states, and with what is no number but that of a symbol."""
        for one in _inside((*args, *settings.values())):
            if isinstance(one, Symbols) and name not in (
                "to",
                "long",
                "int",
                "contiguous",
                "clamp",
            ):
                raise ValueError(
                    f"{where} calls {name} with the numbers of symbols; expected nn.Embedding"
                )
            if isinstance(one, GivenState) and name not in OF_STATES:
                raise ValueError(self.forward.two_inputs)
            if isinstance(one, LastState) and name not in OF_STATES:
                raise ValueError(
                    f"{where} takes the state after the last frame; expected the outputs, of"
                    " which the last is h of the last layer: out, _ = lstm(x), or h[-1]"
                )

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
        kind = getattr(kind_of(module), "__name__", "")
        if any(isinstance(one, GivenState | LastState) for one in _inside(given[:1])):
            raise ValueError(
                f"{where} takes a state; expected the outputs of a layer, or h[-1] of one layer"
            )
        if not given or not isinstance(given[0], Rows | Symbols):
            raise ValueError(f"{where} takes no rows; expected those of a layer, or the input")
        rows: Any = given[0]
        recurrent = kind in ("LSTM", "GRU", "RNN")
        is_cell = kind in ("LSTMCell", "GRUCell", "RNNCell")
        if (recurrent or is_cell) and isinstance(rows, Rows):
            self._begin_from(node.name, where, module, rows, given[1:])
        elif given[1:]:
            raise ValueError(f"{where} takes {number_of(len(given), 'tensor')}; expected one")
        cut = 0
        users = list(node.users)
        is_cut = kind.startswith("Conv") and len(users) == 1
        if is_cut and "getitem" in str(users[0].target) and TIME in rows.axes:
            index = self._value(users[0].args[1])
            cut = cut_rows(index, rows.axes.index(TIME), rows.rank)
            self._cuts[users[0]] = cut
        call = Call(self._network, name, where, self._dtype, axes_given=self._axes_given, cut=cut)
        call = replace(call, by_frame=not self._in_time)
        found = _explained(call, lambda: applied(module, call, rows))
        if not (recurrent or is_cell):
            return found
        return self._with_states(node.name, module, found, is_cell)

    def _begin_from(self, owner: str, where: str, module: Any, rows: Rows, given: Any) -> None:
        """Notes what a recurrent module begins from."""
        kind, hidden = kind_of(module).__name__, module.hidden_size
        batch = (1,) * sum(axis == "B" for axis in rows.axes)
        if kind.endswith("Cell"):
            before: tuple[int, ...] = ()
        else:
            before = (module.num_layers * (2 if module.bidirectional else 1),)
        width = getattr(module, "proj_size", 0) or hidden
        shapes = [(*before, *batch, width), (*before, *batch, hidden)]
        parts = ["h", "c"] if kind.startswith("LSTM") else ["h"]
        value = given[0] if given else None
        self.states.begin(owner, where, parts, value, shapes[: len(parts)], self._in_time)

    def _with_states(self, owner: str, module: Any, found: Rows, is_cell: bool) -> Any:
        """What a recurrent module gives."""
        has_c = kind_of(module).__name__.startswith("LSTM")
        if is_cell:
            found = self.states.hidden(replace(found), owner)
            return (found, LastState(owner, "c")) if has_c else found
        one_way = not module.bidirectional
        layers = module.num_layers if one_way else 2 * module.num_layers
        h = LastState(owner, "h", found if one_way else None, layers)
        return found, (h, LastState(owner, "c", None, layers)) if has_c else h

    def _output(self, value: Any) -> Rows:
        """The rows that a forward pass gives: one tensor, or heads side by side."""
        if isinstance(value, Mapping):
            value = tuple(value.values())
        values = list(value) if isinstance(value, tuple | list) else [value]
        self.states.end(values, self.forward.optional)
        hidden = [k for k, one in enumerate(values) if self.states.is_hidden(one)]
        rows = [k for k, one in enumerate(values) if isinstance(one, Rows)]
        # h of a cell is what comes out where nothing else does, or where it is there twice.
        outputs = [k for k in rows if k not in hidden or self._twice(values, k)]
        self.places = outputs or hidden[:1]
        states = [one for one in values if is_state(one) or self.states.parts_of(one)]
        if not self.places or len({*rows}) + len(states) - len(hidden) < len(values):
            raise ValueError(
                f"the forward pass gives {type(value).__name__}; expected rows, or a tuple of rows"
            )
        chosen = [values[k] for k in self.places]
        if len(chosen) == 1:
            return chosen[0]
        if len({one.last for one in chosen}) > 1:
            raise ValueError(
                "the forward pass gives the last row beside rows of all frames; expected one of the"
                " two, as a stream gives a row for each frame"
            )
        return self._network.side_by_side("heads", chosen, -1)

    def _twice(self, values: list[Any], place: int) -> bool:
        (own,) = self.states.parts_of(values[place])
        later = [part for one in values[place + 1 :] for part in self.states.parts_of(one)]
        return own in later


def _inside(value: Any) -> list[Any]:
    """All that is in tuples and lists."""
    if isinstance(value, tuple | list):
        return [one for part in value for one in _inside(part)]
    return [value]
