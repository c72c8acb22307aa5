"""Write libraries.npz: what kaldi-native-fbank, and torchaudio's formulas in float64, give for the
cases in library_cases.py.

Needs kaldi-native-fbank (1.23.0 wrote the file) and torch (2.13.0). Run it from the folder of the
clone when a case is added, and say in the change which versions wrote the file::

    python -m tests.golden.make_library_golden
"""

import numpy as np

from tests.golden.cases import FOLDER
from tests.golden.library_cases import KALDI_CASES, TORCHAUDIO_CASES
from tests.golden.library_oracles import kaldi_features, torchaudio_features


def main() -> None:
    rows = {
        case.name: kaldi_features(case.y(), case.kind, case.options).astype(np.float32)
        for case in KALDI_CASES
    }
    rows |= {
        case.name: torchaudio_features(case.y(), case.kind, case.options, "float64").astype(
            np.float32
        )
        for case in TORCHAUDIO_CASES
    }
    np.savez_compressed(FOLDER / "libraries.npz", **rows)


if __name__ == "__main__":
    main()
