"""Trainings that end anywhere, and go on as if they had not: nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import pylstm
from pylstm import whole_writes
from pylstm.train.data.carried_state import Continued
from pylstm.train.data.truncated import Truncated
from pylstm.train.losses.frame_losses import CrossEntropy
from pylstm.train.optimisers import SGD, Adam, AdamW
from pylstm.train.schedules import Cosine, Plateau
from tests.train.small_trainings import Changed, Sums, identical, source, train

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


@pytest.mark.slow
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


@pytest.mark.slow
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
    with pytest.raises(
        FileExistsError, match=r"a.checkpoint exists already; expected a new file .resume=True"
    ):
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
        ({"optimiser": AdamW(lr=0.05)}, "its optimiser is Adam.*; expected AdamW"),
        ({"optimiser": Adam(lr=0.04)}, "its optimiser is Adam.*0.05.*; expected Adam.*0.04"),
        ({"loss": CrossEntropy(label_smoothing=0.1)}, "its loss is CrossEntropy.*; expected"),
        ({"schedule": Cosine(9)}, "its schedule is Constant; expected Cosine"),
        ({"seed": 1}, "its seed is 0; expected 1"),
        ({"max_norm": None}, "its max_norm is 1.0; expected None"),
        ({"validation": source(seed=1)}, "its validation is none; expected given"),
        ({"training": source(batch_size=5)}, "its number of batches an epoch is 5; expected 4"),
    ],
)
def test_another_training_is_refused(tmp_path, change, message):
    path = tmp_path / "a.checkpoint"
    train(epochs=1, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"is of another training: {message}"):
        train(checkpoint=path, resume=True, **change)
    assert path.read_bytes() == before


class Bare:
    def batches(self, epoch, seed):
        return source().batches(epoch, seed)


class Untold(Bare):
    n_batches = None


class Method(Bare):
    def n_batches(self):  # its repr, an address, is another one in every process
        return 4


@pytest.mark.parametrize("kind", [Bare, Untold, Method])
def test_a_source_that_cannot_tell_its_batches_resumes(tmp_path, kind):
    path, first, second = tmp_path / "a.checkpoint", kind(), kind()
    train(training=first, epochs=1, checkpoint=path)
    identical(train(training=second, checkpoint=path, resume=True), train())


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "a.checkpoint"
    train([pylstm.Dense(3, 2, seed=0)], epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"its network is Dense.*; expected LSTM.*, Dense"):
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


@pytest.mark.law_saves_are_whole
@pytest.mark.parametrize("save", [1, 3])
def test_ctrl_c_twice_while_a_checkpoint_is_written(tmp_path, monkeypatch, save):
    path, count, write = tmp_path / "a.checkpoint", 0, whole_writes.write

    def interrupted(where, data):
        nonlocal count
        count += 1
        if count == save:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        write(where, data)

    monkeypatch.setattr(whole_writes, "write", interrupted)
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
from tests.train.small_trainings import Sums, source
from pylstm.train.loop.fit import fit
from pylstm.train.losses.frame_losses import CrossEntropy
from pylstm.train.optimisers import Adam
print("ready", flush=True)
fitted = fit(Sums(), source(), loss=CrossEntropy(), optimiser=Adam(), epochs=10**9,
             checkpoint="a.checkpoint", progress=False,
             callbacks=[lambda r: print("step", flush=True) if r.step % 20 == 0 else None])
print(fitted.stopped, flush=True)
"""


@pytest.mark.law_saves_are_whole
@pytest.mark.skipif(os.name != "posix", reason="only POSIX has it: Linux or macOS runs this")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended(tmp_path, end):
    """By Ctrl-C or by force, at any moment: the checkpoint is whole.

    It goes on saying that it makes steps, so that it ends when nobody is there to hear it.
    """
    program = PROGRAM.format(tests=str(Path(__file__).parents[2]))
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
