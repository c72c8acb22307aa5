"""Networks for the tests of bulk passes and gradients, and what PyTorch and the reference make of
them: the loss is a sum of outputs and of states at the end, each with a random factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylstm.layers import Layer, Recurrent
from tests.layer_kinds import has_corner, kind_of, make_layer, reference

Array = NDArray[Any]

SMOOTH = ("lstm", "projected", "gru", "rnn_tanh", "gru_before")
"""Recurrent variants without a ReLU."""


def recurrent(kind: str, input_size: int, hidden_size: int, **settings: Any) -> Recurrent:
    """A layer of a recurrent variant of tests/layer_kinds.py."""
    layer = make_layer(kind, input_size, hidden_size, **settings)
    assert isinstance(layer, Recurrent)
    return layer


def parts(state: Any) -> tuple[Any, ...]:
    """h alone, or h and c."""
    return state if isinstance(state, tuple) else (state,)


def as_state(found: Any) -> Any:
    """What `parts` took apart; None without parts."""
    found = tuple(found)
    return found if len(found) > 1 else found[0] if found else None


@dataclass
class Passage:
    """What goes into forward and backward; past the lengths stands what nobody may read."""

    x: Array
    lengths: Array | None
    state: list[Any] | None
    d_outputs: Array
    d_state: list[Any] | None

    @property
    def counts(self) -> Array:
        """How many frames each sequence has."""
        return np.full(self.x.shape[1], len(self.x)) if self.lengths is None else self.lengths

    @property
    def present(self) -> Array:
        """Which frames are there: (T, B)."""
        return np.arange(len(self.x))[:, None] < self.counts


def random_state(layers: list[Layer], batch: int, rng: np.random.Generator) -> list[Any]:
    """A state for each layer, as a network takes them."""
    return [
        as_state(
            0.7 * rng.standard_normal((places, batch, width), np.float32)
            for places, width in layer.state_shapes.values()
        )
        for layer in layers
    ]


def passage(
    layers: list[Layer],
    count: int,
    batch: int,
    seed: int,
    lengths: bool = True,
    state: bool = True,
) -> Passage:
    """Random numbers for everything; with `lengths`, one sequence of 1 frame and one of all."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, batch, layers[0].input_size), np.float32)
    d_outputs = rng.standard_normal((count, batch, layers[-1].n_outputs), np.float32)
    counts = None
    if lengths:
        counts = rng.integers(1, count + 1, batch)
        counts[rng.integers(batch)] = 1
        if batch > 1:
            counts[rng.integers(batch)] = count
        missing = np.arange(count)[:, None] >= counts
        x[missing] = np.nan
        d_outputs[missing] = np.nan
    begin = random_state(layers, batch, rng) if state else None
    return Passage(x, counts, begin, d_outputs, random_state(layers, batch, rng) if state else None)


def as_run(layers: list[Layer]) -> list[Layer]:
    """The layers as a network runs them: without the activation that is left to the loss."""
    return [*layers[:-1], layers[-1].giving_logits()]


