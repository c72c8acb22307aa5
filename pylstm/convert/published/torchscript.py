"""The tensors of a TorchScript file, without PyTorch and without running its program."""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_torchscript", "read_torchscript"]

# Types of numbers, by the names of PyTorch's storages.
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# What `torch.jit` writes typed lists with: the list itself comes first.
_LISTS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive that ``torch.jit.save`` writes."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        inside = {name.partition("/")[2] for name in archive.namelist()}
    return {"data.pkl", "constants.pkl"} <= inside


def read_torchscript(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a program's modules, by the names of its state dict.

    Of what describes the modules only tensors, names and plain data are read; anything else in it
    is refused. The program stands beside it in the archive, and is not looked at.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to ndarray
        Attributes that are tensors are among them, which a state dict leaves out.

    Raises
    ------
    ValueError
        It is no such file, is compressed, or has something else than these.
    OSError
        It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (described,) = (n for n in archive.namelist() if n.partition("/")[2] == "data.pkl")
            root = described.partition("/")[0]
            found = _Reader(archive, root).load()
    except OSError:
        raise
    except Exception as error:  # whatever a broken description makes of the reader of pickles
        raise _refusal(path, str(error)) from None
    if not isinstance(found, _Module):
        raise _refusal(path, "it describes no module")
    return dict(_tensors(found, ""))


def _refusal(path: Path, why: str) -> ValueError:
    return ValueError(
        f"source is {str(path)!r}, of which the tensors cannot be read ({why}); expected a file of"
        " torch.jit.save"
    )


class _Module:
    """A module of the program: its attributes."""

    attributes: Mapping[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a module has other attributes than named ones")
        self.attributes = state


def _tensors(module: _Module, prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, value in getattr(module, "attributes", {}).items():
        if isinstance(value, np.ndarray):
            yield f"{prefix}{name}", value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.")


class _Reader(pickle.Unpickler):
    """Reads the description of the modules; finds no name but those of tensors and plain data."""

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        described = _stored(archive, f"{root}/data.pkl")
        for opcode, argument, _ in pickletools.genops(described):
            # The reader would make room for as many values as this number says.
            if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > len(described):
                raise pickle.UnpicklingError(f"it numbers a value {argument}")
        super().__init__(io.BytesIO(described))
        self._archive, self._root = archive, root

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "__torch__":
            return _Module
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch.jit._pickle" and name in _LISTS:
            return list
        raise pickle.UnpicklingError(f"{module}.{name} is neither a tensor nor plain data")

    def persistent_load(self, pid: Any) -> Any:
        kind, dtype, key, _, count = pid
        if kind != "storage" or dtype not in _STORAGES.values():
            raise pickle.UnpicklingError(f"{kind!r} is no storage of numbers")
        values = np.frombuffer(_stored(self._archive, f"{self._root}/data/{key}"), dtype)
        if values.size != count:
            raise pickle.UnpicklingError(f"storage {key!r} has another size than it says")
        return values


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry of the archive; PyTorch compresses none, so that none grows."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"{name} is compressed")
    return archive.read(name)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> NDArray[Any]:
    """The part of a storage that a tensor is."""
    numbers = [offset, *size, *stride]
    if not all(type(one) is int and one >= 0 for one in numbers) or len(size) != len(stride):
        raise pickle.UnpicklingError("a tensor has other sizes than whole numbers")
    if not isinstance(storage, np.ndarray):
        raise pickle.UnpicklingError("a tensor has no storage")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 in size:
        return np.zeros(size, storage.dtype)
    if last >= storage.size or math.prod(size) > storage.size:
        raise pickle.UnpicklingError("a tensor is larger than its storage")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False).copy()
