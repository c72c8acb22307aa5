"""Decisions of pylstm run: thresholds, and kinds other than single words."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import Result

import pylstm
from tests.cli import tone_model_file
from tests.cli.run_command import hears, refused, run
from tests.tone_model import tone_model, two_tones, write

model = tone_model_file.model  # a fixture


# --- thresholds -----------------------------------------------------------------------------------


def scores(result: Result) -> dict[str, float]:
    return {one["label"]: one["score"] for one in map(json.loads, result.stdout.splitlines()[:-1])}


def test_a_threshold_for_all_and_for_one(model, tmp_path):
    path = write(tmp_path / "a.wav")

    def labels(*options: object) -> list[str]:
        return list(scores(run(model, path, "--json", *options)))

    high = ["--threshold", "high=1.0"]
    assert labels("--threshold", 0.4) == ["low", "high"]
    assert labels("--threshold", 1.0) == []
    assert labels(*high) == ["low"]
    assert labels("--threshold", 1.0, "--threshold", "low=.5") == ["low"]
    assert labels("--threshold", "low=1", *high) == []
    expected = pylstm.load(model).listener(threshold=0.4).push(two_tones())
    found = scores(run(model, path, "--json", "--threshold", 0.4))
    assert found == pytest.approx({event.label: event.score for event in expected}, abs=1e-3)


def test_a_label_with_an_equals_sign(tmp_path):
    tone_model(labels=("silence", "a=b", "high")).save(tmp_path / "m.safetensors")
    path = write(tmp_path / "a.wav")
    result = run(tmp_path / "m.safetensors", path, "--json", "--threshold", "a=b=1")
    assert list(scores(result)) == ["high"]


@pytest.mark.parametrize("value", ["2", "0", "-1", "nan", "inf", "loud", "low=", "low=2", ""])
def test_thresholds_that_are_refused(model, tmp_path, value):
    message = rf"--threshold is {value}; expected a number above 0 and at most 1, or LABEL=NUMBER"
    path = write(tmp_path / "a.wav")
    refused(run(model, path, "--threshold", value), 2, message)
    hears(run(model, path, "--threshold", "0.5"))
    hears(run(model, path, "--threshold", "low=0.5"))


def test_a_threshold_of_a_label_that_is_not_there(model, tmp_path):
    path = write(tmp_path / "a.wav")
    result = run(model, path, "--threshold", "lwo=0.5")
    refused(result, 2, "--threshold has the label 'lwo'; expected 'silence', 'low', 'high'")
    for label in re.findall(r"'(\w+)'", result.stderr.partition("expected")[2]):
        hears(run(model, path, "--threshold", f"{label}=0.5"))
    twice = ["--threshold", "low=0.5"] * 2
    refused(run(model, path, *twice), 2, "--threshold is given twice for 'low'; expected once")
    refused(
        run(model, path, *["--threshold", "0.5"] * 2),
        2,
        "--threshold is given twice; expected once",
    )


def test_a_threshold_of_a_label_where_segments_are_decided(tmp_path):
    segments = {"kind": "segments", "label": "low", "min_speech": 0.1}
    tone_model(decision=segments).save(tmp_path / "m.safetensors")
    path = write(tmp_path / "a.wav")
    result = run(tmp_path / "m.safetensors", path, "--threshold", "low=0.5")
    refused(result, 2, ".*expected a number alone, because .* decides on segments")
    hears(run(tmp_path / "m.safetensors", path, "--threshold", "0.5"), r"  0\.\d\d s  low start")


# --- other kinds of decisions ---------------------------------------------------------------------


def test_labels_that_do_not_exclude_each_other(tmp_path):
    """Both are heard at once where the outputs are independent."""
    dense = {
        "weight": np.array([[0, 0, 0, 0], [9, 0, 0, 0], [9, 0, 0, 0]], np.float32),
        "bias": np.array([-9, -1, -2], np.float32),
    }
    layers = [tone_model().layers[0], pylstm.Dense(4, 3, "sigmoid", weights=dense)]
    labels = ("silence", "music", "alarm")
    tone_model(layers=layers, labels=labels).save(tmp_path / "m.safetensors")
    result = run(tmp_path / "m.safetensors", write(tmp_path / "a.wav"))
    hears(result, r"  0\.\d\d s  music  0\.\d\d\n  0\.\d\d s  alarm  0\.\d\d\n")


def test_segments_and_symbols_are_heard(tmp_path):
    path = write(tmp_path / "a.wav")
    segments = {"kind": "segments", "label": "low", "min_speech": 0.1, "pad": 0.0}
    tone_model(decision=segments).save(tmp_path / "m.safetensors")
    result = run(tmp_path / "m.safetensors", path)
    hears(result, r"  0\.\d\d s  low start  0\.\d\d\n  0\.82 s  low end    0\.\d\d\n\n")
    start, end, _ = map(
        json.loads, run(tmp_path / "m.safetensors", path, "--json").stdout.split("\n")[:3]
    )
    assert (start["kind"], start["offset"], end["kind"]) == ("start", None, "end")
    assert start["onset"] == end["onset"] < end["offset"] <= end["time"]
    tone_model(decision={"kind": "symbols", "blank": "silence"}).save(tmp_path / "m.safetensors")
    hears(
        run(tmp_path / "m.safetensors", path), r"  0\.\d\d s  low   0.*\n  1\.\d\d s  high  0.*\n"
    )
    tone_model(labels=None, info={}, decision={"kind": "symbols"}).save(tmp_path / "m.safetensors")
    hears(
        run(tmp_path / "m.safetensors", path, "--csv", tmp_path / "rows.csv"),
        r"  0\.\d\d s  1  0.*\n  1\.\d\d s  2  0.*\n",
    )
    assert (tmp_path / "rows.csv").read_text().startswith("time,0,1,2\n")
