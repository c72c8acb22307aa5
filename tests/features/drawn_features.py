"""Features with drawn settings of every kind, and what the reference makes of a signal."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pylstm import reference
from pylstm.features import KINDS, Features

WINDOWS = ("hann", "hamming", "blackman", "boxcar", "povey", "sqrt_hann")


def _conditioning(draw: st.DrawFn) -> dict[str, Any]:
    coefficient = draw(st.sampled_from([0.0, 0.0, 0.97, 0.5, 1.0]))
    over = draw(st.sampled_from(["frame", "signal"])) if coefficient else "frame"
    return {
        "scale": draw(st.sampled_from([1.0, 1.0, 32768.0, 0.5])),
        "remove_dc_offset": draw(st.booleans()),
        "preemphasis": coefficient,
        "preemphasis_over": over,
        "periodic": draw(st.booleans()),
    }


def _logarithm(draw: st.DrawFn, logs: list[str | None]) -> dict[str, Any]:
    log = draw(st.sampled_from(logs))
    if log is None:
        return {"log": log}
    floor = draw(st.sampled_from([1e-10, 2.0**-23, 1e-12, 1e-30, 1.0]))
    return {"log": log, "log_floor": floor, "log_offset": draw(st.sampled_from([0.0, 1e-6, 2.5]))}


@st.composite
def spectra(draw: st.DrawFn, framing: str | None = None) -> dict[str, Any]:
    """The settings that all kinds with a window share."""
    n_fft = draw(st.sampled_from([1, 2, 16, 17, 64, 100, 256, 400, 512]))
    framing = draw(st.sampled_from(["stft", "kaldi", "chunk"])) if framing is None else framing
    return {
        "n_fft": n_fft,
        "win_length": draw(st.integers(1, n_fft)),
        "hop_length": draw(st.sampled_from([3, 16, 63, 160, 161, 700])),
        "window": draw(st.sampled_from(WINDOWS)),
        "framing": framing,
        "center": framing != "chunk" and draw(st.booleans()),
        "pad_mode": draw(st.sampled_from(["constant", "reflect", "symmetric"])),
        "power": draw(st.sampled_from([2.0, 2.0, 1.0, 0.6])),
        **_conditioning(draw),
    }


@st.composite
def mel_settings(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    settings = draw(spectra())
    logs: list[str | None] = ["db", "ln", "log10"]
    settings |= _logarithm(draw, logs if kind == "mfcc" else [*logs, None])
    settings |= {
        "n_mels": draw(st.sampled_from([3, 8, 23])),
        "fmin": draw(st.sampled_from([0.0, 20.0])),
        "htk": draw(st.booleans()),
        "norm": draw(st.sampled_from([None, "slaney"])),
        "triangles": draw(st.sampled_from(["hz", "mel"])),
        "energy": draw(st.sampled_from([None, "raw", "windowed"])),
        "deltas": draw(st.sampled_from([0, 0, 1, 2])),
    }
    if settings["log"] == "db":
        settings["top_db"] = draw(st.sampled_from([None, 40.0]))
    if kind == "mfcc":
        settings["n_mfcc"] = draw(st.integers(1, settings["n_mels"]))
        settings["lifter"] = draw(st.sampled_from([0.0, 22.0]))
        settings["lifter_formula"] = draw(st.sampled_from(["librosa", "kaldi"]))
    return settings


@st.composite
def spectrum_settings(draw: st.DrawFn) -> dict[str, Any]:
    framing = draw(st.sampled_from(["stft", "kaldi", "chunk", "chunk"]))
    settings = draw(spectra(framing)) | _logarithm(draw, [None, "db", "ln", "log10"])
    if framing == "chunk":
        columns = draw(st.integers(1, 4))
        hop = draw(st.integers(1, settings["win_length"])) if columns > 1 else 0
        whole = settings["win_length"] + (columns - 1) * hop
        settings |= {"columns": columns, "column_hop": hop}
        settings["pad_right"] = draw(st.integers(0, (whole - 1) // 2))
    return settings


@st.composite
def waveform_settings(draw: st.DrawFn) -> dict[str, Any]:
    length = draw(st.sampled_from([1, 2, 80, 576]))
    return {
        "frame_length": length,
        "hop_length": draw(st.sampled_from([1, 3, 64, 512, 700])),
        "pad_right": draw(st.integers(0, length - 1)),
        "scale": draw(st.sampled_from([1.0, 32768.0])),
    }


@st.composite
def any_features(draw: st.DrawFn) -> Features:
    kind = draw(st.sampled_from(sorted(KINDS)))
    if kind == "waveform":
        settings = draw(waveform_settings())
    elif kind == "spectrum":
        settings = draw(spectrum_settings())
    else:
        settings = draw(mel_settings(kind))
    return KINDS[kind](**settings)


def reference_rows(features: Features, y: NDArray[np.float32], running: bool) -> NDArray[Any]:
    """What the reference gives, in float64."""
    settings = {name: getattr(features, name) for name in features._settings()}
    rows = getattr(reference, features.kind)(y.astype(np.float64), running=running, **settings)
    return np.asarray(rows)
