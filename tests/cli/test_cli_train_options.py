"""The options of pylstm train for networks, learning and curves."""

from __future__ import annotations

import csv
import sys
from itertools import pairwise

import numpy as np
import pytest

import pylstm
from tests import training_on_tones
from tests.training_on_tones import QUICK, folder_of_tones, refuse, scenes, succeed

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures

# QUICK without sizes, for what has its own.
BRIEF = ["--epochs", 2, "--batch-size", 4, "--threads", 1, "--targets", "sounds"]
BRIEF += ["--no-background-examples"]


@pytest.mark.parametrize(
    ("arch", "kinds", "features", "hop"),
    [
        ("lstm", ["lstm", "dense"], "mfcc", 160),
        ("gru", ["gru", "dense"], "mfcc", 160),
        ("crnn", ["conv", "conv", "dense", "lstm", "dense"], "logmel", 640),
    ],
)
def test_the_decision_lasts_as_long_whatever_a_row_is(data, tmp_path, arch, kinds, features, hop):
    path = tmp_path / "a.safetensors"
    sizes = ["--hidden", 4, "--layers", 1, "--epochs", 1]
    succeed("train", data, "-o", path, *BRIEF, *sizes, "--arch", arch)
    model = pylstm.load(path)
    assert [layer.kind for layer in model.layers] == kinds
    assert (model.features.kind, model.hop_length) == (features, hop)
    row = hop / 16000
    assert int(model.decision["smoothing_frames"]) * row == pytest.approx(0.2)
    assert int(model.decision["refractory_frames"]) * row == pytest.approx(0.4)


@pytest.mark.slow
def test_networks_learn_tones_and_are_evaluated(data, tmp_path):
    for arch in ("gru", "crnn"):
        path = tmp_path / f"{arch}.safetensors"
        succeed("train", data, "-o", path, *QUICK, "--arch", arch, "--epochs", 10)
        assert "100.0 %: 20 of 20 recordings" in succeed("eval", path, data).stdout
    manifest, path = scenes(tmp_path / "scenes"), tmp_path / "frames.safetensors"
    arguments = [*QUICK, "--arch", "crnn", "--epochs", 3, "--validation", 0.2]
    succeed("train", manifest, "-o", path, *arguments)
    assert "of 306 frames" in succeed("eval", path, manifest).stdout  # 6 x 51 rows


def test_features_and_sizes(data, tmp_path):
    path = tmp_path / "a.safetensors"
    arguments = ["--features", "logmel", "--n-mels", 20, "--dropout", 0.2, "--hidden", 4]
    result = succeed("train", data, "-o", path, *BRIEF, *arguments)
    assert "model         20 log-mel bands, 2 x LSTM 4, 2 outputs, " in result.stdout
    assert pylstm.load(path).features.n_mels == 20


