"""The labels of a model in the order in which a live view shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pylstm.model import Model

__all__ = ["ShownLabels"]


@dataclass(frozen=True)
class ShownLabels:
    """Labels that can be events first, then the others; both in the order of the outputs.

    Attributes
    ----------
    outputs : tuple of int
    names : tuple of str
        Numbers where the model has no labels.
    n_reported : int
        How many of them, from the first on, can be events.
    """

    outputs: tuple[int, ...]
    names: tuple[str, ...]
    n_reported: int

    @classmethod
    def of(cls, model: Model, decision: Mapping[str, Any]) -> ShownLabels:
        """Those of a model whose listener decides so (`Listener.decision`)."""
        names = model.labels or tuple(map(str, range(model.n_outputs)))
        kind = decision["kind"]
        if kind == "segments":
            silent = set(names) - {str(decision.get("label", names[0]))}
        elif kind == "symbols":
            silent = {str(decision.get("blank", names[0]))}
        else:
            silent = set(decision.get("background", ()))
        reported = [k for k, name in enumerate(names) if name not in silent]
        outputs = (*reported, *(k for k, name in enumerate(names) if name in silent))
        return cls(outputs, tuple(names[k] for k in outputs), len(reported))

    @property
    def reported(self) -> tuple[str, ...]:
        """Those that can be events."""
        return self.names[: self.n_reported]
