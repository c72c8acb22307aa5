"""Published networks, written down as graphs with weights drawn in their shapes, do what PyTorch
does with the same weights, however their frames come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from tests.networks.network_table import NETWORKS

Array = NDArray[np.float32]

STEPS = 1000

every_network = pytest.mark.parametrize("name", NETWORKS)


def in_odd_cuts(stream: pylstm.Stream, x: Array) -> Array:
    """All rows of a stream that gets some frames, more, none, one, many."""
    parts, start, size = [], 0, 0
    while start < len(x):
        size = (7 * size + 5) % 47
        parts.append(stream.push_frames(x[start : start + size]))
        start += size
    return np.concatenate([*parts, stream.flush()])


def expected_rows(name: str, model: pylstm.Model, x: Array) -> Array:
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    weights = {
        node.name: {n: torch.from_numpy(w) for n, w in node.layer.weights.items()}
        for node in model.nodes
    }
    torch.set_num_threads(1)
    with torch.no_grad():
        found: Any = NETWORKS[name].in_torch(weights, torch.from_numpy(x))
    return found.numpy()


@pytest.mark.law_framework_exact
@every_network
def test_a_network_does_what_it_does_in_pytorch(name: str, isa: str) -> None:
    network = NETWORKS[name]
    model = network.model()
    x = network.some_frames(STEPS)
    expected = expected_rows(name, model, x)
    y = in_odd_cuts(model.stream(), x)
    assert y.shape == expected.shape
    assert np.ptp(expected, axis=0).max() > 1e-2  # the outputs move
    assert np.abs(y - expected).max() < 1e-5


@pytest.mark.law_chunk
@every_network
def test_cuts_pools_and_files_change_no_bit(name: str) -> None:
    network = NETWORKS[name]
    model = network.model()
    x = network.some_frames(150)
    alone = model.stream()
    expected = np.concatenate([alone.push_frames(x), alone.flush()])
    again = pylstm.Model.from_bytes(model.to_bytes())
    assert in_odd_cuts(again.stream(), x).tobytes() == expected.tobytes()
    pool = model.streams(3)
    parts: dict[int, list[Array]] = {slot: [] for slot in range(3)}
    for start in range(0, len(x), 15):
        for slot, rows in pool.push_frames(dict.fromkeys(range(3), x[start : start + 15])).items():
            parts[slot].append(rows)
    for slot, found in parts.items():
        assert np.concatenate([*found, pool[slot].flush()]).tobytes() == expected.tobytes()
