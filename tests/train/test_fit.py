"""The training loop: it learns, from any batches, and says what it does."""

from __future__ import annotations

import dataclasses
import io
import math
import sys
from functools import partial

import numpy as np
import pytest

import pylstm
from pylstm.train.data.arrays import Arrays
from pylstm.train.data.carried_state import Continued
from pylstm.train.data.truncated import Truncated
from pylstm.train.losses.frame_losses import MSE, CrossEntropy
from pylstm.train.optimisers import SGD
from pylstm.train.recurrent_state import carried
from pylstm.train.schedules import Cosine
from tests.train.small_trainings import Changed, Sums, identical, sequences, source, train

# --- learning -------------------------------------------------------------------------------------


def test_it_learns():
    fitted = train(epochs=12, validation=source(seed=1))
    losses = [entry["loss"] for entry in fitted.history]
    assert losses[-1] < 0.5 * losses[0]
    assert fitted.history[-1]["validation_accuracy"] > 0.9
    assert fitted.stopped == "epochs"
    assert [entry["epoch"] for entry in fitted.history] == list(range(1, 13))
    assert [entry["step"] for entry in fitted.history] == list(range(5, 61, 5))


def test_the_first_step_by_hand():
    xs, ys = sequences(4)
    network = Sums()
    data = Arrays(xs, ys, batch_size=4, shuffle=False)
    [batch] = data.batches(0, 0)
    outputs, _, tape = network.forward(batch.x, batch.lengths, training=True)
    result = CrossEntropy()(outputs, batch.targets, batch.lengths)
    network.backward(tape, result.gradient)
    norm = math.sqrt((network.gradients.astype(np.float64) ** 2).sum())
    clipped = network.gradients * min(1, 0.1 / (norm + 1e-6))
    expected = network.parameters - np.float32(0.5) * clipped
    fitted = train(network, data, epochs=1, optimiser=SGD(lr=0.5), max_norm=0.1)
    np.testing.assert_allclose(fitted.network.parameters, expected, rtol=1e-5, atol=1e-7)
    [entry] = fitted.history
    assert entry["loss"] == pytest.approx(result.value, rel=1e-12)
    assert entry["norm"] == pytest.approx(norm, rel=1e-6)
    assert (entry["lr"], entry["accuracy"]) == (0.5, result.correct / result.counted)
    assert entry["validation_loss"] is entry["validation_accuracy"] is None


def test_the_schedule_scales_the_rate():
    fitted = train(optimiser=SGD(lr=0.5), schedule=Cosine(15), epochs=3)
    factors = [Cosine(15).factor(step, epoch) for epoch, step in enumerate((4, 9, 14))]
    assert [entry["lr"] for entry in fitted.history] == [0.5 * factor for factor in factors]


def test_the_best_weights_are_kept():
    seen = {}

    def keep(report):
        if report.kind == "epoch":
            seen[report.epoch] = report.network.parameters.copy()

    fitted = train(
        validation=source(seed=1), epochs=8, optimiser=SGD(lr=8.0), max_norm=None, callbacks=[keep]
    )
    losses = [entry["validation_loss"] for entry in fitted.history]
    best = int(np.argmin(losses)) + 1
    assert fitted.best_epoch == best < 8  # a rate so high that it is not the last
    np.testing.assert_array_equal(fitted.network.parameters, seen[best])


def test_without_a_validation_the_last_weights_are_kept():
    seen = {}
    fitted = train(callbacks=[lambda report: seen.update(last=report.network.parameters.copy())])
    np.testing.assert_array_equal(fitted.network.parameters, seen["last"])
    assert fitted.best_epoch == 3


def test_patience():
    fitted = train(validation=source(seed=1), epochs=50, optimiser=SGD(lr=8.0), patience=3)
    assert fitted.stopped == "patience"
    assert len(fitted.history) == fitted.best_epoch + 3


def test_seeds_decide_and_nothing_else():
    one = train(seed=1)
    np.random.default_rng().random()
    identical(one, train(seed=1))
    assert (one.network.parameters != train(seed=2).network.parameters).any()


