"""Whole stacks, from 10 ms of audio to posteriors: this engine and the usual combinations of
libraries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.feature_peers import N_FFT, Hops, Kaldi, librosa_mfcc, mfcc
from benchmarks.lstm_peers import onnxruntime_run
from benchmarks.peers import peer
from benchmarks.speech import HOP

Array = NDArray[np.float32]
Hop = Callable[[Array], Array | None]
"""Takes 160 samples, gives the row of posteriors that they complete, or None."""


def model(hidden_size: int = 128, num_layers: int = 2) -> pylstm.Model:
    """MFCC, LSTM layers, dense 12, softmax."""
    layers = [
        pylstm.LSTM(13, hidden_size, num_layers, seed=0),
        pylstm.Dense(hidden_size, 12, "softmax", seed=0),
    ]
    # The scale that training would find: unscaled MFCC would drive every gate into saturation.
    scale = np.concatenate([[100.0], np.full(12, 20.0)]).astype(np.float32)
    features = mfcc(center=False, mean=np.zeros(13, np.float32), std=scale)
    return pylstm.Model(features, layers)


def this_engine(model: pylstm.Model) -> Hop:
    """`Stream.push` into the caller's array."""
    push = model.stream().push
    out = np.empty((1, model.n_outputs), np.float32)

    def hop(pcm: Array) -> Array | None:
        rows = push(pcm, out)
        return rows[0] if len(rows) else None

    return hop


def _windowed(frame: Callable[[Array], Array]) -> Callable[[Array], Array | None]:
    """The usual code around librosa: a buffer of the last samples, of which one frame is computed
    per hop."""
    buffer = np.zeros(0, np.float32)

    def push(pcm: Array) -> Array | None:
        nonlocal buffer
        buffer = np.concatenate([buffer, pcm])
        if buffer.size < N_FFT:
            return None
        row = frame(buffer[:N_FFT])
        buffer = buffer[HOP:]
        return row

    return push


def _librosa(model: pylstm.Model) -> Callable[[Array], Array | None]:
    assert model.features is not None
    std = np.asarray(model.features.std)
    return _windowed(lambda window: librosa_mfcc(window, center=False) / std)


def librosa_torch(model: pylstm.Model) -> Hop | None:
    """librosa for the frame, torch for the layers."""
    torch = peer("torch")
    if torch is None or peer("librosa") is None:
        return None
    front = _librosa(model)
    lstm, dense = model.layers
    assert isinstance(lstm, pylstm.LSTM)
    recurrent = torch.nn.LSTM(lstm.input_size, lstm.hidden_size, lstm.num_layers)
    recurrent.load_state_dict({k: torch.from_numpy(w) for k, w in lstm.weights.items()})
    linear = torch.nn.Linear(dense.input_size, dense.n_outputs)
    linear.load_state_dict({k: torch.from_numpy(w) for k, w in dense.weights.items()})
    state = None

    def hop(pcm: Array) -> Array | None:
        nonlocal state
        row = front(pcm)
        if row is None:
            return None
        with torch.inference_mode():
            y, state = recurrent(torch.from_numpy(row), state)
            return torch.softmax(linear(y), -1).numpy()[0]

    return hop


def librosa_onnxruntime(model: pylstm.Model) -> Hop | None:
    """librosa for the frame, ONNX Runtime for the layers."""
    if peer("librosa") is None:
        return None
    run = onnxruntime_run(model.layers)
    if run is None:
        return None
    front = _librosa(model)

    def hop(pcm: Array) -> Array | None:
        row = front(pcm)
        return None if row is None else run(row)[0]

    return hop


def kaldi_onnxruntime(model: pylstm.Model) -> Hop | None:
    """The fastest stack of peers: kaldi-native-fbank's frames, Kaldi's kind, and ONNX Runtime."""
    if peer("kaldi_native_fbank") is None:
        return None
    run = onnxruntime_run(model.layers)
    if run is None:
        return None
    kaldi = Kaldi()
    assert model.features is not None
    std = np.asarray(model.features.std)

    def hop(pcm: Array) -> Array | None:
        row = None
        for frame in kaldi.push(pcm):
            row = run(frame[None] / std)[0]
        return row

    return hop


PEERS: dict[str, Callable[[pylstm.Model], Hop | None]] = {
    "librosa + torch": librosa_torch,
    "librosa + ONNX Runtime": librosa_onnxruntime,
    "kaldi-native-fbank + ONNX Runtime": kaldi_onnxruntime,
}

OTHER_VALUES = ("kaldi-native-fbank + ONNX Runtime",)
"""Stacks whose features are defined differently, so that their answers are not compared with the
others'."""


def answer(hop: Hop, y: Array) -> Array:
    """All rows that a fresh stack gives for some audio."""
    rows = []
    for chunk in Hops(y).chunks:
        row = hop(chunk)
        if row is not None:
            rows.append(row.copy())  # a stack may write every row into the same memory
    return np.stack(rows)
