"""What people hand over that is no plain state dict: odd tensors, other things in a file, paths
that are no files. Each becomes the right layer or an error that is documented."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pylstm.convert import from_published, from_torch
from pylstm.convert.torch.checkpoint import state_dict_in
from pylstm.convert.torch.weights import from_weights

try:
    import torch
    from torch import nn
except ImportError:
    pytest.skip("it is PyTorch's: pip install 'pylstm[torch]'", allow_module_level=True)

# PyTorch says of the odder ones, when they are made, that they may change.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch", "ignore::UserWarning:tests")

Make = Callable[[torch.Tensor], Any]


def quietly(make: Make) -> Make:
    def made(weight: torch.Tensor) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(weight)

    return made


class Wrapped:
    """As far as anybody asks a tensor whose values are somewhere else, such as in parts on several
    machines. PyTorch's own take long to make."""

    dtype, layout = torch.float32, torch.strided
    is_meta = is_sparse = False

    def __init__(self, like: torch.Tensor) -> None:
        self.numel = like.numel

    def detach(self) -> Any:
        raise RuntimeError("no values here")


REFUSED: dict[str, tuple[Make, str]] = {
    "nested": (
        quietly(lambda w: torch.nested.nested_tensor([w, w[:1]])),
        "is nested; expected a dense tensor",
    ),
    "sparse": (lambda w: w.to_sparse(), "is sparse coo; expected a dense tensor"),
    "sparse rows": (quietly(lambda w: w.to_sparse_csr()), "is sparse csr; expected a dense"),
    "sparse columns": (quietly(lambda w: w.to_sparse_csc()), "is sparse csc; expected a dense"),
    "meta": (lambda w: w.to("meta"), "is on the meta device, without values; expected"),
    "lazy": (lambda w: nn.UninitializedParameter(), "is of a lazy module that has not run yet; e"),
    "wrapped": (
        lambda w: Wrapped(w),
        r"is of type Wrapped, which PyTorch makes no array of \(no values here\); expected",
    ),
    "complex": (lambda w: w.to(torch.complex64), r"is torch\.complex64; expected torch\.float32"),
    "conjugate": (lambda w: w.to(torch.complex64).conj(), r"is torch\.complex64; expected torch"),
    "truths": (lambda w: w > 0, r"is torch\.bool; expected torch\.float32"),
    "eight bits": (lambda w: w.to(torch.float8_e4m3fn), r"is torch\.float8_e4m3fn; expected"),
    "quantised": (
        quietly(lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8)),
        r"is quantised, torch\.qint8; expected torch\.float32",
    ),
    "one number": (lambda w: torch.tensor(1.0), r"has shape \(\); expected"),
    "no row": (lambda w: w[:0], r"has shape \(0, .*\); expected"),
    "no column": (lambda w: w[:, :0], r"has shape \(.*, 0\); expected"),
    "nothing": (lambda w: torch.zeros(0, 0), r"has shape \(0, 0\); expected"),
    "objects": (lambda w: np.array([[None]]), "is object; expected float32"),
    "text": (lambda w: np.array([["a"]]), "is <U1; expected float32"),
}

MODULES = {
    "Linear": (lambda: nn.Linear(3, 2), "weight"),
    "LSTM": (lambda: nn.LSTM(3, 2), "weight_ih_l0"),
    "LSTM of states": (lambda: nn.LSTM(3, 2), "weight_hh_l0"),
    "projection": (lambda: nn.LSTM(3, 4, proj_size=2), "weight_hr_l0"),
    "GRUCell": (lambda: nn.GRUCell(3, 2), "weight_hh"),
}


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("kind", REFUSED)
def test_tensors_that_no_layer_has(kind: str, module: str) -> None:
    make, says = REFUSED[kind]
    build, name = MODULES[module]
    state = dict(build().state_dict())
    state[name] = make(state[name])
    with pytest.raises((TypeError, ValueError), match=f"^'{name}' of the state dict {says}"):
        from_torch(state)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    "make",
    [
        lambda w: (-w)._neg_view(),
        lambda w: torch.complex(w, -w).conj().imag,
        lambda w: w.clone().requires_grad_(),
        lambda w: w.T.contiguous().T,
    ],
    ids=["negative", "imaginary part", "with a gradient", "transposed memory"],
)
def test_tensors_that_are_read_in_another_way(make: Make, module: str) -> None:
    build, name = MODULES[module]
    state = dict(build().state_dict())
    expected = from_torch(state)
    assert from_torch(state | {name: make(state[name])}) == expected


