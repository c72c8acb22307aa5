"""A model: features, layers, labels. Immutable; any number of streams and threads share it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Self

from pylstm import _engine, model_files
from pylstm import features as features_module
from pylstm import layers as layers_module
from pylstm.arguments import number_of, text
from pylstm.decisions.settings import DecisionSettings, settings_as_text
from pylstm.features import Features
from pylstm.layers.graph import (
    Layers,
    Node,
    graph_keys,
    graph_of,
    needed_format,
    read_graph,
    widths_of,
)
from pylstm.layers.layer import Layer
from pylstm.model_summary import graph_as_text
from pylstm.packed_model import PackedModel
from pylstm.safetensors_encoding import CHECKSUM, encode_model
from pylstm.whole_writes import write

__all__ = ["Model", "load"]


class Model(PackedModel):
    """Features and layers, packed for the engine.

    Parameters
    ----------
    features : MFCC, LogMel, Spectrum, Waveform or None
        What turns audio into frames; None: frames come from outside (`Stream.push_frames`).
    layers : sequence of Layer, or mapping of str to Layer or tuple
        Of kinds that stream. A sequence is a chain: each layer takes the rows of the one before. A
        mapping is a graph: each name has a layer, which takes the rows of the one before it, or a
        tuple of a layer and the names of its inputs: of earlier ones, or ``"features"``. The last
        layer gives the outputs. Weights are copied: changing them afterwards changes nothing here.
    labels : sequence of str, optional
        Names of the outputs, one for each.
    info : mapping of str to str, optional
        Notes that are kept with the model, such as where it comes from. Names consist of letters,
        digits, dots and underscores.
    decision : mapping, optional
        How its posteriors become events: settings as `listener` takes them, which they replace.

    Raises
    ------
    TypeError, ValueError
        An argument is not features or a layer, widths of neighbouring layers differ, the number of
        labels is wrong, or (`ModelFileError`) no file may hold it, such as a join of unequal rates.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> layers = [pylstm.LSTM(13, 32, seed=0), pylstm.Dense(32, 2, "softmax", seed=0)]
    >>> model = Model(pylstm.MFCC(), layers)
    >>> stream = model.stream()
    >>> stream.push(np.zeros(480, np.float32)).shape
    (2, 2)
    >>> model.run(np.zeros(480, np.float32)).shape
    (4, 2)
    """

    def __init__(
        self,
        features: Features | None,
        layers: Layers,
        labels: Sequence[str] | None = None,
        info: Mapping[str, str] | None = None,
        decision: DecisionSettings | None = None,
    ) -> None:
        if features is not None and not isinstance(features, Features):
            raise TypeError(
                f"features is {type(features).__name__};"
                " expected MFCC, LogMel, Spectrum, Waveform or None"
            )
        self._features = features
        width = None if features is None else features.n_features
        self._nodes = graph_of(layers, width)
        for node in self._nodes:
            layer = node.layer
            if layer.obstacle is not None:
                place = node.name if node.name.isdecimal() else repr(node.name)
                raise ValueError(f"layers[{place}], {layer!r}, cannot stream: {layer.obstacle}")
        if width is None and not self._nodes:
            raise ValueError("there are neither features nor layers; expected at least one of them")
        width = widths_of(self._nodes, width)[self._nodes[-1].name] if self._nodes else width
        if isinstance(labels, str):
            raise TypeError("labels is a string; expected a list of strings")
        self._labels = None if labels is None else tuple(labels)
        if self._labels is not None and len(self._labels) != width:
            raise ValueError(
                f"labels has {number_of(len(self._labels), 'name')};"
                f" expected {width}, one for each output"
            )
        for number, label in enumerate(self._labels or ()):
            text(f"labels[{number}]", label)
        self._info = _checked_info(info or {})
        self._decision = dict(settings_as_text(self._labels, {} if decision is None else decision))
        self._has_checksum = True
        self._core = _engine.Core(self.to_bytes())

    # --- files ------------------------------------------------------------------------------------

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Makes a model from the bytes of a model file.

        Parameters
        ----------
        data : bytes-like

        Returns
        -------
        Model

        Raises
        ------
        ModelFileError
            The bytes break a rule of the format; the message begins with the rule's name.
        """
        data = _engine.owned_bytes("data", data)
        core = _engine.Core(data)  # validates everything
        metadata, tensors = _engine.read_model_file(data)
        self = object.__new__(cls)
        self._core = core
        self._has_checksum = CHECKSUM in metadata
        kind = metadata["features.kind"]
        self._features = (
            None if kind == "none" else features_module.KINDS[kind].from_config(metadata, tensors)
        )
        self._nodes = read_graph(
            [
                _layer(_below(metadata, f"layers.{k}."), _below(tensors, f"layers.{k}."))
                for k in range(int(metadata["layers.count"]))
            ]
        )
        count = int(metadata["labels.count"])
        self._labels = tuple(metadata[f"labels.{k}"] for k in range(count)) if count else None
        self._info = _below(metadata, "info.")
        self._decision = _below(metadata, "decision.")
        return self

    def to_bytes(self) -> bytes:
        """The model as the bytes of a model file; equal models give equal bytes.

        Returns
        -------
        bytes
        """
        return self._encoded(checksum=True)

    def _encoded(self, checksum: bool) -> bytes:
        features = self._features
        return encode_model(
            None if features is None else (features.config(), features.tensors()),
            [
                (node.layer.config() | graph_keys(self._nodes, place), node.layer.tensors())
                for place, node in enumerate(self._nodes)
            ],
            self._labels or (),
            self._info,
            self._decision,
            checksum=checksum,
            format=max(needed_format(self._nodes), features.needs_format if features else 1),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file, all or nothing: see ``docs/model-file.md``.

        Parameters
        ----------
        path : str or path
            Where to write. Let its name end in ``.safetensors``: `load` then knows it for a path.

        Raises
        ------
        OSError
            The folder or the disk refused; a file that existed at `path` is unchanged.
        """
        data = self.to_bytes()
        _engine.Core(data)  # refuses a model that could not be loaded again
        write(path, data)

    def quantize(self, precision: Literal["bf16", "int8"]) -> Model:
        """Makes the same model with fewer bytes per weight, which is faster where reading the
        weights takes most of the time.

        Parameters
        ----------
        precision : {"bf16", "int8"}
            For every layer with weight matrices, as `LSTM.quantize` does it. Biases, states and
            the update of the cell stay float32. What it costs in accuracy:
            ``docs/quantisation.md``.

        Returns
        -------
        Model

        Examples
        --------
        >>> import pylstm
        >>> model = Model(pylstm.MFCC(), [pylstm.LSTM(13, 64, seed=0)])
        >>> len(model.to_bytes()), len(model.quantize("int8").to_bytes())
        (82000, 25112)
        """
        layers = [
            layer.quantize(precision) if layer.has_matrices else layer for layer in self.layers
        ]
        return self.with_layers(layers)

    def with_layers(self, layers: Sequence[Layer]) -> Model:
        """The same model with other weights: features, labels, notes and decision stay.

        Parameters
        ----------
        layers : sequence of Layer
            As many as it has, in the order of `nodes`, of the same widths.

        Returns
        -------
        Model

        Raises
        ------
        ModelFileError
            The widths differ.
        """
        given = tuple(layers)
        if len(given) != len(self._nodes):
            raise ValueError(
                f"layers has {len(given)}; expected {len(self._nodes)}, as the model has"
            )
        nodes = [node._replace(layer=layer) for node, layer in zip(self._nodes, given, strict=True)]
        return self._changed(tuple(nodes), self._info)

    def with_info(self, info: Mapping[str, str]) -> Model:
        """The same model with other notes: features, layers, labels and decision stay.

        Parameters
        ----------
        info : mapping of str to str
            They replace the former ones.

        Returns
        -------
        Model

        Raises
        ------
        TypeError, ModelFileError
            A note is no text, or has a name that no file can have.

        Examples
        --------
        >>> import pylstm
        >>> model = pylstm.load("vad")
        >>> noted = model.with_info({**model.info, "owner": "me"})
        >>> noted.info["owner"], noted.decision == model.decision
        ('me', True)
        """
        return self._changed(self._nodes, _checked_info(info))

    def _changed(self, nodes: tuple[Node, ...], info: dict[str, str]) -> Model:
        model = object.__new__(Model)
        model._features, model._nodes = self._features, nodes
        model._labels, model._info, model._decision = self._labels, info, self._decision
        model._has_checksum = True
        model._core = _engine.Core(model.to_bytes())
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        # Snapshots of streams name the bytes that their model was made from: a copy in another
        # process has to be made from the same ones.
        return Model.from_bytes, (self._encoded(self._has_checksum),)

    # --- what it is -------------------------------------------------------------------------------

    @property
    def features(self) -> Features | None:
        """What turns audio into frames, or None."""
        return self._features

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, from the first to the last."""
        return tuple(node.layer for node in self._nodes)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The graph: the name of each layer, the layer, and the names of its inputs, in order."""
        return self._nodes

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the outputs, or None."""
        return self._labels

    @property
    def info(self) -> Mapping[str, str]:
        """The notes that are kept with the model; read-only."""
        return MappingProxyType(self._info)

    @property
    def decision(self) -> Mapping[str, str]:
        """The settings of its decision as its file has them: texts, often none; read-only.

        ``model.listener().decision`` has what is in force, in values that `Model` takes.
        """
        return MappingProxyType(self._decision)

    def summary(self) -> str:
        """The graph as text, a line a layer.

        A line says what the layer takes; what a row of it is, positions x channels or its width; a
        row for how many frames it has, and for which one the first; how many frames it waits for
        ahead; its parameters (and their precision); how many numbers a stream remembers for it,
        inputs included. The last line has all that a stream remembers, audio too, and is lent.

        Returns
        -------
        str

        Examples
        --------
        >>> import pylstm
        >>> conv = pylstm.Conv(40, 8, 3, stride=2, positions=40, kernel_positions=5, seed=0)
        >>> branches = {"conv": conv, "gru": pylstm.GRU(288, 16, seed=0)}
        >>> branches["both"] = (pylstm.Concat(), "conv", "gru")
        >>> print(Model(pylstm.LogMel(n_mels=40), branches).summary())
        name      kind    from       row     every     begins   ahead  parameters  remembers
        features  logmel             40      1 frame
        conv      conv    features   36 x 8  2 frames  frame 2         128         96
        gru       gru     conv       16      2 frames  frame 2         14,688      16
        both      concat  conv, gru  304     2 frames  frame 2
        A stream holds 2240 bytes, all that it remembers; a call that runs one borrows 68480 bytes.
        """
        return graph_as_text(self._features, self._nodes, self._core)

    def __repr__(self) -> str:
        outputs = number_of(self.n_outputs, "output")
        if any(graph_keys(self._nodes, place) for place in range(len(self._nodes))):
            names = ", ".join(f"{name}({', '.join(inputs)})" for name, _, inputs in self._nodes)
            return f"Model({self._features!r}, {names}, {outputs})"
        parts = [repr(self._features), *map(repr, self.layers)]
        return f"Model({' -> '.join(parts)}, {outputs})"


def _checked_info(info: Mapping[str, str]) -> dict[str, str]:
    """Notes, which are texts."""
    for name, value in info.items():
        text("a name in info", name)
        text(f"info[{name!r}]", value)
    return dict(info)


def _below(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The entries whose keys begin with a prefix, under the rest of the key."""
    return {name[len(prefix) :]: v for name, v in values.items() if name.startswith(prefix)}


def _layer(
    config: Mapping[str, str], weights: Mapping[str, Any]
) -> tuple[Layer, Mapping[str, str]]:
    """A layer, and what the file says of its node."""
    own = {key: value for key, value in config.items() if key not in ("name", "inputs")}
    return layers_module.KINDS[config["kind"]].from_config(own, weights), config


def load(name_or_path: str | os.PathLike[str]) -> Model:
    """A bundled model by its name, or a model file by its path.

    Parameters
    ----------
    name_or_path : str or path
        ``"keywords"`` or ``"vad"``, or a path: a string that ends in ``.safetensors`` or contains a
        separator.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        No bundled model has this name.
    OSError
        The file cannot be read.
    ModelFileError
        The file breaks a rule of the format.
    """
    return Model.from_bytes(model_files.read(model_files.locate(name_or_path)))
