"""Write the golden files: what PyTorch and librosa give for the cases in cases.py.

Needs torch and librosa. Run it from the tests folder when a case is added, and say in the change
which versions wrote the files::

    python -m golden.make_golden
"""

import warnings

import numpy as np

from tests.golden.cases import DENSE_CASES, FEATURES_CASES, FOLDER, LSTM_CASES
from tests.golden.oracles import librosa_features, torch_dense, torch_lstm


def main() -> None:
    lstm = {}
    for case in LSTM_CASES:
        outputs, (h, c) = torch_lstm(case.x(), case.weights(), case.state())
        lstm[f"{case.name}.outputs"] = outputs[case.steps]
        lstm[f"{case.name}.h"] = h
        lstm[f"{case.name}.c"] = c
    np.savez_compressed(FOLDER / "lstm.npz", **lstm)

    dense = {
        case.name: torch_dense(case.x(), case.weights(), case.activation) for case in DENSE_CASES
    }
    np.savez_compressed(FOLDER / "dense.npz", **dense)

    with warnings.catch_warnings():
        # That a signal is shorter than n_fft is what the case is about.
        warnings.filterwarnings("ignore", "n_fft=", UserWarning)
        features = {
            case.name: librosa_features(case.y(), case.kind, case.settings, np.float32)
            for case in FEATURES_CASES
        }
    np.savez_compressed(FOLDER / "features.npz", **features)

    # One case with its weights and input in the file, which does not depend on any generator.
    case = LSTM_CASES[1]
    outputs, (h, c) = torch_lstm(case.x()[:20], case.weights())
    np.savez_compressed(
        FOLDER / "stored_lstm.npz", x=case.x()[:20], outputs=outputs, h=h, c=c, **case.weights()
    )


if __name__ == "__main__":
    main()
