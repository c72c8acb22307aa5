"""Instructions that models take, counted by valgrind, beside what the rule of cost says."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pylstm
from tests.core_builds import link, run, tool

BUDGET = 2e7
"""Operations of a model's audio, at least those of two rows."""

MOST = 2.0
"""Instructions for each operation of the rule, at most: those of processors without vectors."""

LEAST = 0.2
"""At least, without vectors: what costs little is not refused."""


class Count(NamedTuple):
    """What one model did: instructions, and the rule's operations for the same audio."""

    instructions: int
    operations: int
    samples: int
    rows: int
    per_second: int

    @property
    def ratio(self) -> float:
        return self.instructions / self.operations


def counts(models: Sequence[pylstm.Model], isa: str, budget: float = BUDGET) -> list[Count]:
    """Of each model; compiled and run in a folder of its own."""
    valgrind = tool("valgrind")
    with tempfile.TemporaryDirectory(prefix="pylstm-cost-") as name:
        folder = Path(name)
        sources = [Path(__file__).with_name("frame_cost.c")]
        program = link(folder / "frame_cost", "plain", sources)
        paths = []
        for place, model in enumerate(models):
            paths.append(folder / f"{place}.safetensors")
            model.save(paths[-1])
        told = run(
            *valgrind,
            "-q",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={folder}/counted",
            program,
            budget,
            *paths,
            PYLSTM_ISA=isa,
        )
        found = []
        for place, line in enumerate(told.splitlines(), 1):
            text = Path(f"{folder}/counted.{place}").read_text()
            (total,) = re.findall(r"^totals: (\d+)", text, re.M)
            found.append(Count(int(total), *map(int, line.split())))
        assert len(found) == len(models)
        return found
