"""The training loop: it learns, it can be told to stop anywhere, and nothing is lost."""

from __future__ import annotations

import dataclasses
import io
import math
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from training_material import Changed, Sums, sequences, source, without_seconds

import pylstm
from pylstm import files
from pylstm.train.batches import Arrays, Truncated
from pylstm.train.carry import carried
from pylstm.train.checkpoint import Checkpoint
from pylstm.train.continued import Continued
from pylstm.train.fit import DivergedError, fit
from pylstm.train.losses import MSE, CrossEntropy
from pylstm.train.optimisers import SGD, Adam, AdamW
from pylstm.train.schedules import Cosine, Plateau


def train(network=None, training=None, validation=None, **options):
    """A training of the small network, everything that is not said as usual."""
    settings = {"loss": CrossEntropy(), "optimiser": Adam(lr=0.05), "epochs": 3, "progress": False}
    network = Sums(dropout=0.2) if network is None else network
    training = source() if training is None else training
    return fit(network, training, validation, **(settings | options))


def identical(one, other) -> None:
    np.testing.assert_array_equal(one.network.parameters, other.network.parameters)
    assert without_seconds(one.history) == without_seconds(other.history)
    assert (one.best_epoch, one.stopped) == (other.best_epoch, other.stopped)


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
    with pytest.raises(ValueError, match=r"share is 1.5: expected 0 to 1"):
        Continued(inner, 1.5)
    with pytest.raises(ValueError, match="carry on from each other already"):
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
    with pytest.raises(ValueError, match="training gave no batch in epoch 1"):
        train(training=Empty())
    with pytest.raises(ValueError, match="validation gave no batch"):
        train(validation=Empty())

    def ignore(epoch, place, batch):
        return batch._replace(targets=np.full_like(batch.targets, -100))

    with pytest.raises(ValueError, match="no target counted in epoch 1"):
        train(training=Changed(source(), ignore))


# --- going on -------------------------------------------------------------------------------------


def settings(kind: str) -> dict:
    """New objects each time: a resumed training is another process."""
    return {
        "plain": lambda: {"optimiser": SGD(lr=0.3)},
        "momentum": lambda: {"optimiser": SGD(lr=0.1, momentum=0.9, nesterov=True)},
        "adam": lambda: {"optimiser": Adam(lr=0.05), "validation": source(seed=1)},
        "cosine": lambda: {"optimiser": AdamW(lr=0.05), "schedule": Cosine(30, warmup_steps=4)},
        "plateau": lambda: {
            "optimiser": SGD(lr=8.0),
            "schedule": Plateau(factor=0.5, patience=1),
            "validation": source(seed=1),
        },
        "truncated": lambda: {"training": Truncated(source(), 4), "validation": source(seed=1)},
        "continued": lambda: {"training": Continued(source())},
    }[kind]()


KINDS = ["plain", "momentum", "adam", "cosine", "plateau", "truncated", "continued"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [1, 3])
def test_resumed_is_as_if_never_interrupted(tmp_path, kind, first):
    path = tmp_path / "a.checkpoint"
    whole = train(epochs=6, **settings(kind))
    train(epochs=first, checkpoint=path, **settings(kind))
    fresh = Sums(seed=77, dropout=0.2)  # the weights that it begins with do not matter
    resumed = train(fresh, epochs=6, checkpoint=path, resume=True, **settings(kind))
    identical(whole, resumed)
    again = train(epochs=6, checkpoint=path, resume=True, **settings(kind))
    identical(whole, again)  # nothing left to do


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 7, 15])
def test_resumed_after_an_interruption_inside_an_epoch(tmp_path, kind, batch):
    path = tmp_path / "a.checkpoint"
    whole = train(epochs=4, **settings(kind))
    count = 0

    def interrupt(report):
        nonlocal count
        count += report.kind == "batch"
        if count == batch:
            signal.raise_signal(signal.SIGINT)
            count += 1

    cut = train(epochs=4, checkpoint=path, callbacks=[interrupt], **settings(kind))
    assert cut.stopped == "interrupted"
    identical(whole, train(epochs=4, checkpoint=path, resume=True, **settings(kind)))


def test_patience_is_remembered(tmp_path):
    path = tmp_path / "a.checkpoint"
    options = {"validation": source(seed=1), "patience": 3}
    whole = train(epochs=50, optimiser=SGD(lr=8.0), **options)
    for epochs in (*range(1, len(whole.history) + 1), 50, 50):
        part = train(
            epochs=epochs,
            optimiser=SGD(lr=8.0),
            checkpoint=path,
            resume=path.exists(),
            **options,
        )
    identical(whole, part)


def test_what_is_there_is_not_overwritten(tmp_path):
    path = tmp_path / "a.checkpoint"
    train(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"a.checkpoint is there already: resume=True"):
        train(checkpoint=path)
    assert path.read_bytes() == before


