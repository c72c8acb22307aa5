"""Tensors of TorchScript files, read without PyTorch; nothing in a file is run."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.convert import from_published
from pylstm.convert.published import recipe_of
from pylstm.convert.published.torchscript import is_torchscript, read_torchscript
from tests.published_files import silero_path

# --- descriptions as PyTorch writes them, opcode by opcode ----------------------------------------


def word(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(
    key: str,
    count: int,
    size: Sequence[int],
    stride: Sequence[int],
    offset: int = 0,
    storage: str = "FloatStorage",
) -> bytes:
    persistent = b"(" + word("storage") + f"ctorch\n{storage}\n".encode() + word(key) + word("cpu")
    persistent += number(count) + b"tQ"
    arguments = b"(" + persistent + number(offset) + numbers(size) + numbers(stride)
    arguments += b"\x89" + b"ccollections\nOrderedDict\n)R" + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


def module(**attributes: bytes) -> bytes:
    entries = b"".join(word(name) + value for name, value in attributes.items())
    return b"c__torch__.net\nNet\n)\x81}(" + entries + b"ub"


def archive(
    path: Path, description: bytes, compression: int = zipfile.ZIP_STORED, **storages: np.ndarray
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("net/data.pkl", b"\x80\x02" + description + b".")
        file.writestr("net/constants.pkl", b"\x80\x02).")
        for key, values in storages.items():
            file.writestr(f"net/data/{key}", values.tobytes())
    return path


VALUES = np.arange(12, dtype=np.float32)


def test_tensors_have_the_names_of_a_state_dict(tmp_path: Path) -> None:
    inner = module(weight=tensor("w", 12, [3, 2], [4, 2], 1), training=b"\x89", empty=b"N")
    path = archive(tmp_path / "net", module(cell=inner, bias=tensor("w", 12, [2], [1])), w=VALUES)
    assert is_torchscript(path)
    found = read_torchscript(path)
    assert list(found) == ["cell.weight", "bias"]
    np.testing.assert_array_equal(found["cell.weight"], [[1, 3], [5, 7], [9, 11]])
    np.testing.assert_array_equal(found["bias"], [0, 1])


def test_pytorch_reads_the_same(packages: Path) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    path = silero_path(packages, "silero_vad.jit")
    found = read_torchscript(path)
    with pytest.warns(DeprecationWarning, match=r"torch\.jit"):  # of the form of the file
        expected = torch.jit.load(str(path)).state_dict()
    assert set(found) == {*expected, "_state", "_context"}
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values.numpy())


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (module(w=tensor("w", 12, [13], [1])), "larger than its storage"),
        (module(w=tensor("w", 12, [2, 7], [6, 1])), "larger than its storage"),
        (module(w=tensor("w", 12, [1 << 30], [0])), "larger than its storage"),
        (module(w=tensor("w", 12, [2], [-1])), "other sizes"),
        (module(w=b"Nr\xff\xff\xff\x7f"), "it numbers a value 2147483647"),
        (module(w=tensor("w", 12, [2, 2], [1])), "other sizes"),
        (module(w=tensor("w", 13, [2], [1])), "another size than it says"),
        (module(w=tensor("x", 12, [2], [1])), "net/data/x"),
        (module(w=tensor("w", 12, [2], [1], storage="QInt8Storage")), "neither a tensor nor plain"),
        (module(w=b"cos\nsystem\n" + b"(" + word("exit") + b"tR"), r"os\.system is neither"),
        (module(w=b"cbuiltins\neval\n" + b"(" + word("1") + b"tR"), r"builtins\.eval is neither"),
        (b"]", "describes no module"),
        (b"", "cannot be read"),
    ],
)
def test_other_descriptions_are_refused(tmp_path: Path, description: bytes, message: str) -> None:
    path = archive(tmp_path / "net", description, w=VALUES)
    with pytest.raises(ValueError, match=rf"cannot be read .*{message}|{message}") as caught:
        read_torchscript(path)
    assert str(caught.value).endswith("; expected a file of torch.jit.save")


# Descriptions that say "as before": PUT numbers a value, GET repeats it.
SHARED = b"".join(
    module(a=b"h" + bytes([k]), b=b"h" + bytes([k])) + b"q" + bytes([k + 1]) for k in range(28)
)
TUPLE = b"(" + b"K\x01" * 40 + b"t"


def deep(levels: int) -> bytes:
    start = b"".join(b"c__torch__.net\nNet\n)\x81}" + word("a") for _ in range(levels))
    return start + tensor("w", 12, [2], [1]) + b"sb" * levels


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (module(w=tensor("w", 12, [2], [1])) + b"q\x000" + SHARED, "stands at two places"),
        (b"c__torch__.net\nNet\n)\x81q\x00}" + word("a") + b"h\x00sb", "stands at two places"),
        (deep(3000), "nested more than 64 deep"),
        (module(w=tensor("w", 12, [1] * 33, [1] * 33)), "or too many"),
        (module(w=tensor("w", 12, [2], [1])).replace(word("w"), number(1), 1), "than named ones"),
        (module(**{"n" * 1001: tensor("w", 12, [2], [1])}), "than named ones"),
        (b"ctorch.jit._pickle\nbuild_intlist\n" + TUPLE + b"\x85R", "made of something else"),
        (module(w=b"ccollections\nOrderedDict\n}\x85R"), "_empty"),
    ],
)
def test_descriptions_without_end_are_refused(
    tmp_path: Path, description: bytes, message: str
) -> None:
    path = archive(tmp_path / "net", description, w=VALUES)
    with pytest.raises(ValueError, match=rf"cannot be read .*{message}"):
        read_torchscript(path)
    assert recipe_of(path) is None


def test_tensors_have_no_more_bytes_than_the_file_twice(tmp_path: Path) -> None:
    large = np.ones(50_000, np.float32)
    both = module(a=tensor("w", 50_000, [50_000], [1]), b=tensor("w", 50_000, [100], [1]))
    found = read_torchscript(archive(tmp_path / "net", both, w=large))  # as tied weights are
    assert [one.nbytes for one in found.values()] == [200_000, 400]
    attributes = {f"t{k}": tensor("w", 50_000, [50_000], [1]) for k in range(3)}
    path = archive(tmp_path / "net", module(**attributes), w=large)
    with pytest.raises(ValueError, match="its tensors have more bytes than it holds"):
        read_torchscript(path)


def test_what_is_compressed_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "net", module(), zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="is compressed"):
        read_torchscript(path)


def test_no_code_runs(tmp_path: Path) -> None:
    """What pickle itself would run."""

    class Bomb:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    bomb = pickle.dumps(Bomb(), protocol=2)[2:-1]
    path = archive(tmp_path / "net", module(w=bomb), w=VALUES)
    with pytest.raises(ValueError, match="neither a tensor nor plain data"):
        read_torchscript(path)
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Bomb()))  # it would
    assert (tmp_path / "ran").exists()


WHOLE = module(
    cell=module(weight=tensor("w", 12, [3, 2], [4, 2], 1)), bias=tensor("w", 12, [2], [1])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=3))
def test_broken_descriptions_are_refused_or_read(edits: list[tuple[int, int]]) -> None:
    described = bytearray(WHOLE)
    for place, value in edits:
        described[place] = value
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as file:
        file.writestr("net/data.pkl", b"\x80\x02" + bytes(described) + b".")
        file.writestr("net/data/w", VALUES.tobytes())
    with contextlib.suppress(ValueError):  # any other error is a bug
        found = read_torchscript(buffer)  # type: ignore[arg-type]
        assert all(isinstance(one, np.ndarray) for one in found.values())


# --- Silero VAD's, changed ------------------------------------------------------------------------


def changed(path: Path, to: Path, before: bytes, after: bytes) -> Path:
    """The same archive, with other bytes in its description."""
    assert len(before) == len(after)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("/data.pkl"):
                assert before in data
                data = data.replace(before, after)
            new.writestr(name, data)
    return to


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"weight_hh", b"weight_xx", r"tensor '_model.decoder.rnn.weight_hh' is missing"),
        (b"reparam_conv", b"reparam_cxnv", r"reparam_conv.weight' is missing; expected \(128, 129"),
        (b"_context", b"_contexts"[:8][::-1], r"tensor 'txetnoc_' is none of Silero VAD's"),
        (b"FloatStorage", b"QuantStorage", r"expected the file of a published network"),
    ],
)
def test_every_tensor_is_known(
    packages: Path, tmp_path: Path, before: bytes, after: bytes, message: str
) -> None:
    path = changed(silero_path(packages, "silero_vad.jit"), tmp_path / "net", before, after)
    with pytest.raises(ValueError, match=message):
        from_published(path, 16000)
