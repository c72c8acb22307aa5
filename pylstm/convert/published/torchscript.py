"""The tensors of a TorchScript file, without PyTorch and without running its program."""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.convert.source_file import opened_archive

__all__ = ["is_torchscript", "names_in_archive", "read_torchscript"]

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
# What `torch.jit` writes typed lists with: the list itself is the one argument.
_LISTS = ("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist")

# No network that is known comes near these; without them a short file could describe names and
# sizes without end, since a description can say "as before".
_DEEPEST, _MOST_AXES, _LONGEST_NAME = 64, 32, 1000
# Tensors may share their storage, as tied weights do: bytes of all of them for each of the file.
_BYTES_PER_BYTE = 2


def names_in_archive(path: Path) -> list[str]:
    """The names in a zip archive; none, where it is no archive or a broken one."""
    try:
        with opened_archive(path, str(path)) as archive:
            return archive.namelist()
    except ValueError:
        return []


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive that ``torch.jit.save`` writes."""
    inside = {name.partition("/")[2] for name in names_in_archive(path)}
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
        It is no such file, is compressed, has something else than these, has one module at two
        places, or more bytes of tensors than twice its own.
    OSError
        It cannot be read.
    """
    try:
        with opened_archive(path, "the archive") as archive:
            (described,) = (n for n in archive.namelist() if n.partition("/")[2] == "data.pkl")
            root = described.partition("/")[0]
            found = _Reader(archive, root).load()
        if not isinstance(found, _Module):
            raise pickle.UnpicklingError("it describes no module")
        return dict(_tensors(found))
    except OSError:
        raise
    except Exception as error:  # whatever a broken description makes of the reader of pickles
        raise ValueError(
            f"source is {str(path)!r}, of which the tensors cannot be read ({error}); expected a"
            " file of torch.jit.save"
        ) from None


class _Module:
    """A module of the program: its attributes."""

    attributes: Mapping[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a module has other attributes than named ones")
        self.attributes = state


def _tensors(root: _Module) -> Iterator[tuple[str, NDArray[Any]]]:
    """Tensors under their names; a module at two places would have names without end."""
    seen: set[int] = set()

    def walk(module: _Module, prefix: str, depth: int) -> Iterator[tuple[str, NDArray[Any]]]:
        attributes = getattr(module, "attributes", None)
        if attributes is None:
            return
        if id(attributes) in seen:
            raise pickle.UnpicklingError("one module stands at two places")
        if depth > _DEEPEST:
            raise pickle.UnpicklingError(f"modules are nested more than {_DEEPEST} deep")
        seen.add(id(attributes))
        for name, value in attributes.items():
            if not isinstance(name, str) or len(name) > _LONGEST_NAME:
                raise pickle.UnpicklingError("a module has other attributes than named ones")
            if isinstance(value, np.ndarray):
                yield f"{prefix}{name}", value
            elif isinstance(value, _Module):
                yield from walk(value, f"{prefix}{name}.", depth + 1)

    return walk(root, "", 1)


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
        self._storages: dict[tuple[str, str], NDArray[Any]] = {}
        assert archive.fp is not None  # it is open
        self._bytes_left = _BYTES_PER_BYTE * archive.fp.seek(0, io.SEEK_END)

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "__torch__":
            return _Module
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if (module, name) == ("collections", "OrderedDict"):
            return _empty
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if module == "torch.jit._pickle" and name in _LISTS:
            return _list
        raise pickle.UnpicklingError(f"{module}.{name} is neither a tensor nor plain data")

    def persistent_load(self, pid: Any) -> Any:
        kind, dtype, key, _, count = pid
        if kind != "storage" or dtype not in _STORAGES.values():
            raise pickle.UnpicklingError(f"{kind!r} is no storage of numbers")
        if (key, dtype) not in self._storages:
            data = _stored(self._archive, f"{self._root}/data/{key}")
            self._take(len(data))
            self._storages[key, dtype] = np.frombuffer(data, dtype)
        values = self._storages[key, dtype]
        if values.size != count:
            raise pickle.UnpicklingError(f"storage {key!r} has another size than it says")
        return values

    def _take(self, n: int) -> None:
        """Counts bytes that the file makes of its own."""
        self._bytes_left -= n
        if self._bytes_left < 0:
            raise pickle.UnpicklingError("its tensors have more bytes than it holds")

    def _tensor(
        self, storage: Any, offset: Any, size: Any, stride: Any, *rest: Any
    ) -> NDArray[Any]:
        """The part of a storage that a tensor is."""
        if not isinstance(storage, np.ndarray):
            raise pickle.UnpicklingError("a tensor has no storage")
        if len(size) != len(stride) or len(size) > _MOST_AXES:
            raise pickle.UnpicklingError("a tensor has other sizes than its steps, or too many")
        numbers = [offset, *size, *stride]
        if not all(type(one) is int and 0 <= one < 1 << 48 for one in numbers):
            raise pickle.UnpicklingError("a tensor has other sizes than whole numbers")
        if 0 in size:
            return np.zeros(size, storage.dtype)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if last >= storage.size or math.prod(size) > storage.size:
            raise pickle.UnpicklingError("a tensor is larger than its storage")
        self._take(math.prod(size) * storage.itemsize)
        steps = [step * storage.itemsize for step in stride]
        values = np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)
        return values.copy()


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry of the archive; PyTorch compresses none, so that none grows."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise pickle.UnpicklingError(f"{name} is compressed")
    return archive.read(name)


def _list(values: Any) -> list[Any]:
    """A typed list: the list itself, since a copy of each would make a short file large."""
    if type(values) is not list:
        raise pickle.UnpicklingError("a list is made of something else")
    return values


def _empty() -> dict[Any, Any]:
    """The hooks of a tensor, of which none are written."""
    return {}