def test_a_place_where_nothing_can_be_written_shows_before_the_first_batch(tmp_path):
    network = Sums()
    with pytest.raises(FileNotFoundError):
        train(network, checkpoint=tmp_path / "absent" / "a.checkpoint")
    assert network.forwards == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser": AdamW(lr=0.05)}, "its optimiser is Adam.*, here it is AdamW"),
        ({"optimiser": Adam(lr=0.04)}, "its optimiser is Adam.*0.05.*, here it is Adam.*0.04"),
        ({"loss": CrossEntropy(label_smoothing=0.1)}, "its loss is CrossEntropy.*, here it is"),
        ({"schedule": Cosine(9)}, "its schedule is Constant, here it is Cosine"),
        ({"seed": 1}, "its seed is 0, here it is 1"),
        ({"max_norm": None}, "its max_norm is 1.0, here it is None"),
        ({"validation": source(seed=1)}, "its validation is none, here it is given"),
        ({"training": source(batch_size=5)}, "its number of batches an epoch is 5, here it is 4"),
    ],
)
def test_another_training_is_refused(tmp_path, change, message):
    path = tmp_path / "a.checkpoint"
    train(epochs=1, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"is of another training: {message}"):
        train(checkpoint=path, resume=True, **change)
    assert path.read_bytes() == before


def test_a_source_that_cannot_tell_its_batches_resumes(tmp_path):
    class Untold:
        n_batches = None

        def batches(self, epoch, seed):
            return source().batches(epoch, seed)

    path = tmp_path / "a.checkpoint"
    train(training=Untold(), epochs=1, checkpoint=path)
    identical(train(training=Untold(), checkpoint=path, resume=True), train())


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "a.checkpoint"
    train([pylstm.Dense(3, 2, seed=0)], epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"its network is Dense.*, here it is LSTM.*, Dense"):
        train([pylstm.LSTM(3, 4, seed=0), pylstm.Dense(4, 2, seed=0)], checkpoint=path, resume=True)


# --- being interrupted ----------------------------------------------------------------------------


def test_ctrl_c_keeps_what_there_is(tmp_path):
    def interrupt(report):
        if report.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    fitted = train(epochs=9, validation=source(seed=1), callbacks=[interrupt])
    assert signal.getsignal(signal.SIGINT) is before
    assert (fitted.stopped, len(fitted.history)) == ("interrupted", 2)
    identical_best = train(epochs=2, validation=source(seed=1))
    np.testing.assert_array_equal(fitted.network.parameters, identical_best.network.parameters)


def test_an_impatient_second_ctrl_c():
    """In the middle of a batch: it ends at once, with weights of a whole number of steps."""

    def interrupt(epoch, place, batch):
        if (epoch, place) == (1, 2):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("not reached")

    seen = []
    fitted = train(
        training=Changed(source(), interrupt),
        callbacks=[lambda report: seen.append(report.network.parameters.copy())],
    )
    assert (fitted.stopped, len(fitted.history)) == ("interrupted", 1)
    np.testing.assert_array_equal(fitted.network.parameters, seen[-1])


@pytest.mark.parametrize("save", [1, 3])
def test_ctrl_c_twice_while_a_checkpoint_is_written(tmp_path, monkeypatch, save):
    path, count, write = tmp_path / "a.checkpoint", 0, files.write

    def interrupted(where, data):
        nonlocal count
        count += 1
        if count == save:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        write(where, data)

    monkeypatch.setattr(files, "write", interrupted)
    fitted = train(epochs=5, checkpoint=path)
    assert (fitted.stopped, len(fitted.history)) == ("interrupted", save - 1)
    assert os.listdir(tmp_path) == ["a.checkpoint"]
    identical(train(epochs=5), train(epochs=5, checkpoint=path, resume=True))


def test_ctrl_c_during_the_validation(tmp_path):
    def interrupt(epoch, place, batch):
        signal.raise_signal(signal.SIGINT)

    path = tmp_path / "a.checkpoint"
    fitted = train(validation=Changed(source(), interrupt), checkpoint=path)
    assert (fitted.stopped, fitted.history, fitted.best_epoch) == ("interrupted", [], 0)
    identical(train(validation=source()), train(validation=source(), checkpoint=path, resume=True))


def test_in_another_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(train()))
    thread.start()
    thread.join()
    identical(results[0], train())


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from training_material import Sums, source
from pylstm.train.fit import fit
from pylstm.train.losses import CrossEntropy
from pylstm.train.optimisers import Adam
print("ready", flush=True)
fitted = fit(Sums(), source(), loss=CrossEntropy(), optimiser=Adam(), epochs=10**9,
             checkpoint="a.checkpoint", progress=False,
             callbacks=[lambda r: print("step", flush=True) if r.step == 20 else None])
print(fitted.stopped, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="POSIX alone has it")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended(tmp_path, end):
    """By Ctrl-C or by force, at any moment: the checkpoint is whole."""
    program = PROGRAM.format(tests=os.path.dirname(__file__))
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert process.stdout.readline() == "step\n"
        process.send_signal(end)
        rest = process.stdout.read().split()
    if end == signal.SIGINT:
        assert (rest[-1:], process.returncode) == (["interrupted"], 0)
        assert os.listdir(tmp_path) == ["a.checkpoint"]
    options = {"optimiser": Adam(), "checkpoint": tmp_path / "a.checkpoint", "resume": True}
    done = train(Sums(seed=5), epochs=1, **options)
    assert len(done.history) >= 3


