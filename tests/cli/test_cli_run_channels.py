"""Channels for pylstm run: mixed, chosen, missing, and taken for one."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile

from tests.cli import tone_model_file
from tests.cli.encoded_tones import RAW
from tests.cli.run_command import hears, refused, run
from tests.tone_model import two_tones, write

model = tone_model_file.model  # a fixture


def test_stereo_in_antiphase(model, tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([two_tones(), -two_tones()], 1), 16000, "FLOAT")
    result = run(model, path)
    assert result.stdout.startswith("nothing heard")
    assert result.stderr.splitlines()[1] == (
        "note: the mean of the 2 channels is silent, because they cancel each other; --channel 0"
        " takes that one"
    )
    hears(run(model, path, "--channel", 0))
    assert hears(run(model, path, "--channel", 1)).stderr == ""


@pytest.mark.parametrize("raw", [False, True])
def test_speech_on_one_channel_of_six(model, tmp_path, raw):
    samples = np.zeros((32000, 6), np.float32)
    samples[:, 4] = two_tones()
    path, options = tmp_path / "a.wav", []
    if raw:
        path, options = tmp_path / "a.raw", ["--raw", "float32", "--rate", 16000, "--channels", 6]
        path.write_bytes(samples.tobytes())
    else:
        soundfile.write(path, samples, 16000, "FLOAT")
    result = run(model, path, *options)
    assert "6 channels is 16 dB quieter than the loudest of them; --channel 4" in result.stderr
    chosen = hears(run(model, path, *options, "--channel", 4, "--csv", tmp_path / "chosen.csv"))
    assert chosen.stderr == ""
    write(tmp_path / "mono.wav", subtype="FLOAT")
    run(model, tmp_path / "mono.wav", "--csv", tmp_path / "mono.csv")
    assert (tmp_path / "chosen.csv").read_bytes() == (tmp_path / "mono.csv").read_bytes()


def test_other_channels_are_not_looked_at(model, tmp_path):
    samples = np.full((32000, 2), np.nan, np.float32)
    samples[:, 1] = two_tones()
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    assert hears(run(model, tmp_path / "a.wav", "--channel", 1)).stderr == ""
    refused(run(model, tmp_path / "a.wav", "--channel", 0), 1, ".* of channel 0 .* is nan; .*")


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_channel_that_is_not_there(model, tmp_path, channels):
    path = write(tmp_path / "a.wav", channels=channels)
    result = run(model, path, "--channel", channels)
    refused(result, 1, f"channel is {channels}; expected 0.*, counted from 0, because .* has .*")
    hears(run(model, path, "--channel", re.search(r"expected (\d)", result.stderr)[1]))


def test_stereo_that_is_taken_for_one_channel(model):
    data = RAW["int16"](np.repeat(two_tones(), 2))
    options = ["--raw", "int16", "--rate", 16000]
    result = run(model, "-", *options, stdin=data)
    said = result.stderr.splitlines()
    assert said == [
        "note: all samples come twice, as those of interleaved stereo do;"
        " --channels 2 takes them so"
    ]
    assert "twice" not in hears(run(model, "-", *options, "--channels", 2, stdin=data)).stderr
