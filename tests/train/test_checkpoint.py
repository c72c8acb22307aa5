"""Checkpoints: what is written is what is read; damage, and another training, are said."""

from __future__ import annotations

import contextlib
import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm import safetensors_encoding
from pylstm.train.loop.best_epoch import BestEpoch
from pylstm.train.loop.checkpoint import Checkpoint, decode
from tests.train.small_trainings import Sums

IDENTITY = {"network": "Sums", "seed": "3"}


def checkpoint(network: Sums, **changes: object) -> Checkpoint:
    draw = np.random.default_rng(5)
    size = network.parameters.size
    values: dict = {
        "identity": dict(IDENTITY),
        "parameters": network.parameters.copy(),
        "best": BestEpoch(1, 2 / 3, draw.normal(size=size).astype(np.float32), 1),
        "optimiser": {
            "first": draw.normal(size=size).astype(np.float32),
            "steps": 12,
            "decay": 0.1,
        },
        "schedule": {"best": 1 / 3, "name": "später"},
        "history": [
            {"epoch": 1, "loss": 0.1 + 0.2, "accuracy": None},
            {"epoch": 2, "loss": 1e-300},
        ],
        "epoch": 2,
        "step": 12,
    }
    return Checkpoint(**(values | changes))


def same(one: Checkpoint, other: Checkpoint) -> None:
    for name, value in vars(one).items():
        if name == "best":
            same_best(value, other.best)
        elif name == "optimiser":
            assert value.keys() == other.optimiser.keys()
            for key in value:
                np.testing.assert_array_equal(value[key], other.optimiser[key])
        else:
            np.testing.assert_equal(getattr(other, name), value)


def same_best(one: BestEpoch, other: BestEpoch) -> None:
    np.testing.assert_equal(vars(one), vars(other))


# --- there and back -------------------------------------------------------------------------------


@pytest.mark.law_saves_are_whole
def test_what_is_written_is_what_is_read(tmp_path):
    network, path = Sums(), tmp_path / "training.checkpoint"
    written = checkpoint(network)
    written.parameters[:3] = [-0.0, 1e-45, np.float32(1) / 3]  # a zero's sign, a subnormal
    written.write(path, network)
    read = Checkpoint.read(path, Sums(seed=9), IDENTITY)
    same(written, read)
    assert np.signbit(read.parameters[0])
    assert read.parameters.flags.writeable
    assert read.to_bytes(network) == path.read_bytes()


def test_without_a_best(tmp_path):
    network = Sums()
    written = checkpoint(network, best=BestEpoch(2), optimiser={}, schedule={})
    same(written, Checkpoint.from_bytes(written.to_bytes(network), network))


def test_a_history_of_any_length():
    network = Sums()
    history = [{"epoch": k, "loss": 1 / (k + 1)} for k in range(20_000)]
    written = checkpoint(network, history=history, epoch=len(history))
    assert Checkpoint.from_bytes(written.to_bytes(network), network).history == history


def test_anyone_can_read_it(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="pip install 'pylstm[test]'")
    network = Sums()
    tensors = safetensors.load(checkpoint(network).to_bytes(network))
    np.testing.assert_array_equal(tensors["parameters.0.weight"], network.names["0.weight"])
    assert set(tensors) == {
        f"{group}.{name}"
        for group in ("parameters", "best", "optimiser.first")
        for name in network.names
    }


@pytest.mark.parametrize(
    "state",
    [{"v": np.zeros(3, np.float32)}, {"v": np.zeros(10, np.float64)}, {"v": object()}],
)
def test_states_that_cannot_be_kept(state):
    with pytest.raises(TypeError, match="the optimiser's state"):
        checkpoint(Sums(), optimiser=state).to_bytes(Sums())


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"network": "Sums", "seed": "4"}, "its seed is 3; expected 4$"),
        ({"network": "GRU", "seed": "3"}, "its network is Sums; expected GRU$"),
        ({"network": "Sums"}, "its seed is 3; expected nothing$"),
        ({**IDENTITY, "loss": "MSE"}, "its loss is missing; expected MSE$"),
    ],
)
def test_of_another_training(tmp_path, identity, message):
    path = tmp_path / "a.checkpoint"
    checkpoint(Sums()).write(path, Sums())
    with pytest.raises(ValueError, match=f"a.checkpoint: it is of another training: {message}"):
        Checkpoint.read(path, Sums(), identity)


def test_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.checkpoint does not exist.*resume=False"):
        Checkpoint.read(tmp_path / "none.checkpoint", Sums(), IDENTITY)


@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="no named pipes here: Linux or macOS runs this"
)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe is not a regular file"):
        Checkpoint.read(tmp_path / "pipe", Sums(), IDENTITY)


def changed(**metadata: str | None) -> bytes:
    """A checkpoint with other metadata; None: without."""
    network = Sums()
    texts, tensors = decode(checkpoint(network).to_bytes(network))
    texts = {key: value for key, value in (texts | metadata).items() if value is not None}
    return safetensors_encoding.encode(texts, tensors)


