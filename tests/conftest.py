"""The fixtures of every room. What tests import stands in the files beside this one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests import shared_builds
from tests.installed_package import Installed, install
from tests.instruction_sets import BULK_ISAS, ISAS


def pytest_configure(config: pytest.Config) -> None:
    """Lets Ctrl-C interrupt as it does at a terminal: `nohup` and `&` in scripts switch it off."""
    if not hasattr(config, "workerinput"):  # of pytest-xdist: those share what the first one began
        shared_builds.begin()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test once for each instruction set that this machine supports."""
    monkeypatch.setenv("PYLSTM_ISA", request.param)
    return request.param


@pytest.fixture(params=BULK_ISAS)
def bulk_isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As `isa`, for bulk passes."""
    monkeypatch.setenv("PYLSTM_ISA", request.param)
    return request.param


@pytest.fixture(scope="session")
def installed() -> Installed:
    """The package as a wheel from a source distribution, built once for all tests."""
    # Where setup.py and pip have to cope with such a name.
    folder = shared_builds.folder("it's (ü) $a #b & c")
    with shared_builds.one_builder(folder):
        return install(folder)


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder for packages that are fetched as files, and never installed."""
    return shared_builds.folder("packages")
