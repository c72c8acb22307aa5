"""Layers whose weights and gradients are one vector each, and what comes out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice
from pylstm.layers.graph import Layers, Node, graph_keys, graph_of, row_times_of, widths_of
from pylstm.layers.join import Join
from pylstm.layers.layer import Layer, Rows
from pylstm.train.output_heads import columns_of

__all__ = ["WeightedGraph"]

Array = NDArray[np.float32]


class WeightedGraph:
    """A graph of layers, one vector of their parameters, one of gradients.

    Attributes
    ----------
    nodes : tuple of Node
        The name of each layer, the layer as it was given, and the names of its inputs.
    parameters, gradients : array, shape (n,), float32
        All weights of all layers behind each other, and their gradients.
    names : dict of str to ndarray
        Views into `parameters`.
    """

    def __init__(self, layers: Layers | Sequence[Node], frozen: Sequence[str] = ()) -> None:
        self.nodes = _nodes_of(layers)
        if not self.nodes:
            raise ValueError("there are no layers to train")
        self._layers = tuple(node.layer for node in self.nodes)
        for place, layer in enumerate(self._layers):
            if layer.precision != "float32":
                raise ValueError(
                    f"layers[{place}] is {layer.precision}: train the float32 layer, then quantize"
                    " it"
                )
        self._widths = widths_of(self.nodes, None)
        size = sum(weight.size for layer in self._layers for weight in layer.weights.values())
        self.parameters = np.empty(size, np.float32)
        self.gradients = np.zeros(size, np.float32)
        self.names = self._views(self.parameters)
        for node in self.nodes:
            for name, weight in node.layer.weights.items():
                self.names[f"{node.name}.{name}"][...] = weight
        self.frozen = frozen

    @property
    def frozen(self) -> tuple[str, ...]:
        """The names of layers that keep their weights."""
        return self._frozen

    @frozen.setter
    def frozen(self, names: Sequence[str]) -> None:
        if isinstance(names, str):
            raise TypeError("frozen is a string; expected a list of names of layers")
        known = [node.name for node in self.nodes]
        for name in names:
            choice("a name in frozen", name, known)
        if names and set(names) >= {node.name for node in self.nodes if node.layer.shapes}:
            raise ValueError("frozen names all layers that have weights; expected one that learns")
        self._frozen = tuple(name for name in known if name in names)

    def _of_frozen(self, vector: Array) -> list[Array]:
        """The parts of a vector that belong to frozen layers."""
        views = self._views(vector) if self._frozen else {}
        return [view for name, view in views.items() if name.rpartition(".")[0] in self._frozen]

    @contextmanager
    def frozen_kept(self) -> Iterator[None]:
        """A context in which an optimiser takes its step: frozen layers have their weights back at
        its end. Their gradients are 0, but an optimiser may also let weights decay."""
        kept = [(view, view.copy()) for view in self._of_frozen(self.parameters)]
        yield
        for view, before in kept:
            view[...] = before

    def _views(self, vector: Array) -> dict[str, Array]:
        """The weights inside a vector that is laid out as the parameters are."""
        views, begin = {}, 0
        for node in self.nodes:
            for name, shape in node.layer.shapes.items():
                size = int(np.prod(shape))
                views[f"{node.name}.{name}"] = vector[begin : begin + size].reshape(shape)
                begin += size
        return views

    def _of(self, views: dict[str, Array], place: int) -> dict[str, Array]:
        node = self.nodes[place]
        return {name: views[f"{node.name}.{name}"] for name in node.layer.shapes}

    def layers(self) -> list[Layer]:
        """The layers with the weights of now.

        Returns
        -------
        list of Layer
        """
        return [
            layer.with_weights(self._of(self.names, place))
            for place, layer in enumerate(self._layers)
        ]

    def graph(self) -> Layers:
        """The layers with the weights of now, as `Model` takes them: a list, or the named layers of
        a graph with their inputs.

        Returns
        -------
        list of Layer, or dict of str to tuple
        """
        layers = self.layers()
        if not any(graph_keys(self.nodes, place) for place in range(len(self.nodes))):
            return layers
        # A file may have layers that are called by their places.
        names = {n: f"layer_{n}" if n.isdecimal() else n for n in self._widths}
        return {
            names[node.name]: (layer, *(names[name] for name in node.inputs))
            for node, layer in zip(self.nodes, layers, strict=True)
        }

    @property
    def n_outputs(self) -> int:
        """Width of a row of outputs."""
        return self.width_of(self.nodes[-1].name)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The parts of a row of outputs by the names of the layers that give them, as
        `Model.outputs`: those of several heads that a `Concat` joins at the end, or the last layer
        alone.
        """
        return MappingProxyType(columns_of(self.nodes, self._widths))

    def width_of(self, name: str) -> int:
        """Width of the rows of a layer, by its name, or of ``"features"``."""
        width = self._widths[name]
        assert width is not None  # the first layer says how wide the features are
        return width

    @property
    def row_times(self) -> tuple[int, int]:
        """Which frames the rows of outputs stand for: the first, and how far it is from one to the
        next. (0, 1), a row for each frame, unless a layer waits for a full window or has a stride.
        """
        return row_times_of(self.nodes)

    def n_rows_out(self, n_frames: Rows) -> Rows:
        """How many rows of outputs a whole sequence of so many frames has: for an int, or an array
        with one of each sequence, as losses take their lengths.

        Examples
        --------
        >>> import numpy as np, pylstm
        >>> from pylstm.train import Network
        >>> network = Network([pylstm.Conv(13, 8, kernel_size=5, stride=2, seed=0)])
        >>> network.row_times, network.n_rows_out(30), network.n_rows_out(np.array([30, 5, 3]))
        ((4, 2), 13, array([13,  1,  0]))
        """
        first, period = self.row_times
        rows: Any = np.maximum((n_frames - 1 - first) // period + 1, 0)
        return rows if isinstance(n_frames, np.ndarray) else int(rows)

    @property
    def kept_bytes_per_frame(self) -> int:
        """Bytes that a forward pass with ``training=True`` keeps for each frame of each sequence,
        inputs and outputs of layers included; without `recompute`."""
        # The outputs of a layer are the inputs of others.
        floats = sum(map(self.width_of, self._widths))
        for layer in self._layers:
            if not isinstance(layer, Join):
                floats += layer.in_bulk(layer.weights, gradients=False).kept_per_row
        return 4 * floats


def _nodes_of(layers: Any) -> tuple[Node, ...]:
    """The nodes of a chain, of a graph, or of a model."""
    if isinstance(layers, Sequence) and layers and all(isinstance(one, Node) for one in layers):
        return tuple(layers)
    return graph_of(layers, None)
