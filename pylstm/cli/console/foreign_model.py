"""A file of another framework: of a published network, or by the end of its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pylstm import convert
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.convert import Conversion
from pylstm.convert.published import INSTALLED, recipe_of
from pylstm.convert.torch.weights import from_weights

__all__ = ["conversion_of", "located", "published_conversion", "refuse_both_directions"]

_WHOLE: dict[str, Callable[..., Conversion]] = {
    ".onnx": convert.from_onnx,
    ".keras": convert.from_keras,
    ".h5": convert.from_keras,
    ".hdf5": convert.from_keras,
    ".json": convert.from_rtneural,
    ".aidax": convert.from_rtneural,
}
"""Importers of files that say how their layers hang together."""

_STATE_DICTS = (".pt", ".pth", ".ckpt", ".tar", ".safetensors")


def located(source: Path) -> Path:
    """The file that a source is, which the name of a published network can stand for.

    Raises
    ------
    CliError
        There is no such file, or the package that has it is not installed.
    """
    name = str(source)
    if source.exists() and not (source.is_dir() and name in INSTALLED):
        return source
    if name not in INSTALLED and not source.suffix:
        raise CliError(
            f"{source} is neither a file nor a known network; expected a path, or one of"
            f" {', '.join(INSTALLED)}",
            USAGE,
        )
    try:
        return INSTALLED[name].path(name) if name in INSTALLED else source
    except ImportError as error:
        raise CliError(str(error)) from None


def published_conversion(source: Path, rate: int | None) -> Conversion | None:
    """What is made of the file of a published network; None if it is none that is known.

    Parameters
    ----------
    source : Path
    rate : int, optional
        The sample rate, Hz.

    Raises
    ------
    CliError
        There is no network for the rate, several and no rate, or the file cannot be read or
        expressed.
    """
    try:
        recipe = recipe_of(source)
        if recipe is None:
            return None
        if rate not in (recipe.rates if len(recipe.rates) > 1 else (None, *recipe.rates)):
            given = "missing" if rate is None else str(rate)
            raise CliError(
                f"--rate is {given}; expected {recipe.expected_rates}, for which {source} has a"
                f" network ({recipe.title})",
                USAGE,
            )
        return recipe(rate)
    except OSError as error:
        raise CliError(f"cannot read {source}: {error.strerror or error}") from None
    except (ImportError, TypeError, ValueError) as error:
        raise CliError(f"{source}: {error}") from None


def conversion_of(
    source: Path, parts: Sequence[str], shapes: Sequence[str], constants: Sequence[str]
) -> Conversion:
    """What is made of a file.

    Parameters
    ----------
    source : Path
    shapes, constants : sequence of str
        ``NAME=1,None,40`` and ``NAME=NUMBER`` of inputs of an ONNX file, as `convert.from_onnx`
        takes them.
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
    if (shapes or constants) and suffix != ".onnx":
        raise CliError(f"--shape and --constant are for .onnx; {source} has no such inputs", USAGE)
    told = _inputs(shapes, constants)
    if len(set(parts)) < len(parts):
        raise CliError(f"--layer is {', '.join(parts)}; expected each layer once", USAGE)
    try:
        if suffix in _WHOLE:
            return _WHOLE[suffix](source, **told)
        return _of_weights(source, parts)
    except OSError as error:
        raise CliError(f"cannot read {source}: {error.strerror or error}") from None
    except (ImportError, TypeError, ValueError) as error:
        message = f"{source}: {error}"
        if "shapes=" in message or "constants=" in message:
            message += "; here that is --shape NAME=1,None,40 or --constant NAME=NUMBER"
        if "torch.jit.load" in message:
            message += "; that is for convert.from_torch in Python"
        if message.endswith("with prefix"):
            message += ", which here is --layer PREFIX or --layer PREFIX=ACTIVATION"
        raise CliError(message) from None


def refuse_both_directions(source: Path, conversion: Conversion) -> None:
    """A layer that runs back from the end has no place in a model file.

    Raises
    ------
    CliError
        There is one.
    """
    layers = conversion.layers
    nodes = layers if isinstance(layers, Sequence) else layers.values()
    for node in nodes:
        layer = node[0] if isinstance(node, tuple) else node
        if getattr(layer, "bidirectional", False):
            raise CliError(
                f"{source} has a layer in both directions, {layer!r}, which no stream can run;"
                " expected forward layers: in Python the importer gives it, for whole sequences"
            )


def _inputs(shapes: Sequence[str], constants: Sequence[str]) -> dict[str, Any]:
    """The arguments that say what the inputs of an ONNX file are."""
    found: dict[str, Any] = {}
    for text in shapes:
        name, _, sizes = text.rpartition("=")
        axes = sizes.replace(" ", "").split(",")
        known = all(axis == "None" or (axis.isascii() and axis.isdecimal()) for axis in axes)
        if not name or not known:
            raise CliError(f"--shape is {text!r}; expected sizes, as in x=1,None,40", USAGE)
        shape = tuple(None if axis == "None" else int(axis) for axis in axes)
        found.setdefault("shapes", {})[name] = shape
    for text in constants:
        name, _, number = text.rpartition("=")
        try:
            value: Any = json.loads(number)
        except ValueError:
            value = None
        if not name or type(value) not in (int, float):
            raise CliError(f"--constant is {text!r}; expected a number, as in sr=16000", USAGE)
        found.setdefault("constants", {})[name] = value
    return found


def _of_weights(source: Path, parts: Sequence[str]) -> Conversion:
    """Layers of a file that holds weights alone, in the order in which they are named."""
    layers = []
    for part in parts or ("",):
        prefix, _, activation = part.partition("=")
        layers.append((prefix, activation or None))
    return from_weights(source, layers)
