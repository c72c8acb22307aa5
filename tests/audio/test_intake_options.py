"""What an intake is asked for: a model, a rate, channels and an encoding."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import pylstm
from tests.audio.followed_messages import PASS
from tests.audio.intake_audio import Y, wav_bytes
from tests.small_models import small_model

MODEL = small_model()


def refused(error: type[Exception], words: str, *arguments: object, **options: object) -> str:
    with pytest.raises(error, match=words) as raised:
        pylstm.Intake(*arguments, **{"rate": 16000, **options})  # type: ignore[arg-type]
    return str(raised.value)


def test_a_rate_has_to_be_said() -> None:
    with pytest.raises(TypeError, match="rate"):
        pylstm.Intake(MODEL)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0, ValueError, "^rate is 0; expected 1 or more$"),
        (-8000, ValueError, "^rate is -8000; expected 1 or more$"),
        (44100.0, TypeError, "^rate is 44100.0; expected a whole number of Hz: pass 44100$"),
        (np.float64(8000), TypeError, "expected a whole number of Hz: pass 8000$"),
        (44100.5, TypeError, "^rate is 44100.5; expected a whole number$"),
        ("8000", TypeError, "^rate is '8000'; expected a whole number$"),
        (None, TypeError, "^rate is None; expected a whole number$"),
        (True, TypeError, "^rate is True; expected a whole number$"),
        (8, ValueError, "^rate is 8; expected 1000 to 1000000 Hz where .* or 16000, where"),
        (10**9, ValueError, "expected 1000 to 1000000 Hz where"),
    ],
)
def test_rates(value: object, error: type[Exception], words: str) -> None:
    message = refused(error, words, MODEL, rate=value)
    if code := PASS.search(message):
        assert pylstm.Intake(MODEL, rate=eval(code[1])).rate == value


def test_the_models_own_rate_may_be_any() -> None:
    assert len(pylstm.Intake(10, rate=10).push(Y)) == len(Y)
    refused(ValueError, "^the model's rate is 10; expected 1000 to 1000000 Hz where", 10)


@pytest.mark.parametrize("value", [0, -1, 1025])
def test_numbers_of_channels(value: int) -> None:
    refused(ValueError, f"^channels is {value}; expected 1 to 1024$", MODEL, channels=value)


@pytest.mark.parametrize("value", [2, -1])
def test_channels(value: int) -> None:
    words = f"^channel is {value}; expected 0 to 1, counted from 0, because channels is 2$"
    refused(ValueError, words, MODEL, channels=2, channel=value)
    refused(TypeError, "^channel is 'left'; expected a whole", MODEL, channels=2, channel="left")


def test_models_that_take_no_audio() -> None:
    layers = [pylstm.Dense(3, 2)]
    refused(ValueError, "^model is Model without features.*; exp", pylstm.Model(None, layers))
    stream = MODEL.stream()
    code = PASS.search(refused(TypeError, "^model is Stream; expected a Model", stream))
    assert code
    assert pylstm.Intake(eval(code[1], {"model": stream}), rate=8000).model_rate == 16000
    code = PASS.search(refused(TypeError, "^model is str; expected a Model", "vad"))
    assert code
    assert pylstm.Intake(eval(code[1], {"pylstm": pylstm}), rate=8000).model_rate == 16000
    refused(TypeError, "expected a Model, .* in Hz: pass 16000$", 16000.0)
    for value in (None, True, [], "vad\0"[:0], MODEL.layers):
        refused(TypeError, "; expected a Model, features, or a sample rate in Hz", value)


def test_encodings() -> None:
    refused(ValueError, "^encoding is 's16le'; expected .*: pass 'int16'$", MODEL, encoding="s16le")


NAMED_ELSEWHERE = {
    "L16": "int16-be",
    "audio/L16; rate=16000": "int16-be",
    "L24": "int24-be",
    "L8": "uint8",
    "S16_LE": "int16",
    "S24_3LE": "int24",
    "S24_3BE": "int24-be",
    "s24le": "int24",
    "FLOAT_LE": "float32",
    "FLOAT64_BE": "float64-be",
    "MU_LAW": "mulaw",
    "g711_alaw": "alaw",
    "PCMU": "mulaw",
    "LINEAR16": "int16",
    "pcm16": "int16",
    "PCM_24": "int24",
    ">f4": "float32-be",
}


@pytest.mark.parametrize("name", sorted(NAMED_ELSEWHERE))
def test_names_of_other_programs(name: str) -> None:
    code = PASS.search(refused(ValueError, "^encoding is .*: pass '", MODEL, encoding=name))
    assert code
    intake = pylstm.Intake(MODEL, rate=16000, encoding=eval(code[1]))
    assert intake.encoding == NAMED_ELSEWHERE[name]


@pytest.mark.parametrize("name", ["S24_LE", "s24-32le", "S20_3LE", "opus", "L20", ""])
def test_what_no_encoding_is_gets_no_name(name: str) -> None:
    """ALSA's S24_LE has four bytes a sample."""
    assert ": pass" not in refused(ValueError, "^encoding is ", MODEL, encoding=name)


def test_the_command_of_ffmpeg_is_the_encoding() -> None:
    """What the message about a file says to let ffmpeg write."""
    with pytest.raises(ValueError, match="ffmpeg: -f s16le") as error:
        pylstm.Intake(MODEL, rate=16000, encoding="int16").push(wav_bytes())
    assert str(error.value).isascii()
    assert sys.byteorder in ("little", "big")
    assert len(pylstm.Intake(MODEL, rate=16000, encoding="int16").push(wav_bytes()[44:])) == 1200
