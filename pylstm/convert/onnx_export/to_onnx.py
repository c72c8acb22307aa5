"""A model's network as an ONNX file whose memories are inputs and outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pylstm.convert.onnx_export import joins, recurrent, row_layers, windows
from pylstm.convert.onnx_export.activations import activation
from pylstm.convert.onnx_export.onnx_graph import OnnxGraph
from pylstm.convert.onnx_export.row_tensor import RowTensor, arrival
from pylstm.layers.graph import FEATURES, Node, graph_keys, shown_node
from pylstm.model import Model
from pylstm.whole_writes import write

__all__ = ["Written", "to_onnx", "write_out"]

ROWS = "rows"
"""What the output of the graph is called."""

# How each kind of layer is written: the graph, the layer, its inputs; the tensor of its rows.
_KINDS: Mapping[str, Callable[[OnnxGraph, Any, list[RowTensor]], str]] = {
    "activation": activation,
    "add": joins.add,
    "affine": row_layers.affine,
    "concat": joins.concat,
    "conv": windows.conv,
    "dense": row_layers.dense,
    "gru": recurrent.gru,
    "lstm": recurrent.lstm,
    "mul": joins.mul,
    "norm": row_layers.layer_norm,
    "pool": windows.pool,
    "rnn": recurrent.rnn,
    "select": row_layers.select,
    "stack": windows.stack,
}

_MOST_BYTES = (1 << 31) - (1 << 20)
"""Of weights: a file of this format has less than 2 GiB, and its operators need some."""


def to_onnx(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model's network as an ONNX file that streams: frames in, rows out, in any chunks.

    Features stay outside: the file takes the frames that ``model.features`` gives, or those that
    the model takes from outside. What the network remembers from chunk to chunk goes through the
    graph's inputs and outputs. A caller gives the file zeros at the start of a sequence, and what
    came out at each later call. It then gives the rows of ``model.stream().push_frames``, to within
    1e-5 in onnxruntime, however the frames are cut. The rows of ``flush``, of layers that look
    ahead, are not in it.

    ====================  =============  ===========================================================
    input, output         shape          what it is
    ====================  =============  ===========================================================
    ``features``          (T, width)     frames, any number in each call, also none
    ``rows``              (n, outputs)   the model's rows; n may be 0 where a layer looks ahead, has
                                         a stride or waits for its first window
    ``<layer>.h``,        (num_layers,   states of a recurrent layer
    ``<layer>.c``         1, width)
    ``<layer>.rows``      (m, width)     rows that its windows still see
    ``<join>.waiting_k``  (m, width)     rows of input k that wait for the others
    ``<join>.skipped_k``  (1,), int64    how many rows of input k were left out
    ====================  =============  ===========================================================

    The next value of a memory is the output with its name and ``.next`` behind it. Some lengths m
    change from call to call, and can be 0.

    The file's metadata (``session.get_modelmeta().custom_metadata_map``) has texts in JSON:
    ``states``, the shape of each memory at the start; ``labels``, or null; ``decision``, ``info``
    and the settings of the ``features``, as model files have them; ``layers``, their settings and
    the shapes of their weights, from which `from_onnx` knows the layers again.

    An LSTM with a projection, layer normalisation or a limit of the cell becomes a ``Scan`` over
    its formula, because ONNX's LSTM has no attributes of this meaning. A limit of the gates is its
    ``clip``, as onnxruntime (1.32) has it.

    Parameters
    ----------
    model : Model
        Of float32 layers.
    path : str or path
        Where to write, all or nothing; usually its name ends in ``.onnx``.

    Raises
    ------
    TypeError
        `model` is no `Model`.
    ValueError
        A layer is int8 or bf16, or the weights are more than such a file holds.
    ImportError
        The onnx package is not installed: it comes with ``pylstm[onnx]``.
    OSError
        The folder or the disk refused; a file that existed at `path` is unchanged.
    """
    if not isinstance(model, Model):
        raise TypeError(
            f"model is of type {type(model).__name__}; expected a Model: pylstm.Model(None,"
            " layers) makes one of layers"
        )
    _check(model)
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ImportError('to_onnx needs the onnx package: pip install "pylstm[onnx]"') from error
    write(path, _file(model).SerializeToString())


class Written(NamedTuple):
    """A network as operators.

    Attributes
    ----------
    graph : OnnxGraph
        Operators, constants and memories.
    rows : RowTensor
        What the last layer gives.
    """

    graph: OnnxGraph
    rows: RowTensor

    def model(self, n_features: int, metadata: Mapping[str, Any]) -> Any:
        """The onnx.ModelProto; what it says beside its graph becomes JSON."""
        texts = {name: json.dumps(one, ensure_ascii=False) for name, one in metadata.items()}
        return self.graph.model(
            (FEATURES, n_features),
            (ROWS, self.rows.width),
            "n_frames" if self.rows.comes_with_each_frame else "n_rows",
            texts,
        )


def write_out(nodes: Sequence[Node], n_features: int) -> Written:
    """The operators of a network of float32 layers."""
    graph = OnnxGraph()
    found = {FEATURES: RowTensor(FEATURES, n_features)}
    for node in nodes:
        graph.layer_name = node.name
        inputs = [found[name] for name in node.inputs]
        tensor = _KINDS[node.layer.kind](graph, node.layer, inputs)
        # Of joined rows those begin that begin last.
        latest = max(inputs, key=lambda x: x.first)
        first, period = node.layer.row_times(latest.first, latest.period)
        arrives = max(
            arrival(node.layer, x) + (latest.first - x.first) // x.period * x.period for x in inputs
        )
        width = node.layer.output_width([x.width for x in inputs])
        found[node.name] = RowTensor(tensor, width, first, period, arrives)
    last = found[nodes[-1].name]
    graph.copy(last.name, ROWS)
    return Written(graph, last)


def _check(model: Model) -> None:
    """Refuses layers that are not float32, and more weights than a file holds."""
    for place, node in enumerate(model.nodes):
        if node.layer.precision != "float32":
            raise ValueError(
                f"{shown_node(model.nodes, place)}.precision is {node.layer.precision!r}; expected"
                " 'float32': export the model as it was before quantize()"
            )
    n_bytes = sum(w.nbytes for layer in model.layers for w in layer.weights.values())
    if n_bytes > _MOST_BYTES:
        raise ValueError(
            f"the weights of the model are {n_bytes} bytes; expected at most {_MOST_BYTES}, which"
            " an ONNX file holds: model.save() has no such limit"
        )


def _file(model: Model) -> Any:
    """The onnx.ModelProto."""
    written = write_out(model.nodes, model.n_features)
    features = model.features
    metadata = {
        "states": {state.name: list(state.first_shape) for state in written.graph.states},
        "labels": None if model.labels is None else list(model.labels),
        "decision": dict(model.decision),
        "info": dict(model.info),
        "features": None if features is None else features.config(),
        "layers": [
            {
                "settings": node.layer.config() | graph_keys(model.nodes, place),
                "weights": {name: list(shape) for name, shape in node.layer.shapes.items()},
            }
            for place, node in enumerate(model.nodes)
        ],
    }
    return written.model(model.n_features, metadata)
