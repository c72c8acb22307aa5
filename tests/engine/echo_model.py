"""A model whose rows are its frames, with posteriors and settings of decisions for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import pylstm
from tests.decision_cases import SETTINGS, drawn_posteriors

LABELS = ["zero", "one", "two"]
HOP = 80 / 16000


def echo() -> pylstm.Model:
    """A model whose rows are its frames: any posteriors can be pushed as frames."""
    identity = {"weight": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    features = pylstm.LogMel(n_mels=3, hop_length=80)
    # What is from 0 to 1 already stays as it is.
    clip = pylstm.Activation(3, "clipped_relu", high=1)
    return pylstm.Model(features, [pylstm.Dense(3, 3, weights=identity), clip], LABELS)


ECHO = echo()


def named(drawn: dict[str, Any]) -> dict[str, Any]:
    """Settings of `decision_cases`, which know outputs, for a model with LABELS."""
    found = dict(drawn)
    if isinstance(found.get("threshold"), list):
        found["threshold"] = dict(zip(LABELS, found["threshold"], strict=True))
    if "background" in found:
        found["background"] = [LABELS[k] for k in found["background"]]
    for name in ("label", "blank"):
        if name in found:
            found[name] = LABELS[found[name]]
    return found


def decisions() -> st.SearchStrategy[dict[str, Any]]:
    """Settings of each kind and report, for a model with LABELS."""
    return st.one_of(
        *(
            st.builds(
                lambda drawn, report, kind=kind: {**named(drawn), "kind": kind, "report": report},
                drawn,
                st.sampled_from(["early", "final"]),
            )
            for kind, drawn in SETTINGS.items()
        )
    )


def posteriors(seed: int, n_rows: int) -> np.ndarray:
    return drawn_posteriors(seed, n_rows, 3).astype(np.float32)
