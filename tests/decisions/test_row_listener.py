"""Decisions on rows that come from elsewhere: any cut, any strides, float32 and float64."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from typing import Any

import numpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm import _engine
from pylstm.decisions.event import event
from pylstm.decisions.settings import settings_as_text
from tests.decision_cases import SEEDS, SETTINGS, drawn_posteriors

LABELS = ["zero", "one", "two"]


def row_listener(kind: str = "symbols", **given_settings: Any) -> _engine.RowListener:
    texts = settings_as_text(LABELS, {"kind": kind, **given_settings})
    return _engine.RowListener(_engine.Decision.for_rows(LABELS, 3, 0.01, texts, event))


def some(kind: str, report: str) -> _engine.RowListener:
    """One of each kind, that says much."""
    return {
        "words": lambda: row_listener(
            "words", smoothing_frames=3, refractory_frames=2, report=report
        ),
        "segments": lambda: row_listener(
            "segments", label="one", min_speech=0.02, min_silence=0.02, report=report
        ),
        "symbols": lambda: row_listener(report=report),
    }[kind]()


ROWS = drawn_posteriors(5, 200, 3)
KINDS = [(kind, report) for kind in SETTINGS for report in ("early", "final")]


@settings(max_examples=50, deadline=None)
@given(hop=st.integers(1, 100_000), scale=st.sampled_from([1e3, 1e6]), n=st.integers(0, 5000))
def test_times_of_whole_milliseconds_are_rounded_once(hop: int, scale: float, n: int) -> None:
    texts = settings_as_text(LABELS, {"kind": "symbols", "blank": "zero"})
    decision = _engine.Decision.for_rows(LABELS, 3, hop / scale, texts, event)
    listener = _engine.RowListener(decision)
    listener.push(np.tile([[1.0, 0.0, 0.0]], (n, 1)))
    [heard] = listener.push(np.array([[0.0, 1.0, 0.0]]))
    assert heard.time == heard.onset == n * hop / scale  # n * (hop / scale) is rounded twice
    assert heard.offset == (n + 1) * hop / scale


@pytest.mark.law_chunk
@settings(max_examples=100, deadline=None)
@given(
    which=st.sampled_from(KINDS),
    seed=SEEDS,
    n_rows=st.integers(0, 200),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=9).filter(any),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_cut_gives_the_same_events(
    which: tuple[str, str], seed: int, n_rows: int, sizes: list[int], dtype: type
) -> None:
    rows = drawn_posteriors(seed, n_rows, 3).astype(dtype)
    whole, cut = some(*which), some(*which)
    expected = whole.push(rows) + whole.finish()
    found, start, k = [], 0, 0
    while start < n_rows:
        found += cut.push(rows[start : start + sizes[k % len(sizes)]])
        start, k = start + sizes[k % len(sizes)], k + 1
    assert found + cut.finish() == expected
    assert cut.snapshot() == whole.snapshot()
    assert cut.rows == n_rows


@pytest.mark.parametrize(("kind", "report"), KINDS)
def test_there_are_events(kind: str, report: str) -> None:
    listener = some(kind, report)
    assert len(listener.push(ROWS) + listener.finish()) >= 5


LAYOUTS = {
    "reversed": lambda rows: rows[::-1].copy()[::-1],
    "every second row": lambda rows: np.repeat(rows, 2, axis=0)[::2],
    "every second column": lambda rows: np.repeat(rows, 2, axis=1)[:, ::2],
    "columns first": lambda rows: np.asfortranarray(rows),
    "columns reversed": lambda rows: rows[:, ::-1].copy()[:, ::-1],
    "unaligned": lambda rows: (
        np.frombuffer(b"x" + rows.tobytes(), np.uint8)[1:].view(rows.dtype).reshape(rows.shape)
    ),
    "read-only": lambda rows: np.frombuffer(rows.tobytes(), rows.dtype).reshape(rows.shape),
    "memoryview": lambda rows: memoryview(rows),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_strides_are_the_same_rows(layout: str, dtype: type) -> None:
    rows = ROWS.astype(dtype)
    same = LAYOUTS[layout](rows)
    np.testing.assert_array_equal(np.asarray(same), rows)
    assert row_listener().push(same) == row_listener().push(rows) != []


def test_one_row_for_all_is_taken_as_it_is() -> None:
    assert row_listener().push(np.broadcast_to(np.float64([0, 1, 0]), (9, 3)))[0].label == "one"


MENDED: dict[str, Any] = {
    "float16": ROWS.astype(np.float16),
    "int64": (ROWS > 0.5).astype(np.int64),
    "big-endian": ROWS.astype(">f8"),
    "long double": ROWS.astype(np.longdouble),
    "list": ROWS.tolist(),
    "masked": np.ma.masked_array(ROWS, np.zeros(ROWS.shape, bool)),
    "transposed": ROWS.T,
    "one row": ROWS[0],
}


@pytest.mark.parametrize("name", MENDED)
def test_who_follows_the_message_is_heard(name: str) -> None:
    value = MENDED[name]
    listener = row_listener()
    before = listener.snapshot()
    with pytest.raises((TypeError, ValueError), match=r"^p is .*; expected .*: pass ") as caught:
        listener.push(value, name="p")
    assert listener.snapshot() == before
    code = re.findall(r": pass (\S+(?: numpy\.float32\))?)", str(caught.value))[0]
    mended = eval(code, {"p": value, "numpy": numpy})
    rows = ROWS[:1] if name == "one row" else (ROWS > 0.5) * 1.0 if name == "int64" else ROWS
    assert listener.push(mended) == row_listener().push(rows) != []


def test_one_column_is_told_how_to_be_rows() -> None:
    decision = _engine.Decision.for_rows(None, 1, 0.01, [("kind", "segments")], event)
    listener = _engine.RowListener(decision)
    with pytest.raises(ValueError, match=r"shape \(n, 1\): pass posteriors\[:, None\]$"):
        listener.push(ROWS[:, 1])
    listener.push(ROWS[:, 1][:, None])
    assert {e.label for e in listener.finish()} <= {"0"}


REFUSED: dict[str, tuple[Any, type, str]] = {
    "none": (None, TypeError, "posteriors is NoneType; expected a NumPy array of float32 or float"),
    "text": ("rows", TypeError, "posteriors is str"),
    "complex": (ROWS.astype(complex), TypeError, "posteriors is complex128"),
    "int16": (np.zeros((2, 3), np.int16), TypeError, "posteriors is int16"),
    "width": (np.zeros((2, 4)), ValueError, r"\(2, 4\); expected shape \(n, 3\)$"),
    "3-D": (np.zeros((2, 3, 1)), ValueError, r"expected shape \(n, 3\)"),
    "NaN": (np.full((2, 3), np.nan), ValueError, r"\] is nan; expected finite"),
    "infinite": (np.float32([[0, 1, 0], [0, np.inf, 0]]), ValueError, r"\[1, 1\] is inf"),
    "infinite double": (np.float64([[0, 1, 0], [0, 0, -np.inf]]), ValueError, r"\[1, 2\] is -inf"),
    "too large for float32": (np.full((2, 3), np.inf), ValueError, r"posteriors\[0, 0\] is inf"),
}


@pytest.mark.law_nothing_poisons
@pytest.mark.parametrize("name", REFUSED)
def test_bad_rows_change_nothing(name: str) -> None:
    value, error, message = REFUSED[name]
    listener, untouched = row_listener(), row_listener()
    assert listener.push(ROWS[:50]) == untouched.push(ROWS[:50])
    before = listener.snapshot()
    with pytest.raises(error, match=message):
        listener.push(value)
    assert listener.snapshot() == before
    assert listener.push(ROWS[50:]) == untouched.push(ROWS[50:])


def test_the_end() -> None:
    listener = row_listener("segments", label="one", min_speech=0.0, pad=0.0)
    listener.push(np.tile(np.float32([0, 1, 0]), (20, 1)))
    for wrong in (-0.01, float("nan"), float("inf"), 1e12):
        with pytest.raises(ValueError, match=r"seconds is .*; expected 0 to .*, or None"):
            listener.finish(wrong)
    with pytest.raises(TypeError):
        listener.finish("0.25")  # type: ignore[arg-type]
    assert listener.rows == 20
    again = pickle.loads(pickle.dumps(listener))
    assert [e.offset for e in listener.finish(0.195)][-1] == pytest.approx(0.195)
    assert [e.offset for e in again.finish()][-1] == pytest.approx(0.2)
    for call in (listener.finish, lambda: listener.push(ROWS)):
        with pytest.raises(ValueError, match="flushed; reset it"):
            call()
    listener.reset()
    assert listener.rows == 0
    listener.push(ROWS)


@pytest.mark.law_state_is_a_value
@settings(max_examples=60, deadline=None)
@given(which=st.sampled_from(KINDS), seed=SEEDS, before=st.integers(0, 120))
def test_its_state_is_a_value(which: tuple[str, str], seed: int, before: int) -> None:
    rows = drawn_posteriors(seed, 120, 3)
    listener, restored = some(*which), some(*which)
    listener.push(rows[:before])
    restored.push(rows[::-1])
    restored.restore(listener.snapshot())
    others = [
        restored,
        pickle.loads(pickle.dumps(listener)),
        copy.copy(listener),
        copy.deepcopy(listener),
    ]
    rest = listener.push(rows[before:]) + listener.finish()
    for other in others:
        assert other.rows == before
        assert other.push(rows[before:]) + other.finish() == rest
        assert other.snapshot() == listener.snapshot()


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize(("kind", "report"), KINDS)
def test_a_snapshot_with_any_byte_changed(kind: str, report: str) -> None:
    listener, other = some(kind, report), some(kind, report)
    listener.push(ROWS[:60])
    other.push(ROWS[:20])
    good, before = listener.snapshot(), other.snapshot()
    for place in range(len(good)):
        forged = bytearray(good)
        forged[place] ^= 0x41
        with pytest.raises(ValueError, match="snapshot"):
            other.restore(forged)
        assert other.snapshot() == before
    with pytest.raises(ValueError, match="snapshot"):
        some("segments" if kind == "words" else "words", report).restore(good)
    other.restore(good)
    assert other.push(ROWS[60:]) == listener.push(ROWS[60:])


def test_events_have_the_number_of_an_output_without_labels() -> None:
    decision = _engine.Decision.for_rows(None, 3, 0.01, [("kind", "symbols")], event)
    heard = _engine.RowListener(decision).push(ROWS)
    assert {e.label for e in heard} == {"1", "2"}


@pytest.mark.parametrize(
    ("labels", "n_outputs", "hop", "texts", "message"),
    [
        (["a", "b"], 3, 0.01, [], "labels has 2 names; expected 3, one for each output"),
        (["a", "a"], 2, 0.01, [], "labels.1 is 'a'; expected a name that no other label has"),
        (["a", "b\0c"], 2, 0.01, [], r"labels\[1\] is 'b\\x00c'; expected a text without NUL"),
        (["a", "b"], 2, 0.0, [], "hop_seconds is 0; expected above 0"),
        (["a", "b"], 2, float("nan"), [], "hop_seconds is nan; expected above 0"),
        (None, 0, 0.01, [], "n_outputs is 0; expected 1 to 65536"),
        (None, 65537, 0.01, [], "n_outputs is 65537; expected 1 to 65536"),
        (["a", "b"], 2, 0.01, [("threshold", "2")], "threshold is 2; expected a number above 0"),
        (["a", "b"], 2, 0.01, [("thre\0shold", "2")], "expected a text without NUL"),
        (["a", "b"], 2, 0.01, [("threshold", ".5\0")], "threshold is .*; expected a text without"),
        (["a", "b"], 2, 0.01, [("report", "\ud800")], "report is .*; expected one of: early, fin"),
    ],
)
def test_what_cannot_be_a_decision(
    labels: list[str] | None, n_outputs: int, hop: float, texts: list, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _engine.Decision.for_rows(labels, n_outputs, hop, texts, event)


def test_labels_of_any_text() -> None:
    labels = ["é\ud800", "=cmd|' /C calc'!A0", "\x1b[2J"]
    decision = _engine.Decision.for_rows(labels, 3, 0.01, [("kind", "symbols")], event)
    assert {e.label for e in _engine.RowListener(decision).push(ROWS)} == set(labels[1:])


@pytest.mark.law_one_writer
def test_two_threads_in_one_listener() -> None:
    listener = row_listener()
    long = np.tile(ROWS, (2000, 1))
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
    assert listener.rows % len(long) == 0
