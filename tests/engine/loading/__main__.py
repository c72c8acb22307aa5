"""The fuzzer of models that load, for as long as it is told.

python -m tests.engine.loading MINUTES [SEED]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.engine.test_model_loading import driver, files
from tests.fuzz_for_minutes import fuzz


def main(minutes: float, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pylstm-fuzz-") as name:
        fuzz(driver(Path(name)), minutes, seed, 200, files(Path(name)))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