# --- going wrong ----------------------------------------------------------------------------------


def poison(value: float, epoch: int, place: int):
    def change(e, p, batch):
        if (e, p) == (epoch, place):
            x = batch.x.copy()
            x[0, 0, 0] = value
            return batch._replace(x=x)
        return None

    return change


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # from the double; what counts is the end
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("validated", [True, False])
def test_a_loss_that_is_no_number(tmp_path, value, validated):
    path = tmp_path / "a.checkpoint"
    options = {"validation": source(seed=1)} if validated else {}
    good = train(epochs=2, **options)
    with pytest.raises(
        DivergedError, match=r"^epoch 3, batch 2: the (loss|norm).* is (nan|inf); "
    ) as e:
        train(
            training=Changed(source(), poison(value, 2, 1)), epochs=5, checkpoint=path, **options
        )  # fmt: skip
    fitted = e.value.fitted
    assert fitted.stopped == "diverged"
    np.testing.assert_array_equal(fitted.network.parameters, good.network.parameters)
    assert without_seconds(fitted.history) == without_seconds(good.history)
    # The last good checkpoint goes on, with sane data.
    whole = train(epochs=5, **options)
    identical(whole, train(epochs=5, checkpoint=path, resume=True, **options))


def test_what_a_network_or_a_loss_refuses_is_placed():
    layers = [pylstm.LSTM(3, 4, seed=0), pylstm.Dense(4, 2, seed=0)]
    with pytest.raises(ValueError, match=r"^epoch 1, batch 2: x .*NaN"):
        train(layers, Changed(source(), poison(np.nan, 0, 1)))
    with pytest.raises(ValueError, match=r"^validation, batch 2: x .*NaN"):
        train(layers, validation=Changed(source(), poison(np.nan, 0, 1)))

    def wrong(epoch, place, batch):
        return batch._replace(targets=batch.targets + 7) if place == 3 else None

    with pytest.raises(ValueError, match=r"^epoch 1, batch 4: targets holds [78]: expected 0 to 1"):
        train(layers, Changed(source(), wrong))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_validation_that_is_no_number(tmp_path):
    path = tmp_path / "a.checkpoint"
    with pytest.raises(
        DivergedError, match=r"after epoch 1: the loss of batch 3 of the validation"
    ):
        train(validation=Changed(source(), poison(np.nan, 0, 2)), checkpoint=path)
    assert len(train(epochs=1, checkpoint=path, resume=True, validation=source()).history) == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_weights_that_are_no_numbers(tmp_path):
    path = tmp_path / "a.checkpoint"
    one = source(n=4)
    with pytest.raises(DivergedError, match=r"after epoch 1: a weight is NaN or infinite"):
        train(training=one, optimiser=SGD(lr=1e39), max_norm=None, checkpoint=path)
    size = Sums().parameters.size
    texts = Checkpoint.from_bytes(path.read_bytes(), Sums())
    assert (texts.epoch, np.isfinite(texts.parameters).sum()) == (0, size)


def test_a_source_that_fails_leaves_the_checkpoint(tmp_path):
    def fail(epoch, place, batch):
        if (epoch, place) == (1, 3):
            raise OSError("b.wav cannot be read")

    path = tmp_path / "a.checkpoint"
    with pytest.raises(OSError, match=r"b.wav"):
        train(training=Changed(source(), fail), checkpoint=path)
    identical(train(), train(checkpoint=path, resume=True))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs is 0"),
        ({"epochs": 1.5}, TypeError, "epochs is 1.5"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"threads": 0}, ValueError, "threads is 0"),
        ({"patience": 2}, ValueError, "patience is given and validation is not"),
        ({"max_norm": 0.0}, ValueError, "max_norm is 0.0"),
        ({"max_norm": math.nan}, ValueError, "max_norm is nan"),
        ({"max_norm": "1"}, TypeError, "max_norm is '1'"),
        ({"resume": True}, ValueError, "checkpoint is None"),
        ({"resume": "yes"}, TypeError, "resume is 'yes'"),
        ({"progress": "bar"}, TypeError, "progress is 'bar'"),
        ({"callbacks": ["stop"]}, TypeError, "callbacks hold str"),
        ({"training": [1]}, TypeError, "training is list: expected a source"),
        ({"validation": 3}, TypeError, "validation is int: expected a source"),
        ({"network": "keywords"}, TypeError, "model_or_layers is str"),
        ({"network": pylstm.MFCC()}, TypeError, "model_or_layers is MFCC"),
    ],
)
def test_arguments_that_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        train(**options)


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

    with pytest.raises(ValueError, match="callback nod returned True: expected 'stop' or None"):
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
