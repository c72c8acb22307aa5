"""What layers remember and show, part by part, each kind: the engine against the reference."""

from __future__ import annotations

import numpy as np
import pytest

import pylstm
from tests.layer_kinds import ROWS_AND_STATES
from tests.layer_part_cases import FRAMES, MODELS, Part, expected


def described(parts: list[Part]) -> list[tuple[str, str, int, int, int, int]]:
    """What the engine should say of the parts: kind, name, layer, cell, offset, size."""
    sizes = [part.values.shape[-1] for part in parts]
    offsets = np.cumsum([0, *sizes])[:-1].tolist()
    return [
        (*part[:4], offset, size) for part, offset, size in zip(parts, offsets, sizes, strict=True)
    ]


@pytest.mark.parametrize("name", MODELS)
def test_the_tables_say_what_stands_where(name: str) -> None:
    _, state, trace = expected(MODELS[name])
    core = pylstm.Model(None, MODELS[name])._core
    assert [tuple(part) for part in core.state_parts] == described(state)
    assert [tuple(part) for part in core.trace_parts] == described(trace)


@pytest.mark.parametrize("name", MODELS)
def test_state_and_trace_are_those_of_the_reference(isa: str, name: str) -> None:
    outputs, state, trace = expected(MODELS[name])
    stream = pylstm.Model(None, MODELS[name]).stream()
    rows, shown = stream.trace(FRAMES)
    np.testing.assert_allclose(rows, outputs, rtol=0, atol=1e-5)
    cells = [cell if isinstance(cell, tuple) else cell.swapaxes(0, 1) for cell in shown]
    traced = [part for cell in cells for part in cell]
    remembered = [memory for cell in stream.state for memory in cell]
    for parts, found in ((state, remembered), (trace, traced)):
        assert len(found) == len(parts)
        for part, values in zip(parts, found, strict=True):
            np.testing.assert_allclose(values, part.values, rtol=0, atol=1e-5)


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("name", MODELS)
def test_a_state_that_is_set_goes_on_as_one_that_came_about(name: str) -> None:
    first, second, third = (pylstm.Model(None, MODELS[name]).stream() for _ in range(3))
    first.push_frames(FRAMES[:13])
    second.state = first.state
    third.restore(first.snapshot())
    for ours, theirs in zip(first.state, second.state, strict=True):
        for part, same in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(part, same)
    rows = first.push_frames(FRAMES[13:])
    if name in ROWS_AND_STATES:  # rows of a window are the stream's, in its snapshot alone
        np.testing.assert_array_equal(second.push_frames(FRAMES[13:]), rows)
    np.testing.assert_array_equal(third.push_frames(FRAMES[13:]), rows)
