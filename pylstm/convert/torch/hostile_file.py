"""Files of ``torch.save`` that would take far more memory than they have bytes."""

from __future__ import annotations

import io
import mmap
import pickletools
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["refuse_bombs"]

# A file from before the zip archives has so many pickles in front of the tensors.
_PICKLES = 5


class _Refused(ValueError):
    """It is refused for what it is."""


def refuse_bombs(place: Path, shown: str) -> None:
    """Refuses what torch.load would make large, and torch.save does not write.

    Raises
    ------
    ValueError
        Parts of the archive are compressed or share their bytes; memory is asked for by its length
        alone; it is a TorchScript program, or it is broken.
    """
    with place.open("rb") as file:
        try:
            for name in (name for one in _pickles(file, place, shown) for name in _globals(one)):
                if name.endswith(" bytearray"):
                    raise _Refused(
                        f"{shown}, which makes a bytearray; expected a file of"
                        " torch.save(module.state_dict(), path), which has tensors and plain data"
                    )
        except _Refused:
            raise
        except (
            *(
                zipfile.BadZipFile,
                struct.error,
                EOFError,
                NotImplementedError,
                RuntimeError,
                OSError,
            ),
            *(ValueError, OverflowError),  # of a pickle
        ) as error:
            raise ValueError(
                f"{shown}, which is broken ({error}); expected a file of torch.save"
            ) from None


def _pickles(file: BinaryIO, place: Path, shown: str) -> Iterator[Any]:
    """The pickles of a file, none of which is larger than it."""
    if file.read(2) != b"PK":
        # Reading from a file makes room for as many bytes as a pickle says, a view of one does not.
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            for _ in range(_PICKLES):
                yield view
        return
    size = file.seek(0, 2)
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if any(one.filename.endswith("constants.pkl") for one in parts):
            # PyTorch refuses it as well, but warns about it first.
            raise _Refused(
                f"{shown}, a TorchScript program; expected tensors alone: if you trust the file,"
                f" hand over torch.jit.load({str(place)!r})"
            )
        if any(one.compress_type != zipfile.ZIP_STORED for one in parts):
            raise _Refused(f"{shown}, whose parts are compressed; expected them as torch.save does")
        if sum(one.file_size for one in parts) > size:
            raise _Refused(
                f"{shown}, whose parts have more bytes than it has; expected a file of torch.save"
            )
        for one in parts:
            if one.filename.endswith("data.pkl"):
                yield io.BytesIO(archive.read(one))


def _globals(file: Any) -> Iterator[str]:
    """What a pickle names: module and name. It is not run."""
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "GLOBAL":
            yield str(argument)
