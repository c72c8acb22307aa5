"""pylstm eval of a model that decides on segments: in words, JSON and a figure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tone_model import tone_model, two_tones
from tests.training_on_tones import refuse, succeed

DECISION = {
    "kind": "segments", "label": "low", "threshold": 0.5, "min_speech": 0.05, "min_silence": 0.05,
    "pad": 0.0,
}  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "segments.safetensors"
    tone_model(info={}, decision=DECISION).save(path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", two_tones(), 16000, "FLOAT")
    path = tmp_path / "events.csv"
    path.write_text("path,label,start,end\na.wav,low,0.5,0.8\n")
    return path


@pytest.fixture
def negatives(tmp_path: Path) -> Path:
    for name, samples in (("tones", two_tones()), ("quiet", np.zeros(16000))):
        (tmp_path / "none" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "none" / name / "a.flac", samples, 16000)
    return tmp_path / "none"


@pytest.mark.law_judged_as_used
def test_in_words(model: Path, data: Path, negatives: Path) -> None:
    lines = succeed("eval", model, data, "--negatives", negatives).stdout.splitlines()
    assert lines[:2] == [
        f"model         {model}",
        f"data          {data}: 1 recording, 2 s, of which 0 s of low",
    ]
    names = [line.split("  ")[0] for line in lines[2:8]]
    assert names == ["frames", "threshold", "segments", "onsets", "offsets", "false starts"]
    assert lines[4].startswith("segments      1: 1 matched, 0 missed, ")
    assert lines[7] == "false starts  0, 0.0 an hour of what is no speech"
    assert lines[9] == f"negatives     {negatives}"
    assert [line.split()[:2] for line in lines[11:]] == [
        ["quiet", "1"],
        ["tones", "1"],
        ["all", "2"],
    ]
    assert lines[12].endswith("1,800.0")


@pytest.mark.law_judged_as_used
def test_in_json(model: Path, data: Path, negatives: Path) -> None:
    facts = json.loads(succeed("eval", model, data, "--json", "--negatives", negatives).stdout)
    assert (facts["recordings"], facts["seconds"], facts["label"]) == (1, 2.0, "low")
    assert facts["segments"]["count"] == facts["segments"]["matched"] == 1
    assert facts["frames"]["threshold"] == 0.5
    assert facts["frames"]["auc"] > 0.9
    (none,) = facts["negatives"]
    assert (none["files"], none["false_starts"], none["false_starts_an_hour"]) == (2, 1, 1200.0)
    assert none["subfolders"]["quiet"]["frames"] == 0.0


def test_a_perfect_model_has_a_figure_with_something_in_it(
    model: Path, data: Path, tmp_path: Path
) -> None:
    image = pytest.importorskip("matplotlib.image", reason="plots: pip install 'pylstm[plot]'")
    result = succeed("eval", model, data, "--figures", tmp_path / "figures")
    assert f"drawn         {tmp_path / 'figures' / 'roc.png'}" in result.stdout
    pixels = image.imread(tmp_path / "figures" / "roc.png")[..., :3]
    coloured = np.ptp(pixels, axis=2) > 0.2
    assert coloured.sum() > 500


def test_the_label_can_have_another_name(model: Path, data: Path) -> None:
    data.write_text(data.read_text().replace("low", "talk"))
    message = r".*events.csv has no 'low'; expected one of its labels, .*; --label names it"
    refuse(2, message, "eval", model, data)
    assert json.loads(succeed("eval", model, data, "--label", "talk", "--json").stdout)


def test_options_of_segments_are_refused_elsewhere(model: Path, data: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.safetensors"
    tone_model().save(words)
    message = "--label is given, but .* decides on words; expected a model that decides on .*"
    refuse(2, message, "eval", words, data, "--label", "low")
    (tmp_path / "nothing").mkdir()
    message = "--negatives .*nothing has no recordings; expected some without speech"
    refuse(1, message, "eval", model, data, "--negatives", tmp_path / "nothing")
