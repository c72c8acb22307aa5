"""A trained model with a new last layer, for other labels: where a training can begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pylstm.arguments import described, number_of
from pylstm.layers import Dense
from pylstm.model import Model
from pylstm.train.weighted_graph import WeightedGraph

__all__ = ["with_new_labels"]


def with_new_labels(model: Model, labels: Sequence[str], seed: int = 0) -> Model:
    """A trained model whose last layer is new, for other labels.

    Features, their normalisation and all other layers are those of the model. The new last layer is
    dense, ends in softmax, and its weights are drawn. A training of it begins with what the model
    has learnt: with a lower learning rate, or with all other layers frozen (``fit(...,
    frozen=[...])``), it needs fewer recordings.

    Parameters
    ----------
    model : Model
        Its weights are float32 and its last layer is dense. Its decision and its notes are not
        taken, because they belong to its labels.
    labels : sequence of str
    seed : int
        Draws the weights of the last layer.

    Returns
    -------
    Model

    Raises
    ------
    TypeError, ValueError
        Its last layer is another, or its weights are not float32.

    Examples
    --------
    >>> import pylstm
    >>> model = with_new_labels(pylstm.load("keywords"), ["lamp", "radio", "background"])
    >>> model.labels
    ('lamp', 'radio', 'background')
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is {described(model)}; expected a Model")
    if isinstance(labels, str):
        raise TypeError("labels is a string; expected a list of strings")
    if not model.layers:
        raise ValueError("model has no layers; expected one whose last layer is Dense")
    last = model.layers[-1]
    if not isinstance(last, Dense):
        outputs = number_of(last.n_outputs, "output")
        raise ValueError(
            f"the last layer of model is {type(last).__name__} with {outputs}; expected Dense, the"
            " layer that is made anew"
        )
    new = Dense(last.input_size, len(labels), "softmax", seed=seed)
    layers: Any = WeightedGraph(model.nodes).graph()  # refuses what is not float32
    if isinstance(layers, Mapping):
        *names, name = layers
        return Model(
            model.features, {n: layers[n] for n in names} | {name: (new, *layers[name][1:])}, labels
        )
    return Model(model.features, [*layers[:-1], new], labels)
