"""Model files on disk: names and paths, reading whole, writing all or nothing.

What a model file is, and every rule that it must keep, stands in ``docs/model-file.md``; the one
reader and validator is the core's.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pylstm import _engine

__all__ = ["bundled", "encode", "encode_model", "locate", "read", "write", "write_together"]

MAX_FILE = 256 << 20
SUFFIX = ".safetensors"
_FOLDER = Path(__file__).parent / "models"


def bundled() -> list[str]:
    """Names of the models that come with the package.

    Returns
    -------
    list of str
    """
    return sorted(path.stem for path in _FOLDER.glob("*" + SUFFIX))


def locate(name_or_path: str | os.PathLike[str]) -> Path:
    """Where a model file lies.

    Parameters
    ----------
    name_or_path : str or path
        The name of a bundled model, or a path. A string is a path if it ends in ``.safetensors`` or
        contains a separator, so that a folder's contents never change what a name means.

    Raises
    ------
    ValueError
        No bundled model has this name.
    """
    if isinstance(name_or_path, os.PathLike):
        return Path(name_or_path)
    if not isinstance(name_or_path, str):
        raise TypeError(
            f"name_or_path is {type(name_or_path).__name__}; expected a model's name or a path"
        )
    separators = [os.sep, os.altsep] if os.altsep else [os.sep]
    if name_or_path.endswith(SUFFIX) or any(mark in name_or_path for mark in separators):
        return Path(name_or_path)
    if name_or_path in bundled():
        return _FOLDER / (name_or_path + SUFFIX)
    raise ValueError(
        f"no bundled model is named {name_or_path!r}; bundled: {', '.join(bundled()) or 'none'}"
        f" (a path contains a {os.sep!r} or ends in {SUFFIX!r})"
    )


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file of at most 256 MiB, read once.

    Never a memory map: a file that shrinks under a map kills the process.

    Raises
    ------
    OSError
        The file cannot be read.
    ModelFileError
        It is not a regular file, or larger than a model file may be.
    """
    # Nothing but a regular file is opened: opening a pipe would wait for its other end.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise _engine.ModelFileError(f"[regular-file] {os.fspath(path)} is not a regular file")
    with open(path, "rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise _engine.ModelFileError(
            f"[file-size] {os.fspath(path)} has more than {MAX_FILE} bytes, the largest model file"
        )
    return data


# dtype in memory -> dtype in a file. NumPy has no bfloat16: its bits stand in uint16.
_DTYPES = {"float32": "F32", "uint16": "BF16", "int8": "I8"}


def encode(metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file in memory: metadata and tensors, in the given order.

    float32 becomes F32, int8 I8, and uint16 (the upper halves of floats) BF16.

    The same content always gives the same bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        header[name] = {
            "dtype": _DTYPES[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # as the safetensors library does, so that tensors are aligned
    parts = [struct.pack("<Q", len(text)), text]
    parts += [
        tensor.astype(tensor.dtype.newbyteorder("<"), order="C").tobytes()
        for tensor in tensors.values()
    ]
    return b"".join(parts)


def encode_model(
    features: tuple[Mapping[str, str], Mapping[str, NDArray[Any]]] | None,
    layers: Iterable[tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]],
    labels: Sequence[str] = (),
    info: Mapping[str, str] | None = None,
) -> bytes:
    """A model file in memory, from the configuration and the tensors of its parts.

    Equal parts give equal bytes.
    """
    config, tensors = features or ({"features.kind": "none"}, {})
    metadata = {"pylstm.format": "1", **config}
    tensors = dict(tensors)
    layers = list(layers)
    metadata["layers.count"] = str(len(layers))
    for place, (layer_config, weights) in enumerate(layers):
        metadata |= {f"layers.{place}.{key}": value for key, value in layer_config.items()}
        tensors |= {f"layers.{place}.{name}": weight for name, weight in weights.items()}
    metadata["labels.count"] = str(len(labels))
    metadata |= {f"labels.{k}": label for k, label in enumerate(labels)}
    metadata |= {f"info.{name}": value for name, value in (info or {}).items()}
    return encode(metadata, tensors)


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces a file as a whole or not at all, whatever happens meanwhile.

    A temporary file in the same folder, fsync, read back, rename, fsync of the folder: after a
    crash the old file or the new one is there, never a part.

    Raises
    ------
    OSError
        The folder or the disk refused; what stood at `path` is as it was.
    """
    write_together({Path(path): data})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """The same for files that belong together: where one cannot be written, none is.

    Only a crash between two renames can leave an old one beside a new one.

    Raises
    ------
    OSError
        With the path that refused as `filename`; all files are as they were.
    ValueError
        Two of the paths are the same file; none is written.
    """
    written: dict[Path, Path] = {}
    before: dict[Path, Path | None] = {}
    given: dict[Path, Path] = {}
    try:
        for name, data in contents.items():
            # The folder as the system finds it: "a/../b" is not "b" where a is a link.
            path = Path(os.path.realpath(name.parent), name.name)
            if path in written:
                raise ValueError(f"{given[path]} and {name} are one file; expected a path for each")
            given[path], written[path] = name, _beside(path)
            with _refused_by(name):
                _write_temporary(written[path], data, path)
        for path, temporary in written.items():
            with _refused_by(given[path]):
                if len(written) > 1:
                    before[path] = copy = _beside(path) if os.path.lexists(path) else None
                    if copy is not None:
                        shutil.copy2(path, copy, follow_symlinks=False)
                os.replace(temporary, path)
    except BaseException:
        for path, kept in before.items():
            if os.path.lexists(written[path]):
                continue  # it was not replaced
            if kept is None:
                path.unlink()
            else:
                os.replace(kept, path)
        raise
    finally:
        for left in (*written.values(), *before.values()):
            # What refuses here has refused before, and that is what is to be told.
            with contextlib.suppress(OSError):
                if left is not None:
                    left.unlink()
    if os.name == "posix":
        for parent in {path.parent for path in written}:
            # Written it is: where a folder may not be read, or its file system does not sync
            # folders, an error would say that it is not.
            with contextlib.suppress(OSError):
                folder = os.open(parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)


def _beside(path: Path) -> Path:
    """A new name in the same folder; short, for the name of `path` may be as long as names get."""
    return path.parent / f".{secrets.token_hex(8)}.tmp"


@contextlib.contextmanager
def _refused_by(name: Path) -> Iterator[None]:
    """Errors name the file that was to be written, not one that nobody has heard of."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # else the message is all that it has, and would be lost
            error.filename = os.fspath(name)
            del error.filename2  # of a rename
        raise


def _write_temporary(temporary: Path, data: bytes, path: Path) -> None:
    """A whole file that can take the place of `path`, with its permissions."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if mode is not None and not stat.S_ISREG(mode):
        # A pipe or a device: renamed over, it would be gone for all who use it.
        raise OSError(errno.EINVAL, "it is no regular file")
    with open(temporary, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if temporary.read_bytes() != data:
        raise OSError(errno.EIO, "it does not read back as it was written")
    if mode is not None:
        os.chmod(temporary, stat.S_IMODE(mode))
