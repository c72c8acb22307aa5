"""The networks in RTNeural's own repository, with the outputs that lie beside them.

Nothing of them is copied here: a clone is needed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pylstm.convert import from_rtneural
from tests.convert.conversions import in_random_cuts

CLONE = os.environ.get("PYLSTM_RTNEURAL", "")
pytestmark = pytest.mark.skipif(
    not CLONE,
    reason="it reads a clone of RTNeural on GitHub: set PYLSTM_RTNEURAL to its folder",
)


def columns(name: str, width: int = 1) -> Any:
    path = Path(CLONE) / "test_data" / f"{name}.csv"
    return np.loadtxt(path, delimiter=",", dtype=np.float32).reshape(-1, width)


def by_channel(name: str) -> Any:
    """A line for each channel."""
    path = Path(CLONE) / "test_data" / f"{name}.csv"
    return np.loadtxt(path, delimiter=",", dtype=np.float32, ndmin=2)


def converted(name: str, **options: Any) -> Any:
    return from_rtneural(Path(CLONE) / "models" / f"{name}.json", **options).layers


CONV = {"dilation": 1, "groups": 1, "activation": "linear"}


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    "name", ["conv", "dense", "gru", "gru_1d", "lstm", "lstm_1d", "gru_torch", "lstm_torch"]
)
def test_rows_are_those_of_the_repository(name: str) -> None:
    y = in_random_cuts(converted(name), columns(f"{name}_x_python"))
    np.testing.assert_allclose(y, columns(f"{name}_y_python"), rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
def test_conv2d() -> None:
    """The row of Keras's output t is that of frame t + 13; at its edges Keras sees zeros."""
    y = in_random_cuts(converted("conv2d"), columns("conv2d_x_python", 23))
    expected = columns("conv2d_y_python", 8)
    np.testing.assert_allclose(y[14:], expected[1:37], rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
def test_convolutions_over_a_block() -> None:
    """What Keras gives for the whole block are the rows that see no frame before it."""
    y = in_random_cuts(converted("conv_stateless"), columns("conv_stateless_x_python"))
    expected = columns("conv_stateless_y_python")
    np.testing.assert_allclose(y[-len(expected) :], expected, rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
@pytest.mark.parametrize(
    ("name", "inputs", "options"),
    [
        ("conv1d_torch", 1, {}),
        ("conv1d_torch_group_6_3_3_1_3", 6, {"groups": 3}),
        ("conv1d_torch_group_6_3_4_10_3", 6, {"groups": 3, "dilation": 10}),
        ("conv1d_torch_group_6_6_1_1_6", 6, {"groups": 6}),
    ],
)
def test_state_dicts_of_convolutions(name: str, inputs: int, options: dict[str, Any]) -> None:
    data = name.partition("_group")[0] + ("_group" if "group" in name else "")
    x = columns(f"{data}_x_python", inputs)
    y = in_random_cuts(converted(name, options={"": CONV | options}), x)
    end = name.replace("_group_", "_group_y_python_") if "group" in name else f"{name}_y_python"
    expected = by_channel(end).T
    np.testing.assert_allclose(y[-len(expected) :], expected, rtol=0, atol=1e-5)


@pytest.mark.law_framework_exact
def test_a_block_of_a_temporal_network() -> None:
    """The four files of a block, put together as its program does."""
    import pylstm

    (conv,) = converted(
        "microtcn/conv1", options={"": {"dilation": 10, "groups": 1, "activation": "linear"}}
    )
    (norm,), (slope,) = converted("microtcn/bn"), converted("microtcn/relu")
    (residual,) = converted("microtcn/res", options={"": CONV})
    layers = {"conv": conv, "norm": norm, "slope": slope}
    layers |= {"residual": (residual, "features"), "sum": (pylstm.Add(), "slope", "residual")}
    y = in_random_cuts(layers, columns("microtcn_x"))
    expected = by_channel("microtcn_y").T
    np.testing.assert_allclose(y[-len(expected) :], expected, rtol=0, atol=1e-5)


def test_a_file_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match=r"layers\[0\] \(lstm\).*; expected"):
        converted("bad_lstm")
