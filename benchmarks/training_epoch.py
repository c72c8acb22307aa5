"""How long does an epoch of pylstm train take, and what does computing batches ahead save?"""

from __future__ import annotations

import atexit
import functools
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter
from typing import Any

import numpy as np

import pylstm
from benchmarks.contest import Contender, Effort, contest
from benchmarks.result import Result, Table

QUESTION = "How long does an epoch on recordings take, with batches computed ahead and without?"
RECORDINGS, SECONDS, BATCH = 128, 1.0, 32
THREADS = (1, 2)
NETWORKS = {"2 x LSTM 64": "lstm", "convolutions, LSTM 72": "crnn"}


@functools.cache
def recordings() -> Any:
    """Recordings of noise with tones, of two labels; how long an epoch takes does not depend on
    what is in them."""
    import soundfile

    from pylstm.train import Recordings

    folder = Path(mkdtemp(prefix="pylstm-epoch-"))
    atexit.register(shutil.rmtree, folder)
    time = np.arange(round(16000 * SECONDS)) / 16000
    for place in range(RECORDINGS):
        label = ("high", "low")[place % 2]
        (folder / label).mkdir(exist_ok=True)
        noise = 0.05 * np.random.default_rng(place).standard_normal(len(time))
        tone = 0.2 * np.sin(2 * np.pi * (300 + 2700 * (place % 2)) * time)
        soundfile.write(folder / label / f"{place}.wav", tone + noise, 16000)
    return Recordings.from_folder(folder)


def epochs(name: str, threads: int, ahead: bool) -> Contender:
    """Epochs as `pylstm train` runs them, with its augmentation; its losses as the answer."""
    from pylstm import train

    features: Any = pylstm.LogMel() if name == "crnn" else pylstm.MFCC()
    augment = [
        train.Speed(p=0.5),
        train.Shift(),
        train.Noise(p=0.5),
        train.Gain(),
        train.SpecAugment(1, 10, 1, 2, p=0.5),
    ]
    source: Any = recordings().source(features, BATCH, augment=augment, workers=threads)
    if ahead:
        source = train.ReadAhead(source)
    make = {"lstm": train.lstm, "crnn": train.crnn}[name]

    def fitted(n: int) -> Any:
        return train.fit(
            make(features, recordings().labels),
            source,
            loss=train.CrossEntropy(per="sequence", pooling="mean"),
            optimiser=train.AdamW(lr=1e-3),
            epochs=n,
            threads=threads,
            progress=False,
        )

    def timed(count: int) -> float:
        begin = perf_counter()
        fitted(count)
        return perf_counter() - begin

    return Contender(
        "ahead" if ahead else "in turns",
        timed,
        lambda: np.array([entry["loss"] for entry in fitted(2).history], np.float32),
    )


def run(effort: Effort) -> Result:
    effort = replace(effort, rounds=max(3, effort.rounds // 12))
    table = Table("An epoch, for an hour of audio", "network, threads", "s", reference="in turns")
    for shown, name in NETWORKS.items():
        for threads in THREADS:
            found = [epochs(name, threads, ahead) for ahead in (False, True)]
            # The same batches: the same losses to the last bit.
            times = contest(found, effort, tolerance=0)
            table.add(f"{shown}, {threads}", times, 3600 / (RECORDINGS * SECONDS))
    notes = [
        f"{RECORDINGS} recordings of {SECONDS:g} s at 16 kHz; speed, shift, noise and gain vary,"
        f" frames are masked; batches of {BATCH}. As many threads share a step as compute frames."
        " Ahead: a thread of its own computes the next batches while the step runs."
    ]
    return Result(QUESTION, [table], notes)
