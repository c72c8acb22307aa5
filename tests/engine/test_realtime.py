"""The real-time law: no allocation, no lock, no system call, the caller's floating-point mode, and
a cost that does not grow. Proved by counting, never by timing.

The C side stands in ``realtime/``: ``walk.c`` goes through every call that ``pylstm.h`` marks [rt],
with every way in which it can be refused; ``driver.c`` and the files of its commands watch it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import pylstm
from benchmarks.long_life import BOUNDARIES, advanced, numbers, period, snapshot_hash, unsound
from pylstm import LSTM, MFCC, Dense, LogMel, Model
from tests.core_builds import compiler, link, run
from tests.signals import audio
from tests.small_models import everything_at_once, small_model, stack

HERE = Path(__file__).parent / "realtime"
COUNTER = HERE / "allocation_counter.c"
CANNOT = 77
DAY = 24 * 3600 * 16000
KERNELS = sorted({"scalar", pylstm.show_config()["isa"]["supported"][0]})


def models() -> list[Model]:
    """Plain features; all that features can do; a window as long as the frame; frames; words."""
    everything = everything_at_once()
    bare = LogMel(center=False, n_fft=300, win_length=300, hop_length=90, n_mels=10, power=0.5)
    return [
        Model(MFCC(), stack(13, 32, 2, 3, "softmax")),
        Model(everything, stack(15, 17, 3, 17, "sigmoid")),
        Model(bare, [LSTM(10, 8, seed=0)]),
        Model(None, [LSTM(7, 20, bias=False, seed=0), Dense(20, 5, "tanh", seed=1)]),
        hearing(),
    ]


def hearing() -> Model:
    """One whose posteriors go up and down with the sound, so that listeners hear something."""
    mel = LogMel(n_mels=4, mean=np.full(4, -20.0), std=np.full(4, 8.0))
    dense = Dense(8, 4, "softmax", seed=1)
    weights = {name: 8 * np.asarray(value) for name, value in dense.weights.items()}
    layers = [LSTM(4, 8, seed=0), Dense(8, 4, "softmax", weights=weights)]
    return Model(mel, layers, ["a", "b", "c", "d"])


class Driver:
    """The program that watches the core, and the files of the models."""

    def __init__(self, folder: Path, counter: Path) -> None:
        self.folder, self.counter = folder, counter
        sources = [file for file in sorted(HERE.glob("*.c")) if file != COUNTER]
        self.program = link(folder / "driver", "plain", sources, "-ldl")
        self.models = []
        for place, model in enumerate(models()):
            self.models.append(str(folder / f"{place}.safetensors"))
            model.save(self.models[-1])

    def run(self, *arguments: object, isa: str | None = None, preload: bool = False) -> str:
        """What it prints; skips where the machine cannot be watched."""
        environment = {k: v for k, v in os.environ.items() if k != "PYLSTM_ISA"}
        if isa:
            environment["PYLSTM_ISA"] = isa
        if preload:
            environment["LD_PRELOAD"] = str(self.counter)
        ran = subprocess.run(
            [str(self.program), *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        if ran.returncode == CANNOT:
            pytest.skip(f"{ran.stdout.strip()}: a machine or container that allows it runs this")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that counts, to be preloaded."""
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD, seccomp and ptrace as here are Linux's: run it there")
    if "LD_PRELOAD" in os.environ:
        pytest.skip("another library is preloaded, such as a sanitizer's: run it without one")
    library = tmp_path_factory.mktemp("counter") / "allocation_counter.so"
    strict = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    run(*compiler(), *strict, "-o", library, COUNTER, "-ldl")
    return library


