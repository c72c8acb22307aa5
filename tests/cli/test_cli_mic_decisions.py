"""Decisions of ``pylstm mic``: thresholds, segments, and models without any."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import pylstm
from tests.cli import tone_model_file
from tests.cli.fake_sounddevice import SIZES, Device, in_blocks, install
from tests.cli.mic_command import expected, fail, succeed
from tests.tone_model import tone_model, two_tones

model = tone_model_file.model  # a fixture


@pytest.mark.parametrize(
    ("given", "threshold"),
    [
        (["0.3"], 0.3),
        (["low=0.3"], {"low": 0.3}),
        (["0.9", "low=0.3"], {"low": 0.3, "high": 0.9}),
        (["low=0.3", "0.9"], {"low": 0.3, "high": 0.9}),
    ],
)
def test_thresholds(
    model: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], threshold: object
) -> None:
    samples = two_tones()
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    options = [part for text in given for part in ("--threshold", text)]
    result = succeed("--model", model, "--seconds", "2", "--json", *options)
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model), threshold=threshold)
    assert found != expected(samples, pylstm.load(model))


def test_segments_have_one_threshold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "speech.safetensors"
    settings = {"kind": "segments", "label": "low", "min_speech": 0.1}
    tone_model(info={}, decision=settings).save(path)
    samples = two_tones()
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    message = fail(2, "--model", path, "--threshold", "low=0.4")
    assert "--threshold has a label; expected a number alone" in message
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    result = succeed("--model", path, "--seconds", "2", "--json", "--threshold", "0.4")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert [event["kind"] for event in found] == ["start", "end"]
    assert found == expected(samples, pylstm.load(path), threshold=0.4)
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    lines = succeed("--model", path, "--seconds", "2").stdout.splitlines()
    assert re.fullmatch(r"  0.\d\d s  low  0.\d\d  begins 0.46 s", lines[0])
    assert re.fullmatch(r"  \d\.\d\d s  low  0.\d\d  ends 0.8\d s", lines[1])


def test_a_model_that_decides_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    pylstm.Model(None, [pylstm.Dense(2, 2, seed=0)]).save(path)
    install(monkeypatch, Device())
    assert "cannot decide: the model has no features" in fail(1, "--model", path)
