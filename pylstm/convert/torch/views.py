"""PyTorch's ways to take a tensor apart and to arrange it anew, for rows of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pylstm.arguments import number_of
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.convolutions import padded
from pylstm.convert.torch.rows import BATCH, ROW, TIME, Rows
from pylstm.convert.torch.states import GivenState, LastState, Zeros

__all__ = ["VIEWS", "PartOfTime", "chunk", "cut_rows"]


class Place:
    """Where a tensor is, and of which numbers: its ``device`` and ``dtype``."""


def _numbers(first: Any, rest: Sequence[Any]) -> Sequence[Any]:
    """Dimensions, given one by one or together."""
    together = isinstance(first, tuple | list) and not rest
    return tuple(first) if together else (first, *rest)


def _permute(call: Call, input: Rows, *dims: Any, **named: Any) -> Rows:
    given = named.get("dims", dims)
    return input.permute(_numbers(given[0], given[1:]))


def _transpose(call: Call, input: Rows, dim0: Any, dim1: Any) -> Rows:
    return input.transpose(dim0, dim1)


def _movedim(call: Call, input: Rows, source: Any, destination: Any) -> Rows:
    return input.movedim(source, destination)


def _unsqueeze(call: Call, input: Rows, dim: Any) -> Rows:
    return input.unsqueeze(dim)


def _squeeze(call: Call, input: Any, dim: Any = None) -> Rows:
    if isinstance(input, LastState) and dim == 0:
        return input.of_layer(0, call.where)
    if isinstance(input, LastState | GivenState):
        raise ValueError(f"{call.where} squeezes a state along {dim}; expected h[-1] or state[0]")
    return input.squeeze(dim)


def _flatten(call: Call, input: Rows, start_dim: Any = 0, end_dim: Any = -1) -> Rows:
    return input.flatten(start_dim, end_dim)


def _unflatten(call: Call, input: Rows, dim: Any, sizes: Any) -> Rows:
    return input.unflatten(dim, sizes)


def _reshape(call: Call, input: Rows, *shape: Any, **named: Any) -> Rows:
    given = named.get("shape", shape)
    return input.reshape(_numbers(given[0], given[1:]))


def _size(call: Call, input: Rows, dim: Any = None) -> Any:
    sizes = input.sizes()
    return sizes if dim is None else sizes[input.axis(dim)]


def _getattr(call: Call, input: Rows, name: str) -> Any:
    found: dict[str, Any] = {"shape": input.sizes(), "ndim": input.rank}
    found |= dict.fromkeys(("device", "dtype"), Place())
    if name == "T" and input.rank == 2:
        return input.transpose(0, 1)
    if name == "mT":
        return input.transpose(-2, -1)
    if name not in found:
        raise ValueError(f"{call.where} takes the attribute {name!r}; expected 'shape'")
    return found[name]


def _zeros(call: Call, *args: Any, **settings: Any) -> Zeros:
    return Zeros()


def _to(call: Call, input: Any, *args: Any, **settings: Any) -> Any:
    """Elsewhere, or the same numbers."""
    wanted = [*args, *settings.values()]
    if isinstance(input, Zeros | GivenState | LastState):
        return input
    if not all(isinstance(one, Place) or str(one) == "torch.float32" for one in wanted):
        raise ValueError(f"{call.where} takes {wanted}; expected the device of another tensor")
    return input


def _dim(call: Call, input: Rows) -> int:
    return input.rank


def _getitem(call: Call, input: Any, index: Any) -> Any:
    if isinstance(input, tuple | list):
        return input[index]
    if isinstance(input, GivenState):
        return input.part(index, call.where)
    if isinstance(input, LastState):
        first, *rest = index if isinstance(index, tuple) else (index,)
        if all(part in (slice(None), Ellipsis) for part in rest):
            return input.of_layer(first, call.where)
        raise ValueError(f"{call.where} takes {index!r} of a state; expected h[-1]")
    rows: Rows = input
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        here = sum(part is not None for part in parts) - 1
        parts[place : place + 1] = [slice(None)] * (rows.rank - here)
    axis = 0
    for part in parts:
        if part is None:
            rows = rows.unsqueeze(axis)
        elif axis >= rows.rank:
            raise ValueError(
                f"{call.where} takes parts of {number_of(len(parts), 'dimension')}; expected at"
                f" most {rows.rank}, of {rows.described}"
            )
        elif part == slice(None):
            pass
        elif rows.axes[axis] == ROW and isinstance(part, int | slice):
            rows = rows.narrowed(axis, part)
            if isinstance(part, int):
                continue
        elif rows.axes[axis] == TIME and 0 < _cut_of(part) == call.cut:
            pass  # the convolution before has made fewer
        elif rows.axes[axis] == TIME and part in (-1, slice(-1, None)):
            rows = rows.last_frame(keeps_axis=part != -1)
            if part == -1:
                continue
        else:
            raise _other_part(call, rows.axes[axis], part)
        axis += 1
    return rows


class PartOfTime(ValueError):
    """A part of time, or of the batch, is taken."""


class MeanOverTime(PartOfTime):
    """All of time is made one value."""


def _other_part(call: Call, axis: str, part: Any) -> PartOfTime:
    kind = {TIME: "time", BATCH: "the batch"}.get(axis, "values")
    return PartOfTime(
        f"{call.where} takes {part!r} of {kind}; expected all of it"
        + (", or the last frame alone, y[:, -1]" if axis == TIME else "")
    )


def _cut_of(part: Any) -> int:
    """How many of the last rows a slice leaves out; 0: it does something else."""
    if isinstance(part, slice) and part.start in (None, 0) and part.step in (None, 1):
        return -part.stop if isinstance(part.stop, int) and part.stop < 0 else 0
    return 0


def cut_rows(index: Any, axis: int, rank: int) -> int:
    """How many of the last rows an index leaves out of a tensor whose time is this axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in parts:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (rank + 1 - len(parts))
    if len(parts) <= axis or any(part != slice(None) for part in parts[:axis]):
        return 0
    return _cut_of(parts[axis])


