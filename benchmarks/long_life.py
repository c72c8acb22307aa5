"""Does a stream stay correct for a long time? ``python -m benchmarks.long_life`` pushes 24 hours of
audio.

Every hour: the processor time of a frame beside that of a new stream, which takes turns with it (a
machine has better and worse minutes); the memory of the process; every number that the stream
remembers (none infinite, none subnormal); and a snapshot, which must continue bit for bit. Then it
runs streams that begin just before 2^31, 2^32, 2^53 and 2^60 samples, and cross them. All checks
but the times must hold, or the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
from pathlib import Path
from time import thread_time

import numpy as np
from numpy.typing import NDArray

import pylstm

Features = pylstm.MFCC | pylstm.LogMel

HEADER, COUNTERS = 64, 64
"""Bytes of a snapshot before the state (its magic, the model, a hash), and of the state before the
features: src/engine/snapshot.c, src/engine/stream_counters.h."""
BOUNDARIES = (31, 32, 53, 60)
MEGABYTE = 1 << 20


def snapshot_hash(state: bytes) -> int:
    """The hash of src/platform/hash.h, of a state whose size is a multiple of 8."""
    odd, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    value = odd ^ len(state)
    for (word,) in struct.iter_unpack("=Q", state):
        value = (value ^ word) * odd & mask
        value ^= value >> 29
    value = value * odd & mask
    return value ^ value >> 32


def period(features: Features) -> int:
    """After so many samples whatever goes round in a stream (the last samples, the last nine frames
    for deltas) stands where it stood."""
    window = features.win_length or features.n_fft
    remembered = features.n_fft - (features.n_fft - window) // 2
    if features.center:
        remembered = window
        if features.pad_mode == "reflect":
            remembered = max(remembered, features.n_fft // 2 + 1)
    return features.hop_length * remembered * 9


def advanced(snapshot: bytes, features: Features, position: int) -> tuple[bytes, int]:
    """A snapshot in which all is as it was except the counters: as close before a position as the
    period allows.

    Returns
    -------
    snapshot : bytes
    more : int
        Samples by which it is older.
    """
    state = bytearray(snapshot[HEADER:])
    (now,) = struct.unpack_from("=q", state)
    more = (position - now) // period(features) * period(features)
    frames = more // features.hop_length
    at = {0: more, 8: frames, COUNTERS: more, COUNTERS + 8: frames, COUNTERS + 16: frames}
    for offset, step in at.items():
        (value,) = struct.unpack_from("=q", state, offset)
        struct.pack_into("=q", state, offset, value + step)
    header = bytearray(snapshot[:HEADER])
    struct.pack_into("=Q", header, 32, snapshot_hash(bytes(state)))
    return bytes(header + state), more


def numbers(snapshot: bytes) -> NDArray[np.float32]:
    """Every number in a snapshot of a stream that was fed with audio: samples, features, layers."""
    return np.frombuffer(snapshot, np.float32, offset=HEADER + COUNTERS + 28)


def unsound(values: NDArray[np.float32]) -> int:
    """How many are infinite, not a number or subnormal."""
    size = np.abs(values)
    return int(np.count_nonzero(~np.isfinite(values) | ((size > 0) & (size < 2.0**-126))))


def a_minute(sr: int) -> NDArray[np.float32]:
    """Noise that comes and goes, a tone, silence, clicks, the loudest there is, the least."""
    rng, t = np.random.default_rng(0), np.arange(60 * sr) / sr
    noise = rng.standard_normal(t.size) * 10.0 ** (-3 + 2.5 * np.sin(2 * np.pi * t / 7))
    tone = np.sin(2 * np.pi * 440 * t) * (np.sin(2 * np.pi * 2 * t) > 0)
    y = 0.1 * noise + 0.2 * tone
    y[20 * sr : 30 * sr] = 0
    y[25 * sr] = 1
    y[31 * sr : 32 * sr] = np.sign(y[31 * sr : 32 * sr])
    y[33 * sr : 35 * sr] *= 1e-30
    y[np.abs(y) < 2.0**-126] = 0
    return y.astype(np.float32)


def memory() -> int:
    """Bytes of this process that are in memory: now where the system tells, else at most so far."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def cost(stream: pylstm.Stream, minute: NDArray[np.float32], out: NDArray[np.float32]) -> float:
    """Seconds of processor time for a frame of the minute."""
    begin = thread_time()
    rows = stream.push(minute, out)
    return (thread_time() - begin) / len(rows)


