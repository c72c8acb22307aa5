"""Files of torch.save that are broken, or that a person with bad intentions has made: each is
refused as a ValueError, and takes no more memory than it has bytes."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylstm.convert import from_torch
from pylstm.convert.torch.weights import from_weights

try:
    import torch
    from torch import nn
except ImportError:
    pytest.skip("it is PyTorch's: pip install 'pylstm[torch]'", allow_module_level=True)


def saved(former: bool = False) -> bytes:
    torch.manual_seed(0)
    file = io.BytesIO()
    state = {"state_dict": nn.LSTM(3, 2).state_dict(), "epoch": 4}
    torch.save(state, file, _use_new_zipfile_serialization=not former)
    return file.getvalue()


ZIPPED, FORMER = saved(), saved(former=True)


def packed(change: Callable[[str, bytes], bytes], **how: Any) -> bytes:
    """The archive with other content in its parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ZIPPED)) as before, zipfile.ZipFile(file, "w", **how) as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return file.getvalue()


ROOM = b"\x80\x02c__builtin__\nbytearray\nJ" + struct.pack("<i", 2**30) + b"\x85R."


def asking_for_room(name: str, data: bytes) -> bytes:
    return ROOM if name.endswith("data.pkl") else data


def large(name: str, data: bytes) -> bytes:
    return bytes(1 << 24) if name.endswith("/0") else data


def sharing() -> bytes:
    """Parts that have their bytes in one place, as in an archive that unpacks to very much."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 12))
        one = archive.infolist()[0]
        for k in range(50):
            other = zipfile.ZipInfo(f"archive/data/{k}")
            other.header_offset, other.CRC = one.header_offset, one.CRC
            other.file_size = other.compress_size = one.file_size
            archive.filelist.append(other)
            archive.NameToInfo[other.filename] = other
        archive._didModify = True  # type: ignore[attr-defined]
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: packed(asking_for_room), "which makes a bytearray; expected a file of torch.save"),
        (lambda: ROOM, "which makes a bytearray; expected a file of torch.save"),
        (lambda: packed(large, compression=zipfile.ZIP_DEFLATED), "whose parts are compressed; ex"),
        (sharing, "whose parts have more bytes than it has; expected a file of torch.save"),
        (lambda: ZIPPED[:200], "which is broken .*; expected a file of torch.save"),
        (lambda: FORMER[:40], "which is broken .*; expected a file of torch.save"),
    ],
)
def test_files_that_are_larger_inside(content: Any, says: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content())
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=says):
            from_torch(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(60_000, 60_000), (10**9, 10**9), (2**31,)])
def test_a_tensor_that_repeats_one_value(shape: tuple[int, ...], tmp_path: Path) -> None:
    state = {"weight": torch.zeros(1).expand(shape), "bias": torch.zeros(2)}
    path = tmp_path / "weights.pt"
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"values in 4 bytes of memory, .*its \.contiguous\(\)"):
        from_torch(path)
    small = {"weight": torch.ones(1).expand(2, 3), "bias": torch.zeros(2)}
    assert from_torch(small) == from_torch({"weight": torch.ones(2, 3), "bias": torch.zeros(2)})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), former=st.booleans())
def test_broken_files(data: st.DataObject, former: bool, tmp_path: Path) -> None:
    """Cut off, or with other bytes: refused, or the tensors are all there."""
    content = bytearray(FORMER if former else ZIPPED)
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    try:
        layers = from_weights(path, [("", None)]).layers
    except (TypeError, ValueError):
        return
    assert repr(layers).startswith("[LSTM(input_size=3, hidden_size=2, num_layers=1, bias=True")
