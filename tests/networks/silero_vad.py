"""The network of Silero VAD 6 (MIT, https://github.com/snakers4/silero-vad).

A row is a chunk: 640 samples at 16 kHz or 320 at 8 kHz, of which 576 or 288 are audio and the rest
mirrors them. Everything up to the LSTM happens inside of a chunk, whose positions are samples first
and four columns of a spectrum then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from tests.networks.torch_layers import Tensors, linear, recurrent

Array = NDArray[np.float32]

FIXED = ("stft",)
COLUMNS = 4

# (output channels, stride) of the convolutions.
ENCODER = ((128, 1), (64, 2), (64, 2), (128, 1))


def fourier_basis(n_fft: int) -> Array:
    """Windowed cosines and sines as the kernels of a convolution: (n_fft + 2, 1, 1, n_fft)."""
    n = np.arange(n_fft)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)
    angles = 2 * np.pi / n_fft * np.outer(np.arange(n_fft // 2 + 1), n)
    basis = np.concatenate([np.cos(angles), -np.sin(angles)]) * window
    return basis[:, None, None].astype(np.float32)


def chunks(sample_rate: int = 16000) -> pylstm.Waveform:
    """What `layers` takes, from audio in any cut."""
    n_fft = 256 if sample_rate == 16000 else 128
    return pylstm.Waveform(
        sr=sample_rate, frame_length=9 * n_fft // 4, hop_length=2 * n_fft, pad_right=n_fft // 4
    )


def spectrum(sample_rate: int = 16000) -> pylstm.Spectrum:
    """What `layers_behind_spectrum` takes, by a fast Fourier transform."""
    n_fft = 256 if sample_rate == 16000 else 128
    return pylstm.Spectrum(
        sr=sample_rate,
        n_fft=n_fft,
        win_length=n_fft,
        hop_length=2 * n_fft,
        center=False,
        framing="chunk",
        columns=COLUMNS,
        column_hop=n_fft // 2,
        pad_right=n_fft // 4,
    )


def layers(sample_rate: int = 16000) -> dict[str, Any]:
    """From the samples of a chunk on. Its spectrum is a convolution, as in the published graph."""
    n_fft = 256 if sample_rate == 16000 else 128
    size, bins = 5 * n_fft // 2, n_fft // 2 + 1
    width = COLUMNS * 2 * bins
    return {
        "stft": pylstm.Conv(
            size,
            2 * bins,
            positions=size,
            kernel_positions=n_fft,
            stride_positions=n_fft // 2,
            bias=False,
            weights={"weight": fourier_basis(n_fft)},
        ),
        "squares": pylstm.Activation(width, "square"),
        "real": pylstm.Select(width, 0, bins, positions=COLUMNS),
        "imaginary": (pylstm.Select(width, bins, 2 * bins, positions=COLUMNS), "squares"),
        "power": (pylstm.Add(), "real", "imaginary"),
        "magnitude": pylstm.Activation(COLUMNS * bins, "sqrt"),
        **layers_behind_spectrum(sample_rate),
    }


def layers_behind_spectrum(sample_rate: int = 16000) -> dict[str, Any]:
    """From the magnitudes of four columns on."""
    graph: dict[str, Any] = {}
    columns, width = COLUMNS, COLUMNS * (129 if sample_rate == 16000 else 65)
    for place, (channels, stride) in enumerate(ENCODER):
        conv = graph[f"encoder_{place}"] = pylstm.Conv(
            width,
            channels,
            positions=columns,
            kernel_positions=3,
            stride_positions=stride,
            padding_positions=(1, 1),
            activation="relu",
        )
        width, columns = conv.n_outputs, conv.output_positions
    graph["lstm"] = pylstm.LSTM(width, 128)
    graph["relu"] = pylstm.Activation(128, "relu")
    graph["head"] = pylstm.Dense(128, 1, "sigmoid")
    return graph


def in_torch(w: dict[str, Tensors], x: Any) -> Any:
    """Chunks are a batch until the LSTM makes a sequence of them."""
    import torch
    from torch.nn import functional

    basis = w["stft"]["weight"][:, 0]
    columns = functional.conv1d(x[:, None], basis, stride=basis.shape[2] // 2)
    real, imaginary = columns.chunk(2, dim=1)
    return behind_spectrum_in_torch(w, torch.sqrt(real**2 + imaginary**2))


def behind_spectrum_in_torch(w: dict[str, Tensors], y: Any) -> Any:
    """From magnitudes (chunks, bins, 4) on."""
    import torch
    from torch.nn import functional

    for place, (_, stride) in enumerate(ENCODER):
        own = w[f"encoder_{place}"]
        weight = own["weight"][:, :, 0]
        y = torch.relu(functional.conv1d(y, weight, own["bias"], stride, padding=1))
    h = recurrent("LSTM", w["lstm"], y.flatten(1))
    return torch.sigmoid(linear(w["head"], torch.relu(h)))


def frames(rng: np.random.Generator, n: int, width: int) -> Array:
    """Chunks of noise, as soft and as loud as speech."""
    loudness = 10 ** rng.uniform(-3, 0, (n, 1))
    return (loudness * rng.uniform(-1, 1, (n, width))).astype(np.float32)
