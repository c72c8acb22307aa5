"""The kinds of layers: a file each, named as the kind is. The folder is the list.

What a file has to hold is a function ``layer(x, settings, *, state, lengths, dtype)``: rows
(T, I), or (T, B, I), make outputs, the state at the end (None: it remembers nothing), and for each
cell a dict of what it shows, by name. `settings` are the arguments of the layer's constructor, or
their spellings in a model file, and its ``weights``. What goes into a ReLU is shown as
``"a"``, and so is how far something is from a limit. A layer that remembers nothing need not heed
`state` and `lengths`.
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pylstm.reference.activations import Array

LAYERS: dict[str, Callable[..., tuple[Array, Any, list[dict[str, Array]]]]] = {
    name: import_module(f"{__name__}.{name}").layer for _, name, _ in iter_modules(__path__)
}
"""What each kind of layer does, under its name in model files."""
