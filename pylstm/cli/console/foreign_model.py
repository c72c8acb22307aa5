"""A file of another framework, by the end of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pylstm import convert
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.convert import Conversion

__all__ = ["conversion_of"]

_WHOLE: dict[str, Callable[[Path], Conversion]] = {
    ".onnx": convert.from_onnx,
    ".keras": convert.from_keras,
    ".h5": convert.from_keras,
    ".json": convert.from_rtneural,
}
"""Importers of files that say how their layers hang together."""

_STATE_DICTS = (".pt", ".pth", ".ckpt", ".safetensors")


def conversion_of(source: Path, parts: Sequence[str]) -> Conversion:
    """What is made of a file.

    Parameters
    ----------
    source : Path
    parts : sequence of str
        Of a file that holds weights alone: ``PREFIX`` or ``PREFIX=ACTIVATION`` of each layer, in
        their order. None: its names are those of a single layer.

    Raises
    ------
    CliError
        The file cannot be read, its kind is unknown, or it cannot be expressed.
    """
    suffix = source.suffix.lower()
    if suffix not in (*_WHOLE, *_STATE_DICTS):
        known = ", ".join((*_WHOLE, *_STATE_DICTS))
        raise CliError(f"{source} ends in {suffix or 'nothing'}; expected one of {known}", USAGE)
    if suffix in _WHOLE and parts:
        raise CliError(
            f"--layer is for weights alone ({', '.join(_STATE_DICTS)}); {source} says itself what"
            " its layers are",
            USAGE,
        )
    try:
        if suffix in _WHOLE:
            return _WHOLE[suffix](source)
        return Conversion([_layer(source, part) for part in parts or ("",)])
    except OSError as error:
        raise CliError(f"cannot read {source}: {error.strerror or error}") from None
    except (ImportError, TypeError, ValueError) as error:
        raise CliError(f"{source}: {error}") from None


def _layer(source: Path, part: str) -> Any:
    prefix, _, activation = part.partition("=")
    settings: dict[str, Any] = {"activation": activation} if activation else {}
    return convert.from_torch(source, prefix=prefix, **settings)
