"""The model of tones as a file: a fixture for tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tone_model import tone_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model().save(path)
    return path
