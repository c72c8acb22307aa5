"""Forward and backward passes of whole networks against torch.autograd in float32."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pylstm
from tests.layer_kinds import IN_TORCH, VARIANTS, make_layer
from tests.network_passes import (
    GRADIENTS,
    OUTPUTS,
    SMOOTH,
    Found,
    TorchNetwork,
    assert_close,
    assert_same_passes,
    clear,
    compare_with_torch,
    network_passes,
    passage,
    recurrent,
)

pytest.importorskip("scipy", reason="bulk passes need SciPy: pip install 'pylstm[train]'")
pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm.train import CTC, MSE, BCEWithLogits, CrossEntropy, Network

ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "softmax"]


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    module.set_num_threads(1)
    return module


def clear_passage(layers, count, batch, seed):
    """The first of some that are clear."""
    return next(
        found
        for k in itertools.count()
        if clear(layers, found := passage(layers, count, batch, seed + 100 * k))
    )


@pytest.mark.law_framework_exact
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("last", ACTIVATIONS)
def test_dense_layers_between_and_at_the_end(torch, activation, last):
    """Another kind of cell and other sizes with each pair of activations."""
    seed = ACTIVATIONS.index(activation) * 5 + ACTIVATIONS.index(last)
    layers = [
        recurrent(SMOOTH[seed % 4], 13, 19, seed=seed, bidirectional=seed % 2 == 0),
    ]
    layers.append(pylstm.Dense(layers[-1].n_outputs, 17, activation, seed % 3 > 0, seed=1))
    layers.append(recurrent(SMOOTH[(seed + 1) % 4], 17, 23, seed=2))
    layers.append(pylstm.Dense(layers[-1].n_outputs, 5, last, seed % 3 < 2, seed=3))
    compare_with_torch(layers, clear_passage(layers, 11, 7, seed))


@pytest.mark.slow
@pytest.mark.law_framework_exact
@settings(deadline=None, max_examples=25)
@given(
    variants=st.lists(st.sampled_from(IN_TORCH), min_size=1, max_size=4),
    widths=st.lists(st.integers(1, 40), min_size=5, max_size=5),
    count=st.integers(1, 12),
    batch=st.integers(1, 9),
    threads=st.integers(1, 3),
    recompute=st.one_of(st.none(), st.integers(1, 13)),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_any_network(torch, variants, widths, count, batch, threads, recompute, seed, data):
    layers, width = [], widths[0]
    for variant, size in zip(variants, widths[1:], strict=False):
        drawn = data.draw(st.fixed_dictionaries(dict(VARIANTS[variant].settings)))
        layers.append(make_layer(variant, width, size, seed=seed, **drawn))
        width = layers[-1].n_outputs
    drawn = passage(layers, count, batch, seed)
    assume(clear(layers, drawn))
    compare_with_torch(layers, drawn, threads=threads, recompute=recompute)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("kind", SMOOTH)
def test_many_rows(torch, bulk_isa, kind, batch):
    """More rows than one product of inputs takes, products wider than a block of the kernel."""
    layer = recurrent(kind, 20, 150, seed=1, num_layers=2, bidirectional=True)
    compare_with_torch([layer], passage([layer], 600 // batch, batch, 5))


def test_every_name_of_a_kernel(torch, isa):
    assert pylstm.show_config()["isa"]["used"] == isa
    layers = [recurrent("lstm", 13, 20, seed=1), pylstm.Dense(20, 3, "softmax", seed=2)]
    compare_with_torch(layers, passage(layers, 20, 5, 3))


# --- losses ---------------------------------------------------------------------------------------

RNG = np.random.default_rng(11)
T, B, K = 15, 6, 5
LENGTHS = np.array([15, 1, 9, 15, 4, 12])
PRESENT = np.arange(T)[:, None] < LENGTHS
FRAMES = RNG.integers(0, K, (T, B))
CLASSES = RNG.integers(0, K, B)
CLASS_WEIGHTS = np.array([1, 2, 0.5, 3, 1], np.float32)
VALUES = RNG.standard_normal((T, B, K), np.float32)
TRUTHS = (VALUES > 0).astype(np.float32)
PATHS = [RNG.integers(1, K, n) for n in (5, 1, 2, 7, 0, 4)]


def last(y):
    return y[LENGTHS - 1, np.arange(B)]


def mean(y):
    import torch

    return torch.stack([y[:n, b].mean(0) for b, n in enumerate(LENGTHS)])


def losses():
    """Name, the loss, its targets, and the same of an outputs tensor by PyTorch."""

    def functional():
        import torch

        return torch.nn.functional, torch.from_numpy

    def cross_entropy(pick, targets, **more):
        def value(y):
            F, t = functional()
            more_here = {k: t(v) if isinstance(v, np.ndarray) else v for k, v in more.items()}
            return F.cross_entropy(pick(y), t(targets), **more_here)

        return value

    def of(name, pick, targets, **more):
        def value(y):
            F, t = functional()
            return getattr(F, name)(
                pick(y), t(targets), **{k: t(v) for k, v in more.items()}
            )  # fmt: skip

        return value

    def frames(y):
        import torch

        return y[torch.from_numpy(PRESENT)]

    def ctc(y):
        F, t = functional()
        return F.ctc_loss(
            y.log_softmax(-1), t(np.concatenate(PATHS)), t(LENGTHS),
            t(np.array([len(p) for p in PATHS])),
        )  # fmt: skip

    yield "frames", CrossEntropy(), FRAMES, cross_entropy(frames, FRAMES[PRESENT])
    yield (
        "weighted",
        CrossEntropy(CLASS_WEIGHTS, label_smoothing=0.1),
        FRAMES,
        cross_entropy(frames, FRAMES[PRESENT], weight=CLASS_WEIGHTS, label_smoothing=0.1),
    )
    for pooling, pick in (("last", last), ("mean", mean)):
        yield (
            f"sequences-{pooling}",
            CrossEntropy(per="sequence", pooling=pooling),
            CLASSES,
            cross_entropy(pick, CLASSES),
        )
    yield "mse", MSE(), VALUES, of("mse_loss", frames, VALUES[PRESENT])
    yield "mse-mean", MSE("sequence", "mean"), VALUES[0], of("mse_loss", mean, VALUES[0])
    name = "binary_cross_entropy_with_logits"
    yield (
        "bce",
        BCEWithLogits(CLASS_WEIGHTS),
        TRUTHS,
        of(name, frames, TRUTHS[PRESENT], pos_weight=CLASS_WEIGHTS),
    )
    yield "ctc", CTC(), PATHS, ctc


LOSSES = list(losses())


@pytest.mark.parametrize("case", LOSSES, ids=[case[0] for case in LOSSES])
@pytest.mark.parametrize("activation", ["linear", "softmax", "sigmoid"])
def test_losses(torch, case, activation):
    """From inputs to the loss and all the way back; an activation at the end is the loss's."""
    _, loss, targets, theirs = case
    layers = [
        recurrent("lstm", 7, 12, bidirectional=True, seed=1),
        pylstm.Dense(24, K, activation, seed=2),
    ]
    x = np.random.default_rng(3).standard_normal((T, B, 7), np.float32)
    network = Network(layers)
    outputs, _, tape = network.forward(x, LENGTHS, training=True)
    result = loss(outputs, targets, LENGTHS)
    network.backward(tape, result.gradient)
    oracle = TorchNetwork(layers)
    y, _ = oracle.forward(torch.from_numpy(x), LENGTHS, None)
    value = theirs(y)
    value.backward()
    assert result.value == pytest.approx(value.item(), rel=1e-5)
    for name, view in network._views(network.gradients).items():
        assert_close(name, view, oracle.names[name].grad.numpy(), GRADIENTS)


