"""RTNeural's JSON files to pylstm layers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pylstm.arguments import listing
from pylstm.convert.conversion import Conversion
from pylstm.convert.folding import folded, layers_of
from pylstm.convert.json_document import Entry, naming, read_document
from pylstm.convert.rtneural.json_state_dict import Options, layers_of_state_dict, recurrent_model
from pylstm.convert.rtneural.layers import Row, layers_from
from pylstm.layers import Add, Layer, Select
from pylstm.layers.graph import FEATURES, Node

__all__ = ["from_rtneural"]

# How the last parts of the names in a state dict begin.
_TENSORS = ("weight", "bias", "running_")

# What programs write beside the network, which says nothing about what it computes.
_NOTES = (
    "author",
    "comment",
    "date",
    "description",
    "esr",
    "input_batch",
    "metadata",
    "name",
    "output_batch",
    "sample_rate",
    "samplerate",
    "version",
)


def from_rtneural(
    source: str | os.PathLike[str] | Mapping[str, Any], *, options: Options | None = None
) -> Conversion:
    """Turn a network in RTNeural's JSON into layers with the same weights.

    Three forms are read:

    * what RTNeural's exporter makes of a Keras model: ``in_shape``, and ``layers`` of the types
      dense, time-distributed-dense, conv1d, conv2d, gru, lstm, prelu, batchnorm, batchnorm2d and
      activation;
    * a state dict of PyTorch in JSON: recurrent layers, ``nn.Linear``, ``nn.Conv1d``,
      ``nn.BatchNorm1d`` and ``nn.PReLU``, one after the other as they stand there;
    * a state dict beside ``model_data`` with a ``SimpleRNN``: one recurrent network, a linear
      layer, and the input added to the output where ``skip`` says so.

    ``in_skip`` beside ``layers`` adds the first input to the output, as programs for amplifiers do.
    Rows are else those of RTNeural itself: convolutions see zeros before the first frame, and no
    frame after their own, whatever padding they were trained with in Keras.

    Parameters
    ----------
    source : str, path or mapping
        A JSON file, or what it holds.
    options : mapping of str to mapping, optional
        What a state dict does not hold, for the beginnings of names: ``{"conv.": {"dilation": 2,
        "activation": "tanh"}}``. ``activation``: what follows a Linear or a Conv1d, "linear" for
        nothing; it has to be said of each but a Linear at the end, which is taken for linear.
        ``dilation`` and ``groups`` of a Conv1d: it has to be said. ``eps`` of a BatchNorm1d whose
        file does not hold it.

    Returns
    -------
    Conversion
        There is no ``run_source``: RTNeural has no interface to Python.

    Raises
    ------
    TypeError, ValueError
        Something in the file is missing, unknown, of another shape or kind than expected.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> dense = {"type": "dense", "activation": "tanh", "shape": [None, 2]}
    >>> dense["weights"] = [[[1.0, 2.0]], [0.5, 0.5]]
    >>> from_rtneural({"in_shape": [None, 1], "layers": [dense]}).layers
    [Dense(input_size=1, output_size=2, activation='tanh', bias=True)]
    """
    document = read_document(source)
    if "layers" in document or "in_shape" in document:
        if options is not None:
            raise ValueError(f"options is {options!r}; expected None: this file holds everything")
        return _from_layers(document)
    notes: list[str] = []
    if "model_data" in document:
        if options is not None:
            raise ValueError(f"options is {options!r}; expected None: this file holds everything")
        layers = recurrent_model(Entry("source", document))
        return Conversion(layers)
    if document and not any(str(name).rpartition(".")[2].startswith(_TENSORS) for name in document):
        raise ValueError(
            f"source has {listing(map(str, document), 6)}; expected 'in_shape' and 'layers',"
            " 'model_data' and 'state_dict', or the tensors of a state dict, such as"
            " 'lstm.weight_ih_l0'; of a file that holds several, hand over one"
        )
    chain = layers_of_state_dict(document, options or {}, notes)
    return Conversion(_chain(chain), notes=tuple(notes))


def _from_layers(document: Mapping[str, Any]) -> Conversion:
    """A Keras export."""
    entry = Entry("source", document)
    shape, entries = entry.take("in_shape"), entry.take("layers")
    row = _input_row(entry, shape)
    if not isinstance(entries, list | tuple) or not entries:
        raise entry.refuse("layers", entries, "a list of layers")
    notes = [f"{key!r} of the file is a note." for key in _NOTES if entry.take_or(key, None)]
    skip = entry.one_of("in_skip", (0, 1), 0)
    for key in ("in_gain", "out_gain"):
        gain = entry.take_or(key, 0)
        if type(gain) not in (int, float) or gain != 0:
            raise entry.refuse(
                key,
                gain,
                "0, or no such key: the program applies the gain outside of the network; remove the"
                " key to leave it to the program",
            )
    entry.finish(
        ": RTNeural reads in_shape and layers; what a program does besides stands in its code;"
        " remove the key to leave it to that code"
    )
    frame = row
    chain: list[Layer] = []
    for place, values in enumerate(entries):
        where = f"layers[{place}]"
        with naming(where):
            layers, row = layers_from(Entry(where, values), row)
        chain += layers
    if not chain:
        raise entry.refuse("layers", entries, "a layer that does something")
    notes += _time_notes(shape, entries)
    if not skip:
        return Conversion(_chain(chain), notes=tuple(notes))
    if row.width != 1:
        raise entry.refuse("in_skip", skip, f"0, or one output: there are {row.width}")
    notes.append(
        "'in_skip' adds the first input to the output, which RTNeural leaves to its programs."
    )
    return Conversion(_with_input_added(chain, frame.width), notes=tuple(notes))


def _input_row(entry: Entry, shape: Any) -> Row:
    """What a frame is, by ``in_shape``: (batch, time, width) or (batch, time, positions,
    channels)."""
    if isinstance(shape, list | tuple) and len(shape) in (2, 3, 4):
        sizes = shape[2:] if len(shape) == 4 else (1, shape[-1])
        if all(type(size) is int and 1 <= size <= 65_536 for size in sizes):
            return Row(*sizes)
    raise entry.refuse("in_shape", shape, "a list such as [None, None, 1]")


def _nodes(layers: Sequence[Layer]) -> list[Node]:
    """The layers, one after the other, with what can be folded."""
    names = [FEATURES, *(f"layer_{place}" for place in range(len(layers)))]
    nodes = [
        Node(name, layer, (before,))
        for before, name, layer in zip(names, names[1:], layers, strict=False)
    ]
    return folded(nodes)


def _chain(layers: Sequence[Layer]) -> Any:
    """The layers as a list."""
    return layers_of(_nodes(layers))


def _with_input_added(layers: Sequence[Layer], inputs: int) -> Any:
    """The layers as a graph, whose output is theirs and the first input."""
    nodes, first = _nodes(layers), FEATURES
    if inputs > 1:
        nodes, first = [Node("input", Select(inputs, 0, 1), (FEATURES,)), *nodes], "input"
    return layers_of([*nodes, Node("sum", Add(), (nodes[-1].name, first))])


def _time_notes(shape: Sequence[Any], entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What Keras did at the edges in time, where RTNeural and pylstm do another thing."""
    notes, before = [], shape[1] if len(shape) > 2 else None
    for place, values in enumerate(entries):
        kind, after = values["type"], values["shape"][1] if len(values["shape"]) > 2 else None
        where = f"layers[{place}] ({kind})"
        if type(before) is type(after) is int and after < before:
            notes.append(
                f"{where} had no padding in Keras; as in RTNeural it sees zeros before the first"
                f" frame, so that there are {before - after} rows more at the beginning."
            )
        if kind == "conv2d" and values["padding"] == "same":
            notes.append(
                f"{where} saw later frames in Keras (padding 'same'); as in RTNeural it sees its"
                " own and earlier ones, so that rows come later."
            )
        before = after
    return notes
