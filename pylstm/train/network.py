"""A network under training: layers whose weights change, forward, backward."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import choice, count, shown
from pylstm.bulk.blas_threads import one_blas_thread
from pylstm.bulk.bulk_layer import PassSettings
from pylstm.bulk.frames import check_finite, check_float32, check_frames, check_lengths
from pylstm.bulk.packed_sequences import Packed
from pylstm.bulk.states import State, state_from_parts
from pylstm.layers.graph import FEATURES, Layers, Node
from pylstm.layers.join import Join
from pylstm.train.graph_pass import GraphTape, NodeRows, graph_backward, graph_forward
from pylstm.train.output_heads import RunNode, nodes_with_logits
from pylstm.train.recurrent_state import check_states, joined
from pylstm.train.thread_pool import ThreadPool
from pylstm.train.weighted_graph import WeightedGraph

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


class Network(WeightedGraph):
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
    frozen : sequence of str
        The names of layers that do not learn: their gradients are 0 after `backward`.

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
        frozen: Sequence[str] = (),
    ) -> None:
        super().__init__(layers, frozen)
        # More frames than there are is as good as None.
        self.recompute = None if recompute is None else count("recompute", recompute, 1)
        self.threads = threads
        self._run: dict[frozenset[str], list[RunNode]] = {}

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

    # --- forward ----------------------------------------------------------------------------------

    def forward(
        self,
        x: Array,
        lengths: NDArray[Any] | None = None,
        state: list[Any] | None = None,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        logits: bool | Collection[str] = True,
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
        logits : bool or collection of str
            Which heads, named as in `outputs`, are given before their softmax or sigmoid, because
            their loss computes it itself, as `CrossEntropy`, `CTC` and `BCEWithLogits` do. True:
            all; False: none, so that rows are those of a stream, as `MSE` takes them.

        Returns
        -------
        outputs : array, shape (T', B, n_outputs), float32
            The rows of all heads, side by side. Where `logits` says so, a Dense, a Conv or an
            Activation at the end of a head is without softmax or sigmoid. 0 past the lengths. T' is
            T where there is a row for each frame: see `row_times`.
        state : list
            One entry a layer: h, or (h, c), each (num_layers * directions, B, width); None for a
            layer that remembers nothing.
        tape : object
            For `backward`; None unless ``training``. Do not change x, the outputs or `parameters`
            before `backward`.
        """
        x = check_frames(x, self.width_of(FEATURES), batched=True)
        n_frames, batch = x.shape[:2]
        checked = check_lengths(lengths, n_frames, batch)
        begins = check_states("state", self._layers, state, batch)
        run_nodes = self._run_with(logits)
        runners = [
            None
            if isinstance(node.layer, Join)
            else node.layer.in_bulk(self._own(self.names, place), gradients=training)
            for node, place in run_nodes
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
            own_begins = [None if k is None else shard.state(begins[k]) for _, k in run_nodes]
            nodes = [node for node, _ in run_nodes]
            y, ends, shard.tape = graph_forward(
                nodes, runners, NodeRows(rows, packed), own_begins, settings
            )
            ends = _of_layers(run_nodes, ends)
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
        tape = ([shard for shard, _, _ in found], run_nodes, runners, x.shape) if training else None
        return outputs, list(map(state_from_parts, ends)), tape

    def _run_with(self, logits: bool | Collection[str]) -> list[RunNode]:
        """The layers as they run where some heads, or all or none, give logits."""
        heads = self.outputs
        if isinstance(logits, bool):
            wanted = frozenset(heads if logits else ())
        elif isinstance(logits, str) or not isinstance(logits, Collection):
            raise TypeError(
                f"logits is {shown(logits)}; expected True, False, or a list of names of heads"
            )
        else:
            for name in logits:
                choice("a name in logits", name, heads)
            wanted = frozenset(logits)
        if wanted not in self._run:
            self._run[wanted] = nodes_with_logits(self.nodes, self._widths, wanted)
        return self._run[wanted]

    def _own(self, views: dict[str, Array], place: int | None) -> dict[str, Array]:
        """The weights of a layer that is run; one that is none of the given ones has none."""
        return {} if place is None else self._of(views, place)

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
        shards, run_nodes, runners, shape = tape
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
                [node for node, _ in run_nodes],
                runners,
                shard.tape,
                shard.packed_out.pack(d_outputs[:, shard.sequences]),
                [None if k is None else shard.state(ends[k]) for _, k in run_nodes],
                [self._own(gradients, place) for _, place in run_nodes],
                d_inputs,
            )
            begins = _of_layers(run_nodes, begins)
            return rows, [tuple(map(shard.packed.unsort, begin)) for begin in begins]

        with one_blas_thread():
            found = self._each(run, len(shards))
        shards = tape[0].copy()
        tape[0].clear()
        for vector in vectors[1:]:
            self.gradients += vector
        for view in self._of_frozen(self.gradients):
            view[...] = 0
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


def _of_layers(run_nodes: list[RunNode], found: list[State]) -> list[State]:
    """What was found for the layers that were given, of what was found for all that ran."""
    return [one for (_, place), one in zip(run_nodes, found, strict=True) if place is not None]
