"""The speaker encoder of Resemblyzer (Apache-2.0): PyTorch's weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.conversion import Conversion
from pylstm.convert.published.contents import Contents
from pylstm.convert.published.framed_source import behind_features
from pylstm.convert.published.recipe import Recipe
from pylstm.features import LogMel
from pylstm.layers import LSTM, Affine, Concat, Dense, LayerNorm, Select

__all__ = ["recipe"]

Array = NDArray[np.float32]

_MELS, _SIZE, _LAYERS = 40, 256, 3
# Of the loss in training.
_UNUSED = {"similarity_weight": (1,), "similarity_bias": (1,)}

NOTES = (
    "similarity_weight and similarity_bias are left out: they are of the loss in training.",
    "Each frame has an embedding, of all frames since the beginning: the package takes the one of"
    " the last frame of every 1.6 seconds, and resets in between. One of zeros stays zeros; the"
    " package makes NaN of it.",
)


def _shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(_LAYERS):
        width = _SIZE if layer else _MELS
        found[f"lstm.weight_ih_l{layer}"] = (4 * _SIZE, width)
        found[f"lstm.weight_hh_l{layer}"] = (4 * _SIZE, _SIZE)
        found |= {f"lstm.bias_{side}_l{layer}": (4 * _SIZE,) for side in ("ih", "hh")}
    return found | {"linear.weight": (_SIZE, _SIZE), "linear.bias": (_SIZE,)}


def recipe(contents: Contents) -> Recipe | None:
    """How a file becomes a model; None if it is none of its encoder."""
    expected = _shapes()
    rest = {name: shape for name, shape in contents.shapes.items() if name not in expected}
    known = all(contents.shapes.get(name) == shape for name, shape in expected.items())
    if contents.kind != "tensors" or not known or not rest.items() <= _UNUSED.items():
        return None
    return Recipe("the speaker encoder of Resemblyzer", (16000,), lambda rate: _of(contents, rate))


def _of(contents: Contents, rate: int) -> Conversion:
    weights = {name: contents.array(name) for name in _shapes()}
    lstm = {name[5:]: w for name, w in weights.items() if name.startswith("lstm.")}
    linear = {name[7:]: w for name, w in weights.items() if name.startswith("linear.")}
    minus = np.full(_SIZE, -1, np.float32)
    scale = np.full(2 * _SIZE, 1 / np.sqrt(_SIZE), np.float32)
    zeros = np.zeros(2 * _SIZE, np.float32)
    # A layer norm divides by the root of the mean square of what has a mean of 0, such as a row
    # beside its opposite; 1 / sqrt(256) makes a division by the length of that.
    layers = {
        "lstm": (LSTM(_MELS, _SIZE, num_layers=_LAYERS, weights=lstm), "features"),
        "linear": (Dense(_SIZE, _SIZE, "relu", weights=linear), "lstm"),
        "opposite": (Affine(_SIZE, bias=False, weights={"weight": minus}), "linear"),
        "both": (Concat(), "linear", "opposite"),
        "length_1": (
            LayerNorm(2 * _SIZE, eps=1e-30, weights={"weight": scale, "bias": zeros}),
            "both",
        ),
        "embedding": (Select(2 * _SIZE, 0, _SIZE), "length_1"),
    }
    source = None if find_spec("torch") is None else InTorch(weights)
    notes = NOTES if set(_UNUSED) & set(contents.shapes) else NOTES[1:]
    return behind_features(Conversion(layers, source, notes), _features(rate))


def _features(rate: int) -> LogMel:
    """``librosa.feature.melspectrogram`` with windows of 25 ms every 10 ms: energies, no
    logarithm."""
    return LogMel(
        sr=rate, n_fft=rate // 40, win_length=None, hop_length=rate // 100, n_mels=_MELS, log=None
    )


@dataclass(frozen=True)
class InTorch:
    """The encoder by PyTorch's modules, with an embedding for each frame."""

    weights: dict[str, Array]

    @cached_property
    def _modules(self) -> tuple[Any, Any]:
        import torch

        lstm = torch.nn.LSTM(_MELS, _SIZE, _LAYERS)
        linear = torch.nn.Linear(_SIZE, _SIZE)
        for prefix, module in (("lstm.", lstm), ("linear.", linear)):
            own = {n[len(prefix) :]: w for n, w in self.weights.items() if n.startswith(prefix)}
            module.load_state_dict({n: torch.from_numpy(w.copy()) for n, w in own.items()})
        return lstm, linear

    def __call__(self, frames: Array) -> Array:
        """Embeddings (T, 256) of frames (T, 40), from the beginning."""
        import torch

        lstm, linear = self._modules
        with torch.no_grad():
            raw = torch.relu(linear(lstm(torch.from_numpy(frames.copy()))[0]))
            embeddings: Array = (raw / torch.norm(raw, dim=1, keepdim=True)).numpy()
        return embeddings
