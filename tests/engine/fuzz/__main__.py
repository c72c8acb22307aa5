"""The fuzzer of streams (walks, refused calls, forged snapshots), for as long as it is told.

python -m tests.engine.fuzz MINUTES [SEED]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.core_builds import link
from tests.engine.test_stream_fuzz import FUZZ, models
from tests.fuzz_for_minutes import fuzz


def main(minutes: float, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pylstm-fuzz-") as name:
        folder, files = Path(name), []
        for place, model in enumerate(models()):
            files.append(folder / f"{place}.safetensors")
            model.save(files[-1])
        program = link(folder / "stream_fuzz", "sanitized", sorted(FUZZ.glob("*.c")))
        fuzz(program, minutes, seed, 20, files)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
