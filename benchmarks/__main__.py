"""``python -m benchmarks``: this engine beside its peers, librosa, kaldi-native-fbank, PyTorch and
ONNX Runtime, in one run. Each file measures the answer to one question.

    contest.py   contenders take turns, in rounds; their answers must agree before they are timed
    core.py      the C level: core.c, compiled and asked as one more contender
    peers.py     the other libraries, where they are installed, on one thread
    machine.py   the facts of the machine that figures depend on
    report.py    results as JSON, as tables in docs/performance.md, as plots
"""

from __future__ import annotations

# Set before NumPy and its BLAS are loaded, because they read the number of threads then.
from benchmarks.peers import one_thread

one_thread()

import argparse  # noqa: E402
import importlib  # noqa: E402
import sys  # noqa: E402
from dataclasses import asdict, replace  # noqa: E402
from pathlib import Path  # noqa: E402
from time import perf_counter  # noqa: E402

from benchmarks import machine, report  # noqa: E402
from benchmarks.contest import FULL, QUICK, Effort  # noqa: E402
from benchmarks.core import ROOT  # noqa: E402
from benchmarks.result import Result  # noqa: E402

QUESTIONS = (
    "lstm_step",
    "convolution",
    "gru_step",
    "weight_reading",
    "lstm_sequence",
    "features_hop",
    "features_whole",
    "whole_hop",
    "hop_latency",
    "python_call",
    "streams_per_core",
    "many_streams",
    "networks",
    "listeners",
    "cold_start",
    "training_step",
    "training_products",
    "training_epoch",
)
PROGRAMS = ("accuracy", "quantisation", "long_life", "rtneural", "silero")
"""Files that have a main() of their own: `python -m benchmarks accuracy`."""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="This engine beside its peers, in one run."
    )
    parser.add_argument(
        "names", nargs="*", metavar="question", help=f"all, or some of: {', '.join(QUESTIONS)}"
    )
    parser.add_argument("--quick", action="store_true", help="a few minutes, rougher figures")
    parser.add_argument("--minutes", type=float, help="minutes of audio for hop_latency")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go")
    parser.add_argument(
        "--report", action="store_true", help="write docs/performance.md and its plots"
    )
    parser.add_argument(
        "--from", dest="given", type=Path, metavar="FILE", help="report on a JSON file; run nothing"
    )
    return parser


def ask(name: str, effort: Effort) -> Result:
    """Puts one question and prints its answer."""
    module = importlib.import_module(f"benchmarks.{name}")
    print(f"\n## {module.QUESTION}\n", flush=True)
    begin = perf_counter()
    result = module.run(effort)
    print(report.question(asdict(result)))
    print(f"\n({perf_counter() - begin:.0f} s)", flush=True)
    return result


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] in PROGRAMS:
        program = importlib.import_module(f"benchmarks.{arguments[0]}")
        sys.argv = arguments
        return program.main() or 0
    options = parser().parse_args(arguments)
    if options.given is not None:
        report.write(report.load(options.given), ROOT / "docs")
        return 0
    for name in options.names:
        if name not in QUESTIONS:
            parser().error(f"no question {name!r}; expected {', '.join(QUESTIONS)}")
    if options.report and options.names:
        parser().error("--report shows one run of all questions; expected no names beside it")
    effort = QUICK if options.quick else FULL
    if options.minutes is not None:
        effort = replace(effort, minutes=options.minutes)
    facts, before = machine.facts(), machine.load()
    rows = [["", "machine"], *([name, fact] for name, fact in facts.items())]
    print(report.aligned(rows, words=True))
    results = {name: ask(name, effort) for name in options.names or QUESTIONS}
    command = " ".join(["python -m benchmarks", *options.names, *["--quick"] * options.quick])
    run = report.document(facts, [before, machine.load()], command, results)
    if options.json is not None:
        report.save(run, options.json)
    if options.report:
        report.write(run, ROOT / "docs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
