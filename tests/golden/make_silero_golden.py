"""Write silero_segments.json: what silero-vad makes of drawn tracks.

Needs silero-vad and PyTorch (see silero_oracle.py). Run it from the folder of the clone when a case
is added, and say in the change which version wrote the file::

    python -m tests.golden.make_silero_golden
"""

import json
from importlib.metadata import version

from tests.golden.cases import FOLDER
from tests.golden.silero_oracle import silero_segments
from tests.speech_probabilities import drawn_case

N_CASES = 100


def main() -> None:
    cases = [drawn_case(seed, longest=80) for seed in range(N_CASES)]
    rows = [case.plain() | {"segments": silero_segments(case)} for case in cases]
    text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    text = f'{{"silero-vad": "{version("silero-vad")}", "cases": [\n{text}\n]}}\n'
    (FOLDER / "silero_segments.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
