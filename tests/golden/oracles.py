"""What PyTorch and librosa say, in pylstm's shapes: time first, pylstm's names for settings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

_MEL = {
    "sr": 16000,
    "n_fft": 512,
    "win_length": 400,
    "hop_length": 160,
    "n_mels": 40,
    "fmin": 0.0,
    "fmax": None,
    "htk": False,
    "norm": "slaney",
    "window": "hann",
    "center": True,
    "pad_mode": "constant",
    "power": 2.0,
}


def torch_lstm(
    x: Array, weights: Mapping[str, Array], state: tuple[Array, Array] | None = None
) -> tuple[Array, tuple[Array, Array]]:
    """``torch.nn.LSTM`` in the precision of x: outputs (T, H) and (h, c), each (L, H)."""
    import torch

    torch.set_num_threads(1)
    module = torch.nn.LSTM(
        x.shape[1],
        weights["weight_hh_l0"].shape[1],
        num_layers=sum(name.startswith("weight_ih") for name in weights),
        bias="bias_ih_l0" in weights,
        dtype=torch.from_numpy(x[:0]).dtype,
    )
    module.load_state_dict(
        {name: torch.from_numpy(array.astype(x.dtype)) for name, array in weights.items()}
    )
    given = None if state is None else tuple(torch.from_numpy(s.astype(x.dtype)) for s in state)
    with torch.no_grad():
        outputs, (h, c) = module(torch.from_numpy(x), given)
    return outputs.numpy(), (h.numpy(), c.numpy())


def torch_dense(x: Array, weights: Mapping[str, Array], activation: str) -> Array:
    """``torch.nn.functional.linear`` and an activation, in the precision of x."""
    import torch

    torch.set_num_threads(1)
    tensors = {name: torch.from_numpy(array.astype(x.dtype)) for name, array in weights.items()}
    y = torch.nn.functional.linear(torch.from_numpy(x), tensors["weight"], tensors.get("bias"))
    if activation == "softmax":
        y = torch.softmax(y, dim=-1)
    elif activation != "linear":
        y = getattr(torch, activation)(y)
    result: Array = y.numpy()
    return result


def librosa_features(y: Array, kind: str, settings: Mapping[str, Any], dtype: type) -> Array:
    """``librosa.feature``: mfcc or log-mel frames, deltas beside them.

    `dtype` float64 (with y in float64) makes librosa compute in float64 throughout. Where `top_db`
    is not 80 ``feature.mfcc`` cannot be called on audio, which it would clamp by that: it is then
    given what ``power_to_db`` returns.
    """
    import librosa

    mel = {name: settings.get(name, default) for name, default in _MEL.items()}
    top_db = settings.get("top_db")
    y = y.astype(dtype)
    power = librosa.feature.melspectrogram(y=y, dtype=dtype, **mel)
    rows = librosa.power_to_db(power, top_db=top_db)
    if kind == "mfcc":
        cepstral = {
            "n_mfcc": settings.get("n_mfcc", 13),
            "dct_type": settings.get("dct_type", 2),
            "norm": settings.get("dct_norm", "ortho"),
            "lifter": settings.get("lifter", 0),
        }
        if top_db == 80 and dtype is np.float32:
            norm = {"mel_norm": mel.pop("norm")}
            rows = librosa.feature.mfcc(y=y, **mel, **norm, **cepstral)
        else:
            rows = librosa.feature.mfcc(S=rows, **cepstral)
    orders = range(1, settings.get("deltas", 0) + 1)
    stack: list[ArrayLike] = [rows, *(librosa.feature.delta(rows, order=n) for n in orders)]
    return np.concatenate(stack, axis=0).T
