"""The kinds of layers: a file each, named as the kind is. The folder is the list.

What a file has to hold is a function ``layer(x, settings, *, state, lengths, dtype)``: rows
(T, I), or (T, B, I), make outputs, the state at the end (None: it remembers nothing), and for each
cell a dict of what it shows, by name. Layers that join rows take a list of them. `settings` are the
arguments of the layer's constructor, or their spellings in a model file, and its ``weights``. What
goes into a ReLU is shown as ``"a"``; for limits and other functions with corners that is the
distance to the next one. A layer that remembers nothing need not heed `state` and `lengths`.

A file whose layer sees a window in time also has ``timing(settings)``, a `Timing`.
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pylstm.reference.activations import Array
from pylstm.reference.timing import Timing

_FILES = {name: import_module(f"{__name__}.{name}") for _, name, _ in iter_modules(__path__)}

LAYERS: dict[str, Callable[..., tuple[Array, Any, list[dict[str, Array]]]]] = {
    name: file.layer for name, file in _FILES.items()
}
"""What each kind of layer does, under its name in model files."""

TIMINGS: dict[str, Callable[..., Timing]] = {
    name: getattr(file, "timing", lambda settings: Timing()) for name, file in _FILES.items()
}
"""Which rows an output row of each kind sees."""
