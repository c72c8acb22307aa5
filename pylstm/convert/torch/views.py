"""PyTorch's ways to take a tensor apart and to arrange it anew, for rows of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pylstm.arguments import number_of
from pylstm.convert.torch.call import Call
from pylstm.convert.torch.convolutions import padded
from pylstm.convert.torch.rows import BATCH, ROW, TIME, Rows

__all__ = ["LAST_STATE", "VIEWS", "LastState", "PartOfTime", "Zeros", "chunk", "cut_rows"]


class LastState:
    """What a recurrent module gives beside its outputs: the state after the last frame."""


class Zeros:
    """A tensor of zeros, as a recurrent module may take one for its initial state."""


class Place:
    """Where a tensor is, and of which numbers: its ``device`` and ``dtype``."""


LAST_STATE = LastState()


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


def _squeeze(call: Call, input: Rows, dim: Any = None) -> Rows:
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
    if isinstance(input, Zeros):
        return input
    if not all(isinstance(one, Place) or str(one) == "torch.float32" for one in wanted):
        raise ValueError(f"{call.where} takes {wanted}; expected the device of another tensor")
    return input


def _dim(call: Call, input: Rows) -> int:
    return input.rank


def _getitem(call: Call, input: Any, index: Any) -> Any:
    if isinstance(input, tuple | list):
        return input[index]
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
        else:
            raise _other_part(call, rows.axes[axis], part)
        axis += 1
    return rows


class PartOfTime(ValueError):
    """A part of time, or of the batch, is taken."""


def _other_part(call: Call, axis: str, part: Any) -> PartOfTime:
    if axis == TIME and part == -1:
        return PartOfTime(
            f"{call.where} takes the last frame alone; expected a row for each frame, of which the"
            " last is the same: leave it out, as a stream gives rows while it hears"
        )
    kind = {TIME: "time", BATCH: "the batch"}.get(axis, "values")
    return PartOfTime(f"{call.where} takes {part!r} of {kind}; expected all of it")


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
        "split": _split,
        "chunk": chunk,
        "pad": _pad,
        "to": _to,
        **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), _zeros),
    }
)
"""What is done for each of them, by its name in PyTorch or in `operator`."""
