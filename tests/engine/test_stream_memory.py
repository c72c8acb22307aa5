"""Many streams of a model: each holds what it remembers; calls that run one are lent the rest."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pylstm
from pylstm.decisions.event import event
from tests.signals import audio

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"
PCM = audio(1.0)
BANDS = 40
GRAPH = {
    "conv": pylstm.Conv(BANDS, 8, 3, stride=2, positions=BANDS, kernel_positions=5, seed=0),
    "gru": pylstm.GRU(288, 16, seed=0),
    "both": (pylstm.Concat(), "conv", "gru"),
}
MODELS: dict[str, Callable[[], pylstm.Model]] = {
    "vad": lambda: pylstm.load("vad"),
    "keywords": lambda: pylstm.load("keywords"),
    "lstm 128": lambda: pylstm.Model(
        pylstm.LogMel(n_mels=BANDS),
        [pylstm.LSTM(BANDS, 128, seed=0), pylstm.Dense(128, 12, seed=0)],
    ),
    "int8": lambda: pylstm.load("keywords").quantize("int8"),
    "graph": lambda: pylstm.Model(pylstm.LogMel(n_mels=BANDS), GRAPH),
    "frames": lambda: pylstm.Model(None, [pylstm.LSTM(13, 32, seed=0)]),
}
LITTLE = 128  # bytes: who may use a stream, where its state is, and two counts

# In a process of its own: how much larger it becomes, and what was stated.
MANY = """
import resource, sys, numpy, pylstm
def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
model = pylstm.load("keywords")
model.streams(1), model.listeners(1), model.stream().push(numpy.zeros(160, "f4"))
before = held()
pool = getattr(model, sys.argv[1])(10_000)
print(held() - before, model.stream_bytes)
"""


@pytest.mark.parametrize("name", MODELS)
def test_a_stream_holds_what_it_remembers(name: str) -> None:
    model = MODELS[name]()
    assert 0 < model.stream_bytes <= len(model.stream().snapshot()) + LITTLE
    assert f"A stream holds {model.stream_bytes} bytes, " in model.summary()


@pytest.mark.parametrize("name", ["vad", "keywords"])
def test_a_listener_holds_what_it_remembers(name: str) -> None:
    model = pylstm.load(name)
    decision = pylstm._engine.Decision.for_model(model._core, [], event)
    _, _, held = decision.core_bytes
    assert 0 < held <= len(model.listener().snapshot()) + 2 * LITTLE


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the page's are for 64 bits: such Python runs it")
@pytest.mark.parametrize("name", ["vad", "keywords"])
def test_the_sizes_on_the_page(name: str) -> None:
    model = pylstm.load(name)
    decision = pylstm._engine.Decision.for_model(model._core, [], event)
    _, stream, for_batch, batch = pylstm._engine.memory_of(model.to_bytes())
    once, own, bare = decision.core_bytes
    listener = [once, own, bare, batch, len(model.listener().snapshot())]
    lines = re.findall(rf"^\| `{name}`[^|]*\|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    shown = [[int(re.sub(r"\D", "", cell) or -1) for cell in line.split("|")] for line in lines]
    assert listener in shown
    assert [stream, for_batch, round(for_batch / 100)] in shown


@pytest.mark.skipif(sys.platform != "linux", reason="its /proc says what is held: Linux runs this")
@pytest.mark.parametrize(("made", "more"), [("streams", 0), ("listeners", 2400)])
def test_many_hold_so_many_times_what_is_stated(made: str, more: int) -> None:
    """And little besides: the Python object and its place in the pool, what malloc adds."""
    ran = subprocess.run([sys.executable, "-c", MANY, made], capture_output=True, text=True)
    grown, each = (int(number) for number in ran.stdout.split())
    assert 10_000 * each <= grown <= 10_000 * (each + more + 400) + 2_000_000


@pytest.mark.law_chunk
@pytest.mark.parametrize("name", MODELS)
def test_lent_memory_gives_the_bits_whoever_had_it_before(name: str) -> None:
    """Streams that take turns in it, pools that have their own, and a stream that has it alone."""
    model = MODELS[name]()
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((30, model.n_features)).astype(np.float32)
    alone = model.stream()
    rows, gates = alone.trace(frames)
    pool = model.streams(2)
    for k in range(0, 30, 5):
        for place, stream in enumerate(pool):  # what the first leaves there meets the second
            given = stream.push_frames(frames[k : k + 5] * (place + 1))
            if place == 0:
                np.testing.assert_array_equal(given, rows[: len(given)])
                rows = rows[len(given) :]
    assert pool[0].snapshot() == alone.snapshot()
    np.testing.assert_array_equal(pool[0].flush(), alone.flush())
    _, same = model.stream().trace(frames)
    for one, other in zip(gates, same, strict=True):
        np.testing.assert_array_equal(np.concatenate(one, -1), np.concatenate(other, -1))


@pytest.mark.law_one_writer
def test_threads_push_streams_of_one_pool_alone(isa: str) -> None:
    """At the same time, each with working memory that nobody else has meanwhile."""
    model = pylstm.load("keywords")
    listeners, streams = model.listeners(4), model.streams(4)
    expected = model.run(PCM)
    events, last = (lambda one: (one.push(PCM), one.flush()))(model.listener())
    wrong: list[str] = []
    together = threading.Barrier(4)

    def work(slot: int) -> None:
        together.wait()
        for time in range(10):
            stream, listener = streams[slot], listeners[slot]
            rows = [stream.push(PCM[k : k + 1000 + slot]) for k in range(0, 16000, 1000 + slot)]
            if not np.array_equal(np.concatenate([*rows, stream.flush()]), expected):
                wrong.append(f"rows of {slot} at {time}")
            if (listener.push(PCM), listener.flush()) != (events, last):
                wrong.append(f"events of {slot} at {time}")
            streams.reset(slot)
            listeners.reset(slot)

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
