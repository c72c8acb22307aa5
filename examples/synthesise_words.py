"""Make a folder of spoken words to train on, with espeak-ng (Debian: apt install espeak-ng).

    python examples/synthesise_words.py words
    pylstm train words -o words.safetensors

One folder a word, as `pylstm train` takes it. Files are named by speaker (an accent and a variant
of espeak-ng), so that none is in training and validation both.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
from pathlib import Path

ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp")
VARIANTS = ("m1", "m3", "m5", "m7", "f1", "f2", "f3", "f4", "f5")


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--words", default="lights,music,window", help="comma between them")
    parser.add_argument("--takes", type=int, default=3, help="recordings of a word by each speaker")
    options = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        parser.error("espeak-ng is not installed (Debian: apt install espeak-ng)")
    draw = random.Random(0)
    count = 0
    for word in options.words.split(","):
        folder = options.folder / word
        folder.mkdir(parents=True, exist_ok=True)
        for accent in ACCENTS:
            for variant in VARIANTS:
                for take in range(options.takes):
                    file = folder / f"{accent}-{variant}_nohash_{take}.wav"
                    speed, pitch = draw.randint(120, 210), draw.randint(25, 80)
                    subprocess.run(
                        ["espeak-ng", "-v", f"{accent}+{variant}", "-s", str(speed),
                         "-p", str(pitch), "-w", str(file), word],
                        check=True,
                    )  # fmt: skip
                    count += 1
    print(f"{count} recordings in {options.folder}")


if __name__ == "__main__":
    main()
