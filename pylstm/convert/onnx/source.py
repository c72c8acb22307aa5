"""An ONNX file run by ONNX Runtime, row by row, to compare with what it became."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import number_of
from pylstm.convert.onnx_runtime import RuntimeSession

__all__ = ["OnnxSource"]

Array = NDArray[np.float32]


@dataclass(frozen=True)
class OnnxSource:
    """Frames in, rows out, by ONNX Runtime. States begin as zeros and come back by themselves."""

    data: bytes
    main: str
    shape: tuple[int, ...]
    """Of the main input for one frame."""
    axis: int | None
    """Along which its time goes; None: a call for each frame."""
    length: int | None
    """How many frames a call has, where the file says it."""
    states: Mapping[str, tuple[str | None, NDArray[Any]]]
    """For each input that is one: the output that brings it back, and the zeros to begin with."""
    constants: Mapping[str, NDArray[Any]]
    runtime: Mapping[str, np.dtype[Any]]
    """Inputs that take the length of the sequence, with their types."""
    outputs: tuple[tuple[str, int | None, int], ...]
    """Names, along which axis of each time goes (None: it is one row, the last), and how many of
    its rows stand for frames before the first row of another."""

    @cached_property
    def _session(self) -> RuntimeSession:
        return RuntimeSession(self.data)

    def __call__(self, frames: Array) -> Array:
        """What ONNX Runtime gives for frames (T, n_features) from the beginning."""
        x = np.ascontiguousarray(frames, np.float32)
        if self.axis is None:
            return self._frame_by_frame(x)
        if self.length is not None and len(x) != self.length:
            raise ValueError(
                f"frames has {number_of(len(x), 'row')}; expected {self.length}, as the file says"
            )
        if all(axis is not None for _, axis, _ in self.outputs):
            return self._call(x, self._zeros())[0]
        lengths = range(1, len(x) + 1) if self.length is None else [len(x)]
        return np.concatenate([self._call(x[:n], self._zeros())[0] for n in lengths])

    def _frame_by_frame(self, x: Array) -> Array:
        state, rows = self._zeros(), []
        for row in x:
            found, state = self._call(row[None], state)
            rows.append(found)
        width = rows[0].shape[1] if rows else 0
        return np.concatenate(rows) if rows else np.zeros((0, width), np.float32)

    def _zeros(self) -> dict[str, NDArray[Any]]:
        return {name: zeros for name, (_, zeros) in self.states.items()}

    def _call(
        self, x: Array, state: Mapping[str, NDArray[Any]]
    ) -> tuple[Array, dict[str, NDArray[Any]]]:
        feed: dict[str, Any] = {**self.constants, **state}
        if self.axis is None:
            feed[self.main] = x.reshape(self.shape)
        else:
            rest = [n for axis, n in enumerate(self.shape) if axis != self.axis]
            feed[self.main] = np.moveaxis(x.reshape(len(x), *rest), 0, self.axis)
        feed |= {name: np.array([len(x)], dtype) for name, dtype in self.runtime.items()}
        names = [name for name, *_ in self.outputs]
        back = {name: output for name, (output, _) in self.states.items() if output is not None}
        found = self._session.run([*names, *back.values()], feed)
        parts = []
        for value, (_, axis, early) in zip(found, self.outputs, strict=False):
            moved = value[None] if axis is None else np.moveaxis(value, axis, 0)[early:]
            parts.append(moved.reshape(len(moved), -1))
        n = min(len(part) for part in parts)
        after = dict(state) | dict(zip(back, found[len(names) :], strict=True))
        return np.concatenate([part[:n] for part in parts], axis=1).astype(np.float32), after
