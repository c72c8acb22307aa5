"""The two tones in the encodings that pylstm run takes, without a header or with one."""

from __future__ import annotations

import io

import soundfile

from tests.tone_model import two_tones

RAW = {
    "int16": lambda x: (x * 32767).astype("<i2").tobytes(),
    "int16-be": lambda x: (x * 32767).astype(">i2").tobytes(),
    "int24": lambda x: (x * 8388607).astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes(),
    "int32": lambda x: (x * 2147483000).astype("<i4").tobytes(),
    "float32": lambda x: x.astype("<f4").tobytes(),
    "float64-be": lambda x: x.astype(">f8").tobytes(),
    "uint8": lambda x: (128 + x * 127).astype("u1").tobytes(),
}


def encoded(format: str, subtype: str | None = None, samples: object = None) -> bytes:
    file = io.BytesIO()
    audio = two_tones() if samples is None else samples
    soundfile.write(file, audio, 16000, subtype, format=format)
    return file.getvalue()
