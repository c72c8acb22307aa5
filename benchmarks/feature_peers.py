"""The same features elsewhere: 25 ms windows every 10 ms, 40 bands, 13 coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks.peers import peer
from benchmarks.speech import HOP, SAMPLE_RATE

Array = NDArray[np.float32]
N_FFT = 512


def mfcc(**settings: Any) -> pylstm.MFCC:
    """This engine's."""
    return pylstm.MFCC(SAMPLE_RATE, 13, N_FFT, 400, HOP, n_mels=40, **settings)


def librosa_mfcc(y: Array, center: bool = True) -> Array:
    """librosa's, time first; the caller has asked whether it is there."""
    return (
        peer("librosa")
        .feature.mfcc(
            y=y,
            sr=SAMPLE_RATE,
            n_mfcc=13,
            n_fft=N_FFT,
            win_length=400,
            hop_length=HOP,
            n_mels=40,
            center=center,
        )
        .T
    )


class Kaldi:
    """kaldi-native-fbank's MFCC, hop by hop or whole. Its definition is Kaldi's: other values."""

    def __init__(self) -> None:
        knf = peer("kaldi_native_fbank")
        options = knf.MfccOptions()
        options.frame_opts.samp_freq = SAMPLE_RATE
        options.frame_opts.dither = 0
        options.frame_opts.snip_edges = True
        options.mel_opts.num_bins = 40
        options.num_ceps = 13
        options.use_energy = False
        self._make: Any = lambda: knf.OnlineMfcc(options)
        self._live = self._make()
        self._frames = 0

    def push(self, pcm: Array) -> list[Array]:
        """The frames that a chunk completes; what was given is dropped, as a long stream must."""
        live = self._live
        live.accept_waveform(SAMPLE_RATE, pcm)
        rows = []
        while self._frames < live.num_frames_ready:
            rows.append(live.get_frame(self._frames).copy())
            self._frames += 1
        live.pop(len(rows))
        return rows

    def whole(self, pcm: Array) -> Array:
        """All frames of a recording."""
        once = self._make()
        once.accept_waveform(SAMPLE_RATE, pcm)
        once.input_finished()
        return np.stack([once.get_frame(k) for k in range(once.num_frames_ready)])


class Hops:
    """Audio, hop by hop, over and over."""

    def __init__(self, y: Array) -> None:
        self.chunks = [np.ascontiguousarray(chunk) for chunk in y.reshape(-1, HOP)]
        self._next = 0

    def __call__(self) -> Array:
        chunk = self.chunks[self._next]
        self._next = (self._next + 1) % len(self.chunks)
        return chunk
