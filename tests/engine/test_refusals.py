"""Bad input: type and message of each refusal, and the stream goes on as if nothing had come."""

from __future__ import annotations

import contextlib
import re
import struct
import threading

import numpy as np
import pytest

import pylstm
from pylstm import _engine
from tests.signals import audio
from tests.small_models import small_model

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


@pytest.mark.law_nothing_poisons
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


@pytest.mark.law_nothing_poisons
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


@pytest.mark.parametrize("frames", [np.zeros((5, 13), np.float32), np.zeros(160, np.float32)])
def test_a_model_of_frames_says_where_they_go(frames: np.ndarray) -> None:
    width = FRAMES_MODEL.n_features
    with pytest.raises(
        ValueError, match=rf"shape \(n, {width}\), float32, to stream\(\)\.push_frames"
    ):
        FRAMES_MODEL.run(frames)
    with pytest.raises(ValueError, match=rf"shape \(n, {width}\), float32, to push_frames"):
        FRAMES_MODEL.stream().push(frames)
    FRAMES_MODEL.stream().push_frames(np.zeros((5, width), np.float32))


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


@pytest.mark.law_state_is_a_value
def test_foreign_and_damaged_snapshots() -> None:
    stream = MODEL.stream()
    stream.push(GOOD[:3333])
    snapshot = stream.snapshot()
    other = small_model(n_mfcc=12).stream()
    for victim, value, error, message in [
        (other, snapshot, ValueError, "belongs to another model"),
        (stream, FRAMES_MODEL.stream().snapshot(), ValueError, "belongs to another model"),
        (stream, b"", ValueError, "truncated or altered"),
        (stream, b"nonsense" * 40, ValueError, "truncated or altered"),
        (stream, snapshot[:-1], ValueError, "truncated or altered"),
        (stream, snapshot + b"\0", ValueError, "truncated or altered"),
        (stream, "text", TypeError, r"snapshot is str; expected bytes"),
        (stream, None, TypeError, r"snapshot is NoneType"),
    ]:
        before = victim.snapshot()
        with pytest.raises(error, match=message):
            victim.restore(value)
        assert victim.snapshot() == before


