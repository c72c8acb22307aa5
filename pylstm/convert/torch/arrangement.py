"""Which axis of a PyTorch network's input is what: tried out, where nobody has said it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, flag, listing, shown
from pylstm.convert.torch.embedding import Symbols
from pylstm.convert.torch.network import Network, Step, UnknownWidth
from pylstm.convert.torch.rows import ROW, MissingWidth, OtherAxes, Rows
from pylstm.convert.torch.views import MeanOverTime, PartOfTime
from pylstm.layers.graph import FEATURES

__all__ = ["AXES", "Fit", "Input", "Steps", "fitting_layers"]

AXES = ("BTF", "TBF", "TF", "BFT", "FT", "BCTF", "BCFT")
"""What the axes of an input can be: B sequences, T time, F values of a frame, C their channels."""

_BY_FRAME = ("BF", "F")
"""Those of an input that is one frame of each sequence."""

_OF_SYMBOLS = ("BT", "TB", "T", "B")
"""Those of an input that is the number of a symbol in each frame."""

Steps = dict[str, Step]


@dataclass(frozen=True)
class Input:
    """What a person says about the input.

    Attributes
    ----------
    axes : str, optional
        What its axes are.
    input_size : int, optional
        Values of a frame.
    one_hot : bool
        Whether it is the numbers of symbols, which are frames with one 1 here.

    Raises
    ------
    TypeError, ValueError
        The axes cannot be such, or the size is no number.
    """

    axes: str | None = None
    input_size: int | None = None
    one_hot: bool = False

    def __post_init__(self) -> None:
        flag("one_hot", self.one_hot)
        known = _OF_SYMBOLS if self.one_hot else (*AXES, *_BY_FRAME)
        if self.axes is not None and self.axes not in known:
            hint = ", as one_hot is True" if self.one_hot else ""
            raise ValueError(
                f"axes is {shown(self.axes)}; expected {listing(known)}, or None{hint}"
            )
        if self.input_size is not None:
            count("input_size", self.input_size, 1)

    def choices(self, by_frame: bool) -> tuple[str, ...]:
        """The arrangements to try; `by_frame`: a call may take one frame of each sequence."""
        if self.axes is not None:
            return (self.axes,)
        if self.one_hot:
            return _OF_SYMBOLS if by_frame else _OF_SYMBOLS[:-1]
        return (*AXES, *_BY_FRAME) if by_frame else AXES


@dataclass(frozen=True)
class Fit:
    """The layers that a network is, and how its tensors are rows of them.

    Attributes
    ----------
    steps : dict of str to Step
        The layers, in order.
    axes : str
        What the axes of the input are.
    channels : int
        Channels of each value of a frame, where one of the axes is theirs.
    output : Rows
        What comes out, as PyTorch has it.
    order : array
        Of each of its values, where it is in a row of the last layer.
    walk : object
        What went through the forward pass; None: the modules follow each other.
    """

    steps: Steps
    axes: str
    channels: int
    output: Rows
    order: NDArray[np.intp]
    walk: Any


def fitting_layers(
    run: Callable[[Network, Any, list[str]], tuple[Rows, Any]],
    given: Input,
    channels: int,
    kept: Sequence[str] = (),
    may_be_single: bool = False,
    by_frame: bool = False,
) -> Fit:
    """The layers for the one arrangement of the input's axes that fits.

    `may_be_single`: one without sequences counts where it is the only one. `by_frame`: a call may
    take one frame of each sequence.
    """
    axes = given.axes
    found: dict[str, Fit] = {}
    single = ""
    errors: list[tuple[tuple[int, bool, bool], Exception]] = []
    for arrangement in given.choices(by_frame):
        if "C" in arrangement and any("C" not in one for one in found):
            continue
        progress: list[str] = []
        try:
            found[arrangement] = _built(run, arrangement, given, channels, kept, progress)
        except (TypeError, ValueError) as error:
            # Told is what went furthest, and least what is missing or elsewhere.
            elsewhere, missing = isinstance(error, OtherAxes), isinstance(error, MissingWidth)
            errors.append(((-len(progress), elsewhere, missing), error))
            # What takes a part of time for sequences takes a part of a row of frames alone.
            may_be_single = may_be_single and not isinstance(error, PartOfTime)
    if any("B" in one and fit.output.last for one, fit in found.items()):
        # What takes the last frame of sequences takes one value of frames without them.
        found = {one: fit for one, fit in found.items() if "B" in one or fit.output.last}
    if axes is None and not may_be_single and not any("B" in one for one in found):
        if not any(isinstance(error, PartOfTime) for _, error in errors):
            single = "".join(f", or axes={one!r}, without sequences" for one in found)
        found.clear()
    if not found:
        nearest = min(errors, key=lambda pair: pair[0])[1]
        if isinstance(errors[0][1], MeanOverTime):
            nearest = errors[0][1]  # the usual axes; of others the mean is one over values
        kind = TypeError if isinstance(nearest, TypeError) else ValueError
        raise kind(f"{nearest}{single}") from None
    first, *others = found
    for other in others:
        if found[other].steps != found[first].steps:
            raise ValueError(
                f"axes is None; expected {first!r} or {other!r}, what the axes of the input are:"
                " both fit, and make different layers"
            )
    return found[first]


def _built(
    run: Callable[[Network, Any, list[str]], tuple[Rows, Any]],
    arrangement: str,
    given: Input,
    channels: int,
    kept: Sequence[str],
    progress: list[str],
) -> Fit:
    width = given.input_size
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
        begin: Any = Symbols(axes) if given.one_hot else Rows(FEATURES, axes, columns)
        try:
            rows, walk = run(network, begin, progress)
        except UnknownWidth as told:
            if width is not None:
                raise ValueError(f"input_size is {width}; expected {told.width}") from None
            if "C" in arrangement:
                raise ValueError(
                    "input_size is None; expected how many values a frame has, channels times bands"
                ) from None
            width = told.width
            continue
        if isinstance(rows, Symbols):
            raise ValueError("source gives what it takes; expected at least one layer")
        rows.known()
        if rows.is_padded:
            raise ValueError("the output has zeros around it; expected a convolution behind them")
        steps, order = network.finished(rows)
        if not steps:
            raise ValueError("source gives what it takes; expected at least one layer")
        return Fit(steps, arrangement, channels, rows, order, walk)
    raise AssertionError("the width of a frame was told and is unknown")