def live(model: pylstm.Model, features: Features, hours: int) -> list[str]:
    """Pushes the hours and prints a line for each. Returns the failures."""
    minute = a_minute(features.sr)
    stream, wrong = model.stream(), []
    out = np.zeros((stream.rows(minute.size) + 2, model.n_outputs), np.float32)
    other = np.empty_like(out)
    first = cost(stream, minute, out)  # code and weights come into the caches
    stream.reset()
    first = cost(stream, minute, out)
    size, begun = len(stream.snapshot()), 0
    print(f"first minute  {first * 1e6:5.2f} µs a frame, {size} bytes of state")
    print("hour      frames  µs/frame  a new stream's  ratio  memory MB  unsound numbers")
    for hour in range(1, hours + 1):
        old, new = [], []
        for k in range(60 - (hour == 1)):
            old.append(cost(stream, minute, out))
            if k % 5 == 4:
                new.append(cost(model.stream(), minute, out))
        usual, fresh = float(np.median(old)), float(np.median(new))
        snapshot = stream.snapshot()
        bad = unsound(numbers(snapshot)) + int(np.count_nonzero(~np.isfinite(out)))
        here = memory()
        print(
            f"{hour:4d}  {stream.frames:10,d}  {usual * 1e6:8.2f}  {fresh * 1e6:14.2f}"
            f"  {usual / fresh:5.2f}  {here / MEGABYTE:9.1f}  {bad}",
            flush=True,
        )
        begun = begun or here
        restored = model.stream()
        restored.restore(snapshot)
        expected, found = stream.fork().push(minute, out), restored.push(minute, other)
        if not np.array_equal(expected, found):
            wrong.append(f"hour {hour}: the restored stream goes another way")
        if len(snapshot) != size:
            wrong.append(f"hour {hour}: the snapshot has {len(snapshot)} bytes")
        if bad:
            wrong.append(f"hour {hour}: {bad} numbers are infinite or subnormal")
        if stream.position != hour * 3600 * features.sr:
            wrong.append(f"hour {hour}: the position is {stream.position}")
        stream = model.stream()  # the next hour on what was restored
        stream.restore(snapshot)
    if memory() > begun + MEGABYTE:
        wrong.append(f"memory grew from {begun} to {memory()} bytes")
    return wrong


def cross(model: pylstm.Model, features: Features) -> list[str]:
    """Checks that streams which begin just before a boundary give the same bits as one that does
    not. Returns the failures."""
    minute, wrong = a_minute(features.sr), []
    young = model.stream()
    young.push(minute)
    snapshot = young.snapshot()
    way = np.tile(minute, 1 + period(features) // minute.size)
    rows = young.push(way)
    for power in BOUNDARIES:
        old = model.stream()
        value, more = advanced(snapshot, features, 1 << power)
        old.restore(value)
        before = old.position
        same = np.array_equal(old.push(way), rows)
        same = same and old.position == young.position + more
        same = same and advanced(young.snapshot(), features, old.position)[0] == (old.snapshot())
        crossed = before < 1 << power < old.position
        print(f"2^{power}: from {before:,d} on, {'the same bits' if same else 'OTHER BITS'}")
        if not same or not crossed:
            wrong.append(f"another way, or none, across 2^{power}")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.long_life",
        description="Checks that a stream stays correct for a long time.",
    )
    parser.add_argument("--hours", type=int, default=24, help="hours of audio (24)")
    parser.add_argument("--model", default="keywords", help="a bundled name or a path (keywords)")
    options = parser.parse_args(arguments)
    model = pylstm.load(options.model)
    features = model.features
    if not isinstance(features, Features):
        parser.error(f"{options.model} takes frames; expected a model that takes audio")
    print(f"{model.isa} kernels, {options.model}")
    wrong = live(model, features, options.hours) + cross(model, features)
    for what in wrong:
        print(what, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