def rates(data, folder, *arguments: object) -> list[float]:
    """The learning rate at the end of each epoch."""
    path = folder / "a.safetensors"
    options = [*QUICK, "--epochs", 6, "--curves", folder, "--force", *arguments]
    succeed("train", data, "-o", path, *options)
    with (folder / "curves.csv").open(newline="") as file:
        return [float(row["lr"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_schedules_and_curves(data, tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    found = rates(data, tmp_path, "--schedule", "constant", "--learning-rate", 0.01)
    assert found == [0.01] * 6
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    found = rates(data, tmp_path, "--schedule", "step", "--learning-rate", 0.01)
    assert found == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4])
    falling = rates(data, tmp_path)
    assert all(a > b for a, b in pairwise(falling))
    assert rates(data, tmp_path, "--schedule", "plateau", "--learning-rate", 0.01)[0] == 0.01


@pytest.mark.slow
def test_weights_of_labels_change_what_is_learnt(tmp_path):
    data = folder_of_tones(tmp_path / "data", n=6)
    for place in range(4):
        (data / "low" / f"{place}.wav").unlink()
    paths = [tmp_path / f"{name}.safetensors" for name in ("none", "balanced")]
    for path in paths:
        succeed("train", data, "-o", path, *QUICK, "--class-weights", path.stem)
    assert paths[0].read_bytes() != paths[1].read_bytes()


@pytest.mark.slow
def test_masks_and_threads(data, tmp_path):
    found = []
    for k, more in enumerate(([], ["--threads", 2], ["--mask-values", 0], ["--no-spec-augment"])):
        path = tmp_path / f"{k}.safetensors"
        succeed("train", data, "-o", path, *QUICK, "--augment", "--epochs", 2, *more)
        found.append(path.read_bytes())
    assert len(set(found)) == 4


# --- a base ---------------------------------------------------------------------------------------


def test_a_base_gives_features_and_layers(trained, tmp_path):
    base, _ = trained
    data = folder_of_tones(tmp_path / "data", ("low", "high", "hum"), n=4)
    path = tmp_path / "a.safetensors"
    result = succeed("train", data, "-o", path, *BRIEF, "--base", base, "--freeze")
    assert "13 mfcc values, 1 layer kept, a new last layer, 3 outputs" in result.stdout
    model, old = pylstm.load(path), pylstm.load(base)
    assert model.labels == ("high", "hum", "low")
    np.testing.assert_array_equal(model.features.mean, old.features.mean)
    assert old.features.mean is not None
    for name, weight in old.layers[0].weights.items():
        assert (model.layers[0].weights[name] == weight).all()
    succeed("train", data, "-o", path, *BRIEF, "--base", base, "--force")
    assert any(
        (pylstm.load(path).layers[0].weights[name] != weight).any()
        for name, weight in old.layers[0].weights.items()
    )


# --- what contradicts -----------------------------------------------------------------------------


def test_options_that_contradict_each_other(data, trained, tmp_path, monkeypatch):
    base, _ = trained
    output = tmp_path / "a.safetensors"

    def no(message: str, *options: object, code: int = 2) -> None:
        refuse(code, message, "train", data, "-o", output, *options)
        assert not output.exists()

    no("--features is mfcc; expected logmel with --arch crnn, .*", "--arch", "crnn", "--features",
       "mfcc")  # fmt: skip
    no("--n-mfcc is given with log-mel .*; expected --n-mels", "--arch", "crnn", "--n-mfcc", 20)
    no("--n-mels is 6; expected 7 or more with --arch crnn", "--arch", "crnn", "--n-mels", 6)
    no("--n-mels is 12; expected 13 or more, as --n-mfcc", "--arch", "lstm", "--n-mels", 12)
    no("--dropout is 0.1 and --layers is 1; .*", "--dropout", 0.1, "--layers", 1)
    no("--mask-frames is given with --no-augment; .*", "--no-augment", "--mask-frames", 3)
    no("--mask-values is given with --no-spec-augment; .*", "--no-spec-augment", "--mask-values", 3)
    no("--freeze is given without --base; expected both", "--freeze")
    for option in ("--hidden", "--layers", "--n-mfcc", "--n-mels"):
        no(f"{option} is given with --base; .*", "--base", base, option, 20)
    no("--arch is given with --base; .*", "--base", base, "--arch", "lstm")
    no("--sample-rate is 8000; expected 16000, the rate of .*", "--base", base, "--sample-rate",
       8000)  # fmt: skip
    no("cannot read .*absent.safetensors: .*", "--base", tmp_path / "absent.safetensors", code=1)
    small = tmp_path / "small.safetensors"
    succeed("quantize", base, "-o", small)
    no(".*int8: train the float32 layer, then quantize it", "--base", small)
    frames = tmp_path / "frames.safetensors"
    pylstm.Model(None, [pylstm.Dense(3, 2, "softmax", seed=0)]).save(frames)
    no("--base is .*, a model of frames; expected one with features", "--base", frames)
    (tmp_path / "file").write_text("")
    no("cannot write .*file: .*", "--curves", tmp_path / "file", code=1)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    no(r'--curves: .* needs matplotlib; pip install "pylstm\[plot\]"', "--curves", tmp_path, code=1)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    no("--tensorboard: .* need tensorboard; .*", "--tensorboard", tmp_path, code=1)
