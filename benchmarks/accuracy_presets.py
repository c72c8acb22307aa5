"""How close are the presets to torchaudio and Kaldi?

``python -m benchmarks.accuracy_presets`` measures every case of tests/golden/library_cases.py and
writes the table into docs/accuracy.md.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.accuracy import worst, write_section
from tests.features.drawn_features import reference_rows
from tests.features.features_grid import signals
from tests.golden.library_cases import KALDI_CASES, TORCHAUDIO_CASES, LibraryCase
from tests.golden.library_oracles import kaldi_features, torchaudio_features

BEGIN, END = "<!-- presets:begin -->", "<!-- presets:end -->"

INTRODUCTION = """\
## Presets against torchaudio and Kaldi

The largest absolute difference between any value of any frame of `tests/data/speech.wav` and of
white noise at three levels, in the units of the feature.

* **library**: kaldi-native-fbank {kaldi} without dither, which computes in float32; for
  torchaudio 2.8 its formulas in PyTorch {torch}, in float32.
* **exact**: the same formulas in float64 (`pylstm.reference` for Kaldi, PyTorch for torchaudio).
* **the library's own**: what the library differs from its formulas in float64.

A lifter multiplies the last coefficients by up to 12, and their rounding with them: with 40
coefficients Kaldi's own float32 is further from its formulas than 1e-3.
"""


def kaldi(case: LibraryCase, y: Any) -> tuple[Any, Any]:
    exact = reference_rows(case.features(), y, running=False)
    return kaldi_features(y, case.kind, case.options), exact


def torchaudio(case: LibraryCase, y: Any) -> tuple[Any, Any]:
    found = [
        torchaudio_features(y, case.kind, case.options, dtype) for dtype in ("float32", "float64")
    ]
    return found[0], found[1]


def rows(
    cases: list[LibraryCase], oracle: Callable[[LibraryCase, Any], tuple[Any, Any]]
) -> list[str]:
    lines = []
    for case in cases:
        features, found = case.features(), np.zeros(3)
        for y in signals().values():
            ours, (theirs, exact) = features(y), oracle(case, y)
            differences = worst(ours, theirs), worst(ours, exact), worst(theirs, exact)
            found = np.maximum(found, differences)
        settings = [f"{name}={value!r}" for name, value in case.settings.items()]
        call = f'{type(features).__name__}.preset("{case.library}", {", ".join(settings)})'
        numbers = " | ".join(f"{value:.1e}" for value in found)
        lines.append(f"| `{call.replace(', )', ')')}` | {numbers} |")
    return lines


def section() -> str:
    versions = {"kaldi": version("kaldi-native-fbank"), "torch": version("torch")}
    return "\n".join(
        [
            INTRODUCTION.format(**versions),
            "| | library | exact | the library's own |",
            "|---|---:|---:|---:|",
            *rows(list(KALDI_CASES), kaldi),
            *rows(list(TORCHAUDIO_CASES), torchaudio),
        ]
    )


if __name__ == "__main__":
    write_section(BEGIN, END, section())
