"""Published networks, a row each: it buys the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from tests.networks import (
    arm_keywords,
    deepspeech,
    dtln,
    kaldi_lstmp,
    micro_wake_word,
    nsnet2,
    resemblyzer,
    rnnoise,
    rnnt_predictor,
    separable_vad,
    silero_vad,
)
from tests.networks.drawn_weights import drawn

Array = NDArray[np.float32]


def noise(rng: np.random.Generator, n: int, width: int) -> Array:
    """Noise that is loud or soft for some frames each."""
    loudness = np.repeat(rng.uniform(0, 2, n // 20 + 1), 20)[:n, None]
    return (loudness * rng.standard_normal((n, width))).astype(np.float32)


@dataclass(frozen=True)
class Network:
    """One row.

    Attributes
    ----------
    layers : callable
        The graph, as `pylstm.Model` takes it.
    in_torch : callable
        ``in_torch(weights, x)``: the rows for all of x (T, width) in plain PyTorch, from the
        weights of each layer under its name.
    frames : callable
        ``frames(rng, n, width)``: what goes in.
    fixed : tuple of str
        Layers whose weights are part of the graph.
    """

    layers: Callable[[], dict[str, Any]]
    in_torch: Callable[[dict[str, dict[str, Any]], Any], Any]
    frames: Callable[[np.random.Generator, int, int], Array] = noise
    fixed: tuple[str, ...] = ()

    def model(self, seed: int = 0) -> pylstm.Model:
        return pylstm.Model(None, drawn(self.layers(), self.fixed, seed))

    def some_frames(self, n: int, seed: int = 0) -> Array:
        first, *_ = self.layers().values()
        return self.frames(np.random.default_rng(seed), n, first.input_size)


NETWORKS = {
    "silero_vad_16khz": Network(
        partial(silero_vad.layers, 16000), silero_vad.in_torch, silero_vad.frames, silero_vad.FIXED
    ),
    "silero_vad_8khz": Network(
        partial(silero_vad.layers, 8000), silero_vad.in_torch, silero_vad.frames, silero_vad.FIXED
    ),
    "dtln_1": Network(dtln.mask_layers, dtln.mask_in_torch, dtln.magnitudes),
    "dtln_2": Network(dtln.waveform_layers, dtln.waveform_in_torch),
    "nsnet2": Network(nsnet2.layers, nsnet2.in_torch, nsnet2.powers, nsnet2.FIXED),
    "resemblyzer": Network(resemblyzer.layers, resemblyzer.in_torch, fixed=resemblyzer.FIXED),
    "rnnoise_0.1": Network(rnnoise.layers_01, rnnoise.in_torch_01),
    "rnnoise_0.2": Network(rnnoise.layers_02, rnnoise.in_torch_02),
    "webrtc_rnn_vad": Network(rnnoise.webrtc_layers, rnnoise.webrtc_in_torch),
    "arm_basic_lstm": Network(arm_keywords.basic_lstm_layers, arm_keywords.basic_lstm_in_torch),
    "arm_lstm": Network(arm_keywords.lstm_layers, arm_keywords.lstm_in_torch),
    "arm_gru": Network(arm_keywords.gru_layers, arm_keywords.gru_in_torch),
    "arm_crnn": Network(arm_keywords.crnn_layers, arm_keywords.crnn_in_torch),
    "arm_ds_cnn": Network(arm_keywords.ds_cnn_layers, arm_keywords.ds_cnn_in_torch),
    "kaldi_lstmp": Network(kaldi_lstmp.layers, kaldi_lstmp.in_torch, fixed=kaldi_lstmp.FIXED),
    "deepspeech": Network(deepspeech.layers, deepspeech.in_torch, deepspeech.frames),
    "rnnt_predictor": Network(
        rnnt_predictor.layers, rnnt_predictor.in_torch, rnnt_predictor.symbols
    ),
    "separable_vad": Network(separable_vad.layers, separable_vad.in_torch),
    "micro_wake_word": Network(micro_wake_word.layers, micro_wake_word.in_torch),
}
