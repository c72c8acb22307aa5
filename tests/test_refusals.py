"""Bad input: type and message of each refusal, and the stream goes on as if nothing had come."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest
from conftest import audio, small_model

import pylstm
from pylstm import _engine

MODEL = small_model()
FRAMES_MODEL = pylstm.Model(None, [pylstm.LSTM(4, 6, seed=0)])
GOOD = audio(0.4)


def damaged(pcm: np.ndarray, value: float) -> np.ndarray:
    pcm = pcm.copy()
    pcm[-1] = value
    return pcm


READ_ONLY = np.empty((99, 3), np.float32)
READ_ONLY.flags.writeable = False
WHOLE = np.zeros(400, np.float32)

PUSHES = {
    "list": ([0.0], None, TypeError, "pcm is list; expected a NumPy array of float32 or int16"),
    "float64": (np.zeros(4), None, TypeError, r"pcm is float64 with shape \(4,\).*astype"),
    "int32": (np.zeros(4, np.int32), None, TypeError, "pcm is int32"),
    "uint16": (np.zeros(4, np.uint16), None, TypeError, "pcm is uint16"),
    "float16": (np.zeros(4, np.float16), None, TypeError, "pcm is float16"),
    "other byte order": (np.zeros(4, ">f4"), None, TypeError, "pcm is >f4"),
    "complex": (np.zeros(4, np.complex64), None, TypeError, "pcm is complex64"),
    "bytes": (b"\0\0\0\0", None, TypeError, "pcm is bytes"),
    "none": (None, None, TypeError, "pcm is NoneType"),
    "2-D": (np.zeros((4, 2), np.float32), None, ValueError, r"\(4, 2\); expected one channel, 1-D"),
    "0-D": (np.float32(0), None, ValueError, "expected one channel"),
    "NaN": (damaged(GOOD, np.nan), None, ValueError, r"pcm\[6399\] is nan; expected finite"),
    "Inf": (damaged(GOOD, -np.inf), None, ValueError, r"pcm\[6399\] is -inf; expected finite"),
    "NaN, strided": (damaged(GOOD, np.nan)[::-1], None, ValueError, r"pcm\[0\] is nan"),
    "out rows": (GOOD, np.empty((5, 3), np.float32), ValueError, r"out is .*at least 40, 3"),
    "out columns": (GOOD, np.empty((99, 4), np.float32), ValueError, r"out is .*, 3\)"),
    "out 1-D": (GOOD, np.empty(300, np.float32), ValueError, "out is .*C-contiguous float32"),
    "out dtype": (GOOD, np.empty((99, 3)), TypeError, "out is float64"),
    "out order": (GOOD, np.empty((3, 99), np.float32).T, ValueError, "not writable and C-contig"),
    "out read-only": (GOOD, READ_ONLY, ValueError, "not writable and C-contiguous"),
    "out list": (GOOD, [[0.0]], TypeError, "out is list"),
    "out overlaps": (WHOLE[:399], WHOLE[:399].reshape(133, 3), ValueError, "out overlaps pcm"),
}


@pytest.mark.parametrize("name", PUSHES)
def test_push_refuses_and_the_stream_goes_on(name: str) -> None:
    pcm, out, error, message = PUSHES[name]
    stream = MODEL.stream()
    head = stream.push(GOOD[:1000])
    before = stream.snapshot()
    with pytest.raises(error, match=message):
        stream.push(pcm, out=out)
    assert stream.snapshot() == before
    rest = np.concatenate([stream.push(GOOD[1000:]), stream.flush()])
    np.testing.assert_array_equal(np.concatenate([head, rest]), MODEL.run(GOOD))


FRAMES = {
    "float64": (np.zeros((3, 4)), TypeError, "frames is float64"),
    "int16": (np.zeros((3, 4), np.int16), TypeError, "frames is int16.*float32:"),
    "1-D": (np.zeros(4, np.float32), ValueError, r"expected 2-D, \(frames, n_features\)"),
    "width": (np.zeros((3, 5), np.float32), ValueError, r"\(3, 5\); expected shape \(T, 4\)"),
    "NaN": (np.full((3, 4), np.nan, np.float32), ValueError, r"frames\[0, 0\] is nan"),
    "list": ([[0.0] * 4], TypeError, "frames is list"),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("method", ["push_frames", "trace"])
def test_push_frames_refuses_and_the_stream_goes_on(name: str, method: str) -> None:
    frames, error, message = FRAMES[name]
    stream = FRAMES_MODEL.stream()
    stream.push_frames(np.ones((2, 4), np.float32))
    before = stream.snapshot()
    with pytest.raises(error, match=message):
        getattr(stream, method)(frames)
    assert stream.snapshot() == before


def test_audio_and_frames_do_not_mix() -> None:
    message = "audio and frames cannot be mixed"
    with pytest.raises(ValueError, match=message):
        FRAMES_MODEL.stream().push(GOOD)
    stream = MODEL.stream()
    stream.push(GOOD)
    with pytest.raises(ValueError, match=message):
        stream.push_frames(np.zeros((1, 13), np.float32))
    stream = MODEL.stream()
    stream.push_frames(np.zeros((1, 13), np.float32))
    with pytest.raises(ValueError, match=message):
        stream.push(GOOD)
    stream.reset()
    stream.push(GOOD)


def test_after_flush_only_reset_helps() -> None:
    stream = MODEL.stream()
    stream.push(GOOD)
    stream.flush()
    for call in (lambda: stream.push(GOOD), stream.flush):
        with pytest.raises(ValueError, match="has been flushed; reset it"):
            call()
    stream.reset()
    stream.push(GOOD)


def test_too_short_for_deltas_keeps_the_stream() -> None:
    model = small_model(deltas=1)
    stream = model.stream()
    stream.push(GOOD[:800])
    with pytest.raises(ValueError, match="deltas need at least 9 frames"):
        stream.flush()
    rest = np.concatenate([stream.push(GOOD[800:]), stream.flush()])
    np.testing.assert_array_equal(rest, model.run(GOOD))


def test_foreign_and_damaged_snapshots() -> None:
    stream = MODEL.stream()
    stream.push(GOOD[:3333])
    snapshot = stream.snapshot()
    other = small_model(n_mfcc=12).stream()
    for victim, value, error, message in [
        (other, snapshot, ValueError, "belongs to another model"),
        (stream, FRAMES_MODEL.stream().snapshot(), ValueError, "belongs to another model"),
        (stream, b"", ValueError, "cut or altered"),
        (stream, b"nonsense" * 40, ValueError, "cut or altered"),
        (stream, snapshot[:-1], ValueError, "cut or altered"),
        (stream, snapshot + b"\0", ValueError, "cut or altered"),
        (stream, "text", TypeError, r"snapshot is str; expected bytes"),
        (stream, None, TypeError, r"snapshot is NoneType"),
    ]:
        before = victim.snapshot()
        with pytest.raises(error, match=message):
            victim.restore(value)
        assert victim.snapshot() == before


def test_no_flipped_bit_of_a_snapshot_is_taken() -> None:
    stream = pylstm.MFCC(n_fft=64, win_length=64, hop_length=32, n_mels=8, n_mfcc=4).stream()
    stream.push(GOOD[:100])
    snapshot = bytearray(stream.snapshot())
    for bit in range(0, len(snapshot) * 8, 3):
        snapshot[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"cut or altered|another model"):
            stream.restore(bytes(snapshot))
        snapshot[bit // 8] ^= 1 << bit % 8
    stream.restore(bytes(snapshot))


def test_state_refuses() -> None:
    stream = FRAMES_MODEL.stream()
    good = np.zeros(6, np.float32)
    for value, error, message in [
        ([], ValueError, "state has 0 pairs"),
        ([(good, good.astype(float))], TypeError, "c of cell 0 is float64"),
        ([(good[:5], good)], ValueError, r"h of cell 0 .*expected shape \(6,\)"),
        ([(good, good + np.float32(np.nan))], ValueError, "c of cell 0 holds NaN"),
    ]:
        with pytest.raises(error, match=re.compile(message)):
            stream.state = value
    assert not stream.state[0][0].any()


def test_rows_refuses_a_negative_count() -> None:
    with pytest.raises(ValueError, match="n_samples is -1; expected 0 or more"):
        MODEL.stream().rows(-1)


def test_the_second_writer_gets_an_error_at_once() -> None:
    """Threads push one stream: its state is that of the accepted pushes, whatever the timing."""
    stream = MODEL.stream()
    long = np.zeros(16000 * 60, np.float32)
    busy = []

    def push() -> None:
        try:
            stream.push(long)
        except pylstm.StreamBusyError as error:
            busy.append(str(error))

    for _ in range(50):
        threads = [threading.Thread(target=push) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if busy:
            break
    assert busy, "four threads never met inside one stream"
    assert all("another thread is inside a call on this stream" in text for text in busy)
    assert stream.position % long.size == 0
    reference = MODEL.stream()
    for _ in range(stream.position // long.size):
        reference.push(long)
    assert reference.snapshot() == stream.snapshot()


HUGE = 10**400
SETTINGS = {
    "sr": ({"sr": HUGE}, ValueError, "sr is above what a float holds"),
    "sr, fmax given": ({"sr": HUGE, "fmax": 8000.0}, ValueError, "sr"),
    "fmax": ({"fmax": HUGE}, ValueError, "fmax is above what a float holds"),
    "complex": ({"fmin": np.complex64(1 + 2j)}, TypeError, "fmin is .*expected a number"),
    "duration": ({"fmin": np.timedelta64(1)}, TypeError, "fmin is .*expected a number"),
    "mean": ({"mean": [1e300] * 13, "std": [1.0] * 13}, ValueError, "mean is .*expected finite"),
    "std": ({"mean": [0.0] * 13, "std": [1e-300] * 13}, ValueError, "std is .*above 0"),
    "norm": ({"norm": "none"}, ValueError, "norm is 'none'; expected None"),
    "dct_norm": ({"dct_norm": "none"}, ValueError, "dct_norm is 'none'; expected None"),
    "window": ({"window": "\ud800"}, ValueError, r"window is '\\ud800'; expected text without"),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("error")
def test_settings_out_of_every_range(name: str) -> None:
    settings, error, message = SETTINGS[name]
    with pytest.raises(error, match=message):
        pylstm.MFCC(**settings)  # type: ignore[arg-type]


def test_surrogates_in_names() -> None:
    for arguments in ({"labels": ["a", "\ud800"]}, {"info": {"note": "\ud800"}}):
        with pytest.raises(ValueError, match=r"'\\ud800' among info and labels; expected text wit"):
            pylstm.Model(None, [pylstm.Dense(3, 2, seed=0)], **arguments)  # type: ignore[arg-type]


def test_counts_that_no_machine_has() -> None:
    for call, message in [
        (lambda: MODEL.stream().rows(2**70), r"n_samples is \d+; expected 0 to \d+"),
        (lambda: MODEL.streams(2**70), r"n is \d+; expected 1 to \d+"),
        (lambda: MODEL.streams(1, threads=2**70), r"threads is \d+; expected 1 to 256"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    for call in (lambda: MODEL.stream().rows(1.0), lambda: MODEL.streams("2")):  # type: ignore
        with pytest.raises(TypeError, match="expected an integer"):
            call()


def test_an_instruction_set_of_umlauts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds 40 bytes of it, which may end inside a character."""
    monkeypatch.setenv("PYLSTM_ISA", "x" + "ä" * 40)
    for call in (_engine.isa, small_model):
        with pytest.raises(ValueError, match=r"PYLSTM_ISA is 'xä+"):
            call()
