"""Sizes that no machine has: an error that says how much, before anything is touched."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pylstm
from pylstm import free_memory
from tests.small_models import small_model

MODEL = small_model()


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine on which 40 MB are free."""
    monkeypatch.setattr(free_memory, "free_bytes", lambda: 40_000_000)
    return 40_000_000


@pytest.mark.parametrize("n", [10**9, 2**62, np.int64(10**12), sys.maxsize])
def test_more_streams_than_fit(n: int) -> None:
    with pytest.raises(MemoryError, match=rf"n is {n}, which takes [\d.]+ [TPEG]B, and [\d.]+ "):
        MODEL.streams(n)


def test_what_the_message_says_works(little: int) -> None:
    with pytest.raises(MemoryError, match="expected at most") as caught:
        MODEL.streams(10**6)
    most = int(re.findall(r"at most (\d+)", str(caught.value))[0])
    assert 0.8 * little < most * (MODEL.stream_bytes + 256) < little  # 256: of Python and malloc
    assert len(MODEL.streams(most)) == most
    with pytest.raises(MemoryError):
        MODEL.streams(most + 1)


LAYERS: dict[str, Callable[[], object]] = {
    "LSTM": lambda: pylstm.LSTM(16384, 16384, num_layers=128),
    "GRU": lambda: pylstm.GRU(16384, 16384, num_layers=128),
    "RNN": lambda: pylstm.RNN(16384, 16384, num_layers=128),
    "projected LSTM": lambda: pylstm.LSTM(16384, 16384, num_layers=128, proj_size=16383),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_larger_layers_than_fit(kind: str, little: int) -> None:
    with pytest.raises(MemoryError, match=r"a layer has \d+ weights, which takes .* a smaller one"):
        LAYERS[kind]()


def test_a_dense_layer_too(little: int) -> None:
    with pytest.raises(MemoryError, match=r"a layer has 4295032832 weights, which takes 51\.5 GB"):
        pylstm.Dense(65536, 65536)


def test_rows_and_blocks_of_any_length() -> None:
    """An array that stands for a terabyte without having it: NumPy says how much its rows take."""
    endless = np.broadcast_to(np.float32(0), (1 << 45,))
    model = pylstm.Model(pylstm.MFCC(hop_length=1), [pylstm.Dense(13, 64, seed=0)])
    for call in (model.run, model.stream().push, lambda pcm: model.streams(1).push({0: pcm})):
        with pytest.raises(MemoryError, match="Unable to allocate"):
            call(endless)
    with pytest.raises(ValueError, match="expected 0 to"):
        model.stream().rows(1 << 63)


LIMITED = """
import resource, pylstm
from pylstm import free_memory
model = pylstm.load("vad")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)
told = []
for call in (lambda: model.streams(200_000), lambda: pylstm.LSTM(2048, 2048)):
    try:
        call()
    except MemoryError as error:
        told.append(str(error))
free_memory.free_bytes = lambda: None  # where the system says nothing, what is refused says so
many = []
try:
    while True:
        many.append(model.stream())
except MemoryError as error:
    del many
    told.append(str(error))
print("\\n".join(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="its ulimit -v: Linux runs this")
def test_a_limit_of_the_process_counts() -> None:
    ran = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True)
    streams, layer, stream = ran.stdout.splitlines()
    assert re.match(r"n is 200000, which takes .*, and \d+\.\d MB of memory can be used", streams)
    assert layer.startswith("a layer has 33570816 weights")
    assert re.fullmatch(r"a stream takes [\d.]+ MB, and so much cannot be had; expected .*", stream)


@pytest.mark.parametrize(
    ("groups", "limits", "left"),
    [
        ("0::/a/b", {"a/b": "9000", "a": "max", "": "8000"}, [7100, 8100]),
        ("0::/elsewhere", {"": "5000"}, [4100]),  # a container sees its own group at the top
        ("0::/a", {"a": "max"}, []),
        ("", {}, []),
    ],
)
def test_limits_of_control_groups(
    tmp_path: Path, groups: str, limits: dict[str, str], left: list[int]
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups + "\n" if groups else "")
    for name, limit in limits.items():
        group = tmp_path / "sys/fs/cgroup" / name
        group.mkdir(parents=True, exist_ok=True)
        (group / "memory.max").write_text(limit + "\n")
        (group / "memory.current").write_text("1000\n")
        (group / "memory.stat").write_text("anon 900\ninactive_file 100\n")
    assert sorted(free_memory._left_in_groups(tmp_path)) == left


def test_limits_of_the_first_version_of_control_groups(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:cpu,memory:/job\n3:pids:/\n")
    group = tmp_path / "sys/fs/cgroup/memory/job"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("9000\n")
    (group / "memory.usage_in_bytes").write_text("4000\n")
    (group / "memory.stat").write_text("total_inactive_file 300\n")
    assert free_memory._left_in_groups(tmp_path) == [5300]
