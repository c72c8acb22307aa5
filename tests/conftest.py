"""What several test files share: every kernel that this machine runs, audio, small models."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import pylstm

ISAS = pylstm.show_config()["isa"]["supported"]


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test once for each instruction set that this machine supports."""
    monkeypatch.setenv("PYLSTM_ISA", request.param)
    return request.param


@pytest.fixture(params=[name for name in ISAS if not name.startswith("avx512") or name == "avx512"])
def bulk_isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As `isa`, for bulk passes: what AVX-512 may have beyond itself changes nothing there."""
    monkeypatch.setenv("PYLSTM_ISA", request.param)
    return request.param


class Installed(NamedTuple):
    """A wheel that was built from the source distribution alone, and installed."""

    sdist: Path
    wheel: Path
    folder: Path  # with the package pylstm in it, for PYTHONPATH


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Checkout -> sdist -> wheel -> installed, each from what came before and nothing else.

    Compiled with less optimisation and with the C assertions on: it is quicker.
    """
    pytest.importorskip("Cython", reason="the build needs Cython")
    project = Path(__file__).parent.parent
    folder = tmp_path_factory.mktemp("installed")

    def build(where: Path, command: str) -> None:
        done = subprocess.run(
            [
                sys.executable,
                "setup.py",
                "--quiet",
                *command.split(),
                "--dist-dir",
                folder / "dist",
            ],
            capture_output=True,
            text=True,
            cwd=where,
            env={**os.environ, "PYLSTM_DEBUG": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr

    checkout = folder / "checkout"  # a copy: nothing that was built in the checkout comes along
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=project,
    )
    if names.returncode != 0:
        pytest.skip("this is not a git checkout")
    for name in names.stdout.splitlines():
        if (project / name).is_file() and not name.endswith(".whl"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, checkout / name)
    build(checkout, "sdist")
    shutil.rmtree(checkout)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    build(source, "bdist_wheel")
    shutil.rmtree(source)
    (wheel,) = (folder / "dist").glob("*.whl")
    shutil.unpack_archive(wheel, folder / "site", "zip")
    return Installed(sdist, wheel, folder / "site")


def audio(seconds: float, seed: int = 0, sr: int = 16000) -> np.ndarray:
    """Noise with a tone that glides and bursts in it: loud, quiet and silent stretches. float32."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sr)) / sr
    tone = np.sin(2 * np.pi * (200 + 300 * t) * t) * (np.sin(2 * np.pi * 3 * t) > 0)
    noise = rng.standard_normal(t.size) * 10.0 ** rng.uniform(-4, -1)
    return (0.3 * tone + noise).astype(np.float32)


def small_model(**settings: object) -> pylstm.Model:
    """MFCC, two LSTM layers of an awkward size, softmax over three labels."""
    features = pylstm.MFCC(**settings)  # type: ignore[arg-type]
    layers = [
        pylstm.LSTM(features.n_features, 21, num_layers=2, seed=1),
        pylstm.Dense(21, 3, activation="softmax", seed=2),
    ]
    return pylstm.Model(features, layers, labels=["silence", "yes", "no"])


def everything_at_once() -> pylstm.MFCC:
    """Every feature option away from its default, sizes odd: 15 values a frame."""
    mean, std = np.full(15, 1, np.float32), np.full(15, 2, np.float32)
    return pylstm.MFCC(
        n_fft=255,
        win_length=201,
        hop_length=37,
        n_mels=17,
        n_mfcc=5,
        deltas=2,
        pad_mode="reflect",
        top_db=30,
        lifter=22,
        mean=mean,
        std=std,
    )
