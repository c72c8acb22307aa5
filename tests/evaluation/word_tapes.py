"""Tapes without files, and rows in which a test writes what is heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pylstm.evaluation.word_tape import TapePiece, TapeWord, WordTape

RATE = 16000
LABELS = ("silence", "low", "high")
"""Those of `tests.tone_model`: a row every 10 ms; silence is never reported."""


def tape_of(labels: Sequence[str | None], source: str = "folder") -> WordTape:
    """A clip of a second and a gap of a half for each label; None: without any word."""
    pieces, words = [], []
    for k, label in enumerate(labels):
        start = k * 1.5
        pieces.append(TapePiece(f"{k}.wav", source, 0.0, None, round(start * RATE), RATE))
        if label is not None:
            words.append(TapeWord(label, start, start + 1, start + 1.5))
    return WordTape(RATE, tuple(pieces), tuple(words), RATE // 2)


def rows_with(
    tape: WordTape, heard: Sequence[tuple[float, str, float]] = ()
) -> NDArray[np.float32]:
    """Posteriors of silence, and of labels for 0.2 s from a time on: (seconds, label, p)."""
    rows = np.zeros((round(tape.seconds * 100) + 1, len(LABELS)), np.float32)
    for seconds, label, posterior in heard:
        start = round(seconds * 100)
        rows[start : start + 20, LABELS.index(label)] = posterior
    rows[:, 0] = 1 - rows[:, 1:].sum(axis=1)
    return rows
