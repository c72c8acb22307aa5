"""examples/embed_cpp, built and run: an audio callback that hears what the C example hears."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.core_builds import example, run
from tests.embed.c_programs import KEYWORDS, MODELS, events

pytestmark = pytest.mark.slow


@pytest.fixture
def realtime() -> Path:
    return built("plain")


def built(kind: str) -> Path:
    return example("embed_cpp", "realtime", kind)


def test_the_callback_hears_what_pylstm_run_hears(realtime: Path) -> None:
    demo = MODELS / "demo.wav"
    assert run(realtime, KEYWORDS, demo, 100).splitlines() == events(demo)


def test_complaints(realtime: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(KEYWORDS.read_bytes()[:5000])
    for arguments, complaint in (
        ([], "usage"),
        ([KEYWORDS, MODELS / "demo.wav", "0"], "usage"),
        ([tmp_path / "none", MODELS / "demo.wav"], "cannot be read"),
        ([tmp_path / "broken", MODELS / "demo.wav"], "["),
        ([KEYWORDS, tmp_path / "none"], "cannot be opened"),
    ):
        ran = subprocess.run([realtime, *map(str, arguments)], capture_output=True, text=True)
        assert ran.returncode == 1
        assert complaint in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


@pytest.mark.law_one_writer
@pytest.mark.builds
def test_no_race_between_the_threads(realtime: Path) -> None:
    """ThreadSanitizer on the ring, the callback and the core."""
    arguments = (KEYWORDS, MODELS / "demo.wav", 20)
    assert run(built("threads"), *arguments) == run(realtime, *arguments)


@pytest.mark.builds
def test_under_sanitizers(realtime: Path) -> None:
    arguments = (KEYWORDS, MODELS / "demo.wav", 50)
    assert run(built("sanitized"), *arguments) == run(realtime, *arguments)
