"""Float audio on the scale of int16 is noticed once a stream, and nothing else is."""

from __future__ import annotations

import re
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import _engine
from tests.signals import audio
from tests.small_models import small_model

MODEL = small_model()
GOOD = audio(0.4)
LOUD = GOOD * np.float32(32768)
WARNING = r"pcm\[\d+\] is .*; expected float samples from -1 to 1: take pcm / 32768 if they are 16-"


def warned(call, *arguments: object) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments)
    assert {warning.category for warning in caught} <= {RuntimeWarning}
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("step", [1, 7, 160, 6400])
def test_once_a_stream_however_the_audio_is_cut(step: int) -> None:
    stream = MODEL.stream()
    said = [
        text
        for start in range(0, len(LOUD), step)
        for text in warned(stream.push, LOUD[start : start + step])
    ]
    assert len(said) == 1
    assert re.match(WARNING, said[0])
    assert stream.position == len(LOUD)


def test_it_says_where_and_how_large_and_the_code_works() -> None:
    pcm = GOOD.copy()
    pcm[77] = -1234.5
    (said,) = warned(MODEL.stream().push, pcm)
    assert said.startswith("pcm[77] is -1234.5; expected float samples from -1 to 1: take ")
    for divisor in ("32768", "2**23", "2**31"):
        assert f"pcm / {divisor} if they are" in said
    mended = eval(re.findall(r"pcm / \S+", said)[0], {"pcm": LOUD})
    assert warned(MODEL.stream().push, mended) == []
    np.testing.assert_array_equal(mended, GOOD)


@pytest.mark.parametrize(
    ("scale", "right"), [(2.0**15, 0), (2.0**23, 1), (2.0**31, 2), (2.0**15 * 1.2, 0)]
)
def test_only_scales_that_the_samples_fit_into_are_named(scale: float, right: int) -> None:
    (said,) = warned(MODEL.stream().push, np.full(200, -scale, np.float32))
    assert [int(bits) for bits in re.findall(r"(\d+)-bit", said)] == [16, 24, 32][right:]


def test_samples_that_no_audio_has() -> None:
    (said,) = warned(MODEL.stream().push, np.full(3, 1e12, np.float32))
    assert "no audio is so large, look where the samples come from" in said


@pytest.mark.parametrize("take", [MODEL.run, pylstm.MFCC(), pylstm.MFCC(top_db=60.0)])
def test_whole_recordings(take) -> None:
    (said,) = warned(take, LOUD)
    name = "pcm" if take == MODEL.run else "y"
    assert said.startswith(f"{name}[")
    assert f"take {name} / 32768" in said


@pytest.mark.parametrize("top_db", [None, 60.0])
def test_the_rows_are_those_of_the_samples_as_they_are(top_db: float | None) -> None:
    """A warning changes no bit, however the audio is cut."""
    features = pylstm.LogMel(top_db=top_db)
    stream = features.stream()
    first = warned(stream.push, LOUD[:100])
    rows = np.concatenate([stream.push(LOUD[100:]), stream.flush()])
    assert len(first) == 1
    with pytest.warns(RuntimeWarning):
        whole = features(LOUD)
    if top_db is None:
        np.testing.assert_array_equal(rows, whole)
    assert np.isfinite(whole).all()


@given(st.floats(0, 16, width=32), st.booleans())
@settings(max_examples=100, deadline=None)
def test_loud_audio_is_not_accused(peak: float, negative: bool) -> None:
    pcm = GOOD[:700].copy()
    pcm[333] = -peak if negative else peak
    assert warned(MODEL.stream().push, pcm) == []


@given(st.floats(np.nextafter(np.float32(16), np.float32(17)), 2.0**127, width=32))
@settings(max_examples=100, deadline=None)
def test_what_is_beyond_is_noticed_wherever_it_stands(peak: float) -> None:
    for place in (0, 15, 16, 331, 699):
        pcm = GOOD[:700].copy()
        pcm[place] = peak
        for samples in (pcm, np.repeat(pcm, 3)[::3], pcm[::-1]):
            assert len(warned(MODEL.stream().push, samples)) == 1


def test_int16_is_never_accused() -> None:
    assert warned(MODEL.run, np.array([32767, -32768] * 400, np.int16)) == []


def test_frames_are_never_accused() -> None:
    frames = np.full((5, 4), 1e6, np.float32)
    model = pylstm.Model(None, [pylstm.LSTM(4, 6, seed=0)])
    assert warned(model.stream().push_frames, frames) == []
    assert warned(model.streams(1).push_frames, {0: frames}) == []


