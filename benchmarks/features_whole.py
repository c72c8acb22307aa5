"""How long does a frame of MFCC take when a minute of audio is there at once?"""

from __future__ import annotations

from functools import partial

import numpy as np

import pylstm
from benchmarks import core
from benchmarks.contest import Contender, Effort, calls, contest
from benchmarks.feature_peers import N_FFT, Kaldi, librosa_mfcc, mfcc
from benchmarks.peers import peer
from benchmarks.result import Result, Table
from benchmarks.speech import HOP, audio

QUESTION = "How long does a frame of MFCC take when a minute of audio is there at once?"
SECONDS = 60


def run(effort: Effort) -> Result:
    y = audio(SECONDS)
    n_frames = 1 + y.size // HOP
    found: list[Contender] = []
    if peer("librosa"):
        found.append(
            Contender("librosa", calls(partial(librosa_mfcc, y)), partial(librosa_mfcc, y))
        )
    if peer("kaldi_native_fbank"):
        kaldi = Kaldi()
        found.append(Contender("kaldi-native-fbank", calls(partial(kaldi.whole, y))))
    if peer("scipy"):
        from scipy.fft import rfft

        windows = np.lib.stride_tricks.sliding_window_view(y, N_FFT)[::HOP].copy()
        found.append(Contender("scipy rfft alone", calls(partial(rfft, windows))))
    plain, clamped = mfcc(), mfcc(top_db=80.0)
    found.append(Contender("pylstm, Python", calls(partial(plain, y)), partial(plain, y)))
    found.append(
        Contender("pylstm, Python, top_db=80", calls(partial(clamped, y)), partial(clamped, y))
    )
    table = Table(f"MFCC of {SECONDS} s at once", "", "µs per frame", "pylstm, Python")
    notes = [
        "librosa always clamps at 80 dB below the loudest band of the whole recording; "
        "`top_db=80` asks this engine for the same, which takes a second look at the audio.",
        "kaldi-native-fbank computes Kaldi's MFCC; its answer is not compared with the others'. "
        "`scipy rfft alone` is the 512-point transform of all frames and nothing else.",
    ]
    label = f"{n_frames:,} frames"
    if reason := core.missing():
        notes.append(f"No C level: {reason}.")
        table.add(label, contest(found, effort, tolerance=1e-3), 1e6 / n_frames)
    else:
        with core.Core(pylstm.Model(plain, []), audio=y) as c:
            found.append(Contender("pylstm, C", c.lap("whole"), c.outputs))
            table.add(label, contest(found, effort, tolerance=1e-3), 1e6 / n_frames)
    return Result(QUESTION, [table], notes)
