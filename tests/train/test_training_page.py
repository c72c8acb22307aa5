"""The programs of docs/training.md about heads and loops of one's own, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pylstm

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm import train

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)


def run(marker: str, names: dict[str, Any]) -> dict[str, Any]:
    """The names after the one program that has this text."""
    (program,) = (text for text in PROGRAMS if marker in text)
    exec(program, names)
    return names


def frames(n: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((n, 13)).astype("f4") for _ in range(8)]


@pytest.mark.slow
def test_the_first_program_makes_a_model_that_hears_words(tmp_path, monkeypatch) -> None:
    for package in ("soundfile", "matplotlib"):
        pytest.importorskip(package, reason="reads audio, plots: pip install 'pylstm[cli,plot]'")
    import soundfile

    time = np.arange(8000) / 16000
    for label, pitch in (("high", 3300), ("low", 300)):
        (tmp_path / "words" / label).mkdir(parents=True)
        for k in range(32):
            noise = 0.003 * np.random.default_rng(k).standard_normal(len(time))
            tone = (0.1 + 0.01 * k) * np.sin(2 * np.pi * pitch * time) + noise
            soundfile.write(tmp_path / "words" / label / f"{k}.wav", tone, 16000)
    monkeypatch.chdir(tmp_path)
    run("from_folder", {"__name__": "a_program"})
    model = pylstm.load("fitted.safetensors")
    audio = np.concatenate([soundfile.read(f"words/{name}/3.wav")[0] for name in ("low", "high")])
    events = model.listener().push(audio.astype("f4"))
    assert [event.label for event in events] == ["low", "high"]
    assert (tmp_path / "curves" / "curves.csv").exists()


def test_a_trained_model_with_new_labels(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    pylstm.load("keywords").save("trained.safetensors")
    width = pylstm.load("keywords").n_features
    xs = [np.zeros((9, width), "f4")] * 3
    given = {
        "pylstm": pylstm,
        "train": train,
        "source": train.Arrays(xs, [0, 1, 2]),
        "loss": train.CrossEntropy(per="sequence"),
    }
    fitted = run("with_new_labels", given)["fitted"]
    assert fitted.model.labels == ("lamp", "radio", "background")


def test_several_heads() -> None:
    xs = frames(20)
    given = {
        "xs": xs,
        "is_speech": [(x[:, :1] > 0).astype("f4") for x in xs],
        "words": [0, 1, 2, 0, 1, 2, 0, 1],
        "frames": xs[0],
    }
    names = run("train.HeadLosses(", {"pylstm": pylstm, "train": train} | given)
    assert names["speech"].shape == (20, 1)
    assert ((names["speech"] > 0) & (names["speech"] < 1)).all()
    names["network"] = train.Network(names["layers"])
    names |= {"x": np.stack(xs, 1), "lengths": np.full(8, 20)}
    names["targets"] = {"speech": np.stack(given["is_speech"], 1), "words": np.arange(8) % 3}
    run("columns=network.outputs", names)
    assert names["network"].gradients.any()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_loop_of_ones_own(stride: int) -> None:
    conv = pylstm.Conv(13, 8, kernel_size=3, stride=stride, seed=0)
    layers = [conv, pylstm.Dense(8, 3, "softmax", seed=1)]
    lengths = np.array([20, 17, 9, 20, 3, 20, 20, 20])
    names = run(
        "clip_global_norm",
        {
            "pylstm": pylstm,
            "train": train,
            "layers": layers,
            "x": np.stack(frames(20), 1),
            "targets": np.zeros((20, 8), int),
            "lengths": lengths,
            "mfcc": pylstm.MFCC(),
            "recordings": SimpleNamespace(labels=["a", "b", "c"]),
        },
    )
    assert names["result"].counted == sum(len(range(2, int(n), stride)) for n in lengths)
    assert names["model"].layers[0] != layers[0]
