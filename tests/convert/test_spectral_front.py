"""Convolutions that are no Fourier transform are not taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

import pylstm
from pylstm.convert import from_onnx, spectral_front
from tests.published_files import silero_path


def test_other_fronts_are_no_spectra(packages: Path) -> None:
    pytest.importorskip("onnx", reason="its file is of ONNX: pip install onnx onnxruntime")
    path = silero_path(packages, "silero_vad_16k_op15.onnx")
    found = from_onnx(path, shapes={"input": (1, 576)}, constants={"sr": 16000})
    name = next(n for n, (layer, *_) in found.layers.items() if isinstance(layer, pylstm.Conv))
    conv, before = found.layers[name]
    weight = conv.weights["weight"].copy()
    weight[3] *= 1.001
    changed = {**found.layers, name: (conv.with_weights({"weight": weight}), before)}
    with pytest.raises(ValueError, match="other weights than a Fourier transform with a window"):
        spectral_front(changed, 16000, 512)
    tail = list(found.layers.items())[-3:]
    rest = {
        name: (layer, "features" if k == 0 else tail[k - 1][0])
        for k, (name, (layer, *_)) in enumerate(tail)
    }
    with pytest.raises(ValueError, match="expected a convolution over samples"):
        spectral_front(rest, 16000, 512)