def test_models_keep_what_they_are():
    features = pylstm.LogMel(n_mels=3)
    layers = [pylstm.LSTM(3, 4, seed=0), pylstm.Dense(4, 2, "softmax", seed=0)]
    model = pylstm.Model(features, layers, ["a", "b"], {"note": "x"})
    before = model.to_bytes()
    fitted = train(model, epochs=2)
    assert model.to_bytes() == before
    assert (fitted.model.features, fitted.model.labels) == (features, ("a", "b"))
    assert fitted.model.info == {"note": "x"}
    assert list(fitted.model.layers) == fitted.layers != layers
    assert repr(fitted.layers[1]) == repr(layers[1])  # the softmax is still there
    assert fitted.history[1]["loss"] < fitted.history[0]["loss"]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_lstms_go_on_to_the_last_bit(tmp_path, threads):
    def lstm(seed):
        return [pylstm.LSTM(3, 5, 2, seed=seed), pylstm.Dense(5, 2, "softmax", seed=seed)]

    options = {
        "training": Truncated(source(), 4),
        "validation": source(seed=1),
        "threads": threads,
        "progress": False,
    }
    path = tmp_path / "a.checkpoint"
    whole = train(lstm(0), epochs=4, **options)
    train(lstm(0), epochs=2, checkpoint=path, **options)
    identical(whole, train(lstm(1), epochs=4, checkpoint=path, resume=True, **options))


def test_layers_make_a_model_of_frames():
    layers = [pylstm.LSTM(3, 4, seed=0), pylstm.Dense(4, 2, seed=0)]
    fitted = train(layers, epochs=1)
    assert (fitted.model.features, fitted.model.n_features) == (None, 3)


@pytest.mark.parametrize(
    "make",
    [
        pylstm.GRU,
        partial(pylstm.GRU, reset_after=False, candidate="relu"),
        partial(pylstm.RNN, nonlinearity="relu"),
        pylstm.RNN,
    ],
)
def test_what_was_trained_streams_from_its_file(tmp_path, make):
    layers = [make(3, 8, 2, seed=0), pylstm.Dense(8, 2, "softmax", seed=0)]
    fitted = train(layers, epochs=12)
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    fitted.model.save(tmp_path / "fitted.safetensors")
    model = pylstm.load(tmp_path / "fitted.safetensors")
    assert list(model.layers) == fitted.layers
    assert repr(model.layers[0]) == repr(layers[0])
    (x,), _ = sequences(1, seed=5, longest=60)
    inner, _ = fitted.layers[0].forward(x)
    expected, _ = fitted.layers[1].forward(inner)
    np.testing.assert_allclose(model.stream().push_frames(x), expected, rtol=0, atol=1e-5)


# --- what a batch may be --------------------------------------------------------------------------


def test_state_is_carried():
    """Chunks of any length see what the whole sees: the loss on a validation is the same."""
    whole = source(seed=1)
    losses = {
        train(validation=cut, epochs=2).history[1]["validation_loss"]
        for cut in (whole, Truncated(whole, 4), Truncated(whole, 100))
    }
    assert max(losses) == pytest.approx(min(losses), rel=1e-6)
    one, other = train(training=Truncated(source(), 4)), train()
    assert one.history[0]["step"] > other.history[0]["step"]


def test_rows_carry_on_from_rows():
    h = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    state = [(h, h + 100), None, h[0]]
    rows = np.array([2, -1, 0, 0])
    (a, b), none, c = carried(state, rows)
    for new, old in ((a, h), (b, h + 100), (c[None], h[:1])):
        np.testing.assert_array_equal(new[:, [0, 2, 3]], old[:, [2, 0, 0]])
        np.testing.assert_array_equal(new[:, 1], 0)
    assert none is None
    assert carried(state, None) is None
    assert carried(state, np.array([-1, -1])) is None
    with pytest.raises(ValueError, match=r"row 3 of the batch before, which has 3 rows"):
        carried(state, np.array([3]))
    with pytest.raises(ValueError, match="there is none"):
        carried(None, np.array([0]))


def test_recordings_that_follow_others():
    inner = source(n=19, batch_size=4)  # the last batch is smaller
    batches = list(Continued(inner, share=0.5).batches(3, 7))
    plain = list(inner.batches(3, 7))
    assert batches[0].continues is None
    followed = np.concatenate([batch.continues for batch in batches[1:]])
    assert 0 < (followed < 0).sum() < len(followed)
    for before, batch, same in zip(batches, batches[1:], plain[1:], strict=False):
        np.testing.assert_array_equal(batch.x, same.x)
        rows = batch.continues[batch.continues >= 0]
        if len(batch.lengths) <= len(before.lengths):
            assert len(set(rows)) == len(rows)
        assert (rows < len(before.lengths)).all()
    again = list(Continued(inner, share=0.5).batches(3, 7))
    assert [str(batch.continues) for batch in again] == [str(batch.continues) for batch in batches]
    for share in (0.0, 1.0):
        for batch in list(Continued(inner, share).batches(0, 0))[1:]:
            assert ((batch.continues >= 0) == bool(share)).all()
    assert math.isfinite(train(training=Continued(inner)).history[-1]["loss"])
    with pytest.raises(ValueError, match=r"share is 1.5; expected 0 to 1"):
        Continued(inner, 1.5)
    with pytest.raises(ValueError, match="carry on from each other; expected"):
        list(Continued(Truncated(inner, 2)).batches(0, 0))
    with pytest.raises(TypeError, match="source is int"):
        Continued(3)


