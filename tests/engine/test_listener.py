"""A listener: events are those of its rows, whatever the cut, and its state is one value."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import subprocess
import sys
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import _engine
from pylstm.decisions.event import event
from pylstm.decisions.settings import settings_as_text
from tests.decision_cases import SEEDS, SETTINGS, drawn_posteriors
from tests.signals import audio
from tests.small_models import DECISIONS, lively_model, small_model

PCM = audio(2.0)
PCM16 = (PCM.clip(-1, 1) * 32767).astype(np.int16)
LABELS = ["zero", "one", "two"]
HOP = 80 / 16000


def echo() -> pylstm.Model:
    """A model whose rows are its frames: any posteriors can be pushed as frames."""
    identity = {"weight": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    features = pylstm.LogMel(n_mels=3, hop_length=80)
    return pylstm.Model(features, [pylstm.Dense(3, 3, weights=identity)], LABELS)


ECHO = echo()


def listener_of(kind: str) -> pylstm.Listener:
    activation, given_settings = DECISIONS[kind]
    return lively_model(activation).listener(**given_settings)


def heard(listener: pylstm.Listener, chunks: list[np.ndarray]) -> list[pylstm.Event]:
    """The events of chunks and of the flush after them."""
    return [*(e for chunk in chunks for e in listener.push(chunk)), *listener.flush()]


def cuts(array: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """It in parts of the given sizes, over and over."""
    parts, start, k = [], 0, 0
    while start < len(array):
        parts.append(array[start : start + sizes[k % len(sizes)]])
        start, k = start + sizes[k % len(sizes)], k + 1
    return parts


def named(drawn: dict[str, Any]) -> dict[str, Any]:
    """Settings of `decision_cases`, which know outputs, for a model with LABELS."""
    found = dict(drawn)
    if isinstance(found.get("threshold"), list):
        found["threshold"] = dict(zip(LABELS, found["threshold"], strict=True))
    if "background" in found:
        found["background"] = [LABELS[k] for k in found["background"]]
    for name in ("label", "blank"):
        if name in found:
            found[name] = LABELS[found[name]]
    return found


def decisions() -> st.SearchStrategy[dict[str, Any]]:
    """Settings of each kind and report, for a model with LABELS."""
    return st.one_of(
        *(
            st.builds(
                lambda drawn, report, kind=kind: {**named(drawn), "kind": kind, "report": report},
                drawn,
                st.sampled_from(["early", "final"]),
            )
            for kind, drawn in SETTINGS.items()
        )
    )


def posteriors(seed: int, n_rows: int) -> np.ndarray:
    return drawn_posteriors(seed, n_rows, 3).astype(np.float32)


# --- the chunk law --------------------------------------------------------------------------------


@pytest.mark.law_chunk
@pytest.mark.parametrize("sizes", [[1], [7], [80], [1000], [2, 3, 5, 7, 11, 13, 1009]])
@pytest.mark.parametrize("kind", DECISIONS)
def test_any_cut_gives_the_same_events(isa: str, kind: str, sizes: list[int]) -> None:
    whole = heard(listener_of(kind), [PCM])
    assert len(whole) >= 5
    assert heard(listener_of(kind), cuts(PCM, sizes)) == whole


@pytest.mark.law_chunk
@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(list(DECISIONS)),
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=30).filter(any),
    length=st.integers(8000, PCM.size),
    int16=st.booleans(),
)
def test_random_cuts_with_empty_chunks(
    kind: str, sizes: list[int], length: int, int16: bool
) -> None:
    pcm = (PCM16 if int16 else PCM)[:length]
    assert heard(listener_of(kind), cuts(pcm, sizes)) == heard(listener_of(kind), [pcm])


@pytest.mark.law_chunk
@settings(max_examples=150, deadline=None)
@given(
    given_settings=decisions(),
    seed=SEEDS,
    n_rows=st.integers(0, 150),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=9).filter(any),
)
def test_frames_in_any_groups(
    given_settings: dict, seed: int, n_rows: int, sizes: list[int]
) -> None:
    frames = posteriors(seed, n_rows)
    whole, cut = ECHO.listener(**given_settings), ECHO.listener(**given_settings)
    expected = whole.push_frames(frames) + whole.flush()
    found = [e for part in cuts(frames, sizes) for e in cut.push_frames(part)] + cut.flush()
    assert found == expected
    assert whole.snapshot() == cut.snapshot()


@settings(max_examples=100, deadline=None)
@given(given_settings=decisions(), seed=SEEDS, n_rows=st.integers(0, 150))
def test_events_are_those_of_the_rows(given_settings: dict, seed: int, n_rows: int) -> None:
    """The same as from a decision on rows that come from elsewhere."""
    frames = posteriors(seed, n_rows)
    listener = ECHO.listener(**given_settings)
    events, rows = listener.push_frames(frames, posteriors=True)
    np.testing.assert_array_equal(rows, frames)
    late, no_rows = listener.flush(posteriors=True)
    assert no_rows.shape == (0, 3)
    texts = settings_as_text(LABELS, given_settings)
    alone = _engine.RowListener(_engine.Decision.for_rows(LABELS, 3, HOP, texts, event))
    assert alike(events, alone.push(frames))
    assert alike(late, alone.finish())


def alike(events: list[pylstm.Event], others: list[pylstm.Event]) -> bool:
    """Whether they are the same but for the last bits of their times: one counts in samples, the
    other in seconds."""

    def what(one: pylstm.Event) -> tuple:
        return one.kind, one.label, one.score

    def times(one: pylstm.Event) -> tuple:
        return one.time, one.onset, one.offset if one.offset is not None else -1.0

    return [*map(what, events)] == [*map(what, others)] and all(
        math.isclose(a, b, abs_tol=1e-9)
        for pair in zip(events, others, strict=True)
        for a, b in zip(*map(times, pair), strict=True)
    )


@pytest.mark.law_chunk
@pytest.mark.parametrize("kind", DECISIONS)
def test_the_rows_are_those_of_a_stream(isa: str, kind: str) -> None:
    listener = listener_of(kind)
    stream = listener.model.stream()
    for chunk in cuts(PCM, [1, 333, 4000, 0, 79]):
        np.testing.assert_array_equal(listener.push(chunk, posteriors=True)[1], stream.push(chunk))
        assert (listener.position, listener.frames) == (stream.position, stream.frames)
    np.testing.assert_array_equal(listener.flush(posteriors=True)[1], stream.flush())
    assert (listener.position, listener.frames) == (stream.position, stream.frames)
    assert listener.latency == stream.latency


@pytest.mark.parametrize("kind", DECISIONS)
def test_asking_for_rows_changes_no_event(kind: str) -> None:
    without, rows_too = listener_of(kind), listener_of(kind)
    for chunk in cuts(PCM, [3001]):
        assert rows_too.push(chunk, posteriors=True)[0] == without.push(chunk)
    assert rows_too.flush(posteriors=True)[0] == without.flush()


def test_frames_and_strides_of_any_kind() -> None:
    frames = posteriors(3, 60)
    wanted = ECHO.listener(kind="symbols").push_frames(frames)
    assert len(wanted) >= 3
    for same in (frames.T.copy().T, frames[::-1].copy()[::-1], np.repeat(frames, 2, axis=0)[::2]):
        assert ECHO.listener(kind="symbols").push_frames(same) == wanted
    stereo = np.stack([PCM, -PCM], axis=1)[:, 0]
    kind = "exclusive words"
    assert listener_of(kind).push(stereo) == listener_of(kind).push(PCM) != []


# --- its state is a value -------------------------------------------------------------------------


@pytest.mark.law_state_is_a_value
@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(list(DECISIONS)),
    before=st.integers(0, PCM.size),
    between=st.integers(0, 5000),
    size=st.integers(50, 4000),
)
def test_snapshot_restore_fork_and_pickle_anywhere(
    kind: str, before: int, between: int, size: int
) -> None:
    whole, listener = heard(listener_of(kind), [PCM]), listener_of(kind)
    head = listener.push(PCM[:before])
    snapshot, fork = listener.snapshot(), listener.fork()
    pickled, copied = pickle.loads(pickle.dumps(listener)), copy.copy(listener)
    listener.push(PCM[::-1][:between])  # the original goes astray
    restored = listener_of(kind)
    restored.push(PCM[:between])
    restored.restore(snapshot)
    for other in (restored, fork, pickled, copied):
        assert other.snapshot() == snapshot
        assert dict(other.decision) == dict(listener.decision)
        assert head + heard(other, cuts(PCM[before:], [size])) == whole


ELSEWHERE = """
import pickle, sys
listener, pcm = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(listener.push(pcm) + listener.flush()))
"""


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("kind", ["exclusive words, final", "segments"])
def test_a_listener_goes_on_in_another_process(kind: str) -> None:
    listener = listener_of(kind)
    listener.push(PCM[:15003])
    sent = pickle.dumps((listener, PCM[15003:]))
    ran = subprocess.run([sys.executable, "-c", ELSEWHERE], input=sent, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    events = listener.push(PCM[15003:]) + listener.flush()
    assert pickle.loads(ran.stdout) == events != []


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("kind", DECISIONS)
def test_reset_is_a_new_listener(kind: str) -> None:
    listener = listener_of(kind)
    fresh, whole = listener.snapshot(), heard(listener, [PCM])
    assert listener.snapshot() != fresh
    listener.reset()
    assert (listener.snapshot(), listener.position, listener.frames) == (fresh, 0, 0)
    assert heard(listener, [PCM]) == whole


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("kind", DECISIONS)
def test_a_snapshot_with_any_byte_changed(kind: str) -> None:
    """It is refused and changes nothing, or it is the state of a listener like any other."""
    listener, other = listener_of(kind), listener_of(kind)
    listener.push(PCM[:9000])
    other.push(PCM[:2000])
    good, before = listener.snapshot(), other.snapshot()
    messages = []
    for place in range(len(good)):
        for change in (0x01, 0x80):
            forged = bytearray(good)
            forged[place] ^= change
            try:
                other.restore(forged)
            except ValueError as error:
                messages.append(str(error))
                assert other.snapshot() == before
                continue
            assert other.snapshot() == forged
            other.push(PCM[:400])
            other.restore(before)
    assert len(messages) > len(good)
    assert all("snapshot" in message for message in messages)
    for short in (b"", good[:-1], good[:100], good + b"\0"):
        with pytest.raises(ValueError, match="snapshot"):
            other.restore(short)
    other.restore(good)
    assert other.push(PCM[9000:]) == listener.push(PCM[9000:])


@pytest.mark.law_state_is_a_value
def test_a_snapshot_of_something_else_is_refused() -> None:
    model = lively_model("softmax")
    listener = model.listener(threshold=0.4)
    before = listener.snapshot()
    strangers = {
        "another threshold": model.listener(threshold=0.41),
        "a threshold of one label": model.listener(threshold={"yes": 0.4, "no": 0.4}),
        "another background": model.listener(threshold=0.4, background=["no"]),
        "another report": model.listener(threshold=0.4, report="final"),
        "another kind": model.listener(kind="symbols"),
        "another model": lively_model("sigmoid").listener(threshold=0.4),
        "a stream": model.stream(),
    }
    for what, stranger in strangers.items():
        with pytest.raises(ValueError, match="snapshot"):
            listener.restore(stranger.snapshot())
        assert listener.snapshot() == before, what
        with pytest.raises(ValueError, match="snapshot"):
            stranger.restore(before)
    with pytest.raises(TypeError, match="snapshot is list; expected bytes"):
        listener.restore([1, 2])  # type: ignore[arg-type]
    listener.restore(model.listener(threshold=0.4).snapshot())


# --- what is refused ------------------------------------------------------------------------------

GOOD = PCM[:3000]
NAN = GOOD.copy()
NAN[777] = np.nan
BAD_AUDIO: dict[str, Any] = {
    "list": [0.0],
    "float64": GOOD.astype(float),
    "int32": np.zeros(4, np.int32),
    "bytes": b"\0\0\0\0",
    "none": None,
    "2-D": GOOD[:, None],
    "NaN": NAN,
    "infinite": -np.abs(NAN) * np.float32(np.inf),
    "masked": np.ma.masked_array(GOOD, GOOD > 0),
}
BAD_FRAMES: dict[str, Any] = {
    "int16": np.zeros((4, 8), np.int16),
    "float64": np.zeros((4, 8)),
    "1-D": np.zeros(8, np.float32),
    "width": np.zeros((4, 9), np.float32),
    "transposed": np.zeros((8, 4), np.float32),
    "NaN": np.full((4, 8), np.nan, np.float32),
    "text": "frames",
}


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("rows_too", [False, True])
@pytest.mark.parametrize(
    ("door", "bad"),
    [("push", bad) for bad in BAD_AUDIO] + [("push_frames", bad) for bad in BAD_FRAMES],
)
def test_bad_input_is_refused_as_a_stream_refuses_it(door: str, bad: str, rows_too: bool) -> None:
    value = (BAD_AUDIO if door == "push" else BAD_FRAMES)[bad]
    listener = listener_of("exclusive words")
    stream = listener.model.stream()
    if door == "push":
        listener.push(GOOD)
    else:
        listener.push_frames(np.zeros((3, 8), np.float32))
    before = listener.snapshot()
    with pytest.raises((TypeError, ValueError)) as of_stream:
        getattr(stream, door)(value)
    with pytest.raises(of_stream.type) as of_listener:
        getattr(listener, door)(value, posteriors=rows_too)
    assert str(of_listener.value) == str(of_stream.value)
    assert listener.snapshot() == before
    if door == "push":
        assert (
            heard(listener, [PCM[3000:]])
            == heard(listener_of("exclusive words"), [PCM])[
                len(listener_of("exclusive words").push(GOOD)) :
            ]
        )


@pytest.mark.law_nothing_poisons
def test_what_is_over_and_what_is_mixed() -> None:
    listener = listener_of("segments")
    listener.push(GOOD)
    before = listener.snapshot()
    with pytest.raises(ValueError, match="audio and frames"):
        listener.push_frames(np.zeros((3, 8), np.float32))
    assert listener.snapshot() == before
    listener.flush()
    after = listener.snapshot()
    for call in (listener.flush, lambda: listener.push(GOOD), lambda: listener.push(GOOD[:0])):
        with pytest.raises(ValueError, match="flushed; reset it"):
            call()
    assert listener.snapshot() == after
    listener.reset()
    listener.push_frames(np.zeros((3, 8), np.float32))
    with pytest.raises(ValueError, match="audio and frames"):
        listener.push(GOOD)
    deltas = small_model(deltas=1).listener()
    deltas.push(PCM[:800])
    with pytest.raises(ValueError, match="9 frames"):
        deltas.flush()
    deltas.push(PCM[800:])
    deltas.flush()


@pytest.mark.law_nothing_poisons
def test_float_audio_on_the_scale_of_int16_is_noticed_once() -> None:
    loud = GOOD * np.float32(32768)
    listener = listener_of("exclusive words")
    listener.push(GOOD)
    before = listener.snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(RuntimeWarning, match=r"pcm\[\d+\] is .*take pcm / 32768"):
                listener.push(loud)
            assert listener.snapshot() == before
    with pytest.warns(RuntimeWarning, match="said once") as caught:
        listener.push(loud)
    assert [warning.filename for warning in caught] == [__file__]
    listener.push(loud)  # silent: warnings are errors here
    listener.fork().push(loud)
    listener.reset()
    with pytest.warns(RuntimeWarning):
        listener.push(loud)


@pytest.mark.law_one_writer
def test_the_second_writer_gets_an_error_at_once() -> None:
    listener = listener_of("segments")
    long = np.tile(PCM, 20)
    busy: list[str] = []

    def push() -> None:
        try:
            listener.push(long)
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
    assert busy, "four threads never met inside one listener"
    assert all("another thread is inside a call" in text for text in busy)
    listener.push(GOOD)


def test_an_event_that_cannot_be_made() -> None:
    """The rows have been decided on; the listener goes on behind them."""
    model = lively_model("softmax")

    class WrongError(Exception):
        pass

    def raising(*_: object) -> object:
        raise WrongError

    decision = _engine.Decision.for_model(model._core, [("kind", "symbols")], raising)
    listener, good = _engine.Listener(model._core, model, decision), model.listener(kind="symbols")
    rows = model.run(PCM[:8000])
    alone = _engine.RowListener(
        _engine.Decision.for_rows(model.labels, 4, HOP, [("kind", "symbols")], raising)
    )
    for call in (
        lambda: listener.push(PCM[:8000]),
        lambda: listener.push(PCM[:8000], posteriors=True),
        lambda: alone.push(rows),
    ):
        with pytest.raises(WrongError):
            call()
    good.push(PCM[:8000])
    good.push(PCM[:8000])
    assert listener.snapshot() == good.snapshot()
    assert alone.rows == len(rows)


# --- settings -------------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "threshold 0": ({"threshold": 0.0}, r"threshold is 0; expected a number above 0"),
    "threshold 1.5": ({"threshold": 1.5}, r"threshold is 1\.5; expected"),
    "threshold text": ({"threshold": "high"}, r"threshold is 'high'; expected"),
    "threshold NaN": ({"threshold": math.nan}, r"threshold is nan; expected a finite"),
    "threshold of a stranger": ({"threshold": {"maybe": 0.5}}, r"threshold .*'maybe'; expected"),
    "smoothing": ({"smoothing_frames": 0}, r"smoothing_frames is 0; expected a whole number"),
    "half a frame": ({"smoothing_frames": 1.5}, r"smoothing_frames is 1\.5; expected"),
    "refractory": ({"refractory_frames": -1}, r"refractory_frames is -1; expected"),
    "min_frames": ({"min_frames": 0}, r"min_frames is 0; expected"),
    "background": ({"background": ["maybe"]}, r"background .*'maybe'; expected"),
    "all background": ({"background": ["silence", "yes", "no", "music"]}, "background has all"),
    "exclusive": ({"exclusive": "yes"}, "exclusive is 'yes'; expected"),
    "report": ({"report": "late"}, "report is late; expected one of: early, final"),
    "kind": ({"kind": "sentences"}, "kind is sentences; expected words, segments or symbols"),
    "no label": ({"kind": "segments"}, "label"),
    "label": ({"kind": "segments", "label": "maybe"}, "label is 'maybe'; expected"),
    "min_speech": ({"kind": "segments", "label": "no", "min_speech": -1}, "min_speech is -1"),
    "pad": ({"kind": "segments", "label": "no", "pad": math.inf}, "pad is inf; expected a finite"),
    "neg_threshold": (
        {"kind": "segments", "label": "no", "threshold": 0.3, "neg_threshold": 0.6},
        "neg_threshold is 0.6",
    ),
    "max_speech": ({"kind": "segments", "label": "no", "max_speech": 0}, "max_speech is 0"),
    "blank": ({"kind": "symbols", "blank": "maybe"}, "blank is 'maybe'; expected"),
    "another kind's": ({"kind": "symbols", "threshold": 0.5}, "threshold is no setting of symbols"),
    "unknown": ({"treshold": 0.5}, "'treshold' is no setting; expected .*threshold"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_are_refused_by_name(name: str) -> None:
    given_settings, message = WRONG[name]
    model = lively_model("softmax")
    for make in (model.listener, lambda **k: model.listeners(2, **k)):
        with pytest.raises((TypeError, ValueError), match=message):
            make(**given_settings)


def test_models_that_cannot_listen() -> None:
    frames_only = pylstm.Model(None, [pylstm.Dense(3, 2, "softmax", seed=0)], ["a", "b"])
    with pytest.raises(ValueError, match=r"no features, so that .* no times; expected one that"):
        frames_only.listener()
    unnamed = pylstm.Model(pylstm.MFCC(), [pylstm.Dense(13, 3, "softmax", seed=0)])
    with pytest.raises(ValueError, match="labels; expected segments or symbols"):
        unnamed.listener()
    # What the message says:
    assert dict(unnamed.listener(kind="symbols").decision)["blank"] == 0
    segments = unnamed.listener(kind="segments", label=2)
    assert segments.decision["label"] == 2
    assert [e.label for e in unnamed.listener(kind="symbols", blank=2).push(PCM)] == ["1"]


@settings(max_examples=100, deadline=None)
@given(given_settings=decisions(), seed=SEEDS)
def test_the_settings_in_force_make_the_same_listener(given_settings: dict, seed: int) -> None:
    first = ECHO.listener(**given_settings)
    again = ECHO.listener(**first.decision)
    assert dict(again.decision) == dict(first.decision)
    assert again.snapshot() == first.snapshot()
    for name, value in given_settings.items():
        if name == "background":
            assert set(first.decision[name]) == set(value)
        elif name != "threshold" or not isinstance(value, dict):
            assert first.decision[name] == value
        else:
            reported = {k: v for k, v in value.items() if k not in first.decision["background"]}
            same = len(set(reported.values())) == 1
            assert first.decision[name] == (reported[min(reported)] if same else reported)
    frames = posteriors(seed, 50)
    assert again.push_frames(frames) == first.push_frames(frames)


def test_the_settings_in_force_cannot_be_changed() -> None:
    listener = listener_of("exclusive words, final")
    told = listener.decision  # a copy
    told["threshold"]["yes"] = 0.1
    told["report"] = "early"
    with pytest.raises(AttributeError):
        listener.decision = {}  # type: ignore[misc]
    assert listener.decision["threshold"]["yes"] == 0.3
    assert listener.decision["report"] == "final"
    assert None not in listener.decision.values()


def test_settings_replace_those_of_the_file_one_by_one() -> None:
    keywords = pylstm.load("keywords")
    in_file = keywords.listener().decision
    replaced = keywords.listener(refractory_frames=1).decision
    assert {**in_file, "refractory_frames": 1} == dict(replaced)
    assert keywords.listener(kind="symbols").decision["kind"] == "symbols"


# --- the object -----------------------------------------------------------------------------------


def test_it_can_be_referred_to_weakly_and_keeps_its_model() -> None:
    model = pylstm.Model(pylstm.MFCC(), [pylstm.Dense(13, 2, "softmax", seed=0)], ["a", "b"])
    listener = model.listener()
    assert listener.model is model
    seen, listener_seen = weakref.ref(model), weakref.ref(listener)
    del model
    gc.collect()
    listener.push(GOOD)
    assert seen() is not None
    fork = listener.fork()
    del listener
    gc.collect()
    assert listener_seen() is None
    fork.push(GOOD)


def test_a_decision_of_another_model_is_refused() -> None:
    one, other = lively_model("softmax"), lively_model("sigmoid")
    decision = _engine.Decision.for_model(one._core, [], event)
    with pytest.raises(ValueError, match="decision is that of another model; expected one"):
        _engine.Listener(other._core, other, decision)
    with pytest.raises(ValueError, match="decision is that of another model; expected one"):
        _engine.Listeners(other._core, other, decision, 3, 1)
    with pytest.raises(ValueError, match="decision is that of a model; expected one that Dec"):
        _engine.RowListener(decision)
