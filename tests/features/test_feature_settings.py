"""Settings of features: what is refused, in words that help, and how files hold them."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

import pylstm
from pylstm.features import Features
from pylstm.safetensors_encoding import encode_model
from tests.features.features_grid import GRID

MFCC, LogMel, Spectrum, Waveform = pylstm.MFCC, pylstm.LogMel, pylstm.Spectrum, pylstm.Waveform

CHUNK: dict[str, Any] = {"framing": "chunk", "center": False}
SILERO: dict[str, Any] = CHUNK | {"n_fft": 256, "columns": 4, "column_hop": 128, "pad_right": 64}

# Kind, settings, words of the refusal, and what following them changes.
REFUSED: list[tuple[type[Features], dict[str, Any], str, dict[str, Any]]] = [
    (
        LogMel,
        {"top_db": 80.0, "log": "ln"},
        "top_db is 80; expected none where log is not db",
        {"top_db": None},
    ),
    (
        LogMel,
        {"log": None, "log_floor": 1e-3},
        r"log_floor is 0\.001; expected 1e-10 where log is none",
        {"log_floor": 1e-10},
    ),
    (
        LogMel,
        {"log": None, "log_offset": 1.0},
        "log_offset is 1; expected 0 where log is none",
        {"log_offset": 0},
    ),
    (MFCC, {"log": "log2"}, "log is 'log2'; expected 'db', 'ln', 'log10'", {"log": "ln"}),
    (
        MFCC,
        {"log_floor": 0.0},
        "log_floor is 0.0; expected a number from 1e-37 to 1e\\+10",
        {"log_floor": 1e-37},
    ),
    (
        MFCC,
        {"log_offset": -1.0},
        "log_offset is -1.0; expected a number from 0 to 1e\\+10",
        {"log_offset": 1e10},
    ),
    (
        MFCC,
        {"preemphasis": 1.5},
        "preemphasis is 1.5; expected a number from 0 to 1",
        {"preemphasis": 1},
    ),
    (
        MFCC,
        {"preemphasis_over": "signal"},
        "preemphasis_over is signal; expected frame",
        {"preemphasis_over": "frame"},
    ),
    (
        MFCC,
        {"scale": 0.0},
        "scale is 0.0; expected a number from 1e-06 to 1e\\+06",
        {"scale": 1e-6},
    ),
    (
        MFCC,
        {"framing": "snip"},
        "framing is 'snip'; expected 'stft', 'kaldi', 'chunk'",
        {"framing": "kaldi"},
    ),
    (
        MFCC,
        {"framing": "chunk"},
        "center is true; expected false where framing is chunk",
        {"center": False},
    ),
    (
        MFCC,
        {"triangles": "bark"},
        "triangles is 'bark'; expected 'hz', 'mel'",
        {"triangles": "mel"},
    ),
    (
        MFCC,
        {"energy": "all"},
        "energy is 'all'; expected 'raw', 'windowed', or None",
        {"energy": "raw"},
    ),
    (
        MFCC,
        {"energy_floor": 1.0},
        "energy_floor is 1; expected 1.19209.*where energy is none",
        {"energy_floor": 2.0**-23},
    ),
    (
        MFCC,
        {"lifter_formula": "htk"},
        "lifter_formula is 'htk'; expected 'librosa', 'kaldi'",
        {"lifter_formula": "kaldi"},
    ),
    (
        MFCC,
        {"pad_mode": "edge"},
        "pad_mode is 'edge'; expected .*, 'symmetric'",
        {"pad_mode": "symmetric"},
    ),
    (
        MFCC,
        {"window": "kaiser"},
        "window is 'kaiser'; expected .*, 'povey'",
        {"window": "povey"},
    ),
    (
        Spectrum,
        {"columns": 2, "column_hop": 1},
        "columns is 2; expected 1 where framing is not",
        {"columns": 1, "column_hop": 0},
    ),
    (
        Spectrum,
        {"pad_right": 2},
        "pad_right is 2; expected 0 where framing is not chunk",
        {"pad_right": 0},
    ),
    (
        Spectrum,
        CHUNK | {"column_hop": 2},
        "column_hop is 2; expected 0 where columns is 1",
        {"column_hop": 0},
    ),
    (
        Spectrum,
        CHUNK | {"columns": 2},
        "column_hop is 0; expected 1 to win_length = 512",
        {"column_hop": 512},
    ),
    (
        Spectrum,
        SILERO | {"pad_right": 320},
        "pad_right is 320; expected at most 319",
        {"pad_right": 319},
    ),
    (
        Spectrum,
        CHUNK | {"n_fft": 65536, "columns": 2, "column_hop": 1, "hop_length": 65536},
        "columns is 2; expected at most 1",
        {"columns": 1, "column_hop": 0},
    ),
    (
        Spectrum,
        CHUNK | {"columns": 257, "column_hop": 1},
        "columns is 257; expected a whole number from 1 to 256",
        {"columns": 2, "column_hop": 1},
    ),
    (Waveform, {"pad_right": 512}, "pad_right is 512; expected at most 511", {"pad_right": 511}),
    (
        Waveform,
        {"frame_length": 65536, "pad_right": 1},
        "pad_right is 1; expected at most 0",
        {"pad_right": 0},
    ),
    (
        Waveform,
        {"frame_length": 0},
        "frame_length is 0; expected a whole number from 1 to",
        {"frame_length": 1},
    ),
    (
        Waveform,
        {"sr": 192000, "frame_length": 65536, "hop_length": 1},
        "hop_length is 1; expected at least 5: .*, most of them for frame_length = 65536",
        {"hop_length": 5},
    ),
    (
        Spectrum,
        SILERO | {"n_fft": 4096, "columns": 16, "hop_length": 1},
        "hop_length is 1; expected at least .*for n_fft = 4096 with columns = 16",
        {"hop_length": 1000},
    ),
]


@pytest.mark.parametrize(("kind", "chosen", "words", "mended"), REFUSED)
def test_a_refusal_says_what_would_be_taken(
    kind: type[Features], chosen: dict[str, Any], words: str, mended: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=words) as told:
        kind(**chosen)
    assert "features." not in str(told.value)
    kind(**chosen | mended)


@pytest.mark.parametrize("kind", [MFCC, LogMel, Spectrum])
def test_what_librosa_does_not_have_is_given_by_name(kind: type[Features]) -> None:
    with pytest.raises(TypeError, match="positional"):
        kind(*range(30))


# --- files ----------------------------------------------------------------------------------------


def header(model: pylstm.Model) -> dict[str, str]:
    data = model.to_bytes()
    (length,) = struct.unpack_from("<Q", data)
    metadata: dict[str, str] = json.loads(data[8 : 8 + length])["__metadata__"]
    return metadata


def test_settings_of_before_make_the_keys_of_before() -> None:
    """And those in their order: the bytes are what they were."""
    keys = [name for name in header(pylstm.Model(MFCC(), [])) if name.startswith("features.")]
    shared = ["n_fft", "win_length", "hop_length", "n_mels", "fmin", "fmax", "htk", "norm"]
    shared += ["window", "center", "pad_mode", "power"]
    mfcc = ["kind", "sr", "n_mfcc", *shared, "dct_type", "dct_norm", "lifter", "top_db", "deltas"]
    assert keys == [f"features.{name}" for name in [*mfcc, "normalize"]]
    for case in GRID[::7]:
        features = case.build()
        assert features.needs_format == 1
        assert set(header(pylstm.Model(features, []))) >= set(features.config())
        assert len(features.config()) == (21 if case.kind == "mfcc" else 17)


@pytest.mark.parametrize(
    "features",
    [
        MFCC(pad_mode="symmetric"),
        MFCC(window="povey"),
        LogMel(window="sqrt_hann"),
        LogMel(log="ln"),
        LogMel(periodic=False),
        MFCC(scale=2.0),
        MFCC.preset("kaldi"),
        Spectrum(),
        Waveform(),
    ],
    ids=repr,
)
def test_what_0_1_did_not_have_needs_format_2(features: Features) -> None:
    assert features.needs_format == 2


def test_a_preset_that_asks_for_nothing_new_needs_nothing_new() -> None:
    assert MFCC.preset("torchaudio").needs_format == 1
    assert MFCC.preset("torchaudio", log="ln", top_db=None).needs_format == 2


def test_a_file_cannot_have_a_cosine_transform_of_energies() -> None:
    config = MFCC().config() | {"features.log": "none"}
    with pytest.raises(pylstm.ModelFileError, match="log is none; expected db, ln or log10 before"):
        pylstm._engine.Core(encode_model((config, {}), []))


def test_normalisation_of_wide_rows() -> None:
    """Wider than mel bands ever are."""
    features = Spectrum(n_fft=8192, center=False, hop_length=4096)
    y = np.random.default_rng(1).standard_normal(16000).astype(np.float32)
    rows = features(y)
    mean, std = rows.mean(axis=0), np.full(features.n_features, 0.5, np.float32)
    normalised = Spectrum(n_fft=8192, center=False, hop_length=4096, mean=mean, std=std)
    np.testing.assert_allclose(normalised(y), (rows - mean) / std, rtol=1e-6, atol=1e-6)
    std[4000] = 0.0
    with pytest.raises(ValueError, match=r"std is .*; expected finite values above 0"):
        Spectrum(n_fft=8192, center=False, hop_length=4096, mean=mean, std=std)
