"""Make recordings of spoken digits and their transcripts to train on, with espeak-ng.

    python examples/synthesise_digits.py digits
    pylstm train digits/said.csv --units words -o digits.safetensors

The manifest has a row for each recording: its path, what is said in it, and the speaker (an accent
and a variant of espeak-ng), so that none is in training and validation both.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import subprocess
from pathlib import Path

from synthesise_words import ACCENTS, VARIANTS

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--takes", type=int, default=12, help="recordings of each speaker")
    parser.add_argument("--most", type=int, default=5, help="digits in a recording at most")
    options = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        parser.error("espeak-ng is not installed (Debian: apt install espeak-ng)")
    options.folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(0)
    rows = []
    for accent in ACCENTS:
        for variant in VARIANTS:
            for take in range(options.takes):
                said = " ".join(draw.choices(DIGITS, k=draw.randint(1, options.most)))
                file = f"{accent}-{variant}-{take}.wav"
                speed, pitch = draw.randint(120, 210), draw.randint(25, 80)
                subprocess.run(
                    ["espeak-ng", "-v", f"{accent}+{variant}", "-s", str(speed),
                     "-p", str(pitch), "-w", str(options.folder / file), said],
                    check=True,
                )  # fmt: skip
                rows.append((file, said, f"{accent}-{variant}"))
    with (options.folder / "said.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "transcript", "speaker"), *rows])
    print(f"{len(rows)} recordings in {options.folder}")


if __name__ == "__main__":
    main()
