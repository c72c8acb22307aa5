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
