"""`speech_segments` and `find_words`: which arrays they take, and that messages speak of these."""

from __future__ import annotations

import re
import warnings

import numpy
import numpy as np
import pytest

import pylstm

DOORS = {"words": pylstm.find_words, "segments": pylstm.speech_segments}
LAYERS = [pylstm.Dense(26, 2, "softmax", seed=0)]
DELTAS = pylstm.Model(pylstm.MFCC(deltas=1), LAYERS, ["a", "b"], decision={"kind": "words"})

each_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())


@each_door
@pytest.mark.parametrize("shape", [(0,), (0, 1), (0, 2), (0, 64), (3, 6), (1, 64), (2, 8)])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_short_recordings_of_many_channels(door, shape: tuple[int, ...], rate: int) -> None:
    assert door(np.zeros(shape, np.float32), rate) == []


@each_door
def test_empty_audio_has_no_frames_for_deltas(door) -> None:
    settings = {"label": "a"} if door is pylstm.speech_segments else {}
    assert door(np.zeros((0, 2), np.float32), 16000, model=DELTAS, **settings) == []


@each_door
@pytest.mark.parametrize("shape", [(2, 16000), (1, 65), (6, 96000)])
def test_transposed_recordings(door, shape: tuple[int, int]) -> None:
    audio = np.zeros(shape, np.float32)
    with pytest.raises(ValueError, match=r"^audio has shape .*: pass (audio\.T), if") as error:
        door(audio, 16000)
    assert "audio.T" in str(error.value)
    assert door(audio.T, 16000) == []


@each_door
@pytest.mark.parametrize("shape", [(0, 0), (5, 0), (0, 5000), (2000, 1025)])
def test_no_recording_has_so_many_channels(door, shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"^audio has shape .*; expected \(n, n_channels\)"):
        door(np.zeros(shape, np.float32), 16000)


@each_door
@pytest.mark.parametrize(
    "audio",
    [
        np.ma.masked_equal(np.ones(4000, np.float32), 1),
        np.zeros(4000, np.int64),
        np.zeros((4000, 2), np.float16),
        np.zeros(4000, complex),
        np.zeros(0, np.int64),
    ],
    ids=["masked", "int64", "float16", "complex", "empty int64"],
)
def test_the_code_in_the_message_is_taken(door, audio: np.ndarray) -> None:
    with pytest.raises(TypeError, match=r"^audio is ") as error:
        door(audio, 16000)
    message = str(error.value)
    assert "data" not in message
    code = re.search(r": pass (.*)$", message)
    mended = eval(code[1], {"audio": audio, "numpy": numpy}) if code else audio.filled(0)
    assert door(mended, 16000) == []


@each_door
@pytest.mark.parametrize("model", [None, 5, b"vad", ["vad"]])
def test_what_is_no_model(door, model: object) -> None:
    with pytest.raises(TypeError, match=r"^model is \w+; .*: pass 'keywords' or 'vad'$"):
        door(np.zeros(100, np.float32), 16000, model=model)


@each_door
@pytest.mark.parametrize("rate", [16000, 8000, 44100])
@pytest.mark.parametrize("channel", [None, 1])
def test_the_sample_that_is_off_scale_is_that_of_the_audio(door, rate: int, channel) -> None:
    audio = np.zeros((rate, 2), np.float32)
    audio[1234, 1] = -20000
    audio[99, 0] = 0.5
    words = r"^audio\[1234, 1\] is -20000; expected .* -1 to 1: pass audio / 32768 if"
    with pytest.warns(RuntimeWarning, match=words) as told:
        door(audio, rate, channel=channel)
    assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(RuntimeWarning, match=r"^audio\[1234\] is -20000; "):
        door(audio[:, 1], rate)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        door(audio, rate, channel=0)
        door(audio / 32768, rate)


@each_door
def test_stereo_in_one_column(door) -> None:
    voice = np.random.default_rng(0).uniform(-0.1, 0.1, 8000).astype(np.float32)
    audio = np.repeat(voice, 2)
    with pytest.warns(RuntimeWarning, match=r"^audio .*: pass audio\.reshape\(-1, 2\)") as told:
        door(audio, 16000)
    assert [warning.filename for warning in told] == [__file__]
    door(audio.reshape(-1, 2), 16000)


@pytest.mark.parametrize("rate", [16000, 8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("n", [10, 100, 600])
def test_audio_too_short_for_deltas(rate: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"^audio has {n} samples?; expected \d+ or") as error:
        pylstm.find_words(np.zeros(n, np.float32), rate, model=DELTAS)
    told = re.search(r"expected (\d+) or more", str(error.value))
    assert told
    enough = np.zeros(int(told[1]), np.float32)
    assert pylstm.find_words(enough, rate, model=DELTAS, threshold=0.99) == []