def frames(count: int, batch: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((count, batch, width), np.float32)


# --- what refusals are tried on -------------------------------------------------------------------

LAYER = recurrent("lstm", 4, 6, num_layers=2, seed=1)
PLAIN = recurrent("gru", 4, 6, seed=1)
X = frames(5, 3, 4)


def with_value(value: float) -> Array:
    """`X`, with one value that is another."""
    x = X.copy()
    x[4, 2, 1] = value
    return x


# --- the reference --------------------------------------------------------------------------------


def reference_pass(
    layers: list[Layer], given: Passage, weights: dict[str, Array] | None = None
) -> tuple[Array, list[Any], float]:
    """Outputs, states and the smallest distance of anything from the corner of a ReLU; float64.

    `weights`: others than those of the layers, under the names of a network.
    """
    x = np.where(given.present[..., None], given.x, 0).astype(np.float64)
    ends: list[Any] = []
    corners = [np.inf]
    for place, layer in enumerate(as_run(layers)):
        own = {
            name: (layer.weights[name] if weights is None else weights[f"{place}.{name}"])
            for name in layer.shapes
        }
        state = None if given.state is None else given.state[place]
        x, end, corner, _ = reference(layer, own, x, state, given.counts)
        ends.append(end)
        corners.append(corner)
    return x, ends, float(min(corners))


def scalar(given: Passage, outputs: Array, ends: list[Any]) -> float:
    """The loss whose gradients a passage asks for."""
    total = float((outputs[given.present] * given.d_outputs[given.present]).sum())
    for end, d in zip(ends, given.d_state or [None] * len(ends), strict=True):
        if end is not None and d is not None:
            total += sum(float((e * f).sum()) for e, f in zip(parts(end), parts(d), strict=True))
    return total


# --- PyTorch --------------------------------------------------------------------------------------


class TorchNetwork:
    """The layers as modules: what autograd says about them."""

    def __init__(self, layers: list[Layer]) -> None:
        import torch

        torch.set_num_threads(1)
        self.layers = as_run(layers)
        self.modules = [kind_of(layer).torch_module(layer) for layer in self.layers]
        self.names = {
            f"{place}.{name}": parameter
            for place, module in enumerate(self.modules)
            for name, parameter in module.named_parameters()
        }

    def forward(self, x: Any, counts: Array, state: list[Any] | None) -> tuple[Any, list[Any]]:
        """Outputs and states at the end, for tensors."""
        ends: list[Any] = []
        for place, (layer, module) in enumerate(zip(self.layers, self.modules, strict=True)):
            begin = None if state is None else state[place]
            x, end = kind_of(layer).torch_forward(module, layer, x, counts, begin)
            ends.append(end)
        return x, ends


@dataclass
class Found:
    """What a forward and a backward pass gave, whoever ran them."""

    outputs: Array
    state: list[Any]
    gradients: dict[str, Array]
    d_x: Array
    d_state: list[Any]


def torch_passes(layers: list[Layer], given: Passage) -> Found:
    """What autograd says."""
    import torch

    network = TorchNetwork(layers)
    present = torch.from_numpy(given.present)
    x = torch.from_numpy(np.where(given.present[..., None], given.x, 0)).requires_grad_()
    leaves = [
        None if s is None else tuple(torch.from_numpy(p).requires_grad_() for p in parts(s))
        for s in given.state or []
    ]
    begin = [None if s is None else as_state(s) for s in leaves] if given.state else None
    outputs, ends = network.forward(x, given.counts, begin)
    # Not by a product with NaN and a mask: in gradients, 0 times NaN is NaN.
    loss = (outputs[present] * torch.from_numpy(given.d_outputs[given.present])).sum()
    for end, d in zip(ends, given.d_state or [None] * len(ends), strict=True):
        if end is not None and d is not None:
            for e, f in zip(parts(end), parts(d), strict=True):
                loss = loss + (e * torch.from_numpy(f)).sum()
    loss.backward()
    return Found(
        torch.where(present[..., None], outputs, 0).detach().numpy(),
        [None if e is None else as_state(p.detach().numpy() for p in parts(e)) for e in ends],
        {name: p.grad.numpy() for name, p in network.names.items()},
        x.grad.numpy(),
        [None if s is None else as_state(p.grad.numpy() for p in s) for s in leaves],
    )


# --- pylstm ---------------------------------------------------------------------------------------


def network_passes(network: Any, given: Passage, rng: Any = None) -> Found:
    """What `pylstm.train.Network` says."""
    outputs, ends, tape = network.forward(
        given.x, given.lengths, given.state, training=True, rng=rng
    )
    outputs = outputs.copy()
    d_x, d_state = network.backward(tape, given.d_outputs, given.d_state, d_inputs=True)
    views = network._views(network.gradients)
    return Found(outputs, ends, {n: v.copy() for n, v in views.items()}, d_x, d_state)


def assert_close(name: str, ours: Array, theirs: Array, tolerance: float, floor: float = 0) -> None:
    """The largest difference is at most `tolerance` of the largest value, or `floor`."""
    assert ours.shape == theirs.shape, name
    assert ours.dtype == np.float32, name
    scale = float(np.abs(theirs).max(initial=0))
    error = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0))
    # NaN is refused too.
    assert error <= tolerance * scale + floor, f"{name}: {error:.2e} beside {scale:.2e}"


def assert_same_passes(ours: Found, theirs: Found, forward: float, gradient: float) -> None:
    """Outputs and states within `forward` of 1 or of the largest, gradients within `gradient`.

    In a tensor of very few values all may nearly cancel, or stand behind a tanh that is nearly 1:
    what is left of float32 is then less, here and there, than a share of the largest. Inputs and
    factors of the loss are near 1, so that sums over so many frames have an error of this size.
    """
    floor = 1e-6 * np.sqrt(np.prod(ours.outputs.shape[:2]))

    def states(found: list[Any]) -> list[Array]:
        return [part for state in found if state is not None for part in parts(state)]

    for name, a, b in [
        ("outputs", ours.outputs, theirs.outputs),
        *(("state", a, b) for a, b in zip(states(ours.state), states(theirs.state), strict=True)),
    ]:
        assert a.dtype == np.float32
        np.testing.assert_allclose(
            a, b, rtol=0, atol=forward * max(1, np.abs(b).max()), err_msg=name
        )
    assert ours.gradients.keys() == theirs.gradients.keys()
    for name, theirs_w in theirs.gradients.items():
        assert_close(name, ours.gradients[name], theirs_w, gradient, floor)
    assert_close("d_x", ours.d_x, theirs.d_x, gradient, floor)
    if theirs.d_state:
        for a, b in zip(states(ours.d_state), states(theirs.d_state), strict=True):
            assert_close("d_state", a, b, gradient, floor)


OUTPUTS = 1e-5
GRADIENTS = 1e-4

# What a ReLU gets is never so near to 0 that rounding decides on which side it is.
CORNER = 3e-6


def clear(layers: list[Layer], given: Passage) -> bool:
    """Whether rounding moves nothing over the corner of a ReLU."""
    return not any(map(has_corner, layers)) or reference_pass(layers, given)[2] > CORNER


def compare_with_torch(layers: list[Layer], given: Passage, **settings: Any) -> None:
    """Outputs, states and all gradients of a network are those of torch.autograd."""
    from pylstm.train import Network

    theirs = torch_passes(layers, given)
    # Normalising memories that come near each other multiplies what rounding made of them, theirs
    # as ours (tests/layers/test_lstm_options.py compares both with float64).
    normalised = any(getattr(layer, "layer_norm", False) for layer in layers)
    forward = 4 * OUTPUTS if normalised else OUTPUTS
    gradient = 4 * GRADIENTS if normalised else GRADIENTS
    assert_same_passes(
        network_passes(Network(layers, **settings), given), theirs, forward, gradient
    )
