"""The fuzzer of the reader of model files, for as long as it is told.

python -m tests.modelfile.fuzz MINUTES [SEED]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.core_builds import FLAGS, SOURCE, compiler
from tests.fuzz_for_minutes import fuzz
from tests.modelfile.broken_model_files import corpus
from tests.modelfile.handmade_model_files import accepted
from tests.modelfile.model_file_reader import READER


def driver(folder: Path) -> Path:
    """The fuzzer with its sanitizers, compiled."""
    program = folder / "model_file_fuzz"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", *FLAGS["sanitized"].split()]
    flags += [f"-I{SOURCE}", f"-I{Path(__file__).parents[1]}"]
    sources = [Path(__file__).with_name("model_file_fuzz.c"), *READER]
    subprocess.run([*compiler(), *flags, "-o", str(program), *map(str, sources)], check=True)
    return program


def files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Sound and broken files, small ones and large ones."""
    small, large = [], []
    for index, content in enumerate([content for _, content in [*accepted(), *corpus()]]):
        file = folder / f"{index}.safetensors"
        file.write_bytes(content)
        (small if len(content) <= 8192 else large).append(file)
    return small, large


def main(minutes: float, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pylstm-fuzz-") as name:
        small, large = files(Path(name))
        fuzz(driver(Path(name)), minutes, seed, 300, [*small, *large])


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
