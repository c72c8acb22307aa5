"""Files of Keras, read as data: the configuration of a model, and its tensors.

A ``.keras`` file is a zip archive with ``config.json``, ``metadata.json`` and
``model.weights.h5``; an ``.h5`` file has the configuration in an attribute. Keras is not needed for
either, and nothing of what they name is imported or run.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pylstm.arguments import listing
from pylstm.convert.json_document import parsed
from pylstm.convert.keras.hdf5_tensors import Tensor, attribute, group_in, opened, tensors_in
from pylstm.convert.source_file import check_regular, opened_archive

__all__ = ["KerasFile", "snake_case"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LARGEST = {_CONFIG: 1 << 26, _METADATA: 1 << 20, _WEIGHTS: 1 << 31}


def snake_case(class_name: str) -> str:
    """The name of a class as Keras writes it in weights files.

    Examples
    --------
    >>> snake_case("TimeDistributed"), snake_case("PReLU"), snake_case("SimpleRNN")
    ('time_distributed', 'p_re_lu', 'simple_rnn')
    """
    words = re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", class_name)
    return words.lower()


class KerasFile:
    """What a file holds.

    Parameters
    ----------
    path : str or path

    Attributes
    ----------
    version : str
        Of the Keras that wrote it, such as "3.12.0".
    config : dict
        The configuration of the model, as Keras serialises it.

    Raises
    ------
    ValueError
        It is no regular file, no file of a whole model, is broken, or has something beside one.
    ImportError
        h5py is not installed.
    OSError
        The file cannot be read.
    """

    version: str
    config: dict[str, Any]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        check_regular(self.path, "path")
        with self.path.open("rb") as file:
            start = file.read(8)
        self._tensors: dict[str, Tensor]
        self._names: dict[str, list[str]] | None = None
        if start.startswith(b"PK"):
            self._read_archive()
        elif start == b"\x89HDF\r\n\x1a\n":
            self._read_hdf5()
        else:
            raise ValueError(
                f"{self.path} is neither a zip archive nor HDF5; expected a file that Keras 3 saved"
                " with model.save(), .keras or .h5"
            )

    def _read_archive(self) -> None:
        parts: dict[str, bytes] = {}
        broken = f"{self.path} cannot be read as a .keras file; expected it whole: it"
        with opened_archive(self.path, broken) as archive:
            names = archive.namelist()
            self._check_names(names)
            for name in names:
                if archive.getinfo(name).file_size > _LARGEST[name]:
                    raise ValueError(
                        f"{name} in {self.path} is larger than {_LARGEST[name]} bytes;"
                        " expected less"
                    )
                if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                    raise ValueError(
                        f"{name} in {self.path} is compressed; expected it as Keras stores it"
                    )
                parts[name] = archive.read(name)
        self.config = parsed(parts[_CONFIG], f"{_CONFIG} of {self.path}")
        metadata = parsed(parts[_METADATA], f"{_METADATA} of {self.path}")
        self.version = str(metadata.get("keras_version", ""))
        with opened(io.BytesIO(parts[_WEIGHTS]), f"{_WEIGHTS} of {self.path}") as file:
            self._tensors = tensors_in(file)

    def _check_names(self, names: list[str]) -> None:
        expected = [_METADATA, _CONFIG, _WEIGHTS]
        for name in expected:
            if names.count(name) != 1:
                raise ValueError(
                    f"{self.path} has {name} {names.count(name)} times; expected once, as"
                    " model.save() writes it"
                )
        others = [name for name in names if name not in expected]
        if others:
            raise ValueError(
                f"{self.path} has {listing(others, 4)}; expected {listing(expected)} alone: layers"
                " with files of their own, such as vocabularies, cannot be converted"
            )

    def _read_hdf5(self) -> None:
        with opened(self.path, str(self.path)) as file:
            config = attribute(file, "model_config")
            if config is None:
                raise ValueError(
                    f"{self.path} has no attribute 'model_config'; expected the whole model, which"
                    " model.save() writes, not weights alone"
                )
            self.config = parsed(config, f"'model_config' of {self.path}")
            self.version = (attribute(file, "keras_version") or b"").decode(errors="replace")
            self._tensors = tensors_in(file)
            self._names = {
                layer: [f"model_weights/{layer}/{name}" for name in weights]
                for layer, weights in _weight_names(group_in(file, "model_weights"))
            }

    def tensors_of(self, name: str, group: str) -> LayerTensors:
        """The tensors of a layer: by its name in ``.h5`` files, by its group in ``.keras`` ones."""
        if self._names is None:
            return LayerTensors(self._tensors, f"layers/{group}", None)
        return LayerTensors(self._tensors, "", self._names.pop(name, []))

    def finish(self) -> None:
        """Refuses tensors that no layer has taken; the state of a random generator is no weight."""
        left = [path for path in self._tensors if "seed_generator" not in path]
        if left:
            raise ValueError(
                f"{self.path} has {listing(left, 4)}; expected weights of its layers alone"
            )


def _weight_names(group: Any) -> Iterator[tuple[str, list[str]]]:
    """The names of the layers with weights, and those of their weights in order."""
    for layer in group:
        names = group_in(group, layer).attrs.get("weight_names", [])
        yield layer, [n.decode() if isinstance(n, bytes) else str(n) for n in names]


class LayerTensors:
    """The tensors of one layer, taken one after the other.

    Parameters
    ----------
    tensors : dict of str to Tensor
        All of the file; what is taken leaves it.
    group : str
        Where those of the layer stand in a ``.keras`` file.
    names : list of str, optional
        In an ``.h5`` file: which they are, in order.
    """

    def __init__(self, tensors: dict[str, Tensor], group: str, names: list[str] | None) -> None:
        self._tensors, self._group, self._names = tensors, group, names

    def enter(self, inner: str) -> None:
        """Goes to the object inside of the layer that has the weights."""
        self._group = f"{self._group}/{inner}"

    def take(self, where: str, inner: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """Tensors by their names, of these shapes, float32.

        Parameters
        ----------
        where : str
            The layer, for errors.
        inner : str
            In a ``.keras`` file the object inside of the layer that has them, such as "cell".
        shapes : mapping of str to tuple
            In Keras's order.
        """
        found = {}
        for place, (name, shape) in enumerate(shapes.items()):
            if self._names is None:
                path = "/".join(filter(None, (self._group, inner, "vars", str(place))))
            else:
                path = self._names.pop(0) if self._names else ""
                last = path.rsplit("/", 1)[-1].split(":")[0]
                if path and last not in (name, "depthwise_kernel" if name == "kernel" else name):
                    raise ValueError(f"{path!r} of {where} is there; expected {name!r} next")
            if path not in self._tensors:
                raise ValueError(f"{where} is missing {name!r}; expected it with shape {shape}")
            found[name] = self._tensors.pop(path).read(f"{name!r} of {where}", shape)
        return found

    def finish(self, where: str) -> None:
        """Refuses tensors that are left."""
        left = self._names
        if left is None:
            inside = self._group + "/"
            left = [p for p in self._tensors if p.startswith(inside) and "seed_generator" not in p]
        if left:
            raise ValueError(f"{where} has no use for {listing(left, 4)}; expected no such tensor")
