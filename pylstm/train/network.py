"""A network under training: layers whose weights change, forward, backward."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count
from pylstm.bulk.blas_threads import one_blas_thread
from pylstm.bulk.bulk_layer import PassSettings
from pylstm.bulk.frames import check_finite, check_float32, check_frames, check_lengths
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import State, state_from_parts
from pylstm.layers.graph import FEATURES, Layers, Node, graph_keys, graph_of, widths_of
from pylstm.layers.join import Join
from pylstm.layers.layer import Layer
from pylstm.train.graph_pass import GraphTape, NodeRows, graph_backward, graph_forward
from pylstm.train.recurrent_state import check_states, joined
from pylstm.train.thread_pool import ThreadPool

__all__ = ["Network"]

Array = NDArray[np.float32]


@dataclass
class Shard:
    """Some of the sequences of a batch, and what their forward pass kept."""

    sequences: NDArray[np.int64] | slice
    packed: Packed
    packed_out: Packed
    tape: GraphTape

    def state(self, whole: State | None) -> State | None:
        """These sequences' part of a state, in the order of the rows."""
        if whole is None:
            return None
        return tuple(self.packed.sort(part[:, self.sequences]) for part in whole)


class Network:
    r"""Layers as something to be trained: one vector of parameters, one of gradients.

    Forward runs every layer over all frames of a batch; backward gives, for a loss L,
    :math:`\partial L / \partial θ` for every parameter θ, by back-propagation through time
    (Werbos 1990), exactly, over all frames of the batch.

    Parameters
    ----------
    layers : sequence of Layer, mapping of str to Layer or tuple, or ``model.nodes``
        Of any kind, as `Model` takes them: a chain, or a graph of named layers. Their weights are
        copied.
    threads : int
        How many threads share a batch. Each runs some of its sequences, with BLAS on one thread.
        The same number gives the same bits; others differ by rounding.
    recompute : int, optional
        Frames of a segment that backward computes again instead of keeping them: memory for gates
        is then needed for one segment only, for about a third more time. None: all are kept.

    Attributes
    ----------
    parameters, gradients : array, shape (n,), float32
        All weights of all layers behind each other, and their gradients after `backward`.
    names : dict of str to ndarray
        Views into `parameters`: ``"0.weight_ih_l0"`` is that of the first layer, or of one that is
        called 0.
    nodes : tuple of Node
        The graph: the name of each layer, the layer as it was given, and the names of its inputs.

    Examples
    --------
    >>> import numpy as np, pylstm
    >>> from pylstm.train import CrossEntropy, Network
    >>> layers = [pylstm.LSTM(13, 32, seed=0), pylstm.Dense(32, 3, "softmax", seed=0)]
    >>> network = Network(layers)
    >>> x = np.random.default_rng(0).standard_normal((50, 4, 13), np.float32)
    >>> outputs, state, tape = network.forward(x, training=True)
    >>> result = CrossEntropy()(outputs, np.zeros((50, 4), np.int64))
    >>> _ = network.backward(tape, result.gradient)
    >>> network.gradients.shape == network.parameters.shape == (6115,)
    True
    """

    def __init__(
        self,
        layers: Layers | Sequence[Node],
        *,
        threads: int = 1,
        recompute: int | None = None,
    ) -> None:
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
        # More frames than there are is as good as None.
        self.recompute = None if recompute is None else count("recompute", recompute, 1)
        self.threads = threads
        # The losses take logits.
        self._run = (*self._layers[:-1], self._layers[-1].giving_logits())
        size = sum(weight.size for layer in self._layers for weight in layer.weights.values())
        self.parameters = np.empty(size, np.float32)
        self.gradients = np.zeros(size, np.float32)
        self.names = self._views(self.parameters)
        for node in self.nodes:
            for name, weight in node.layer.weights.items():
                self.names[f"{node.name}.{name}"][...] = weight

    @property
    def threads(self) -> int:
        """How many threads share a batch."""
        return self._threads

    @threads.setter
    def threads(self, threads: int) -> None:
        self._threads = count("threads", threads, 1, 256)
        self._pool = ThreadPool(threads) if threads > 1 else None

    def __repr__(self) -> str:
        return f"Network({self.graph()!r}, threads={self.threads})"

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
        return self._width(self.nodes[-1].name)

    def _width(self, name: str) -> int:
        width = self._widths[name]
        assert width is not None  # the first layer says how wide the features are
        return width

    @property
    def row_times(self) -> tuple[int, int]:
        """Which frames the rows of outputs stand for: the first, and how far it is from one to the
        next. (0, 1), a row for each frame, unless a layer waits for a full window or has a stride.
        """
        times = {FEATURES: (0, 1)}
        for node in self.nodes:
            latest = max(times[name] for name in node.inputs)
            times[node.name] = node.layer.row_times(*latest)
        return times[self.nodes[-1].name]

    @property
    def kept_bytes_per_frame(self) -> int:
        """Bytes that a forward pass with ``training=True`` keeps for each frame of each sequence,
        inputs and outputs of layers included; without `recompute`."""
        # The outputs of a layer are the inputs of others.
        floats = sum(map(self._width, self._widths))
        for layer in self._layers:
            if not isinstance(layer, Join):
                floats += layer.in_bulk(layer.weights, gradients=False).kept_per_row
        return 4 * floats

    # --- forward ----------------------------------------------------------------------------------

    def forward(
        self,
        x: Array,
        lengths: NDArray[Any] | None = None,
        state: list[Any] | None = None,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
    ) -> tuple[Array, list[Any], Any]:
        """Runs over a batch.

        Parameters
        ----------
        x : array, shape (T, B, n_features), float32
        lengths : array of int, shape (B,), optional
            How many frames of each sequence are there; None: all. No work is done on the others.
        state : list, optional
            What another forward gave: where to begin (truncated back-propagation through time).
            None: zeros.
        training : bool
            Whether `backward` will follow.
        rng : Generator, optional
            Draws what dropout drops; None: nothing is dropped.

        Returns
        -------
        outputs : array, shape (T', B, n_outputs), float32
            Before the activation of the last layer if that is a Dense or an Activation with softmax
            or sigmoid: the losses take logits. 0 past the lengths. T' is T where there is a row for
            each frame: see `row_times`.
        state : list
            One entry a layer: h, or (h, c), each (num_layers * directions, B, width); None for a
            layer that remembers nothing.
        tape : object
            For `backward`; None unless ``training``. Do not change x, the outputs or `parameters`
            before `backward`.
        """
        x = check_frames(x, self._width(FEATURES), batched=True)
        n_frames, batch = x.shape[:2]
        checked = check_lengths(lengths, n_frames, batch)
        begins = check_states("state", self._layers, state, batch)
        runners = [
            None
            if isinstance(layer, Join)
            else layer.in_bulk(self._of(self.names, place), gradients=training)
            for place, layer in enumerate(self._run)
        ]
        shares = self._shares(batch, checked)
        generators = [None] * len(shares) if rng is None else rng.spawn(len(shares))

        def run(share: int) -> tuple[Shard, Array, list[State]]:
            sequences, own_rng = shares[share], generators[share]
            own = x[:, sequences]
            own_lengths = None if checked is None else checked[sequences]
            packed = Packed(n_frames, own.shape[1], own_lengths)
            rows = packed.pack(own)
            check_finite("x", rows)
            settings = PassSettings(training, own_rng, self.recompute)
            shard = Shard(sequences, packed, packed, GraphTape())
            own_begins = list(map(shard.state, begins))
            y, ends, shard.tape = graph_forward(
                self.nodes, runners, NodeRows(rows, packed), own_begins, settings
            )
            shard.packed_out = y.packed
            return shard, y.rows, [tuple(map(packed.unsort, end)) for end in ends]

        with one_blas_thread():
            found = self._each(run, len(shares))
        if len(found) == 1:
            shard, rows, ends = found[0]
            outputs = shard.packed_out.unpack(rows)
        else:
            n_rows = found[0][0].packed_out.count
            outputs = np.empty((n_rows, batch, self.n_outputs), np.float32)
            for shard, rows, _ in found:
                outputs[:, shard.sequences] = shard.packed_out.unpack(rows)
            ends = joined([(shard.sequences, part) for shard, _, part in found], batch)
        tape = ([shard for shard, _, _ in found], runners, x.shape) if training else None
        return outputs, list(map(state_from_parts, ends)), tape

    def _shares(
        self, batch: int, lengths: NDArray[np.int64] | None
    ) -> list[NDArray[np.int64] | slice]:
        """Which sequences each thread takes: as much work for each."""
        threads = min(self.threads, batch)
        if threads == 1:
            return [slice(0, batch)]
        if lengths is None:
            bounds = [batch * k // threads for k in range(threads + 1)]
            return [slice(a, b) for a, b in itertools.pairwise(bounds)]
        order = np.argsort(-lengths, kind="stable")
        # Back and forth, so that no thread gets all the longer ones.
        lanes = np.concatenate([np.arange(threads), np.arange(threads)[::-1]])
        lane = np.resize(lanes, batch)
        return [np.sort(order[lane == k]) for k in range(threads)]

    def _each(self, action: Callable[[int], Any], n_shares: int) -> list[Any]:
        if n_shares == 1 or self._pool is None:
            return [action(k) for k in range(n_shares)]
        waiting = [self._pool.submit(action, k) for k in range(1, n_shares)]
        return [action(0), *(future.result() for future in waiting)]

    # --- backward ---------------------------------------------------------------------------------

    def backward(
        self,
        tape: Any,
        d_outputs: Array,
        d_state: list[Any] | None = None,
        *,
        d_inputs: bool = False,
    ) -> tuple[Array | None, list[Any]]:
        """Gradients of everything that a forward pass computed: `gradients` is written anew.

        Parameters
        ----------
        tape : object
            From `forward`; used up.
        d_outputs : array, shape (T', B, n_outputs), float32
            Gradient of the loss with respect to the outputs; not read past the lengths.
        d_state : list, optional
            With respect to the states at the end, as `forward` gives them; None: zeros.
        d_inputs : bool
            Whether the gradient with respect to the inputs is wanted; it costs a product more.

        Returns
        -------
        d_x : array, shape (T, B, n_features), or None
        d_state : list
            With respect to the states at the beginning, as `forward` takes them.
        """
        if tape is None:
            raise TypeError("tape is None: forward makes one with training=True")
        shards, runners, shape = tape
        if not shards:
            raise ValueError("tape is used up: each takes one backward after its forward")
        expected = (shards[0].packed_out.count, shape[1], self.n_outputs)
        check_float32("d_outputs", d_outputs)
        if d_outputs.shape != expected:
            raise ValueError(f"d_outputs has shape {d_outputs.shape}; expected {expected}")
        d_outputs = np.require(d_outputs, requirements=["C", "A", "E"])
        ends = check_states("d_state", self._layers, d_state, shape[1], finite=False)
        vectors = [self.gradients, *(np.empty_like(self.gradients) for _ in shards[1:])]

        def run(share: int) -> tuple[Array | None, list[State]]:
            shard = shards[share]
            vectors[share][:] = 0
            gradients = self._views(vectors[share])
            rows, begins = graph_backward(
                self.nodes,
                runners,
                shard.tape,
                shard.packed_out.pack(d_outputs[:, shard.sequences]),
                list(map(shard.state, ends)),
                [self._of(gradients, place) for place in range(len(self.nodes))],
                d_inputs,
            )
            return rows, [tuple(map(shard.packed.unsort, begin)) for begin in begins]

        with one_blas_thread():
            found = self._each(run, len(shards))
        shards = tape[0].copy()
        tape[0].clear()
        for vector in vectors[1:]:
            self.gradients += vector
        begins = found[0][1]
        if len(shards) > 1:
            begins = joined(
                [(shard.sequences, part) for shard, (_, part) in zip(shards, found, strict=True)],
                shape[1],
            )
        d_x = None
        if len(shards) == 1 and d_inputs:
            d_x = shards[0].packed.unpack(found[0][0])
        elif d_inputs:
            d_x = np.empty(shape, np.float32)
            for shard, (rows, _) in zip(shards, found, strict=True):
                d_x[:, shard.sequences] = shard.packed.unpack(rows)
        return d_x, list(map(state_from_parts, begins))


def _nodes_of(layers: Any) -> tuple[Node, ...]:
    """The nodes of a chain, of a graph, or of a model."""
    if isinstance(layers, Sequence) and layers and all(isinstance(one, Node) for one in layers):
        return tuple(layers)
    return graph_of(layers, None)