PROGRESS = {"epoch": 2, "step": 12, "best_epoch": 1, "best_value": 0.5, "waited": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "damaged or cut off"),
        (struct.pack("<Q", 1 << 62) + b"{}", "damaged or cut off"),
        (struct.pack("<Q", 2) + b"{]", "damaged or cut off"),
        (struct.pack("<Q", 2) + b"\xff\xff", "damaged or cut off"),
        (struct.pack("<Q", 2) + b"[]", "damaged or cut off"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "damaged or cut off"),
        (struct.pack("<Q", 15) + b'{"a":1,  "a":1}', "damaged or cut off"),
        (struct.pack("<Q", 20) + b'{"__metadata__": []}', "damaged or cut off"),
        (struct.pack("<Q", 7) + b'{"a":1}', "damaged or cut off"),
        (struct.pack("<Q", 2) + b"{}abc", "damaged or cut off"),
        (struct.pack("<Q", 2) + b"{}", "its 'pylstm.checkpoint' is None; expected '1'"),
        (safetensors_encoding.encode({}, {}), "'pylstm.checkpoint'"),
        (
            safetensors_encoding.encode({"pylstm.format": "1"}, {"w": np.zeros(3, np.float32)}),
            "'pylstm.checkp",
        ),
        (changed(history=None), "lacks 'history'"),
        (changed(history="{}"), "'history' is a JSON dict; expected a list"),
        (changed(progress="{"), "'progress' is not JSON"),
        (changed(progress="{}"), "its progress holds ; expected epoch, step"),
        (
            changed(progress=json.dumps(PROGRESS | {"epoch": -1})),
            "its epoch is -1; expected a whole number from 0 on",
        ),
        (changed(progress=json.dumps(PROGRESS | {"step": True})), "its step is True"),
        (changed(progress=json.dumps(PROGRESS | {"best_value": "low"})), "its best_value is 'low'"),
        (changed(progress=json.dumps(PROGRESS | {"epoch": 3})), "2 entries; expected 3"),
    ],
)
def test_no_checkpoint(tmp_path, data, message):
    path = tmp_path / "a.checkpoint"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"cannot resume from .*a.checkpoint: .*{message}"):
        Checkpoint.read(path, Sums(), IDENTITY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("parameters.0.bias"), "'parameters.0.bias' is missing"),
        (
            lambda t: t.update({"parameters.0.bias": np.zeros(3, np.float32)}),
            r"is float32 of shape \(3,\); expected float32 of shape \(2,\)",
        ),
        (
            lambda t: t.update({"parameters.7.bias": np.zeros(3, np.float32)}),
            "belongs to no weight",
        ),
        (lambda t: t.update({"worst.0.bias": np.zeros(2, np.float32)}), "belongs to no weight"),
        (lambda t: [t.pop(n) for n in list(t) if n.startswith("param")], "it holds no weights"),
    ],
)
def test_tensors_that_do_not_belong(tmp_path, change, message):
    network, path = Sums(), tmp_path / "a.checkpoint"
    texts, tensors = decode(checkpoint(network).to_bytes(network))
    change(tensors)
    path.write_bytes(safetensors_encoding.encode(texts, tensors))
    with pytest.raises(ValueError, match=message):
        Checkpoint.read(path, network, IDENTITY)


@pytest.mark.slow
@pytest.mark.law_saves_are_whole
@given(st.data())
@settings(max_examples=300)
def test_damage_is_refused_or_harmless(data):
    """Cut off or with other bytes: an error of the right kind, or a checkpoint; nothing else."""
    network = Sums()
    whole = bytearray(checkpoint(network).to_bytes(network))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
        with pytest.raises(ValueError, match="damaged or cut off"):
            Checkpoint.from_bytes(bytes(whole), network)
        return
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        Checkpoint.from_bytes(bytes(whole), network)


@pytest.mark.law_saves_are_whole
def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    network, path = Sums(), tmp_path / "a.checkpoint"
    checkpoint(network).write(path, network)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint(network, step=13).write(path, network)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.checkpoint"]


@pytest.mark.law_saves_are_whole
def test_a_flipped_bit_is_noticed(tmp_path):
    network, path = Sums(), tmp_path / "a.checkpoint"
    data = checkpoint(network).to_bytes(network)
    (length,) = struct.unpack_from("<Q", data)
    for place in range(8 + length, len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(ValueError, match="its checksum is wrong"):
            Checkpoint.read(path, network, IDENTITY)


@pytest.mark.law_saves_are_whole
def test_no_flipped_bit_is_taken_wherever_it_is():
    """In the header as in the values, the name of the checksum included."""
    network = Sums()
    data = bytearray(checkpoint(network).to_bytes(network))
    for bit in range(len(data) * 8):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError):  # noqa: PT011 - any of them says that it is damaged
            Checkpoint.from_bytes(bytes(data), network)
        data[bit // 8] ^= 1 << bit % 8
    Checkpoint.from_bytes(bytes(data), network)
