"""Every published network as an ONNX file: onnxruntime gives the stream's rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.networks.network_table import NETWORKS
from tests.onnx_stream import exported


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("name", NETWORKS)
def test_the_rows_of_every_network_in_onnxruntime(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]
    model, frames = network.model(), network.some_frames(60)
    theirs, ours = exported(model, tmp_path), model.stream()
    for part in np.split(frames, [1, 2, 5, 30]):
        expected = ours.push_frames(part)
        largest = max(1, np.abs(expected).max(initial=0))
        np.testing.assert_allclose(theirs.push(part), expected, rtol=0, atol=1e-5 * largest)
