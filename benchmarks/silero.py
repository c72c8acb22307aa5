"""``python -m benchmarks silero``: Silero VAD, converted, beside its own package.

Minutes of speech and noise from a folder that the user names go through each of its files, by its
own framework and by pylstm in odd cuts: how far probabilities differ, how far each is from the same
network in float64, and whether the segments are the same. Then the speed of a chunk beside ONNX
Runtime, the streams that a core carries, and the sizes of what is installed. It ends with status 1
where a figure misses what is asked for.

The package is taken from where it is installed (``pip install --no-deps silero-vad``), or from a
folder with its files. PyTorch and ONNX Runtime run it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pylstm
from benchmarks import machine, report, silero_float64
from benchmarks.cold_start import installed_size, needed, tree_size
from benchmarks.contest import FULL, QUICK, Contender, Effort, calls, contest
from benchmarks.result import Table
from benchmarks.silero_package import NETWORKS, SileroPackage
from benchmarks.speech_and_noise import RATE, Recordings, at_rate, odd_cuts
from pylstm.convert import from_onnx, from_published, spectral_front

Array = NDArray[np.float32]

MOST_DIFFERENT, LEAST_FASTER, FEWEST_STREAMS = 2e-5, 5.0, 1000
# Other weights than elsewhere; ONNX Runtime itself is 6e-5 off, so that nothing exact can agree.
FAR_FROM_FLOAT64 = ("silero_vad_op18_ifless.onnx", 8000)
ONNX_RUNTIME, PYLSTM, LISTENER = "ONNX Runtime", "pylstm", "pylstm, with its decision"
TIMED = "silero_vad.onnx"


class Failures(list[str]):
    """What misses what is asked for."""

    def unless(self, holds: bool, what: str) -> None:
        if not holds:
            self.append(what)


def converted(package: SileroPackage, name: str, rate: int) -> pylstm.Model:
    found = from_published(package.file(name), rate)
    return pylstm.Model(found.features, found.layers, found.labels, decision=found.decision)


def as_in_the_file(package: SileroPackage, name: str, rate: int) -> pylstm.Model:
    """The network with its own constants: those of quiet sums are rounded, which float64 shows."""
    if not name.endswith(".onnx"):
        return converted(package, name, rate)
    new, in_sequence = rate * 4 // 125, "sequence" in name
    found = from_onnx(
        package.file(name),
        shapes={"input": (None if in_sequence else 1, new + new // 8)},
        constants=None if in_sequence else {"sr": rate},
    )
    assert isinstance(found.layers, dict)
    return pylstm.Model(*spectral_front(found.layers, rate, new))


# --- the same probabilities, the same segments ----------------------------------------------------


def in_cuts(model: pylstm.Model, pcm: Array) -> Array:
    stream = model.stream()
    rows = [stream.push(pcm[piece]) for piece in odd_cuts(len(pcm))]
    return np.concatenate([*rows, stream.flush()]).ravel()


def exactness(package: SileroPackage, pcm: Array, failures: Failures) -> str:
    """A table, as text."""
    heads = ("file", "Hz", "chunks", "differ by", "its error", "own error", "segments", "the same")
    rows = [[*heads]]
    for name, rates in NETWORKS.items():
        for rate in rates:
            samples, model = at_rate(pcm, rate), converted(package, name, rate)
            expected, found = package.probabilities(name, samples, rate), in_cuts(model, samples)
            row = f"{name}, {rate}"
            if found.shape != expected.shape:
                raise SystemExit(f"{row}: {len(found)} probabilities; expected {len(expected)}")
            meant = silero_float64.probabilities(as_in_the_file(package, name, rate), samples)
            pairs = ((found, expected), (expected, meant), (found, meant))
            largest, its, own = (float(np.abs(a - b).max()) for a, b in pairs)
            theirs = package.segments(expected, len(samples), rate)
            ours = [
                (int(start * rate + 1e-6), int(end * rate + 1e-6))
                for start, end in pylstm.speech_segments(samples, rate, model=model)
            ]
            same = len(set(theirs) & set(ours))
            counts = [f"{len(theirs):,}", f"{same:,}"]
            errors = [f"{figure:.1e}" for figure in (largest, its, own)]
            rows.append([name, str(rate), f"{len(expected):,}", *errors, *counts])
            near = own if (name, rate) == FAR_FROM_FLOAT64 else largest
            failures.unless(near <= MOST_DIFFERENT, f"{row}: they differ by {near:.2g}")
            failures.unless(ours == theirs, f"{row}: {len(theirs)} segments, {same} the same")
            print(f"  {row}: {largest:.1e}, {same} of {len(theirs)} segments", flush=True)
    title = f"**{len(pcm) / RATE / 60:.1f} minutes of speech and noise, in odd cuts**"
    return f"{title}\n\n{report.aligned(rows)}"


# --- speed ----------------------------------------------------------------------------------------


class Chunks:
    """Chunks of audio one after the other, from the beginning again at the end."""

    def __init__(self, pcm: Array, new: int, context: int) -> None:
        padded = np.pad(pcm, (context, 0))
        n = len(pcm) // new
        self.all = [padded[k * new : (k + 1) * new + context].copy() for k in range(n)]
        self.turn: Iterator[Array] = cycle(self.all)

    def first(self, n: int) -> list[Array]:
        return self.all[:n]


def contenders(package: SileroPackage, pcm: Array, rate: int) -> list[Contender]:
    """Each takes a chunk a call, from Python; they agree on the first two hundred."""
    new = rate * 4 // 125
    theirs, ours, heard = Chunks(pcm, new, new // 8), Chunks(pcm, new, 0), Chunks(pcm, new, 0)
    call = package.chunk_by_chunk(TIMED, rate)
    model = converted(package, TIMED, rate)
    stream, listener = model.stream(), model.listener()

    def its_answer() -> Array:
        call.begin()
        return np.concatenate([call(chunk[None]).ravel() for chunk in theirs.first(200)])

    def own_answer() -> Array:
        fresh = model.stream()
        return np.concatenate([fresh.push(chunk).ravel() for chunk in ours.first(200)])

    return [
        Contender(ONNX_RUNTIME, calls(lambda: call(next(theirs.turn)[None])), its_answer),
        Contender(PYLSTM, calls(lambda: stream.push(next(ours.turn))), own_answer),
        Contender(LISTENER, calls(lambda: listener.push(next(heard.turn)))),
    ]


def speed(package: SileroPackage, pcm: Array, effort: Effort, failures: Failures) -> Table:
    table = Table("A chunk of 32 ms, one call from Python, one thread", "Hz", "µs", PYLSTM)
    for rate in NETWORKS[TIMED]:
        samples = at_rate(pcm, rate)[: 60 * rate]
        times = contest(contenders(package, samples, rate), effort, tolerance=MOST_DIFFERENT)
        table.add(str(rate), times)
        ratio = times[ONNX_RUNTIME].fastest / times[PYLSTM].fastest
        failures.unless(ratio >= LEAST_FASTER, f"{rate} Hz: {ratio:.1f} × as fast as ONNX Runtime")
    return table


def tick(pool: Any, sources: list[Array], places: NDArray[np.int64], new: int) -> None:
    """A chunk of each source, from another place of the audio each."""
    places += new
    places[places > len(sources[0]) - new] = 0
    pcm = sources[0]
    pool.push({slot: pcm[at : at + new] for slot, at in enumerate(places.tolist())})


def capacity(package: SileroPackage, pcm: Array, effort: Effort, failures: Failures) -> Table:
    table = Table("Streams in real time in one pool on one core, from Python", "Hz", "streams")
    effort = replace(effort, rounds=min(effort.rounds, 60))
    for rate in NETWORKS[TIMED]:
        new, n = rate * 4 // 125, FEWEST_STREAMS
        samples, model = at_rate(pcm, rate), converted(package, TIMED, rate)
        found = []
        for name, pool in (("streams", model.streams(n)), ("listeners", model.listeners(n))):
            places = np.random.default_rng(0).integers(0, len(samples) - new, n)
            found.append(Contender(name, calls(partial(tick, pool, [samples], places, new))))
        for name, timing in contest(found, effort, tolerance=0).items():
            carried = n * 0.032 / timing.fastest
            table.put(str(rate), name, carried)
            if name == "streams":
                failures.unless(carried >= FEWEST_STREAMS, f"{rate} Hz: {carried:.0f} streams")
    return table


# --- sizes ----------------------------------------------------------------------------------------


def sizes(package: SileroPackage, folder: Path) -> Table:
    table = Table("Installed, and the file", "", "MB")
    path = folder / "vad16.safetensors"
    converted(package, TIMED, 16000).save(path)
    own = tree_size(Path(pylstm.__file__).parent) + path.stat().st_size
    table.put("pylstm, NumPy and the file", "size", (own + installed_size("numpy")) / 1e6)
    table.put("the file of 16 kHz alone", "size", path.stat().st_size / 1e6)
    theirs = tree_size(package.folder)
    with_runtime = theirs + sum(map(installed_size, needed("onnxruntime")))
    with_torch = theirs + sum(map(installed_size, needed("torch") | {"packaging"}))
    table.put("silero-vad with ONNX Runtime", "size", with_runtime / 1e6)
    table.put("silero-vad with PyTorch, which it requires", "size", with_torch / 1e6)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks silero", description=__doc__)
    parser.add_argument("--speech", type=Path, required=True, help="a folder with recordings")
    parser.add_argument("--silero", type=Path, help="the folder of the package's files")
    parser.add_argument("--minutes", type=float, default=10.5, help="of speech and noise")
    parser.add_argument("--seed", type=int, default=0, help="another one: other recordings")
    parser.add_argument("--exact", action="store_true", help="nothing is timed")
    parser.add_argument("--quick", action="store_true", help="rougher figures")
    options = parser.parse_args(sys.argv[1:])
    rows = [["", "machine"], *([name, fact] for name, fact in machine.facts().items())]
    print(report.aligned(rows, words=True))
    package, failures = SileroPackage(options.silero), Failures()
    pcm = Recordings(options.speech).mixed(options.minutes, options.seed)
    text, tables = exactness(package, pcm, failures), list[Table]()
    if not options.exact:
        import tempfile

        effort = QUICK if options.quick else FULL
        tables += [speed(package, pcm, effort, failures), capacity(package, pcm, effort, failures)]
        with tempfile.TemporaryDirectory() as folder:
            tables.append(sizes(package, Path(folder)))
    for one in [text, *(report.table(asdict(table)) for table in tables)]:
        print(f"\n{one}")
    for failure in failures:
        print(f"missed: {failure}")
    return 1 if failures else 0
