"""The C sources: a rule instead of a list, and the only place of it in Python.

Every ``.c`` file of a room of ``src/`` belongs to the core, but those of ``bulk/``, which only
``pylstm._bulk`` needs. ``src/Makefile`` has the same rule; a test compares them.
"""

from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
BULK_ROOM = "bulk"


def core(source: Path = SOURCE) -> list[Path]:
    """The files of the real-time core: what programs that embed it compile."""
    return sorted(path for path in source.glob("*/*.c") if path.parent.name != BULK_ROOM)


def bulk(source: Path = SOURCE) -> list[Path]:
    """The files of the kernels of bulk passes."""
    return sorted((source / BULK_ROOM).glob("*.c"))


def headers(source: Path = SOURCE) -> list[Path]:
    """Every header."""
    return sorted(source.rglob("*.h"))
