"""Every layer x framework x option: within 1e-5 of the framework, or refused, as the page says."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.convert.interop.cell import SIZES, difference, has_cell
from tests.convert.interop.row import FRAMEWORKS, Row
from tests.convert.interop.table import REFUSED, ROWS, shown_in_the_page

NEEDS = {
    "torch": ("torch",),
    "keras": ("torch", "keras", "h5py"),
    "onnx": ("onnx", "onnxruntime"),
    "rtneural": ("torch",),
    "to_torch": ("torch",),
    "to_onnx": ("onnx", "onnxruntime"),
}
"""What has to be installed for a column."""

# Keras writes and reads a file for each of its cells, and the exports have sizes in other tests.
ONE_SIZE = ("keras", "to_torch", "to_onnx")

PAGE = shown_in_the_page()


def name_of(place: int) -> str:
    """A layer is named in its first row alone."""
    layer = next(row.layer for row in ROWS[place::-1] if row.layer)
    return f"{layer} {ROWS[place].option}".replace("`", "")


CELLS = [
    pytest.param(place, framework, size, id=f"{name_of(place)} {framework} {size}")
    for place, row in enumerate(ROWS)
    for framework in FRAMEWORKS
    if has_cell(row, framework)
    for size in (SIZES[1:2] if framework in ONE_SIZE else SIZES)
]


@pytest.mark.law_framework_exact
# Keras on arrays of PyTorch, with NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(("place", "framework", "size"), CELLS)
def test_a_cell(place: int, framework: str, size: int) -> None:
    for package in NEEDS[framework]:
        if find_spec(package) is None:
            pytest.skip(f"it compares with {framework}: pip install {' '.join(NEEDS[framework])}")
    row = ROWS[place]
    if PAGE[place][framework] == REFUSED:
        with pytest.raises(ValueError, match=r"expected|cannot"):
            difference(row, framework, size)
    else:
        assert difference(row, framework, size) <= 1e-5


@pytest.mark.parametrize("place", range(len(ROWS)))
def test_the_page_has_the_cells(place: int) -> None:
    row: Row = ROWS[place]
    assert len(PAGE) == len(ROWS)
    for framework, shown in PAGE[place].items():
        assert bool(shown) == has_cell(row, framework)
