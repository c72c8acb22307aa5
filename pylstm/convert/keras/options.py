"""Options of Keras's layers: which do nothing when a trained model runs, and what functions are
called."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pylstm.arguments import listing, number_of
from pylstm.convert.json_document import Entry
from pylstm.layers import Activation, Affine, Layer

__all__ = [
    "KerasRow",
    "activation_layers",
    "named_activation",
    "sizes_of",
    "slope_of_hard_sigmoid",
    "training_options",
]


class KerasRow(NamedTuple):
    """What a layer takes or gives for one frame.

    Attributes
    ----------
    sizes : tuple of int
        The dimensions behind those of batch and time: (channels,), or (positions, channels).
    timed : bool
        Whether there is a dimension of time, the one behind that of the batch.
    zeros : (int, int), (int, int)
        What a ZeroPadding in front has added: rows of zeros before and after, positions below and
        above. The convolution that follows sees them; no layer makes them.
    """

    sizes: tuple[int, ...]
    timed: bool = True
    zeros: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

    @property
    def padded(self) -> bool:
        """Whether there are zeros."""
        return any(map(any, self.zeros))

    @property
    def width(self) -> int:
        """Values of the row."""
        return self.positions * self.channels

    @property
    def positions(self) -> int:
        """1 where there is no dimension of positions."""
        return self.sizes[0] if len(self.sizes) == 2 else 1

    @property
    def channels(self) -> int:
        """The last dimension."""
        return self.sizes[-1]

    @property
    def rank(self) -> int:
        """Dimensions of the whole, batch and time included."""
        return 1 + self.timed + len(self.sizes)

    def is_last(self, axis: Any) -> bool:
        """Whether an axis is the last one, as a number or a list of one."""
        found = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
        return type(found) is int and found in (-1, self.rank - 1)


_NOT_TRAINED = ("_initializer", "_regularizer", "_constraint")
# Keras 2 repeats the shape of the input in the options of the first layer.
_WITHOUT_EFFECT = ("name", "trainable", "build_config", "batch_input_shape")
_UNUSED = ("quantization_config", "lora_rank", "lora_alpha", "gptq_unpacked_column_size")


def training_options(entry: Entry) -> None:
    """Takes the options that every layer has: none changes what a trained one computes, but for
    the dtype, which has to be float32.

    Raises
    ------
    ValueError
        Another dtype, quantised weights.
    """
    for key in [key for key in entry if key.endswith(_NOT_TRAINED) or key in _WITHOUT_EFFECT]:
        entry.take(key)
    for key in _UNUSED:
        value = entry.take_or(key, None)
        if value is not None:
            raise entry.refuse(key, value, "None: save the model before it is quantised")
    dtype = entry.take_or("dtype", "float32")
    policy = dtype
    if isinstance(dtype, dict) and dtype.get("class_name") == "DTypePolicy":
        config = dtype.get("config")
        policy = config.get("name") if isinstance(config, dict) else None
    if policy != "float32":
        raise entry.refuse("dtype", dtype, "'float32': load and save the model under that policy")


def sizes_of(entry: Entry, key: str, n: int, most: int = 65_536) -> tuple[int, ...]:
    """Whole numbers for n dimensions, or one for each of them."""
    value = entry.take(key)
    found = [value] * n if isinstance(value, int) else value
    fits = isinstance(found, list | tuple) and len(found) == n
    if not fits or not all(type(size) is int and 1 <= size <= most for size in found):
        raise entry.refuse(key, value, f"{number_of(n, 'whole number')}, 1 to {most}")
    return tuple(found)


_SAME = ("sigmoid", "tanh", "relu", "softmax", "log_softmax", "gelu", "silu", "softsign")
_FUNCTIONS: dict[str, tuple[Any, dict[str, Any]]] = {name: (name, {}) for name in _SAME} | {
    "swish": ("silu", {}),
    "elu": ("elu", {"alpha": 1.0}),
    "leaky_relu": ("leaky_relu", {"alpha": 0.2}),
    "relu6": ("clipped_relu", {"high": 6.0}),
    "hard_tanh": ("clipped_relu", {"low": -1.0, "high": 1.0}),
    "hard_sigmoid": ("hard_sigmoid", {}),
}
# Klambauer et al. 2017, arXiv:1706.02515.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def slope_of_hard_sigmoid(entry: Entry, key: str, version: str) -> float:
    """The slope of ``hard_sigmoid``, which a key of an entry names: each Keras has its own."""
    if version[:2] not in ("2.", "3."):
        raise ValueError(
            f"the version of Keras is {version!r}; expected 2.x or 3.x, whose hard sigmoids"
            f" differ ({key!r} of {entry.where})"
        )
    return 0.2 if version[:2] == "2." else 1 / 6


def named_activation(entry: Entry, key: str, version: str, row: KerasRow) -> list[Layer]:
    """The layers that a function is that a configuration names: none for "linear"."""
    name = entry.take(key)
    names = ("linear", "selu", *_FUNCTIONS)
    if name is None or name == "linear":
        return []
    if name == "selu":
        scale = {"weight": np.array([_SELU_SCALE], np.float32)}
        elu = Activation(row.width, "elu", alpha=_SELU_ALPHA)
        return [elu, Affine(row.width, "position", bias=False, weights=scale)]
    if not isinstance(name, str) or name not in _FUNCTIONS:
        raise entry.refuse(key, name, listing(names, len(names)))
    function, parameters = _FUNCTIONS[name]
    if name == "hard_sigmoid":
        parameters = {"slope": slope_of_hard_sigmoid(entry, key, version), "offset": 0.5}
    return _over_channels(entry, key, name, Activation(row.width, function, **parameters), row)


def _over_channels(
    entry: Entry, key: str, value: Any, layer: Activation, row: KerasRow
) -> list[Layer]:
    """The layer, which runs over whole rows: refused where it would mix positions."""
    if layer.function in ("softmax", "log_softmax") and row.positions > 1:
        raise entry.refuse(key, value, "another function: it would run over each position alone")
    return [layer]


def activation_layers(class_name: str, entry: Entry, row: KerasRow) -> list[Layer]:
    """The layers that ReLU, LeakyReLU, ELU and Softmax are."""
    if class_name == "Softmax":
        axis = entry.take("axis")
        if not row.is_last(axis):
            raise entry.refuse("axis", axis, "-1")
        return _over_channels(entry, "axis", axis, Activation(row.width, "softmax"), row)
    if class_name == "ELU":
        return [Activation(row.width, "elu", alpha=entry.number("alpha"))]
    if class_name == "LeakyReLU":
        key = "negative_slope" if "negative_slope" in entry else "alpha"
        return [Activation(row.width, "leaky_relu", alpha=entry.number(key))]
    threshold = entry.take_or("threshold", 0.0)
    if threshold:
        raise entry.refuse("threshold", threshold, "0: other thresholds leave a step")
    highest, slope = entry.take_or("max_value", None), entry.take_or("negative_slope", 0.0)
    if highest is None:
        if not slope:
            return [Activation(row.width, "relu")]
        return [Activation(row.width, "leaky_relu", alpha=slope)]
    if slope:
        raise entry.refuse("negative_slope", slope, "0, beside a max_value")
    return [Activation(row.width, "clipped_relu", high=highest)]
