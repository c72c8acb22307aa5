"""Notes of a detector, good and bad: a corpus for every reader of them."""

from __future__ import annotations

import pylstm

LABELS = ["silence", "unknown", "yes", "no"]
GOOD = {
    "detector.threshold": "0.7",
    "detector.smoothing_frames": "3",
    "detector.refractory_frames": "9",
    "detector.background": "unknown,silence",
}


def model_with(notes: dict[str, str], labels: list[str] | None = LABELS) -> pylstm.Model:
    """A model of four outputs, a row every 10 ms."""
    mel = pylstm.LogMel(sr=8000, n_fft=256, win_length=256, hop_length=80, n_mels=4)
    return pylstm.Model(mel, [], labels, notes)


ACCEPTED = {
    "threshold": ["0.7", "1", "1.0", "1e-3", "1E-10", "5e-324", "0.0000000001", "1e+0"],
    "smoothing_frames": ["1", "10", "1000000000"],
    "refractory_frames": ["0", "40", "1000000000"],
    "background": [
        "", " ", "\t", "unknown", "unknown,silence", " silence ,\tunknown ", "yes,no,silence",
    ],
}  # fmt: skip
REFUSED = {
    "threshold": [
        "", " ", "0", "0.0", "-0.5", "1.5", "1.0000001", "2", "nan", "inf", "high", ".5", "5.",
        "+0.5", " 0.5", "0.5 ", "0,5", "00.5", "01", "1e-400", "1e", "0x1p-1", "1_0", "½",
        "\N{FULLWIDTH DIGIT ONE}",
    ],
    "smoothing_frames": [
        "", "0", "-1", "+10", "010", "00", "3.0", "2.5", "1e1", " 3", "3 ", "1_0", "0x10",
        "1000000001", "99999999999999999999", "three",
    ],
    "refractory_frames": [
        "", "-1", "-0", "+10", "010", "00", "9.0", "1e1", " 9", "1_0", "1000000001", "nan",
    ],
    "background": [
        "noise", "Silence", "unknown,,silence", "unknown,", ",", ",silence", "unknown;silence",
        "silence,silence", "silence,noise", "\N{NO-BREAK SPACE}silence", "silence\n",
        "silence,unknown,yes,no",
    ],
}  # fmt: skip


def changed(key: str, value: str | None) -> dict[str, str]:
    """Good notes but one, which is another (None: missing)."""
    notes = {name: text for name, text in GOOD.items() if name != f"detector.{key}"}
    return notes if value is None else notes | {f"detector.{key}": value}


def corpus() -> list[tuple[pylstm.Model, bool]]:
    """Models, and whether their detector is one."""
    cases = [(model_with(changed(key, v)), True) for key in ACCEPTED for v in ACCEPTED[key]]
    cases += [
        (model_with(changed(key, v)), False) for key in REFUSED for v in [*REFUSED[key], None]
    ]
    alike = ["silence", "unknown", "yes", "yes"]
    cases += [(model_with(GOOD, labels), False) for labels in (None, alike, [*LABELS[:3], ""])]
    without_features = pylstm.Model(None, [pylstm.Dense(4, 4, seed=0)], LABELS, GOOD)
    return [*cases, (without_features, False)]
