"""A PyTorch module run by PyTorch, frame by frame or as a whole, to compare with its layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.torch.arrangement import Input
from pylstm.convert.torch.module_fit import ModuleFit, fit_of
from pylstm.convert.torch.modules import kind_of, unwrapped
from pylstm.convert.torch.tracing import at_inference

if TYPE_CHECKING:
    from torch import nn

__all__ = ["TorchSource"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class TorchSource:
    """Frames in, rows out, by PyTorch, in evaluation mode. States begin as zeros.

    Attributes
    ----------
    module : torch.nn.Module
        What runs.
    found : ModuleFit
        What its axes are.
    one_hot : bool
        Whether its input is the numbers of symbols; frames have a 1 there.
    """

    module: nn.Module
    found: ModuleFit
    one_hot: bool = False

    @classmethod
    def of(
        cls,
        module: nn.Module,
        axes: str | None = None,
        input_size: int | None = None,
        one_hot: bool = False,
    ) -> TorchSource:
        """The module, as `from_torch` understands it.

        Raises
        ------
        TypeError, ValueError
            It does not.
        """
        inside = unwrapped(module)
        return cls(inside, fit_of(inside, "float32", Input(axes, input_size, one_hot)), one_hot)

    @property
    def last_frame_only(self) -> bool:
        """Whether it gives one row, that of the last frame."""
        return self.found.last_frame_only

    def frames(self, rng: np.random.Generator, n: int, width: int) -> Array:
        """Random frames: normally distributed, or with a 1 at a symbol."""
        if not self.one_hot:
            return rng.standard_normal((n, width)).astype(np.float32)
        return np.eye(width, dtype=np.float32)[rng.integers(0, width, n)]

    def __call__(self, frames: Array) -> Array:
        """What PyTorch gives for frames (T, n_features) from the beginning."""
        import torch

        axes = self.found.fit.axes
        with at_inference(self.module), torch.no_grad(), _quiet():
            if "T" in axes:
                return self._rows(self._run(self._input(frames)))
            return self._frame_by_frame(frames)

    def _frame_by_frame(self, frames: Array) -> Array:
        walk, state, parts = self.found.fit.walk, self._first_states(), []
        given = walk.states.arguments if walk else ()
        by_default = walk.states.by_default(walk.forward.optional) if walk else {}
        for k in range(len(frames)):
            x = self._input(frames[k : k + 1])
            results = self._run(x) if walk is None else self._forward(x, state)
            parts.append(self._rows(results))
            for name in given:
                state[name] = walk.states.next(name, results)
            for name, place in by_default.items():
                state[name] = results[place] if isinstance(results, tuple | list) else results
        return np.concatenate(parts)

    def _run(self, x: Any) -> Any:
        if self.found.chain is None:
            return self._forward(x, self._first_states())
        for _, module in self.found.chain:
            x = self._in_chain(module, x)
        return x

    def _forward(self, x: Any, states: dict[str, Any]) -> Any:
        named = dict(states)
        forward = self.found.fit.walk.forward
        named |= {name: None for name in forward.needed[1:] if name not in named}
        return self.module(x, **named)

    def _first_states(self) -> dict[str, Any]:
        """States as they are at the beginning, by the arguments that take them."""
        import torch

        walk = self.found.fit.walk
        if walk is None:
            return {}
        where = self._numbers()
        return {
            name: walk.states.zeros(name, lambda shape: torch.zeros(shape, **where))
            for name in walk.states.arguments
        }

    def _in_chain(self, module: Any, x: Any) -> Any:
        """One module after the other: sequences are where the recurrent ones have them."""
        import torch

        name = getattr(kind_of(module), "__name__", "")
        if name not in ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell"):
            return module(x)
        axes = self.found.fit.axes
        single = x.squeeze(axes.index("B")) if "B" in axes else x
        if name.endswith("Cell"):
            state, rows = None, []
            for frame in single:
                state = module(frame, state)
                rows.append(state[0] if isinstance(state, tuple) else state)
            y = torch.stack(rows)
        else:
            y = module(single)[0]
        return y.unsqueeze(axes.index("B")) if "B" in axes else y

    def _numbers(self) -> dict[str, Any]:
        """Type and device of what the module computes with."""
        floats = [one for one in self.module.parameters() if one.is_floating_point()]
        return {"dtype": floats[0].dtype, "device": floats[0].device} if floats else {}

    def _input(self, frames: Array) -> Any:
        """Frames along the axes of PyTorch's input."""
        import torch

        axes, channels = self.found.fit.axes, self.found.fit.channels
        if self.one_hot:
            x = torch.from_numpy(frames.argmax(1)).to(self._numbers().get("device"))
            have = "T"
        else:
            x = torch.from_numpy(np.ascontiguousarray(frames)).to(**self._numbers())
            have = "TF"
        if "C" in axes:
            x, have = x.unflatten(-1, (-1, channels)), "TFC"
        if "T" not in axes:
            x, have = x[0], have[1:]
        if "B" in axes:
            x, have = x.unsqueeze(0), f"B{have}"
        return x.permute([have.index(axis) for axis in axes]) if axes else x

    def _rows(self, results: Any) -> Array:
        """The rows among the results, in the order in which the layers have them."""
        import torch

        fit = self.found.fit
        if fit.walk is not None:
            values = list(results.values()) if isinstance(results, dict) else results
            values = list(values) if isinstance(values, tuple | list) else [values]
            chosen = [values[k] for k in fit.walk.places]
            results = chosen[0] if len(chosen) == 1 else torch.cat(chosen, -1)
        time = [k for k, axis in enumerate(fit.output.axes) if "T" in axis]
        y = results.movedim(time[0], 0) if time else results.unsqueeze(0)
        flat = y.reshape(len(y), -1).float().cpu().numpy()
        rows = np.empty_like(flat)
        rows[:, fit.order] = flat
        return rows


@contextmanager
def _quiet() -> Iterator[None]:
    """Without PyTorch's word that a projection runs slowly."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported")
        yield
