"""An ONNX graph in the making: operators, constants, and the memories of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["OPSET", "OnnxGraph", "State"]

OPSET = 17
"""The version of the operators: onnxruntime has it since 1.13."""

IR_VERSION = 8
"""The version of the file format that came with these operators."""

END = np.array([np.iinfo(np.int64).max])


class State(NamedTuple):
    """A memory: an input of the graph, and the output that the next call takes.

    Attributes
    ----------
    name : str
        Of the input; the output is called ``<name>.next``.
    dtype : dtype
        float32, or int64 for counts.
    first_shape : tuple of int
        Of the zeros that a sequence begins with.
    shape : tuple of int or str
        As the file declares it: a text where the length changes from call to call.
    """

    name: str
    dtype: np.dtype[Any]
    first_shape: tuple[int, ...]
    shape: tuple[int | str, ...]


class OnnxGraph:
    """Operators in the order in which they run, named after the layer that they are of.

    Every method that adds an operator takes the names of tensors, or arrays, which become
    constants, and returns the name of what comes out.

    Attributes
    ----------
    layer_name : str
        The layer that is being written: names begin with it.
    states : list of State
        Its memories, in the order in which they were added.
    """

    def __init__(self) -> None:
        self.layer_name = ""
        self.states: list[State] = []
        self._operators: list[Any] = []
        self._constants: list[Any] = []

    def inner(self) -> OnnxGraph:
        """A graph for the body of a loop of this one: its constants stand outside."""
        body = OnnxGraph()
        body.layer_name = f"{self.layer_name}/step"
        body._constants = self._constants
        return body

    # --- operators --------------------------------------------------------------------------------

    def several(
        self, operator: str, *inputs: str | NDArray[Any], count: int, **attributes: Any
    ) -> list[str]:
        """An operator with several outputs."""
        from onnx import helper

        place = f"{self.layer_name}/{len(self._operators)}_{operator}"
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        outputs = [place if count == 1 else f"{place}.{k}" for k in range(count)]
        self._operators.append(helper.make_node(operator, names, outputs, place, **attributes))
        return outputs

    def add(self, operator: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """An operator with one output."""
        return self.several(operator, *inputs, count=1, **attributes)[0]

    def constant(self, values: NDArray[Any]) -> str:
        """An array of the file."""
        from onnx import numpy_helper

        if values.dtype.kind == "i":  # ONNX's indices are of 64 bits on every system
            values = values.astype(np.int64)
        name = f"{self.layer_name}/constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def copy(self, tensor: str, name: str) -> None:
        """Gives a tensor the name that an output of the graph has."""
        from onnx import helper

        self._operators.append(helper.make_node("Identity", [tensor], [name], f"{name}/Identity"))

    # --- rows -------------------------------------------------------------------------------------

    def n_rows(self, rows: str) -> str:
        """How many rows there are: int64, (1,)."""
        return self.add("Shape", rows, start=0, end=1)

    def part(
        self,
        rows: str,
        start: str | NDArray[Any] | int,
        stop: str | NDArray[Any] | None = None,
        *,
        axis: int = 0,
        step: int = 1,
    ) -> str:
        """The rows from start on and before stop, int64 (1,); None: to the last one."""
        first = np.array([start]) if isinstance(start, int) else start
        last = END if stop is None else stop
        return self.add("Slice", rows, first, last, np.array([axis]), np.array([step]))

    def behind(self, *rows: str | NDArray[Any]) -> str:
        """Rows after each other."""
        return self.add("Concat", *rows, axis=0)

    # --- memories ---------------------------------------------------------------------------------

    def state(
        self,
        part: str,
        first_shape: Sequence[int],
        *,
        changes: bool = False,
        dtype: type[np.float32] | type[np.int64] = np.float32,
    ) -> str:
        """A memory of the layer; `changes`: its first dimension is another one in each call."""
        name = f"{self.layer_name}.{part}"
        rest = tuple(first_shape[1:])
        shape = (f"{name}.length" if changes else first_shape[0], *rest)
        self.states.append(State(name, np.dtype(dtype), tuple(first_shape), shape))
        return name

    def next_state(self, state: str, value: str) -> None:
        """What the memory is after the call."""
        self.copy(value, f"{state}.next")

    # --- the whole --------------------------------------------------------------------------------

    def body(self, inputs: Sequence[tuple[str, int]], outputs: Sequence[tuple[str, int]]) -> Any:
        """The body of a loop, from names and widths of rows (1, width)."""
        from onnx import helper

        def declared(values: Sequence[tuple[str, int]]) -> list[Any]:
            return [helper.make_tensor_value_info(name, 1, [1, width]) for name, width in values]

        return helper.make_graph(
            self._operators, self.layer_name, declared(inputs), declared(outputs)
        )

    def model(
        self,
        frames: tuple[str, int],
        rows: tuple[str, int],
        n_rows: str,
        metadata: dict[str, str],
    ) -> Any:
        """The file: frames and memories to rows and the next memories.

        Parameters
        ----------
        frames, rows : (str, int)
            Name and width of what goes in and of what comes out.
        n_rows : str
            What the number of rows that come out is called.
        metadata : dict of str to str

        Returns
        -------
        onnx.ModelProto
        """
        from onnx import helper

        def declared(name: str, state: State) -> Any:
            dtype = helper.np_dtype_to_tensor_dtype(state.dtype)
            shape = [
                None if name.endswith(".next") and isinstance(one, str) else one
                for one in state.shape
            ]
            return helper.make_tensor_value_info(name, dtype, shape)

        inputs = [helper.make_tensor_value_info(frames[0], 1, ["n_frames", frames[1]])]
        inputs += [declared(state.name, state) for state in self.states]
        outputs = [helper.make_tensor_value_info(rows[0], 1, [n_rows, rows[1]])]
        outputs += [declared(f"{state.name}.next", state) for state in self.states]
        graph = helper.make_graph(self._operators, "pylstm", inputs, outputs, self._constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="pylstm",
        )
        helper.set_model_props(model, metadata)
        return model
