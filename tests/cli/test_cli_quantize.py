"""pylstm quantize: the model that Python makes, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pylstm
from tests import training_on_tones
from tests.training_on_tones import refuse, succeed, tone

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures


@pytest.mark.parametrize("to", ["int8", "bf16"])
def test_it_writes_what_quantize_makes(to, tmp_path):
    path = tmp_path / "small.safetensors"
    result = succeed("quantize", "vad", "-o", path, "--to", to)
    model = pylstm.load("vad")
    assert path.read_bytes() == model.quantize(to).to_bytes()
    assert f"{path.stat().st_size:,} bytes" in result.stdout
    assert pylstm.load(path).decision == model.decision
    succeed("quantize", "vad", "-o", path, "--to", to, "--force")


def test_what_it_loses_is_that_of_the_streams(trained, data, tmp_path):
    path, _ = trained
    small = tmp_path / "small.safetensors"
    facts = json.loads(succeed("quantize", path, "-o", small, "--data", data, "--json").stdout)
    before, after = pylstm.load(path), pylstm.load(small)
    apart = [
        np.abs(before.run(audio) - after.run(audio))
        for label in ("low", "high")
        for audio in (tone(label, 100 * (label == "high") + k) for k in range(10))
    ]
    # Files hold 16 bits a sample.
    assert facts["largest_difference"] == pytest.approx(max(map(np.max, apart)), abs=1e-3)
    assert facts["mean_difference"] == pytest.approx(np.mean(list(map(np.mean, apart))), abs=1e-3)
    assert (facts["recordings"], facts["judged"]) == (20, 20)
    for model, key in ((path, "accuracy_before"), (small, "accuracy")):
        known = json.loads(succeed("eval", model, data, "--json").stdout)["accuracy"]
        assert facts[key] == pytest.approx(known, abs=1e-5)
    assert facts["bytes"] == small.stat().st_size < facts["bytes_before"] == path.stat().st_size
    said = succeed("quantize", path, "-o", small, "--data", data, "--force").stdout
    assert "posteriors    differ by " in said
    assert "accuracy      " in said


def test_what_cannot_be_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    refuse(2, "--output is .*; expected a file name .*", "quantize", "vad", "-o", tmp_path / "a")
    absent = tmp_path / "absent" / "a.safetensors"
    refuse(1, "cannot write .*: No such file or directory", "quantize", "vad", "-o", absent)
    refuse(
        2, "--others is given without --data; .*", "quantize", "vad", "-o", path, "--others", "a"
    )
    plain = tmp_path / "plain.safetensors"
    pylstm.Model(pylstm.MFCC(), [pylstm.Activation(13, "relu")]).save(plain)
    refuse(1, ".* has no weight matrices; .*", "quantize", plain, "-o", path)
    assert not path.exists()
    succeed("quantize", "vad", "-o", path)
    refuse(2, ".* exists already; --force replaces it", "quantize", "vad", "-o", path)
    again = tmp_path / "b.safetensors"
    refuse(1, "cannot quantise .*: the layer is int8 already: .*", "quantize", path, "-o", again)
    assert not again.exists()
