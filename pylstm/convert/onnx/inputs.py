"""The inputs of an ONNX graph: rows, states, constants, and along which axis time goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, listing, number_of, shown
from pylstm.convert.onnx.tensors import dtype_of

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["GraphInput", "Inputs", "inputs_of"]

Shape = tuple[int | None, ...]

MOST_VALUES = 1 << 22
"""Values of an input, at most."""


@dataclass(frozen=True)
class GraphInput:
    """An input as the file declares it."""

    name: str
    dtype: np.dtype[Any]
    dims: tuple[int | str | None, ...] | None
    """A number where it is fixed, a name or None where it is not; None: nothing is said."""


@dataclass(frozen=True)
class Inputs:
    """What stands for what."""

    main: GraphInput
    main_shape: Shape | None
    """As the caller gives it, None along time; None: the file says it."""
    states: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, NDArray[Any]]
    runtime: Mapping[str, np.dtype[Any]]

    def candidates(self) -> list[tuple[int | None, tuple[int, ...]]]:
        """Along which axis of the rows time may go, with its shape (1 there); None: none."""
        if self.main_shape is not None:
            axis = self.main_shape.index(None) if None in self.main_shape else None
            return [(axis, tuple(1 if one is None else one for one in self.main_shape))]
        dims = self.main.dims
        if dims is None:
            raise ValueError(
                f"the shape of input {self.main.name!r} is not in the file; expected"
                f" shapes={{{self.main.name!r}: (1, None, 40)}}, with None along time"
            )
        fixed = tuple(one if isinstance(one, int) else 1 for one in dims)
        if math.prod(fixed) > MOST_VALUES:
            raise ValueError(
                f"input {self.main.name!r} has shape {fixed}; expected {MOST_VALUES} values at most"
            )
        free: list[int | None] = [k for k, one in enumerate(dims) if not isinstance(one, int)]
        free.sort(key=lambda axis: axis == 0)  # the first axis is often the batch
        if not free:
            free = [None, *(k for k, one in enumerate(fixed) if one > 1)]
        elif free == [0]:
            free = [0, None]
        return [(axis, fixed) for axis in free]

    @property
    def is_fixed(self) -> bool:
        """Whether the file and the caller say how long each axis of the rows is."""
        dims = self.main.dims
        return (
            self.main_shape is None and dims is not None and all(isinstance(d, int) for d in dims)
        )


def inputs_of(
    model: ModelProto,
    shapes: Mapping[str, Sequence[int | None]],
    constants: Mapping[str, Any],
    chosen: str | None,
) -> Inputs:
    """Sorts the inputs of a graph.

    Raises
    ------
    ValueError
        A name is none of an input, a shape does not fit, or there is no input of float32.
    TypeError
        Numbers are of another type than the input.
    """
    there = {one.name for one in model.graph.initializer}
    declared = {one.name: _declared(one) for one in model.graph.input if one.name not in there}
    for argument, given in (("shapes", list(shapes)), ("constants", list(constants))):
        for name in given:
            if name not in declared:
                raise ValueError(
                    f"{argument} has {name!r}; expected inputs of the graph: {listing(declared)}"
                )
    known = {name: _constant(declared[name], value) for name, value in constants.items()}
    rest = [one for name, one in declared.items() if name not in known]
    for one in rest:
        if one.dtype.kind == "f" and one.dtype != np.float32:
            raise ValueError(
                f"input {one.name!r} is of {one.dtype}; expected float32: export the model in it"
            )
    floats = [one for one in rest if one.dtype == np.float32]
    names = [one.name for one in floats]
    if not floats:
        raise ValueError("the graph has no input of float32 that is no constant; expected one")
    if chosen is not None and chosen not in names:
        raise ValueError(f"input is {shown(chosen)}; expected {listing(names)}")
    main = floats[names.index(chosen) if chosen else 0]
    main_shape = _shape(main, shapes[main.name], True) if main.name in shapes else None
    states = {}
    for one in floats:
        if one is not main:
            own = shapes.get(one.name, [d if isinstance(d, int) else 1 for d in one.dims or ()])
            states[one.name] = tuple(int(d or 1) for d in _shape(one, own, False))
    runtime = {one.name: one.dtype for one in rest if one.dtype.kind != "f"}
    return Inputs(main, main_shape, states, known, runtime)


def _declared(one: Any) -> GraphInput:
    kind = one.type.tensor_type
    if not one.type.HasField("tensor_type"):
        raise ValueError(f"input {one.name!r} is no tensor; expected tensors alone")
    dtype = dtype_of(kind.elem_type, f"input {one.name!r}")
    if not kind.HasField("shape"):
        return GraphInput(one.name, dtype, None)
    dims = tuple(
        d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else d.dim_param or None
        for d in kind.shape.dim
    )
    return GraphInput(one.name, dtype, dims)


def _shape(one: GraphInput, given: Sequence[int | None], is_main: bool) -> Shape:
    name = f"shapes[{one.name!r}]"
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{name} is {shown(given)}; expected whole numbers, such as (1, None, 40)")
    if one.dims is not None and len(given) != len(one.dims):
        raise ValueError(f"{name} is {shown(given)}; expected {number_of(len(one.dims), 'number')}")
    shape = tuple(
        None if d is None else count(f"{name}[{k}]", d, 1, MOST_VALUES) for k, d in enumerate(given)
    )
    if shape.count(None) > is_main:
        wanted = "one None at most, along time" if is_main else "no None: it is no input of rows"
        raise ValueError(f"{name} is {shown(given)}; expected {wanted}")
    if float(np.prod([float(d or 1) for d in shape])) > MOST_VALUES:
        raise ValueError(f"{name} is {shown(given)}; expected {MOST_VALUES} values at most")
    return shape


def _constant(one: GraphInput, value: Any) -> NDArray[Any]:
    """A constant that stands for an input."""
    array = np.asarray(value)
    name = f"constants[{one.name!r}]"
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} is {shown(value)}; expected numbers")
    with np.errstate(all="ignore"):
        found = array.astype(one.dtype)
    same = found.astype(np.float64) == array.astype(np.float64)
    if not (same if found.dtype.kind != "f" else np.isfinite(found)).all():
        raise ValueError(f"{name} is {shown(value)}; expected numbers that {one.dtype} holds")
    if one.dims is not None:
        fits = len(one.dims) == found.ndim and all(
            not isinstance(d, int) or d == n for d, n in zip(one.dims, found.shape, strict=True)
        )
        if not fits and all(isinstance(d, int) for d in one.dims):
            wanted = tuple(int(d) for d in one.dims if isinstance(d, int))
            if found.size == 1:
                found, fits = np.full(wanted, found.ravel()[0]), int(np.prod(wanted)) <= MOST_VALUES
        if not fits:
            raise ValueError(f"{name} has shape {found.shape}; expected {one.dims}")
    return found