def _select(call: Call, input: Any, dim: Any, index: Any) -> Any:
    if isinstance(input, LastState) and dim == 0:
        return input.of_layer(index, call.where)
    if not isinstance(input, Rows):
        raise ValueError(
            f"{call.where} takes a part of a state along {dim}; expected h[-1], or state[0]"
        )
    dim = input.axis(dim)
    return _getitem(call, input, (*[slice(None)] * dim, index))


def _narrow(call: Call, input: Rows, dim: Any, start: Any, length: Any) -> Rows:
    axis = input.axis(dim)
    if input.axes[axis] != ROW:
        raise _other_part(call, input.axes[axis], slice(start, start + length))
    return input.narrowed(axis, slice(start, start + length))


def _split(call: Call, input: Rows, split_size_or_sections: Any, dim: Any = 0) -> Any:
    axis = input.axis(dim)
    if input.axes[axis] != ROW:
        raise _other_part(call, input.axes[axis], "parts")
    total = input.known().shape[input.place_in_row(axis)]
    sizes = split_size_or_sections
    if isinstance(sizes, int):
        sizes = [min(sizes, total - k) for k in range(0, total, sizes)]
    found, start = [], 0
    for size in sizes:
        found.append(input.narrowed(axis, slice(start, start + size)))
        start += size
    return tuple(found)


def chunk(call: Call, input: Rows, chunks: int, dim: Any = 0) -> Any:
    """As ``torch.chunk``, along an axis of the row."""
    axis = input.axis(dim)
    if input.axes[axis] != ROW:
        raise _other_part(call, input.axes[axis], "parts")
    total = input.known().shape[input.place_in_row(axis)]
    return _split(call, input, -(-total // chunks), dim)


def _pad(call: Call, input: Rows, pad: Any, mode: Any = "constant", value: Any = None) -> Rows:
    return padded(call.where, input, pad, mode, value)


VIEWS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "permute": _permute,
        **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _transpose),
        **dict.fromkeys(("movedim", "moveaxis"), _movedim),
        "unsqueeze": _unsqueeze,
        "squeeze": _squeeze,
        "flatten": _flatten,
        "unflatten": _unflatten,
        **dict.fromkeys(("reshape", "view"), _reshape),
        "size": _size,
        "getattr": _getattr,
        "dim": _dim,
        "getitem": _getitem,
        "narrow": _narrow,
        "select": _select,
        "split": _split,
        "chunk": chunk,
        "pad": _pad,
        "to": _to,
        **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), _zeros),
    }
)
"""What is done for each of them, by its name in PyTorch or in `operator`."""
