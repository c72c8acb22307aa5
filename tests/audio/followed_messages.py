"""What the message about a refused value says to do, and what comes out when it is followed."""

from __future__ import annotations

import io
import re

import numpy
import numpy as np
import soundfile

import pylstm
from tests.small_models import small_model

MODEL = small_model()
PASS = re.compile(r"(?:: |, and )pass (.+?)(?:$|, (?:or|and|whose)\b| if )")
MAKE = re.compile(r": make the intake (?:with (\w+)=(.+?)|(without an encoding))(?:$|, | if )")


def followed(value: object, channels: int = 1, encoding: str | None = None) -> np.ndarray:
    """What comes out in the end, once every message was followed to the letter."""
    options: dict[str, object] = {"channels": channels, "encoding": encoding}
    for _ in range(4):
        intake = pylstm.Intake(MODEL, rate=16000, **options)  # type: ignore[arg-type]
        try:
            return intake.push(value)
        except (TypeError, ValueError) as error:
            message = str(error)
        assert "; expected " in message
        assert intake.position == 0
        make, code = MAKE.search(message), PASS.search(message)
        assert make or code, message
        if make and make[3]:
            options["encoding"] = None
        elif make:
            options[make[1]] = eval(make[2])
        if code:
            everything = {"numpy": numpy, "io": io, "soundfile": soundfile, "data": value}
            value = eval(code[1], everything)
    raise AssertionError(f"four messages were not enough, the last: {message}")
