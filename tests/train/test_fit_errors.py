"""What goes wrong in a training, and where: it is said, and what was good is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pylstm
from pylstm.train.loop.checkpoint import Checkpoint
from pylstm.train.loop.fit import DivergedError
from pylstm.train.optimisers import SGD
from tests.train.small_trainings import Changed, Sums, identical, source, train, without_seconds


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

    with pytest.raises(ValueError, match=r"^epoch 1, batch 4: targets holds [78]; expected 0 to 1"):
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
        ({"patience": 2}, ValueError, "patience is 2 and validation is None"),
        ({"max_norm": 0.0}, ValueError, "max_norm is 0.0"),
        ({"max_norm": math.nan}, ValueError, "max_norm is nan"),
        ({"max_norm": "1"}, TypeError, "max_norm is '1'"),
        ({"resume": True}, ValueError, "checkpoint is None"),
        ({"resume": "yes"}, TypeError, "resume is 'yes'"),
        ({"progress": "bar"}, TypeError, "progress is 'bar'"),
        ({"callbacks": ["stop"]}, TypeError, r"callbacks\[0\] is str"),
        ({"training": [1]}, TypeError, "training is list; expected a source"),
        ({"validation": 3}, TypeError, "validation is int; expected a source"),
        ({"network": "keywords"}, TypeError, "model_or_layers is str"),
        ({"network": pylstm.MFCC()}, TypeError, "model_or_layers is MFCC"),
    ],
)
def test_arguments_that_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        train(**options)