@pytest.mark.parametrize("kind", ["nested", "sparse", "meta", "complex", "sparse rows"])
def test_a_file_of_them(kind: str, tmp_path: Path) -> None:
    make, says = REFUSED[kind]
    path = tmp_path / "model.pt"
    torch.save(nn.Linear(3, 2).state_dict() | {"weight": make(torch.ones(2, 3))}, path)
    with pytest.raises((TypeError, ValueError), match=f"^'weight' of the file {says}"):
        from_torch(path)
    with pytest.raises(ValueError, match="expected the file of a published network"):
        from_published(path)


# --- other things in a file -----------------------------------------------------------------------


def in_itself(length: int) -> dict[str, Any]:
    """Mappings, each inside the one before, the first inside the last."""
    first: dict[str, Any] = {}
    last = first
    for _ in range(length - 1):
        last["a"] = {}
        last = last["a"]
    last["a"] = first
    return first


def deep(inside: Any) -> Any:
    for _ in range(3000):
        inside = {"a": inside}
    return inside


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_mapping_inside_itself(length: int, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(in_itself(length), path)
    for source, where in ((path, "the file"), (in_itself(length), "the state dict")):
        with pytest.raises(ValueError, match=f"^{where} is a mapping inside itself; expected"):
            from_torch(source)
    with pytest.raises(ValueError, match="expected the file of a published network"):
        from_published(path)


def test_a_state_dict_deep_inside() -> None:
    linear = nn.Linear(3, 2)
    assert from_torch(deep(linear.state_dict())) == from_torch(linear)


@pytest.mark.parametrize("state", [{}, {"state_dict": {}}, {"a": {"b": {}}}])
def test_no_tensors(state: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(state, path)
    for source in (path, state):
        with pytest.raises(ValueError, match="is empty: it has no tensors; expected"):
            from_torch(source)


@pytest.mark.parametrize("content", [torch.ones(2), [torch.ones(2)], None, 3, "text"])
def test_no_state_dict(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(content, path)
    kind = type(content).__name__
    with pytest.raises(TypeError, match=f"^the file holds an object of type {kind}; expected a st"):
        from_torch(path)
    with pytest.raises(TypeError, match=f"^x holds an object of type {kind}; expected a state di"):
        state_dict_in(content, "x")
    with pytest.raises(ValueError, match="expected the file of a published network"):
        from_published(path)


def test_a_name_that_is_very_deep() -> None:
    name: Any = ()
    for _ in range(3000):
        name = (name,)
    with pytest.raises(TypeError, match=r"^a name in the state dict is \(\(\(.*; expected a str"):
        from_torch({name: np.ones((2, 2), np.float32)})


def test_nothing_is_said_beside_the_errors(tmp_path: Path) -> None:
    script, scaled = tmp_path / "script.pt", tmp_path / "scaled.pt"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.jit.save(torch.jit.script(nn.Linear(3, 2)), script)
        weight = torch.quantize_per_tensor(torch.ones(2, 3), 0.5, 0, torch.qint8)
        torch.save({"weight": weight, "bias": torch.zeros(2)}, scaled)
        said.clear()
        for read in (from_torch, lambda path: from_weights(path, [("", None)])):
            with pytest.raises(ValueError, match="a TorchScript program; expected tensors alone"):
                read(script)
        found = from_torch(scaled, dtype="float32")
    assert [str(one.message) for one in said] == []
    assert np.array_equal(found.weights["weight"], np.ones((2, 3), np.float32))


# --- paths that are no files ----------------------------------------------------------------------


def pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here: Linux or macOS runs this")
    os.mkfifo(path)


def device(path: Path) -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero here: Linux or macOS runs this")
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("end", [".pt", ".safetensors"])
@pytest.mark.parametrize("make", [pipe, device, Path.mkdir])
def test_no_regular_file(make: Callable[[Path], None], end: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{end}"
    make(path)
    with pytest.raises(ValueError, match=f"model{end}', which is not a regular file; expected"):
        from_torch(path)
