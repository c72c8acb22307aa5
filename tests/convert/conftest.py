"""What the tests of importers share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for packages that are fetched as files, and never installed."""
    return tmp_path_factory.mktemp("packages")