# --- dropout --------------------------------------------------------------------------------------


def dropped(kind, **settings):
    return recurrent(kind, 11, 20, num_layers=3, dropout=0.4, seed=1, **settings)


def masks(network, layer, count, batch, lengths, seed):
    """What dropout multiplies each layer's outputs with, read from what a pass keeps.

    (T, B, n_outputs) each; None after the last layer.
    """
    x = np.zeros((count, batch, layer.input_size), np.float32)
    _, _, tape = network.forward(x, lengths, training=True, rng=np.random.default_rng(seed))
    (shard,) = tape[0]
    drawn = [mask for _, _, mask in shard.tape.kept[0].layers]
    return [None if mask is None else shard.packed.unpack(mask) for mask in drawn]


@pytest.mark.parametrize("kind", SMOOTH)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropout_is_torch_with_the_same_masks(torch, kind, bidirectional):
    layer = dropped(kind, bidirectional=bidirectional)
    given = passage([layer], 12, 5, 3, state=False)
    network = Network([layer])
    drawn = masks(network, layer, 12, 5, given.lengths, 17)
    assert [mask is None for mask in drawn] == [False, False, True]
    ours = network_passes(network, given, np.random.default_rng(17))

    singles = []
    for k in range(3):
        weights = {
            name.replace(f"_l{k}", "_l0"): w
            for name, w in layer.weights.items()
            if f"_l{k}" in name
        }
        width = layer.n_outputs if k else 11
        settings = {"bidirectional": bidirectional, "weights": weights}
        singles.append(recurrent(kind, width, 20, **settings))
    oracles = [TorchNetwork([single]) for single in singles]
    x = torch.from_numpy(np.where(given.present[..., None], given.x, 0)).requires_grad_()
    y = x
    for oracle, mask in zip(oracles, drawn, strict=True):
        y, _ = oracle.forward(y, given.counts, None)
        if mask is not None:
            y = y * torch.from_numpy(mask)
    d_outputs = torch.from_numpy(given.d_outputs[given.present])
    (y[torch.from_numpy(given.present)] * d_outputs).sum().backward()
    np.testing.assert_allclose(ours.outputs, y.detach().numpy(), rtol=0, atol=OUTPUTS)
    assert_close("d_x", ours.d_x, x.grad.numpy(), GRADIENTS)
    for k, oracle in enumerate(oracles):
        for name, parameter in oracle.names.items():
            name = name.replace("_l0", f"_l{k}")
            assert_close(name, ours.gradients[name], parameter.grad.numpy(), GRADIENTS)


