"""Recurrent layers of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.json_document import Entry
from pylstm.convert.keras.file import LayerTensors
from pylstm.convert.keras.options import KerasRow, slope_of_hard_sigmoid, training_options
from pylstm.layers import GRU, LSTM, RNN, Layer

__all__ = ["RECURRENT", "bidirectional", "recurrent"]

Weights = dict[str, NDArray[np.float32]]

RECURRENT = ("LSTM", "GRU", "SimpleRNN")
# Gates in the order of PyTorch: where each stands in Keras's.
_ORDER = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}
_CELLS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": RNN}


def recurrent(
    class_name: str,
    entry: Entry,
    tensors: LayerTensors,
    row: KerasRow,
    version: str,
    notes: list[str],
) -> tuple[list[Layer], KerasRow]:
    """The layer that an LSTM, GRU or SimpleRNN is, and what comes out of it."""
    _check_row(entry, row)
    backwards = entry.one_of("go_backwards", (True, False))
    if backwards:
        raise entry.refuse("go_backwards", True, "False: a stream cannot begin at the end")
    whole = entry.one_of("return_sequences", (True, False))
    units, settings, weights = _read(class_name, entry, tensors, row, version, "cell", notes)
    if not whole:
        notes.append(
            f"{entry.where} has return_sequences=False: each frame has a row, and the last one is"
            " what Keras gives."
        )
    layer = _CELLS[class_name](row.channels, units, weights=weights, **settings)
    return [layer], KerasRow((units,), whole)


def bidirectional(
    entry: Entry,
    forward: Entry,
    backward: Entry,
    class_name: str,
    tensors: LayerTensors,
    row: KerasRow,
    version: str,
    notes: list[str],
) -> tuple[list[Layer], KerasRow]:
    """The layer that a Bidirectional is: no stream can run it, whole sequences can."""
    _check_row(entry, row)
    mode = entry.take("merge_mode")
    if mode != "concat":
        raise entry.refuse("merge_mode", mode, "'concat'")
    both: Weights = {}
    found = []
    for one, suffix, inner, backwards in (
        (forward, "", "forward_layer/cell", False),
        (backward, "_reverse", "backward_layer/cell", True),
    ):
        one.one_of("go_backwards", [backwards])
        one.one_of("return_sequences", [True])
        units, settings, weights = _read(class_name, one, tensors, row, version, inner, notes)
        both |= {name + suffix: array for name, array in weights.items()}
        found.append((units, settings))
        one.finish()
    if found[0] != found[1]:
        raise ValueError(f"the directions of {entry.where} differ; expected equal options in both")
    units, settings = found[0]
    layer = _CELLS[class_name](row.channels, units, weights=both, bidirectional=True, **settings)
    notes.append(f"{entry.where} runs over whole sequences (forward), no stream can run it.")
    return [layer], KerasRow((2 * units,))


def _check_row(entry: Entry, row: KerasRow) -> None:
    if not row.timed or len(row.sizes) != 1:
        raise ValueError(
            f"{entry.where} takes {row.rank} dimensions; expected batch, time and channels"
        )


def _read(
    class_name: str,
    entry: Entry,
    tensors: LayerTensors,
    row: KerasRow,
    version: str,
    inner: str,
    notes: list[str],
) -> tuple[int, dict[str, Any], Weights]:
    """Units, settings and weights of one direction."""
    training_options(entry)
    for key in ("dropout", "recurrent_dropout", "seed", "unit_forget_bias", "unroll"):
        entry.take_or(key, None)
    for key in ("implementation", "use_cudnn"):  # how it is computed, not what
        entry.take_or(key, None)
    entry.take_or("zero_output_for_mask", None)  # there are no masks: what makes them is refused
    units, bias = entry.size("units", most=16_384), entry.one_of("use_bias", (True, False))
    for key in ("return_state", "time_major"):
        entry.one_of(key, [False], False)
    if entry.one_of("stateful", (True, False)):
        notes.append(f"{entry.where} is stateful: so is every stream, until it is reset.")
    settings: dict[str, Any] = {"bias": bias}
    if class_name == "LSTM":
        _only(entry, "activation", "tanh")
    elif class_name == "GRU":
        settings["candidate"] = entry.one_of("activation", ("tanh", "relu"))
        settings["reset_after"] = entry.one_of("reset_after", (True, False), False)
    else:
        settings["nonlinearity"] = entry.one_of("activation", ("tanh", "relu"))
    if class_name != "SimpleRNN":
        key = "recurrent_activation"
        if entry.one_of(key, ("sigmoid", "hard_sigmoid")) == "hard_sigmoid":
            settings["gate_slope"] = slope_of_hard_sigmoid(entry, key, version)
    order = _ORDER[class_name]
    columns = len(order) * units
    two = class_name == "GRU" and settings["reset_after"]
    shapes: dict[str, tuple[int, ...]] = {
        "kernel": (row.channels, columns),
        "recurrent_kernel": (units, columns),
    }
    if bias:
        shapes["bias"] = (2, columns) if two else (columns,)
    given = tensors.take(entry.where, inner, shapes)

    def ordered(array: NDArray[Any]) -> NDArray[np.float32]:
        """The gates in PyTorch's order, along the first axis."""
        by_gate = array.reshape(len(order), units, *array.shape[1:])[list(order)]
        return np.ascontiguousarray(by_gate.reshape(array.shape))

    weights = {
        "weight_ih_l0": ordered(given["kernel"].T),
        "weight_hh_l0": ordered(given["recurrent_kernel"].T),
    }
    if bias:
        first = given["bias"][0] if two else given["bias"]
        second = given["bias"][1] if two else np.zeros_like(first)
        weights |= {"bias_ih_l0": ordered(first), "bias_hh_l0": ordered(second)}
    return units, settings, weights


def _only(entry: Entry, key: str, name: str) -> None:
    """Refuses other functions of gates."""
    value = entry.take(key)
    if value != name:
        raise entry.refuse(
            key, value, f"{name!r}: its gates have no other function; train it with that"
        )
