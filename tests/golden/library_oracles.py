"""What kaldi-native-fbank and torchaudio's formulas say, in pylstm's shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def kaldi_features(y: Array, kind: str, options: Mapping[str, Any]) -> Array:
    """kaldi-native-fbank without dither, of audio at the scale of 16-bit integers."""
    import kaldi_native_fbank

    chosen = getattr(kaldi_native_fbank, {"mfcc": "MfccOptions", "logmel": "FbankOptions"}[kind])()
    chosen.frame_opts.dither = 0.0
    for name, value in options.items():
        *path, last = name.split(".")
        at = chosen
        for part in path:
            at = getattr(at, part)
        setattr(at, last, value)
    online = getattr(kaldi_native_fbank, {"mfcc": "OnlineMfcc", "logmel": "OnlineFbank"}[kind])(
        chosen
    )
    online.accept_waveform(chosen.frame_opts.samp_freq, (y * np.float32(32768)).tolist())
    online.input_finished()
    return np.array([online.get_frame(t) for t in range(online.num_frames_ready)])


def torchaudio_features(y: Array, kind: str, options: Mapping[str, Any], dtype: str) -> Array:
    """torchaudio 2.8's ``transforms.MFCC``, or its ``MelSpectrogram`` and then ``AmplitudeToDB``
    (``log_mels``: what its MFCC does instead), in plain PyTorch.

    Its formulas are those of ``functional.spectrogram``, ``melscale_fbanks``, ``amplitude_to_DB``
    and ``create_dct``; in float64 the same without rounding between them.
    """
    import torch

    torch.set_num_threads(1)
    real = getattr(torch, dtype)
    mel = {"n_fft": 400, "n_mels": 128, "power": 2.0, "center": True, "mel_scale": "htk"}
    mel |= {"norm": None, "f_min": 0.0, "f_max": None, "win_length": None, "hop_length": None}
    mel |= options.get("melkwargs", {})
    sr, n_fft, n_mels = options.get("sample_rate", 16000), mel["n_fft"], mel["n_mels"]
    win_length = mel["win_length"] or n_fft
    spectrum = torch.stft(
        torch.from_numpy(y).to(real),
        n_fft,
        mel["hop_length"] or win_length // 2,
        win_length,
        torch.hann_window(win_length, dtype=real),
        center=mel["center"],
        pad_mode="reflect",
        return_complex=True,
    )
    power = spectrum.abs().pow(mel["power"]).T
    top = float(sr // 2) if mel["f_max"] is None else mel["f_max"]
    pitches = [_mel(f, mel["mel_scale"]) for f in (mel["f_min"], top)]
    edges = _hertz(torch.linspace(*pitches, n_mels + 2, dtype=real), mel["mel_scale"])
    bins = torch.linspace(0, sr // 2, n_fft // 2 + 1, dtype=real)
    slopes, widths = edges[None, :] - bins[:, None], edges[1:] - edges[:-1]
    bank = torch.minimum(-slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]).clamp(min=0)
    if mel["norm"] == "slaney":
        bank = bank * (2.0 / (edges[2:] - edges[:-2]))
    bands = power @ bank
    if options.get("log_mels", False):
        levels = torch.log(bands + 1e-6)
    else:
        levels = 10.0 * torch.log10(bands.clamp(min=1e-10))
        if kind == "mfcc":
            levels = torch.maximum(levels, levels.max() - 80.0)
    if kind == "logmel":
        return levels.numpy()
    k = torch.arange(options.get("n_mfcc", 40), dtype=real)[:, None]
    cosines = torch.cos(math.pi / n_mels * (torch.arange(n_mels, dtype=real) + 0.5) * k)
    if options.get("norm", "ortho") is None:
        cosines = cosines * 2.0
    else:
        cosines[0] *= 1.0 / math.sqrt(2.0)
        cosines = cosines * math.sqrt(2.0 / n_mels)
    rows: Array = (levels @ cosines.T).numpy()
    return rows


def _mel(hz: float, scale: str) -> float:
    if scale == "htk":
        return 2595.0 * math.log10(1.0 + hz / 700.0)
    return hz * 3 / 200 if hz < 1000.0 else 15.0 + 27.0 * math.log(hz / 1000.0) / math.log(6.4)


def _hertz(mel: Any, scale: str) -> Any:
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    high = 1000.0 * (math.log(6.4) / 27.0 * (mel - 15.0)).exp()
    return mel.clone().mul_(200.0 / 3).where(mel < 15.0, high)
