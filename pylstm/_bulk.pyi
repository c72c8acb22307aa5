from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

COLUMNS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

def padded(size: int) -> int: ...

@final
class Steps:
    count: int
    rows: int
    batch: int
    def __init__(self, sizes: NDArray[np.int64]) -> None: ...

@disjoint_base
class PackedDirection:
    input_size: int
    hidden_size: int
    width: int
    def __init__(
        self,
        kind: str,
        weights: tuple[NDArray[np.float32] | None, ...],
        gradients: bool,
        clips: tuple[float, float] | None = None,
        gate_slope: float = 0.0,
    ) -> None: ...
    @property
    def state_widths(self) -> tuple[int, ...]: ...
    @property
    def kept_per_row(self) -> int: ...

@final
class Direction(PackedDirection):
    def forward(
        self,
        x: NDArray[np.float32],
        steps: Steps,
        reverse: bool,
        state: tuple[NDArray[np.float32], ...],
        y: NDArray[np.float32],
        column: int,
        keep: bool,
    ) -> tuple[Any, ...] | None: ...
    def backward(
        self,
        kept: tuple[Any, ...],
        steps: Steps,
        reverse: bool,
        dy: NDArray[np.float32],
        column: int,
        d_state: tuple[NDArray[np.float32], ...],
        dx: NDArray[np.float32] | None,
        dx_begun: bool,
        gradients: tuple[NDArray[np.float32] | None, ...],
    ) -> None: ...
