"""Which axis of a PyTorch network's input is what: tried out, where nobody has said it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, listing, shown
from pylstm.convert.torch.network import Network, Step, UnknownWidth
from pylstm.convert.torch.rows import ROW, MissingWidth, OtherAxes, Rows
from pylstm.convert.torch.views import PartOfTime
from pylstm.layers.graph import FEATURES

__all__ = ["AXES", "Steps", "check_axes", "fitting_layers"]

AXES = ("BTF", "TBF", "TF", "BFT", "FT", "BCTF", "BCFT")
"""What the axes of an input can be: B sequences, T time, F values of a frame, C their channels."""

Steps = dict[str, Step]


def check_axes(axes: Any, input_size: Any) -> None:
    """Checks what a person says about the input.

    Raises
    ------
    TypeError, ValueError
        It is none of `AXES`, or no number.
    """
    if axes is not None and axes not in AXES:
        raise ValueError(f"axes is {shown(axes)}; expected {listing(AXES)}, or None")
    if input_size is not None:
        count("input_size", input_size, 1)


def fitting_layers(
    run: Callable[[Network, Rows, list[str]], Rows],
    axes: str | None,
    input_size: int | None,
    channels: int,
    kept: Sequence[str],
    may_be_single: bool,
) -> Steps:
    """The layers for the one arrangement of the input's axes that fits.

    `may_be_single`: one without sequences counts where it is the only one.
    """
    found: dict[str, Steps] = {}
    single = ""
    errors: list[tuple[tuple[int, bool, bool], Exception]] = []
    for arrangement in AXES if axes is None else (axes,):
        if "C" in arrangement and any("C" not in one for one in found):
            break
        progress: list[str] = []
        try:
            found[arrangement] = _built(run, arrangement, input_size, channels, kept, progress)
        except (TypeError, ValueError) as error:
            # Told is what went furthest, and least what is missing or elsewhere.
            elsewhere, missing = isinstance(error, OtherAxes), isinstance(error, MissingWidth)
            errors.append(((-len(progress), elsewhere, missing), error))
            # What takes a part of time for sequences takes a part of a row of frames alone.
            may_be_single = may_be_single and not isinstance(error, PartOfTime)
    if axes is None and not may_be_single and not any("B" in one for one in found):
        if not any(isinstance(error, PartOfTime) for _, error in errors):
            single = "".join(f", or axes={one!r}, without sequences" for one in found)
        found.clear()
    if not found:
        nearest = min(errors, key=lambda pair: pair[0])[1]
        kind = TypeError if isinstance(nearest, TypeError) else ValueError
        raise kind(f"{nearest}{single}") from None
    first, *others = found
    for other in others:
        if found[other] != found[first]:
            raise ValueError(
                f"axes is None; expected {first!r} or {other!r}, what the axes of the input are:"
                " both fit, and make different layers"
            )
    return found[first]


def _built(
    run: Callable[[Network, Rows, list[str]], Rows],
    arrangement: str,
    input_size: int | None,
    channels: int,
    kept: Sequence[str],
    progress: list[str],
) -> Steps:
    width = input_size
    axes = tuple(ROW if letter == "C" else letter for letter in arrangement)
    for _ in range(2):
        network = Network(kept)
        columns: NDArray[np.intp] | None = None
        if width is not None:
            network.input_width = width
            columns = np.arange(width)
            if "C" in arrangement:
                if width % channels:
                    raise ValueError(
                        f"input_size is {width}; expected a multiple of {channels}, the channels"
                        " of the first convolution"
                    )
                columns = columns.reshape(-1, channels).T
        del progress[:]
        try:
            rows = run(network, Rows(FEATURES, axes, columns), progress)
        except UnknownWidth as told:
            if width is not None:
                raise ValueError(f"input_size is {width}; expected {told.width}") from None
            if "C" in arrangement:
                raise ValueError(
                    "input_size is None; expected how many values a frame has, channels times bands"
                ) from None
            width = told.width
            continue
        rows.known()
        if rows.is_padded:
            raise ValueError("the output has zeros around it; expected a convolution behind them")
        if rows.node == FEATURES:
            raise ValueError("source gives what it takes; expected at least one layer")
        return network.finished(rows)
    raise AssertionError("the width of a frame was told and is unknown")
