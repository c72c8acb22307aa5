"""The state of a listener is one value: snapshot, restore, fork, pickle and reset."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.lively_listeners import cuts, heard, listener_of
from tests.signals import audio
from tests.small_models import DECISIONS, lively_model

PCM = audio(2.0)


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
