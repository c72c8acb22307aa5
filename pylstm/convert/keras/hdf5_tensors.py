"""Tensors in HDF5 files, read without following links to other files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tensor", "attribute", "group_in", "opened", "tensors_in"]

_DEEPEST, _MOST = 24, 20_000
# What training remembers.
_LEFT_OUT = ("optimizer", "metrics")
_HINT = 'from_keras needs h5py to read weights: pip install "pylstm[keras]"'


class Tensor(NamedTuple):
    """An array of a file that is closed: its values, or why it has none."""

    values: NDArray[Any] | None
    problem: str

    def read(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The values, if they are float32 of this shape."""
        if self.values is None:
            raise ValueError(f"{name} is {self.problem}; expected an array of float32 in the file")
        if self.values.dtype != np.float32:
            raise TypeError(f"{name} is {self.values.dtype}; expected float32")
        if self.values.shape != shape:
            raise ValueError(f"{name} has shape {self.values.shape}; expected {shape}")
        if not np.isfinite(self.values).all():
            raise ValueError(f"{name} has a value that is not finite; expected finite ones")
        return self.values


@contextmanager
def opened(source: Any, name: str) -> Iterator[Any]:
    """An HDF5 file, open for reading; what h5py finds wrong with it becomes ValueError."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(_HINT) from error
    try:
        file = h5py.File(source, "r")
    except OSError as error:
        raise _broken(name, error) from None
    with file:
        try:
            yield file
        except UnicodeError:
            raise _broken(name, "a name or a text in it is no UTF-8") from None
        except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError) as error:
            raise _broken(name, error) from None


def _broken(name: str, why: object) -> ValueError:
    return ValueError(
        f"{name} cannot be read as HDF5: {why}; expected a file as model.save() writes it"
    )


def attribute(file: Any, name: str) -> bytes | None:
    """A text in an attribute, or None."""
    value = file.attrs.get(name)
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else None


def group_in(group: Any, name: str) -> Any:
    """A group inside of another one, of the same file."""
    import h5py

    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(group[name], h5py.Group):
        raise ValueError(
            f"{name!r} is no group of {group.name!r}; expected one, as Keras writes it"
        )
    return group[name]


def tensors_in(file: Any) -> dict[str, Tensor]:
    """All datasets of an open file under their paths, but for those of the optimiser."""
    import h5py

    found: dict[str, Tensor] = {}
    seen: set[int] = set()  # a group that holds itself would have no end

    def walk(group: Any, path: str, depth: int) -> None:
        if depth > _DEEPEST or len(found) > _MOST:
            raise ValueError(f"{path!r} is too deep or one of too many; expected a file of Keras")
        for name in group:
            inner = f"{path}/{name}" if path else name
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                found[inner] = Tensor(None, "a link")
                continue
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                found[inner] = Tensor(None, "what stands at another path")
                continue
            seen.add(address)
            if inner.startswith(_LEFT_OUT):
                continue
            if isinstance(item, h5py.Group):
                walk(item, inner, depth + 1)
            else:
                found[inner] = _tensor(item)

    walk(file, "", 0)
    return found


def _tensor(item: Any) -> Tensor:
    """A dataset, or what keeps it from being read."""
    import h5py

    if not isinstance(item, h5py.Dataset):
        return Tensor(None, "no dataset")
    if item.external or item.is_virtual:
        return Tensor(None, "in another file")
    if item.id.get_create_plist().get_nfilters():
        return Tensor(None, "compressed")
    if item.dtype.kind not in "fiub":
        return Tensor(None, f"of dtype {item.dtype}")
    if item.id.get_storage_size() < item.size * item.dtype.itemsize:
        return Tensor(None, "without values")
    return Tensor(np.asarray(item[()]), "")
