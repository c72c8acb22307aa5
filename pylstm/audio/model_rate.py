"""The rate of the audio that a model takes."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pylstm import _engine
from pylstm.arguments import count, described, shown
from pylstm.audio.audio_file import HIGHEST_RATE, LOWEST_RATE

__all__ = ["TakesAudio", "check_resampling", "hertz", "rate_of"]


class TakesAudio(Protocol):
    """A `Model`, or features."""

    @property
    def _core(self) -> _engine.Core: ...


def rate_of(model: object) -> int:
    """The rate of the samples that a model takes, Hz."""
    core = getattr(model, "_core", None)
    if isinstance(core, _engine.Core):
        if not core.sample_rate:
            raise ValueError(
                f"model is {type(model).__name__} without features, which takes no audio; expected"
                " one that takes audio, or a sample rate in Hz"
            )
        return core.sample_rate
    if isinstance(model, (int, np.integer)) and not isinstance(model, bool):
        return hertz("model", model)
    hint = ""
    if isinstance(model, str):
        hint = f": pass pylstm.load({model!r})"
    elif isinstance(getattr(getattr(model, "model", None), "_core", None), _engine.Core):
        hint = ": pass model.model"
    elif isinstance(model, float) and model.is_integer():
        hint = f": pass {int(model)}"
    raise TypeError(
        f"model is {described(model)}; expected a Model, features, or a sample rate in Hz{hint}"
    )


def check_resampling(rate: int, model_rate: int) -> None:
    """Refuses rates that no recording has, where the two differ."""
    for name, one, other in (("rate", rate, model_rate), ("the model's rate", model_rate, rate)):
        if not LOWEST_RATE <= one <= HIGHEST_RATE:
            raise ValueError(
                f"{name} is {shown(one)}; expected {LOWEST_RATE} to {HIGHEST_RATE} Hz where samples"
                f" are resampled, or {other}, where they are not"
            )


def hertz(name: str, value: object) -> int:
    """A sample rate."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        hint = f": pass {int(value)}" if 0 < value < 2**31 else ""
        raise TypeError(f"{name} is {value!r}; expected a whole number of Hz{hint}")
    return count(name, value, 1)
