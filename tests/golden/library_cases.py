"""What torchaudio and Kaldi are asked for, and pylstm's settings for the same frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pylstm
from tests.golden.cases import Array, signal


@dataclass(frozen=True)
class LibraryCase:
    """A library's options, and what they are called here."""

    name: str
    library: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    """The library's own: of Kaldi with its dots, of torchaudio keyword arguments."""

    settings: dict[str, Any] = field(default_factory=dict)
    signal: str = "speech"
    n_samples: int = 4000

    def y(self) -> Array:
        return signal(self.signal, self.n_samples, self.settings.get("sr", 16000))

    def features(self) -> pylstm.MFCC | pylstm.LogMel:
        kind = pylstm.MFCC if self.kind == "mfcc" else pylstm.LogMel
        return kind.preset(self.library, **self.settings)  # type: ignore[arg-type]


def _kaldi(name: str, kind: str, options: dict[str, Any], **settings: Any) -> LibraryCase:
    return LibraryCase(f"kaldi_{name}", "kaldi", kind, options, settings)


_WHOLE = {"frame_opts.snip_edges": False}

KALDI_CASES = [
    _kaldi("mfcc", "mfcc", {}),
    _kaldi("mfcc_edges", "mfcc", _WHOLE, center=True),
    _kaldi("fbank", "logmel", {}),
    _kaldi("fbank_edges", "logmel", _WHOLE, center=True),
    _kaldi("fbank_80", "logmel", {"mel_opts.num_bins": 80}, n_mels=80),
    _kaldi("fbank_8k", "logmel", {"frame_opts.samp_freq": 8000.0}, sr=8000),
    _kaldi("mfcc_8k", "mfcc", {"frame_opts.samp_freq": 8000.0, **_WHOLE}, sr=8000, center=True),
    _kaldi("fbank_22k", "logmel", {"frame_opts.samp_freq": 22050.0}, sr=22050),
    _kaldi("mfcc_44k", "mfcc", {"frame_opts.samp_freq": 44100.0}, sr=44100),
    _kaldi(
        "mfcc_hires",
        "mfcc",
        {
            "mel_opts.num_bins": 40,
            "num_ceps": 40,
            "mel_opts.high_freq": -400.0,
            "use_energy": False,
        },
        n_mels=40,
        n_mfcc=40,
        fmax=7600.0,
        energy=None,
    ),
    _kaldi("mfcc_windowed", "mfcc", {"raw_energy": False}, energy="windowed"),
    _kaldi("mfcc_floor", "mfcc", {"energy_floor": 1e9}, energy_floor=1e9),
    _kaldi("mfcc_unlifted", "mfcc", {"cepstral_lifter": 0.0}, lifter=0.0),
    _kaldi("fbank_energy", "logmel", {"use_energy": True}, energy="raw"),
    _kaldi(
        "fbank_windowed",
        "logmel",
        {"use_energy": True, "raw_energy": False, **_WHOLE},
        energy="windowed",
        center=True,
    ),
    _kaldi(
        "fbank_plain",
        "logmel",
        {"frame_opts.preemph_coeff": 0.0, "frame_opts.remove_dc_offset": False},
        preemphasis=0.0,
        remove_dc_offset=False,
    ),
    _kaldi("fbank_magnitude", "logmel", {"use_power": False}, power=1.0),
    _kaldi("fbank_400", "logmel", {"frame_opts.round_to_power_of_two": False}, n_fft=400),
    _kaldi(
        "fbank_lengths",
        "logmel",
        {"frame_opts.frame_length_ms": 32.0, "frame_opts.frame_shift_ms": 12.5, **_WHOLE},
        win_length=512,
        hop_length=200,
        center=True,
    ),
    *(
        _kaldi(f"fbank_{theirs}", "logmel", {"frame_opts.window_type": theirs}, window=ours)
        for theirs, ours in (
            ("hanning", "hann"),
            ("hamming", "hamming"),
            ("rectangular", "boxcar"),
            ("blackman", "blackman"),
        )
    ),
]


def _torchaudio(name: str, kind: str, options: dict[str, Any], **settings: Any) -> LibraryCase:
    return LibraryCase(f"torchaudio_{name}", "torchaudio", kind, options, settings)


_LOG = {"log": "ln", "log_offset": 1e-6}
_SPEECH = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 80}

TORCHAUDIO_CASES = [
    _torchaudio("mfcc", "mfcc", {}),
    _torchaudio("mfcc_log", "mfcc", {"log_mels": True}, **_LOG, top_db=None),
    _torchaudio(
        "mfcc_speech",
        "mfcc",
        {"n_mfcc": 13, "log_mels": True, "melkwargs": _SPEECH},
        **_LOG,
        **_SPEECH,
        n_mfcc=13,
        top_db=None,
    ),
    _torchaudio(
        "mfcc_slaney",
        "mfcc",
        {"melkwargs": {"mel_scale": "slaney", "norm": "slaney", "f_min": 50.0, "f_max": 7000.0}},
        htk=False,
        norm="slaney",
        fmin=50.0,
        fmax=7000.0,
    ),
    _torchaudio("mfcc_unnormed", "mfcc", {"norm": None}, dct_norm=None),
    _torchaudio("logmel", "logmel", {}),
    _torchaudio("logmel_log", "logmel", {"log_mels": True}, **_LOG),
    _torchaudio(
        "logmel_left", "logmel", {"melkwargs": {"center": False, "power": 1.0}}, center=False,
        power=1.0,
    ),
    _torchaudio(
        "logmel_8k", "logmel", {"sample_rate": 8000, "melkwargs": {"n_mels": 40}}, sr=8000,
        n_mels=40
    ),
]  # fmt: skip

LIBRARY_CASES = [*KALDI_CASES, *TORCHAUDIO_CASES]
