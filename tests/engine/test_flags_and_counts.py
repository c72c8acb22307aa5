"""What is True or False is nothing else, and what is a number is neither of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.signals import audio
from tests.small_models import DECISIONS, lively_model

ACTIVATION, SETTINGS = DECISIONS["exclusive words"]
MODEL = lively_model(ACTIVATION)
PCM = audio(0.2)
FRAMES = np.zeros((3, MODEL.n_features), np.float32)


def pool() -> Any:
    return MODEL.listeners(2, **SETTINGS)


def listener() -> Any:
    return MODEL.listener(**SETTINGS)


FLAGS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "push": ("posteriors", lambda flag: listener().push(PCM, posteriors=flag)),
    "push_frames": ("posteriors", lambda flag: listener().push_frames(FRAMES, posteriors=flag)),
    "flush": ("posteriors", lambda flag: listener().flush(posteriors=flag)),
    "pool.push": ("posteriors", lambda flag: pool().push({0: PCM}, posteriors=flag)),
    "pool.push_frames": (
        "posteriors",
        lambda flag: pool().push_frames({0: FRAMES}, posteriors=flag),
    ),
    "rows": ("flush", lambda flag: MODEL.stream().rows(100, flush=flag)),
}
COUNTS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "listeners": ("n", lambda n: MODEL.listeners(n, **SETTINGS)),
    "streams": ("n", lambda n: MODEL.streams(n)),
    "grow": ("n", lambda n: pool().grow(n)),
    "threads of listeners": ("threads", lambda n: MODEL.listeners(1, threads=n, **SETTINGS)),
    "threads of streams": ("threads", lambda n: MODEL.streams(1, threads=n)),
    "slot": ("slot", lambda n: pool()[n]),
    "slot of a push": ("slot", lambda n: pool().push({n: PCM})),
    "slot of a push of frames": ("slot", lambda n: pool().push_frames({n: FRAMES})),
    "slot that is reset": ("slot", lambda n: pool().reset(n)),
    "rows": ("n_samples", lambda n: MODEL.stream().rows(n)),
}


@pytest.mark.parametrize("door", FLAGS)
@pytest.mark.parametrize(
    "value",
    ["no", "", 1, 0, None, 1.0, [], 10**5000],
    ids=["no", "empty", "one", "zero", "none", "float", "list", "huge"],
)
def test_nothing_else_is_a_flag(door: str, value: object) -> None:
    name, call = FLAGS[door]
    with pytest.raises(TypeError, match=rf"^{name} is .*; expected True or False$"):
        call(value)


@pytest.mark.parametrize("door", FLAGS)
@pytest.mark.parametrize("kind", [bool, np.bool_])
def test_flags_are_taken(door: str, kind: type) -> None:
    _, call = FLAGS[door]
    without, with_rows = call(kind(False)), call(kind(True))
    if door != "rows":
        values = [v[0] if isinstance(v, dict) else v for v in (without, with_rows)]
        assert [isinstance(value, tuple) for value in values] == [False, True]


@pytest.mark.parametrize("door", COUNTS)
@pytest.mark.parametrize("value", [True, False, np.True_, "1", 1.0, None], ids=repr)
def test_no_count_is_true(door: str, value: object) -> None:
    name, call = COUNTS[door]
    with pytest.raises(TypeError, match=rf"^{name} is .*; expected an integer$"):
        call(value)


@pytest.mark.parametrize("door", COUNTS)
@pytest.mark.parametrize("value", [1, np.int8(1)], ids=repr)
def test_counts_are_taken(door: str, value: object) -> None:
    _, call = COUNTS[door]
    call(value)
