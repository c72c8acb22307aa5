"""A listener: events are those of its rows, whatever the cut, and it keeps its model."""

from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import _engine
from pylstm.decisions.event import event
from pylstm.decisions.settings import settings_as_text
from tests.decision_cases import SEEDS
from tests.engine.echo_model import ECHO, HOP, LABELS, decisions, posteriors
from tests.engine.lively_listeners import cuts, heard, listener_of
from tests.signals import audio
from tests.small_models import DECISIONS, lively_model

PCM = audio(2.0)
PCM16 = (PCM.clip(-1, 1) * 32767).astype(np.int16)
GOOD = PCM[:3000]


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