@pytest.mark.law_state_is_a_value
def test_no_flipped_bit_of_a_snapshot_is_taken() -> None:
    stream = pylstm.MFCC(n_fft=64, win_length=64, hop_length=32, n_mels=8, n_mfcc=4).stream()
    stream.push(GOOD[:100])
    snapshot = bytearray(stream.snapshot())
    for bit in range(len(snapshot) * 8):
        snapshot[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"truncated or altered|another model"):
            stream.restore(bytes(snapshot))
        snapshot[bit // 8] ^= 1 << bit % 8
    stream.restore(bytes(snapshot))


def forged(snapshot: bytes, changes: dict[int, int]) -> bytes:
    """Other 64-bit words at places in the state, under a header whose hash fits."""
    header, state = bytearray(snapshot[:64]), bytearray(snapshot[64:])
    for place, word in changes.items():
        struct.pack_into("<Q", state, place, word)
    odd, mask = 0x9E3779B97F4A7C15, 2**64 - 1
    digest = odd ^ len(state)
    for (word,) in struct.iter_unpack("<Q", state):
        digest = (digest ^ word) * odd & mask
        digest ^= digest >> 29
    digest = digest * odd & mask
    struct.pack_into("<Q", header, 32, digest ^ digest >> 32)
    return bytes(header + state)


POSITION, ROWS, INPUT, FLUSHED, RESERVED = 0, 8, 16, 24, 32
SAMPLES, FRAMES_DONE, FEATURE_ROWS, FINISHED, PADDING = 64, 72, 80, 88, 64 + 32 + 400 * 4
FINISHED_WORD = 1 | 0xC47A0000 << 32  # and -1000, the maximum before the first frame
IMPOSSIBLE: dict[str, dict[int, int]] = {
    "more audio than the features took": {POSITION: 3334},
    "more rows than the features gave": {ROWS: 99},
    "features ahead": {SAMPLES: 3360, FRAMES_DONE: 20, FEATURE_ROWS: 20},
    "audio, none taken": {POSITION: 0, SAMPLES: 0, FRAMES_DONE: 0, FEATURE_ROWS: 0, ROWS: 0},
    "undecided, but taken": {INPUT: 0},
    "frames, but of audio": {INPUT: 2},
    "frames, not a row each": {INPUT: 2, SAMPLES: 0, FRAMES_DONE: 0, FEATURE_ROWS: 0},
    "another input": {INPUT: 3},
    "flushed, features not finished": {FLUSHED: 1},
    "features finished, not flushed": {FINISHED: FINISHED_WORD},
    "flushed twice": {FLUSHED: 2},
    "reserved": {RESERVED: 1},
    "negative": {POSITION: 2**64 - 1},
    "too far": {POSITION: 2**61 + 1, SAMPLES: 2**61 + 1},
    "padding": {PADDING: 1},
}


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_snapshots_with_a_hash_that_fits(name: str) -> None:
    stream = MODEL.stream()
    stream.push(GOOD[:3333])
    snapshot = stream.snapshot()
    assert forged(snapshot, {}) == snapshot
    with pytest.raises(ValueError, match="truncated or altered"):
        stream.restore(forged(snapshot, IMPOSSIBLE[name]))
    assert stream.snapshot() == snapshot


@pytest.mark.law_state_is_a_value
def test_every_honest_snapshot_is_taken() -> None:
    """At the start, in audio, in frames, flushed with rows and without, after deltas, rewound."""
    for model in (MODEL, small_model(deltas=2, top_db=30), small_model(center=False)):
        for pushed in (0, 1, 300, 400, 512, 3333):
            stream = model.stream()
            if pushed != 1 or model.features.deltas == 0:  # type: ignore[union-attr]
                stream.push(GOOD[:pushed])
            stream.restore(stream.snapshot())
            with contextlib.suppress(ValueError):  # too short for deltas
                stream.flush()
            stream.restore(stream.snapshot())
        stream = model.stream()
        stream.push_frames(np.zeros((3, model.n_features), np.float32))
        stream.restore(stream.snapshot())
        stream.flush()
        stream.restore(stream.snapshot())


@pytest.mark.law_state_is_a_value
def test_the_end_of_all_counting() -> None:
    """Positions end at 2**61 samples; what is reached there can be restored."""
    model = pylstm.LogMel(n_fft=16, win_length=16, hop_length=16, n_mels=2, center=False)
    stream = model.stream()
    stream.push(np.zeros(1, np.float32))
    samples = 2**61 - 16
    rows = 1 + (samples - 16) // 16
    stream.restore(
        forged(
            stream.snapshot(),
            {
                POSITION: samples,
                ROWS: rows,
                SAMPLES: samples,
                FRAMES_DONE: rows,
                FEATURE_ROWS: rows,
            },
        )
    )
    assert stream.rows(16) == 1
    for take in (lambda: stream.rows(17), lambda: stream.push(np.zeros(17, np.float32))):
        with pytest.raises(ValueError, match="outside of what the call takes"):
            take()
    assert len(stream.push(np.zeros(16, np.float32))) == 1
    stream.restore(stream.snapshot())
    assert (stream.position, stream.frames) == (2**61, rows + 1)
    assert len(stream.flush()) == 0
    stream.restore(stream.snapshot())


@pytest.mark.law_nothing_poisons
def test_state_refuses() -> None:
    stream = FRAMES_MODEL.stream()
    good = np.zeros(6, np.float32)
    for value, error, message in [
        ([], ValueError, "state has 0 tuples"),
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


@pytest.mark.law_one_writer
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
    "sr": (
        {"sr": HUGE},
        ValueError,
        "sr is a whole number of about 401 digits; expected a number that",
    ),
    "sr, fmax given": ({"sr": HUGE, "fmax": 8000.0}, ValueError, "sr"),
    "fmax": (
        {"fmax": HUGE},
        ValueError,
        "fmax is a whole number of about 401 digits; expected a number that",
    ),
    "complex": ({"fmin": np.complex64(1 + 2j)}, TypeError, "fmin is .*expected a number"),
    "duration": ({"fmin": np.timedelta64(1)}, TypeError, "fmin is .*expected a number"),
    "mean": ({"mean": [1e300] * 13, "std": [1.0] * 13}, ValueError, "mean is .*expected finite"),
    "std": ({"mean": [0.0] * 13, "std": [1e-300] * 13}, ValueError, "std is .*above 0"),
    "norm": ({"norm": "none"}, ValueError, "norm is 'none'; expected 'slaney', or None"),
    "dct_norm": ({"dct_norm": "none"}, ValueError, "dct_norm is 'none'; expected 'ortho', or None"),
    "cost": (
        {"n_fft": 65521, "win_length": 65521, "hop_length": 1, "deltas": 2},
        ValueError,
        "hop_length is 1; expected at least 29: .* more than 2e.10, most of them for n_fft = 65521",
    ),
    "cost at a slow rate": ({"sr": 1, "n_fft": 65521, "hop_length": 28}, ValueError, "at least 29"),
    "cost of a transform": (
        {"sr": 768000, "n_mels": 1024, "n_mfcc": 1024, "hop_length": 1, "n_fft": 4096},
        ValueError,
        "hop_length is 1; expected at least 136: .* for n_mels = 1024 with n_mfcc = 1024",
    ),
    "window": ({"window": "\ud800"}, ValueError, r"window is '\\ud800'; expected 'hann', "),
}


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("error")
def test_settings_out_of_every_range(name: str) -> None:
    settings, error, message = SETTINGS[name]
    with pytest.raises(error, match=message):
        pylstm.MFCC(**settings)  # type: ignore[arg-type]


@pytest.mark.law_nothing_hostile_loads
def test_costly_settings_that_are_meant() -> None:
    """Every sample a frame, the longest of transforms: still taken."""
    pylstm.MFCC(n_fft=65521, win_length=65521, hop_length=29)
    pylstm.MFCC(n_fft=65536, win_length=65536, hop_length=7)
    pylstm.MFCC(sr=44100, n_fft=2048, win_length=2048, hop_length=1, n_mels=128, n_mfcc=40)
    pylstm.LogMel(sr=192000, n_fft=65536, win_length=65536, hop_length=512, n_mels=1024)


def test_surrogates_in_names() -> None:
    for arguments in ({"labels": ["a", "\ud800"]}, {"info": {"note": "\ud800"}}):
        with pytest.raises(ValueError, match=r"\] is '\\ud800'; expected text without"):
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
