"""How long does one frame of MFCC take while the audio comes in, hop by hop?"""

from __future__ import annotations

import numpy as np

import pylstm
from benchmarks import core
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.feature_peers import N_FFT, Hops, Kaldi, librosa_mfcc, mfcc
from benchmarks.peers import peer
from benchmarks.result import Result, Table
from benchmarks.speech import HOP, audio

QUESTION = "How long does one frame of MFCC take while the audio comes in, hop by hop?"


def run(effort: Effort) -> Result:
    y = audio(5)
    expected = 1 + (y.size - N_FFT) // HOP
    found: list[Contender] = []
    notes = ["Ratios are to `pylstm, Python`: `push` of 160 samples with `out=`."]
    if peer("librosa"):
        window = y[:N_FFT]
        found.append(
            Contender(
                "librosa, one frame a call",
                calls(lambda: librosa_mfcc(window, center=False)),
                lambda: np.concatenate(
                    [
                        librosa_mfcc(y[k * HOP : k * HOP + N_FFT], center=False)
                        for k in range(expected)
                    ]
                ),
            )
        )
    if peer("kaldi_native_fbank"):
        kaldi, kaldi_hops = Kaldi(), Hops(y)
        found.append(Contender("kaldi-native-fbank", calls(lambda: kaldi.push(kaldi_hops()))))
        notes.append(
            "kaldi-native-fbank computes Kaldi's MFCC (pre-emphasis, HTK bands), nearly the same "
            "work but other values: its answer is not compared with the others'."
        )
    features = mfcc(center=False)
    live, out, hops = features.stream(), np.empty((1, 13), np.float32), Hops(y)

    def answer() -> np.ndarray:
        stream = features.stream()
        return np.concatenate([stream.push(chunk) for chunk in Hops(y).chunks])[:expected]

    found.append(Contender("pylstm, Python", calls(lambda: live.push(hops(), out)), answer))
    table = Table("MFCC hop by hop", "", "µs per hop", "pylstm, Python")
    label = "160 samples"
    if reason := core.missing():
        notes.append(f"No C level: {reason}.")
        table.add(label, contest(found, effort, tolerance=1e-3))
    else:
        with core.Core(pylstm.Model(features, []), audio=y) as c:
            found.append(
                Contender("pylstm, C", c.lap(f"hop {HOP}"), lambda: c.outputs()[:expected])
            )
            table.add(label, contest(found, effort, tolerance=1e-3))
    return Result(QUESTION, [table], notes)