# --- what must not matter -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("kind", SMOOTH)
def test_threads_and_recomputing_change_rounding_only(bulk_isa, kind, lengths):
    layers = [
        recurrent(kind, 13, 20, num_layers=2, bidirectional=True, seed=1),
        pylstm.Dense(40 if kind != "projected" else 26, 7, "tanh", seed=2),
        recurrent(kind, 7, 16, seed=3),
    ]
    given = passage(layers, 31, 7, 5, lengths)
    plain: Found = network_passes(Network(layers), given)
    for threads, recompute in [(1, 1), (1, 3), (1, 31), (1, 1000), (2, None), (3, None), (2, 7)]:
        network = Network(layers, threads=threads, recompute=recompute)
        other = network_passes(network, given)
        assert_same_passes(other, plain, 1e-6, 1e-5)
        again = network_passes(network, given)
        for name, gradient in again.gradients.items():
            assert gradient.tobytes() == other.gradients[name].tobytes()


@pytest.mark.parametrize("recompute", [None, 5])
def test_chunks_with_carried_state_give_the_whole(bulk_isa, recompute):
    """Truncated back-propagation computes what the whole sequence gives, cut by cut; and with the
    gradients of states handed back, its gradients too."""
    layers = [
        pylstm.LSTM(9, 20, num_layers=2, seed=1),
        pylstm.Dense(20, 11, "relu", seed=2),
        pylstm.GRU(11, 17, seed=3),
    ]
    given = passage(layers, 40, 6, 1, lengths=False)
    network = Network(layers, recompute=recompute)
    whole = network_passes(network, given)
    state, outputs, tapes = given.state, [], []
    cuts = [(0, 1), (1, 14), (14, 31), (31, 40)]
    for a, b in cuts:
        y, state, tape = network.forward(given.x[a:b], None, state, training=True)
        outputs.append(y)
        tapes.append(tape)
    np.testing.assert_allclose(np.concatenate(outputs), whole.outputs, rtol=0, atol=1e-6)
    d_state, d_x, total = given.d_state, [], np.zeros_like(network.gradients)
    for (a, b), tape in zip(reversed(cuts), reversed(tapes), strict=True):
        part, d_state = network.backward(tape, given.d_outputs[a:b], d_state, d_inputs=True)
        d_x.insert(0, part)
        total += network.gradients
    sums = {name: view.copy() for name, view in network._views(total).items()}
    chunked = Found(np.concatenate(outputs), state, sums, np.concatenate(d_x), d_state)
    assert_same_passes(chunked, whole, 1e-6, 1e-5)
