"""A few forks of each situation; ``python -m tests.project.forks`` does 200."""

from __future__ import annotations

import os

import pytest

from tests.project import forks

pytestmark = [
    pytest.mark.law_one_writer,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: Linux or macOS runs this"),
]


@pytest.mark.parametrize("situation", forks.SITUATIONS)
def test_children_use_what_they_inherited(situation: str) -> None:
    if situation == "training_in_another_thread":
        for module in ("scipy", "threadpoolctl"):
            pytest.importorskip(module, reason="for training: pip install 'pylstm[train]'")
    found = forks.outcomes(situation, 4)
    assert set(found) <= {forks.GOOD, forks.INTERRUPTED}, found


def test_a_child_that_waits_for_its_parents_thread_is_found() -> None:
    assert set(forks.outcomes("control", 1)) == {forks.HANGS}
