"""How close are the features to librosa's? ``python -m benchmarks.accuracy`` measures every setting
of tests/features/features_grid.py and writes the tables of docs/accuracy.md; ``--print`` only
shows them.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
BEGIN, END = "<!-- features:begin -->", "<!-- features:end -->"

sys.path.insert(0, str(ROOT))
from tests.features.features_grid import GRID, Case, signals  # noqa: E402
from tests.golden.oracles import librosa_features  # noqa: E402

INTRODUCTION = """\
## Features against librosa

The largest absolute difference between any value of any frame, in the units of the feature (dB
for `LogMel`, and for `MFCC` sums of dB), for {n_cases} settings. What a row does not name is as
`pylstm.MFCC()` and `pylstm.LogMel()` have it. Speech is `tests/data/speech.wav`; noise is the
worst of white noise at levels 0.1, 0.0001 and 0.000001.

* **librosa**: librosa {librosa} as everyone runs it, on float32, with NumPy {numpy} and SciPy
  {scipy}.
* **exact**: the same functions of librosa, on float64.
* **librosa's own**: what librosa on float32 differs from itself on float64.

pylstm computes in float64 up to the spectrum (as librosa does), and rounds to float32 where
librosa does. What is left is mostly librosa's own rounding: near digital silence the first
coefficient is about -630, where neighbouring float32 numbers are 0.00006 apart; SciPy's DCT of
float32 is off by about one of these, and NumPy's `log10` on processors with AVX-512 errs by up to
2.3 units in the last place, which adds another. Without the orthogonal norm, and with a lifter,
values reach thousands and the same relative error is a larger number.

Two known deviations. librosa 0.11 with `center=True` and `pad_mode="reflect"` mirrors pieces of
the signal: when a `hop_length` of n_fft / 2 or more divides the length of the signal, the very
last sample of its last frame is not the one that `numpy.pad` gives. pylstm gives numpy's. And
values that overflow float32 in librosa (samples beyond 1e18) become infinite there and stay
finite here.
"""


def worst(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max(initial=0.0))


def measure(case: Case, audio: dict[str, np.ndarray]) -> dict[str, tuple[float, float, float]]:
    """For speech and noise: pylstm - librosa, pylstm - exact, librosa - exact."""
    features = case.build()
    found = {"speech": (0.0, 0.0, 0.0), "noise": (0.0, 0.0, 0.0)}
    for name, whole in audio.items():
        y = whole[:4000] if features.hop_length < 10 else whole
        ours = features(y)
        theirs = librosa_features(y, case.kind, case.settings, np.float32)
        exact = librosa_features(y.astype(np.float64), case.kind, case.settings, np.float64)
        kind = "speech" if name == "speech" else "noise"
        differences = (worst(ours, theirs), worst(ours, exact), worst(theirs, exact))
        found[kind] = tuple(map(max, found[kind], differences))  # type: ignore[assignment]
    return found


def table(cases: list[Case], audio: dict[str, np.ndarray]) -> list[str]:
    lines = [
        "| | settings | speech: librosa | exact | librosa's own "
        "| noise: librosa | exact | librosa's own |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for case in cases:
        found = measure(case, audio)
        chosen = ", ".join(f"{name}={value!r}" for name, value in case.settings.items())
        numbers = " | ".join(f"{x:.1e}" for kind in ("speech", "noise") for x in found[kind])
        name = {"mfcc": "MFCC", "logmel": "LogMel"}[case.kind]
        lines.append(f"| {name} | {f'`{chosen}`' if chosen else 'defaults'} | {numbers} |")
    return lines


def section() -> str:
    import librosa
    import scipy

    audio = signals()
    versions = {"librosa": librosa.__version__, "numpy": np.__version__}
    text = INTRODUCTION.format(n_cases=len(GRID), scipy=scipy.__version__, **versions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty mel bands, signals shorter than n_fft
        usual = table([case for case in GRID if case.usual], audio)
        unusual = table([case for case in GRID if not case.usual], audio)
    return "\n".join(
        [text, "### Usual settings", "", *usual, "", "### Unusual settings", "", *unusual]
    )


def write_section(begin: str, end: str, text: str) -> None:
    """Exchanges the part of docs/accuracy.md between two markers, or adds it at the end."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Accuracy\n"
    block = f"{begin}\n{text}\n{end}"
    if begin in page:
        before, _, rest = page.partition(begin)
        page = before + block + rest.partition(end)[2]
    else:
        page = page.rstrip() + "\n\n" + block + "\n"
    PAGE.write_text(page, encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="show, do not write docs/accuracy.md")
    text = section()
    if parser.parse_args().print:
        print(text)
        return
    write_section(BEGIN, END, text)


if __name__ == "__main__":
    main()