@pytest.fixture(scope="session")
def driver(counter: Path, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    return Driver(tmp_path_factory.mktemp("realtime"), counter)


# --- allocations and locks -----------------------------------------------------------------------


@pytest.mark.law_real_time
@pytest.mark.slow
@pytest.mark.parametrize("isa", KERNELS)
def test_no_real_time_call_allocates_or_locks(driver: Driver, isa: str) -> None:
    told = driver.run("calls", *driver.models, isa=isa, preload=True)
    counts = r"(\d+) calls, 0 allocations, 0 frees, 0 locks\n"
    match = re.fullmatch(counts, told)
    assert match, told
    assert int(match[1]) > 1000


@pytest.mark.law_real_time
@pytest.mark.slow
def test_the_counter_sees_allocations_and_locks(driver: Driver) -> None:
    told = driver.run("control", driver.models[0], preload=True)
    seen = {name: list(map(int, n)) for name, *n in (line.split() for line in told.splitlines())}
    assert seen["nothing"] == [0, 0, 0]
    assert seen["malloc"] == [1, 1, 0]
    assert seen["mutex"] == [0, 0, 2]
    assert seen["create"][:2] == [1, 1]  # a stream is one block
    assert seen["threads"][2] >= 4  # with two threads a batch waits on locks, as pylstm.h says


def in_python(counter: Path, **settings: str) -> dict[str, list[int]]:
    environment = {**os.environ, "LD_PRELOAD": str(counter), **settings}
    ran = subprocess.run(
        [sys.executable, str(HERE / "hop_in_python.py")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


PUSHES = ("push", "push int16", "push_frames", "push after reset")


@pytest.mark.law_real_time
@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts what CPython allocates: CPython runs this"
)
def test_a_thousand_hops_from_python_take_no_memory_from_the_system(counter: Path) -> None:
    seen = in_python(counter)
    assert seen["bytearray"][:2] == [1000, 1000]  # the control
    assert seen["kept"][0] >= 1000
    for name in PUSHES:
        assert seen[name][:2] == seen["nothing"][:2] == [0, 0], name


@pytest.mark.law_real_time
@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts what CPython allocates: CPython runs this"
)
def test_a_thousand_hops_from_python_leave_no_object_behind(counter: Path) -> None:
    seen = in_python(counter, PYTHONMALLOC="malloc")  # now every object is counted

    def left(name: str) -> int:
        allocated, freed, _ = seen[name]
        return allocated - freed - (seen["nothing"][0] - seen["nothing"][1])

    assert left("kept") >= 1000
    for name in PUSHES:
        assert abs(left(name)) < 20, name  # the loop's own; one object a hop would be a thousand


# --- the floating-point mode ---------------------------------------------------------------------


@pytest.mark.law_nothing_poisons
@pytest.mark.slow
@pytest.mark.parametrize("isa", KERNELS)
def test_the_callers_floating_point_mode_stays_and_changes_nothing(
    driver: Driver, isa: str
) -> None:
    told = driver.run("modes", *driver.models, isa=isa)
    expected = r"\d+ calls in \d+ modes, 0 changed the mode, 0 walks gave other bits\n"
    assert re.fullmatch(expected, told), told


# --- system calls --------------------------------------------------------------------------------


@pytest.mark.law_real_time
@pytest.mark.slow
@pytest.mark.parametrize("isa", KERNELS)
def test_an_hour_of_audio_without_a_system_call(driver: Driver, isa: str) -> None:
    """The whole hour with the kernels that are used here, ten minutes with the others; through a
    stream, and through a listener."""
    seconds = 600 if isa == "scalar" and len(KERNELS) > 1 else 3600
    told = driver.run("sealed", seconds, *driver.models, isa=isa)
    rows = (seconds * 16000 - 200) // 160 + 1
    match = re.fullmatch(rf"\d+ calls, {seconds} seconds, {rows} rows, (\d+) events\n", told)
    assert match, told
    assert int(match[1]) > seconds


@pytest.mark.law_real_time
@pytest.mark.slow
def test_a_system_call_under_the_seal_ends_the_process(driver: Driver) -> None:
    assert driver.run("break", driver.models[0]).split() == ["lives", "killed", "killed"]


# --- the cost of a frame -------------------------------------------------------------------------


@pytest.mark.law_real_time
@pytest.mark.slow
def test_a_frame_after_a_day_takes_as_many_instructions_as_in_the_first_minute(
    driver: Driver,
) -> None:
    """Counted one by one, library functions included, over five hops: after a minute, after a
    million hops that were all pushed, at 24 hours, and close to 2^53 samples.

    Compilers may divide small 64-bit numbers in another way than large ones: hence a margin there.
    """
    features = MFCC(n_fft=64, win_length=40, hop_length=16, n_mels=8, n_mfcc=5)
    model = Model(features, [LSTM(5, 8, seed=0)])
    path = driver.folder / "short.safetensors"
    model.save(path)
    stream, minute = model.stream(), audio(60)
    stream.push(minute)
    snapshots = [stream.snapshot()]
    # Whole periods, so that the same samples stand at the same places.
    span = np.resize(minute, 1_000_000 // period(features) * period(features))
    for _ in range(16):
        stream.push(span)
    snapshots.append(stream.snapshot())
    snapshots.append(advanced(snapshots[0], features, DAY)[0])
    snapshots.append(advanced(snapshots[0], features, 1 << 53)[0])
    files = []
    for place, snapshot in enumerate(snapshots):
        files.append(driver.folder / f"{place}.snapshot")
        files[-1].write_bytes(snapshot)
    counts = [int(line) for line in driver.run("steps", 16, 5, path, *files).split()]
    assert len(counts) == len(files)
    assert counts[0] > 5000
    assert counts[2] == counts[0]
    assert max(counts) <= 1.01 * counts[0]


@pytest.mark.law_real_time
@pytest.mark.slow
def test_a_frame_of_a_listener_takes_as_many_instructions_after_a_million_of_them(
    driver: Driver,
) -> None:
    """Each kind of decision, and words whose averages are 10, 1,000 and 100,000 frames long."""
    path = driver.folder / "hearing.safetensors"
    weights = {"weight": 8 * np.eye(4, dtype=np.float32), "bias": np.zeros(4, np.float32)}
    layers = [Dense(4, 4, "softmax", weights=weights)]
    Model(LogMel(n_mels=4), layers, ["a", "b", "c", "d"]).save(path)
    told = [line.split() for line in driver.run("steps_of_listeners", path).splitlines()]
    counts = [(int(early), int(late)) for early, late in told]
    assert len(counts) == 9
    for early, late in counts:
        assert early > 5000
        assert late <= 1.01 * early, counts
    of_lengths = [count for lengths in counts[-3:] for count in lengths]
    assert max(of_lengths) <= 1.01 * min(of_lengths), counts


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("power", BOUNDARIES)
@pytest.mark.parametrize("options", [{}, {"deltas": 2, "top_db": 60.0}, {"pad_mode": "reflect"}])
def test_counters_do_not_end(options: dict, power: int) -> None:
    """A stream across 2^31, 2^32, 2^53, 2^60 samples gives the bits of one that is a second old."""
    model = small_model(**options)
    young, old, pcm = model.stream(), model.stream(), audio(40)
    young.push(pcm[:16000])
    snapshot, more = advanced(young.snapshot(), model.features, 1 << power)
    old.restore(snapshot)
    assert old.position == young.position + more < 1 << power
    np.testing.assert_array_equal(old.push(pcm), young.push(pcm))
    assert old.position == young.position + more > 1 << power
    assert old.snapshot() == advanced(young.snapshot(), model.features, old.position)[0]
    np.testing.assert_array_equal(old.flush(), young.flush())


def test_a_snapshot_is_signed_with_the_hash_that_long_life_knows() -> None:
    snapshot = small_model().stream().snapshot()
    assert snapshot_hash(snapshot[64:]) == int.from_bytes(snapshot[32:40], sys.byteorder)


def test_unsound_numbers_are_found() -> None:
    snapshot = small_model().stream().snapshot()
    assert unsound(numbers(snapshot)) == 0
    assert unsound(np.array([1, 0, -0.0, 1e-40, np.inf, np.nan, 2.0**-126], np.float32)) == 3


# --- threads and processes -----------------------------------------------------------------------


@pytest.mark.law_one_writer
def test_threads_that_are_switched_all_the_time() -> None:
    """8 threads, 64 streams each, a switch between threads every microsecond."""
    model, pcm = small_model(), audio(1)
    chunks = [pcm[k * 31 : k * 31 + 1600] for k in range(64)]
    serial = [model.stream().push(chunk) for chunk in chunks]
    results: list[list[np.ndarray]] = [[] for _ in range(8)]

    def work(mine: list[np.ndarray]) -> None:
        streams = [model.stream() for _ in chunks]
        rows: list[list[np.ndarray]] = [[] for _ in chunks]
        for start in range(0, 1600, 400):
            for stream, chunk, part in zip(streams, chunks, rows, strict=True):
                part.append(stream.push(chunk[start : start + 400]))
        mine += [np.concatenate(part) for part in rows]

    threads = [threading.Thread(target=work, args=(mine,)) for mine in results]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    for mine in results:
        assert len(mine) == len(serial)
        for rows, expected in zip(mine, serial, strict=True):
            np.testing.assert_array_equal(rows, expected)


FORK = """
import os, sys
import numpy as np
import pylstm
model = pylstm.Model(pylstm.MFCC(), [pylstm.LSTM(13, 21, num_layers=2, seed=1)])
pcm = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
whole = model.run(pcm)
stream, pool = model.stream(), model.streams(3)
head = stream.push(pcm[:5003])
pooled = pool.push({k: pcm[:5003] for k in range(3)})[1]

def rest():
    tail = np.concatenate([head, stream.push(pcm[5003:]), stream.flush()])
    many = pool.push({k: pcm[5003:] for k in range(3)})
    many = np.concatenate([pooled, many[1], pool[1].flush()])
    new = model.run(pcm)
    return all(np.array_equal(rows, whole) for rows in (tail, many, new))

child = os.fork()
good = rest()  # parent and child at the same time
if child == 0:
    os._exit(0 if good else 1)
_, status = os.waitpid(child, 0)
sys.exit(0 if good and status == 0 else 1)
"""


@pytest.mark.law_one_writer
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: Linux or macOS runs this")
def test_a_fork_in_the_middle_of_a_stream() -> None:
    """Parent and child each go on with the stream, and both finish it bit for bit."""
    ran = subprocess.run([sys.executable, "-c", FORK], timeout=60, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
