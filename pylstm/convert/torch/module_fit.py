"""A PyTorch module as layers, whatever it is: one module, a chain of them, or a forward pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylstm.convert.torch.arrangement import Fit, Input
from pylstm.convert.torch.exclusion import one_thread
from pylstm.convert.torch.graph import graph_layers, sequence_layers
from pylstm.convert.torch.modules import is_known, refusal, unwrapped
from pylstm.convert.torch.parametrisations import refuse_other_computations
from pylstm.convert.torch.tensors import Wanted

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ModuleFit", "fit_of"]

Chain = list[tuple[str, "nn.Module"]]


@dataclass(frozen=True)
class ModuleFit:
    """The layers that a module is.

    Attributes
    ----------
    fit : Fit
        The layers, and what the axes of tensors are.
    chain : list of (str, torch.nn.Module), optional
        Its modules, which follow each other, with their names in messages; None: it has a forward
        pass of its own.
    """

    fit: Fit
    chain: Chain | None

    @property
    def last_frame_only(self) -> bool:
        """Whether it gives the row of the last frame alone."""
        return self.fit.output.last

    @property
    def notes(self) -> tuple[str, ...]:
        """What was made into something else."""
        found = []
        if self.last_frame_only:
            found.append("The module gives its last row alone; a stream gives one for each frame.")
        for name, step in self.fit.steps.items():
            if getattr(step.layer, "bidirectional", False):
                found.append(
                    f"{name} runs in both directions, over whole sequences (forward); no stream"
                    " can run it."
                )
        return tuple(found)


def fit_of(module: nn.Module, dtype: Wanted, given: Input) -> ModuleFit:
    """Layers from a module that no wrapper is around. Other threads wait for the end.

    Raises
    ------
    TypeError, ValueError
        It cannot be expressed.
    """
    with one_thread():
        return _fit_of(module, dtype, given)


def _fit_of(module: nn.Module, dtype: Wanted, given: Input) -> ModuleFit:
    from torch import nn

    chain: Chain | None = None
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        chain = _flattened(module)
        if not all(is_known(one) or _is_of_torch(one) for _, one in chain):
            chain = None
    elif is_known(module):
        chain = [(type(module).__name__, module)]
    elif _is_of_torch(module):
        raise ValueError(refusal(module, "source"))
    if chain is None:
        return ModuleFit(graph_layers(module, dtype, given), None)
    if isinstance(module, nn.Sequential):
        names = {type(one).__name__ for _, one in chain}
        if all(name == "Identity" or name.endswith("Dropout") for name in names):
            raise ValueError("source is a Sequential without a recurrent layer or a Linear")
    return ModuleFit(sequence_layers(chain, dtype, given), chain)


def _is_of_torch(module: nn.Module) -> bool:
    """Whether it is one of PyTorch's own, which have no parts that could be gone through."""
    from torch import fx, nn

    inside = type(module).__module__.startswith("torch.")
    return inside and not isinstance(module, nn.Sequential | fx.GraphModule)


def _flattened(sequential: nn.Sequential, path: str = "") -> Chain:
    """The modules of a Sequential, each with its name in messages."""
    from torch import nn

    refuse_other_computations(sequential, f"module {path.rstrip('.')}" if path else "source")
    modules: Chain = []
    # Iteration, unlike named_children, repeats a module that is used twice.
    for index, module in enumerate(sequential):
        inside = unwrapped(module)
        if type(inside) is nn.Sequential:
            modules += _flattened(inside, f"{path}{index}.")
        else:
            modules.append((f"module {path}{index}", inside))
    return modules
