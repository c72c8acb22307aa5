"""The settings with which mel features equal those of other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from pylstm.arguments import choice, whole

__all__ = ["Preset", "settings_of"]

Preset = Literal["librosa", "torchaudio", "kaldi"]

# torchaudio.transforms.MelSpectrogram: a transform of 400 samples, half of them a hop.
_TORCHAUDIO: dict[str, Any] = {
    "n_fft": 400,
    "win_length": 400,
    "hop_length": 200,
    "n_mels": 128,
    "htk": True,
    "norm": None,
    "pad_mode": "reflect",
}

# FrameExtractionOptions and MelBanksOptions of Kaldi, without dither.
_KALDI: dict[str, Any] = {
    "framing": "kaldi",
    "center": False,
    "pad_mode": "symmetric",
    "scale": 32768.0,
    "remove_dc_offset": True,
    "preemphasis": 0.97,
    "window": "povey",
    "periodic": False,
    "n_mels": 23,
    "fmin": 20.0,
    "htk": True,
    "triangles": "mel",
    "norm": None,
    "log": "ln",
    "log_floor": 2.0**-23,
}

_OF_MFCC: dict[str, dict[str, Any]] = {
    "librosa": {},
    "torchaudio": {"n_mfcc": 40, "top_db": 80.0},
    "kaldi": {"lifter": 22.0, "lifter_formula": "kaldi", "energy": "raw"},
}


# Options of Kaldi that settings have other names for.
_KALDIS_NAMES = {
    "num_mel_bins": "n_mels",
    "num_ceps": "n_mfcc",
    "low_freq": "fmin",
    "high_freq": "fmax",
    "sample_frequency": "sr",
    "preemphasis_coefficient": "preemphasis",
    "window_type": "window",
    "cepstral_lifter": "lifter",
    "use_energy": "energy",
    "snip_edges": "center, its opposite,",
}


def settings_of(
    kind: str, name: str, changed: Mapping[str, Any], known: Iterable[str]
) -> dict[str, Any]:
    """The settings of a preset, with some of them changed, of those that the features have."""
    choice("name", name, get_args(Preset))
    known = tuple(known)
    for one in changed:
        if one not in known:
            called = (
                f"; {_KALDIS_NAMES[one]} is what Kaldi calls so" if one in _KALDIS_NAMES else ""
            )
            raise TypeError(f"{one} is no setting; expected {', '.join(known)}{called}")
    settings = {"librosa": {}, "torchaudio": _TORCHAUDIO, "kaldi": _KALDI}[name]
    lengths = _kaldi_lengths(changed) if name == "kaldi" else {}
    return {**settings, **lengths, **(_OF_MFCC[name] if kind == "mfcc" else {}), **changed}


def _kaldi_lengths(changed: Mapping[str, Any]) -> dict[str, int]:
    """Frames of 25 ms every 10 ms at any rate; the transform has the next power of two."""
    rate = whole("sr", changed.get("sr", 16000))
    window = rate * 25 // 1000
    given = changed.get("win_length")
    samples = window if given is None else whole("win_length", given)
    return {
        "win_length": window,
        "hop_length": rate * 10 // 1000,
        "n_fft": 1 << max(samples - 1, 0).bit_length(),
    }