def test_a_batch_that_does_not_count_takes_no_step():
    def ignore(epoch, place, batch):
        return batch._replace(targets=np.full_like(batch.targets, -100)) if place == 2 else None

    fitted = train(training=Changed(source(), ignore))
    assert fitted.history[0]["step"] == 4
    assert math.isfinite(fitted.history[0]["loss"])


def test_weights_count_in_the_mean():
    xs, ys = sequences(6)
    weights = [np.full(len(y), k < 3, np.float32) for k, y in enumerate(ys)]
    some = Arrays(xs, ys, batch_size=2, weights=weights, shuffle=False, bucket=False)
    few = Arrays(xs[:3], ys[:3], batch_size=3, shuffle=False, bucket=False)
    one, other = train(validation=some), train(validation=few)
    last, same = one.history[-1]["validation_loss"], other.history[-1]["validation_loss"]
    assert last == pytest.approx(same, rel=1e-6)


def test_a_loss_without_right_and_wrong():
    xs, _ = sequences()
    ys = [np.ones((len(x), 2), np.float32) for x in xs]
    fitted = train(training=Arrays(xs, ys, 4), validation=Arrays(xs, ys, 4), loss=MSE())
    assert fitted.history[-1]["accuracy"] is fitted.history[-1]["validation_accuracy"] is None
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


class Empty:
    n_batches = 0

    def batches(self, epoch, seed):
        return iter(())


def test_nothing_to_learn_from():
    with pytest.raises(ValueError, match="training has no batch in epoch 1"):
        train(training=Empty())
    with pytest.raises(ValueError, match="validation has no batch"):
        train(validation=Empty())

    def ignore(epoch, place, batch):
        return batch._replace(targets=np.full_like(batch.targets, -100))

    with pytest.raises(ValueError, match="no target that counts in epoch 1"):
        train(training=Changed(source(), ignore))


# --- callbacks and progress -----------------------------------------------------------------------


def test_callbacks_are_told_everything():
    reports = []
    train(validation=source(seed=1), epochs=2, callbacks=[reports.append])
    assert [r.kind for r in reports] == (["batch"] * 5 + ["epoch"]) * 2
    assert [r.batch for r in reports] == [1, 2, 3, 4, 5, 5] * 2
    assert [r.step for r in reports] == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10]
    assert {(r.epoch, r.epochs, r.n_batches) for r in reports} == {(1, 2, 5), (2, 2, 5)}
    assert [r.validation_loss is None for r in reports] == [r.kind == "batch" for r in reports]
    assert reports[5].best
    with pytest.raises(dataclasses.FrozenInstanceError):
        reports[0].loss = 0


@pytest.mark.parametrize(("kind", "epochs"), [("batch", 1), ("epoch", 2)])
def test_a_callback_ends_it(kind, epochs):
    def stop(report):
        return "stop" if report.epoch == 2 and report.kind == kind else None

    fitted = train(callbacks=[stop])
    assert (fitted.stopped, len(fitted.history)) == ("callback", epochs)


def test_a_callback_that_says_something_else():
    def nod(report):
        return True

    with pytest.raises(ValueError, match="callback nod returned True; expected 'stop' or None"):
        train(callbacks=[nod])


def test_threads_are_passed_on():
    assert train(threads=2).network.threads == 2
    network = Sums()
    network.threads = 3
    assert train(network).network.threads == 3


@pytest.mark.parametrize(("progress", "lines"), [(True, 2), (False, 0), (None, 0)])
def test_progress_in_a_pipe(capsys, progress, lines):
    train(validation=source(seed=1), epochs=2, progress=progress)
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", lines)
    if lines:
        assert err.startswith("epoch 1 of 2  loss 0.")
        assert "validation loss 0." in err
        assert "\x1b" not in err


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("progress", [True, None, False])
def test_progress_on_a_terminal(monkeypatch, progress):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    train(epochs=2, progress=progress)
    text = screen.getvalue()
    assert ("epoch 2 of 2  loss 0." in text, "\x1b[" in text) == (progress is not False,) * 2


@pytest.mark.parametrize("progress", [True, None])
def test_progress_on_a_terminal_without_rich(monkeypatch, progress):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    train(epochs=2, progress=progress)
    assert len(screen.getvalue().splitlines()) == 2


def test_without_a_stderr(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    train(progress=True)
