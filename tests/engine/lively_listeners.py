"""Listeners of `lively_model`, alone and in pools, and what they hear."""

from __future__ import annotations

import numpy as np

import pylstm
from tests.small_models import DECISIONS, lively_model


def listener_of(kind: str) -> pylstm.Listener:
    activation, given_settings = DECISIONS[kind]
    return lively_model(activation).listener(**given_settings)


def heard(listener: pylstm.Listener, chunks: list[np.ndarray]) -> list[pylstm.Event]:
    """The events of chunks and of the flush after them."""
    return [*(e for chunk in chunks for e in listener.push(chunk)), *listener.flush()]


def cuts(array: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """It in parts of the given sizes, over and over."""
    parts, start, k = [], 0, 0
    while start < len(array):
        parts.append(array[start : start + sizes[k % len(sizes)]])
        start, k = start + sizes[k % len(sizes)], k + 1
    return parts


def pool_of(kind: str, n: int, threads: int = 1) -> pylstm.Listeners:
    activation, given_settings = DECISIONS[kind]
    return lively_model(activation).listeners(n, threads=threads, **given_settings)


def alone_of(kind: str, n: int) -> list[pylstm.Listener]:
    activation, given_settings = DECISIONS[kind]
    return [lively_model(activation).listener(**given_settings) for _ in range(n)]


def small_pool(n: int = 2) -> pylstm.Listeners:
    return pool_of("exclusive words", n)
