"""Whether a loss and the outputs of a network fit each other, before a training begins."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

from pylstm.arguments import listing
from pylstm.layers.layer import Layer
from pylstm.layers.output_values import ANY_VALUE, ValueRange
from pylstm.model import Model
from pylstm.train.losses.head_losses import HeadLosses
from pylstm.train.network import Network
from pylstm.train.output_heads import ends_of, value_ranges

__all__ = ["check_loss", "heads_with_logits"]

_DISTRIBUTIONS = {"softmax", "sigmoid", "log_softmax"}
_LOSS_OF = {"softmax": "CrossEntropy", "sigmoid": "BCEWithLogits"}


class _End(NamedTuple):
    """A layer whose rows go into a loss."""

    name: str
    layer: Layer
    loss: str
    """What its loss is called."""
    activation: str
    """What its loss computes itself."""
    values: ValueRange
    """Between which values its rows lie."""
    width: int


def heads_with_logits(loss: Any, network: Network) -> tuple[str, ...]:
    """The heads of which a loss takes logits."""
    if isinstance(loss, HeadLosses):
        return loss.logits
    return () if _activation(loss) is None else tuple(network.outputs)


def check_loss(loss: Any, network: Network, model: Model | None) -> None:
    """Refuses, or warns of, outputs that are not what a loss takes.

    Losses that compute softmax or sigmoid themselves take logits, which may be any numbers. A
    network leaves out the same function at the end of a head, so that its stream has posteriors.

    Parameters
    ----------
    loss : loss or HeadLosses
        Only those whose ``activation`` says what they take are checked.
    network : Network
    model : Model or None
        With labels it will decide, on posteriors.

    Raises
    ------
    ValueError
        `HeadLosses` are for other heads; a single loss would take the posteriors of several heads,
        or probabilities for logits.

    Warns
    -----
    UserWarning
        The training can go on, but not to what was meant.
    """
    if isinstance(loss, HeadLosses):
        loss.check_heads(network.outputs)
        for head, own in loss.trained.items():
            _check_group(own, network, [head])
            _check_ends(own, network, [head], model)
    else:
        _check_group(loss, network, [*network.outputs])
        _check_ends(loss, network, [*network.outputs], model)


def _activation(loss: Any) -> str | None:
    """What a loss computes itself; None: nothing, "unknown": it does not say."""
    return getattr(loss, "activation", "unknown")


def _check_group(loss: Any, network: Network, heads: list[str]) -> None:
    """Refuses one loss for several layers that have activations of their own."""
    activation = _activation(loss)
    if activation not in _LOSS_OF:
        return
    ends = {end for head in heads for end in ends_of(network.nodes, head)}
    layers = [node.layer for node in network.nodes if node.name in ends]
    functions = {layer.last_function for layer in layers} & _DISTRIBUTIONS
    if len(ends) == 1 or not functions:
        return
    if functions == {activation} == {"sigmoid"}:
        return  # every output by itself, whichever layer it is of
    last = network.nodes[-1].name
    if len(heads) == 1:
        raise ValueError(
            f"losses[{heads[0]!r}] is {type(loss).__name__} for {listing(sorted(ends))}, of which"
            f" each has an activation of its own; expected these as inputs of {last!r}, the last"
            " Concat, and a loss for each"
        )
    example = ", ".join(f'"{name}": {_loss_for(network, name)}' for name in heads)
    raise ValueError(
        f"loss is {type(loss).__name__} for the heads {listing(heads)}, of which each has an"
        f" activation of its own; expected a loss for each: HeadLosses({{{example}}})"
    )


def _loss_for(network: Network, head: str) -> str:
    """The loss that fits the end of a head."""
    ends = ends_of(network.nodes, head)
    functions = {node.layer.last_function for node in network.nodes if node.name in ends}
    if not functions:  # the features
        return "None"
    return "BCEWithLogits()" if functions == {"sigmoid"} else "CrossEntropy()"


def _check_ends(loss: Any, network: Network, heads: list[str], model: Model | None) -> None:
    """Refuses, or warns of, layers whose rows are not what their loss takes."""
    activation = _activation(loss)
    if activation not in _LOSS_OF:
        return
    assert activation is not None
    ranges = value_ranges(network.nodes)
    ends = {end for head in heads for end in ends_of(network.nodes, head)}
    if activation == "softmax" and len(ends) > 1:  # one distribution over all of them
        ends = {heads[0] if len(heads) == 1 else network.nodes[-1].name}
    for node in network.nodes:
        if node.name in ends:
            width = network.width_of(node.name)
            end = _End(
                node.name, node.layer, type(loss).__name__, activation, ranges[node.name], width
            )
            _check_end(end, model)


def _check_end(end: _End, model: Model | None) -> None:
    place = f"layers[{end.name}]" if end.name.isdecimal() else f"layers[{end.name!r}]"
    function, wanted = end.layer.last_function, end.activation
    if function == wanted:
        return  # left out in training, present in a stream
    if end.layer.giving_logits() is not end.layer:
        _warn(
            f"{place} ends in {function}; expected {wanted}, which {end.loss} computes itself, or"
            f" the loss {_LOSS_OF[function]}: what is trained is a {wanted}, a stream gives a"
            f" {function}"
        )
        return
    low, high = end.values
    logarithms = wanted == "softmax" and function in ("log_softmax", "log")
    if end.values != ANY_VALUE and not logarithms:
        text = (
            f"{place} gives values {_between(low, high)}; expected logits, which may be any"
            f" numbers, because {end.loss} computes {wanted} itself: set"
            f' Dense({end.width}, {end.width}, "{wanted}") behind it'
        )
        if low >= 0 and high <= 1:
            raise ValueError(f"{text} (these are probabilities already)")
        _warn(text)
    elif model is not None and model.labels is not None:
        _warn(
            f"{place} gives {'logarithms' if logarithms else 'logits'}, also in a stream, whose"
            f" decision on labels takes posteriors; expected {wanted} at its end, which"
            f" {end.loss} leaves out in training"
        )


def _between(low: float, high: float) -> str:
    """A range in words."""
    if math.isinf(high):
        return f"from {low:.3g} up"
    return f"up to {high:.3g}" if math.isinf(low) else f"from {low:.3g} to {high:.3g}"


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=6)