@pytest.mark.law_nothing_poisons
def test_a_warning_that_is_an_error_leaves_the_stream_as_it_was() -> None:
    stream, pool = MODEL.stream(), MODEL.streams(3)
    stream.push(GOOD[:1000])
    pool.push({k: GOOD[: 500 + k] for k in range(3)})
    before = [stream.snapshot(), *(slot.snapshot() for slot in pool)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            with pytest.raises(RuntimeWarning, match=WARNING):
                stream.push(LOUD)
            with pytest.raises(RuntimeWarning, match=f"slot 1: {WARNING}"):
                pool.push({0: GOOD, 1: LOUD, 2: LOUD})
            with pytest.raises(RuntimeWarning, match=WARNING):
                MODEL.run(LOUD)
            assert [stream.snapshot(), *(slot.snapshot() for slot in pool)] == before
    rest = np.concatenate([stream.push(GOOD[1000:]), stream.flush()])
    np.testing.assert_array_equal(rest, MODEL.run(GOOD)[-len(rest) :])


def test_a_pool_says_it_once_for_each_slot() -> None:
    pool = MODEL.streams(4, threads=2)
    said = warned(pool.push, {0: LOUD, 1: GOOD, 2: LOUD[::2], 3: np.zeros(9, np.int16)})
    assert [text.partition(":")[0] for text in said] == ["slot 0", "slot 2"]
    assert warned(pool.push, {0: LOUD, 2: LOUD}) == []
    assert [text.partition(":")[0] for text in warned(pool.push, {0: LOUD, 1: LOUD})] == ["slot 1"]
    alone = MODEL.stream()
    warned(alone.push, LOUD)
    pool.reset(3)
    warned(pool.push, {3: LOUD})
    np.testing.assert_array_equal(pool.push({3: LOUD})[3], alone.push(LOUD))


def test_a_slot_that_changes_hands_says_it_again() -> None:
    pool = MODEL.streams(2)
    slot = pool.join()
    assert len(warned(pool.push, {slot: LOUD})) == 1
    pool.leave(slot)
    again = pool.join()
    assert again == slot
    assert len(warned(pool.push, {again: LOUD})) == 1


def test_what_a_stream_has_said_is_no_part_of_its_state() -> None:
    told, other = MODEL.stream(), MODEL.stream()
    assert len(warned(told.push, LOUD)) == 1
    snapshot = told.snapshot()
    assert warned(told.fork().push, LOUD) == []  # who copies a stream has read it
    other.restore(snapshot)
    assert len(warned(other.push, LOUD)) == 1  # who receives one has not
    told.restore(snapshot)
    assert warned(told.push, LOUD) == []
    told.reset()
    assert len(warned(told.push, LOUD)) == 1


def test_a_hook_that_pushes_into_the_stream(monkeypatch) -> None:
    stream = MODEL.stream()
    seen: list[str] = []

    def hook(message, *_: object) -> None:
        seen.append(str(message))
        stream.push(LOUD[:10])

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", hook)
        stream.push(LOUD)
    assert len(seen) == 1
    assert stream.position == 10 + len(LOUD)


def test_the_warning_points_at_the_caller() -> None:
    for call in (
        lambda: MODEL.stream().push(LOUD),
        lambda: MODEL.streams(1).push({0: LOUD}),
        lambda: MODEL.run(LOUD),
        lambda: pylstm.MFCC()(LOUD),
    ):
        with pytest.warns(RuntimeWarning) as caught:
            call()
        assert [warning.filename for warning in caught] == [__file__]


def test_many_threads_warn_once_a_stream() -> None:
    streams = [MODEL.stream() for _ in range(16)]
    said: list[str] = []

    def push(mine: list[pylstm.Stream]) -> None:
        for _ in range(20):
            for stream in mine:
                stream.push(LOUD[:320])

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: said.append(str(message))
        threads = [threading.Thread(target=push, args=(streams[k::4],)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(said) == len(streams)
    assert {stream.position for stream in streams} == {20 * 320}


def test_a_file_and_a_stream_have_one_limit() -> None:
    from pylstm.audio import scale_problem

    limit = _engine.LARGEST_SAMPLE
    assert scale_problem(limit) is None
    assert scale_problem(np.nextafter(limit, np.inf)) is not None


def test_a_handler_that_resets_is_told_once_a_push() -> None:
    """It switches the watch on again in the middle of the push."""
    pool = pylstm.load("vad").streams(2)
    told = []

    def handle(*_: object, **__: object) -> None:
        told.append(1)
        for stream in pool:
            stream.reset()

    loud = np.full(400, 5000, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = handle
        pool[0].push(loud)
        assert len(told) == 1
        pool.push({0: loud, 1: loud})
        assert 1 < len(told) <= 3
