"""pylstm run on several files: each is heard alone, and none stops the others."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import soundfile

from tests.cli import tone_model_file
from tests.cli.run_command import HEARD, hears, refused, run
from tests.tone_model import write

model = tone_model_file.model  # a fixture


def test_each_file_has_its_name_above_its_events(model, tmp_path):
    first, second = write(tmp_path / "a.wav"), write(tmp_path / "b.flac", 8000)
    soundfile.write(tmp_path / "c.wav", np.zeros(8000), 16000)
    result = run(model, first, second, tmp_path / "c.wav")
    blocks = result.stdout.split("\n\n")
    assert re.fullmatch(f"{first}:\n{HEARD}".rstrip("\n"), blocks[0] + "\n")
    assert re.fullmatch(f"{second}:\n{HEARD}", blocks[1] + "\n")
    assert blocks[2] == f"{tmp_path / 'c.wav'}:\nnothing heard"
    assert blocks[3].startswith("audio             4.50 s\n")
    assert result.stderr == f"note: {second}: resampled from 8000 Hz to 16000 Hz\n"
    assert result.exit_code == 0


def test_no_file_hears_what_was_in_another(model, tmp_path):
    path = write(tmp_path / "a.wav", subtype="FLOAT")
    objects = [json.loads(line) for line in run(model, "--json", path, path).stdout.splitlines()]
    alone = [json.loads(line) for line in run(model, "--json", path).stdout.splitlines()]
    assert [one["label"] for one in objects if "label" in one] == ["low", "high"] * 2
    assert objects[:2] == objects[3:5] == alone[:2]
    assert {one["file"] for one in objects} == {str(path)}
    assert [one["events"] for one in (objects[2], objects[5])] == [2, 2]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_file_that_cannot_be_read_does_not_stop_the_others(model, tmp_path, place):
    files = [write(tmp_path / f"{k}.wav") for k in range(3)]
    files[place].write_bytes(b"RIFF")
    result = run(model, *files)
    refused(result, 1, f"cannot read {files[place]}: .*")
    assert len(re.findall(HEARD, result.stdout)) == 2
    assert "audio             4.00 s" in result.stdout


def test_none_of_several_files_can_be_read(model, tmp_path):
    result = run(model, tmp_path / "a.wav", tmp_path / "b.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("No such file or directory") == 2


def test_a_table_is_that_of_one_recording(model, tmp_path):
    path = write(tmp_path / "a.wav")
    message = "--csv is given with 2 recordings; expected one"
    refused(run(model, path, path, "--csv", tmp_path / "rows.csv"), 2, message)
    hears(run(model, path, "--csv", tmp_path / "rows.csv"))
