"""Models: what they are made of, files, pickles, and which of them cannot be made."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import pylstm
from tests.signals import audio
from tests.small_models import small_model

LSTM = pylstm.LSTM(13, 8, seed=0)
DENSE = pylstm.Dense(8, 2, seed=0)


def models() -> list[pylstm.Model]:
    rng = np.random.default_rng(0)
    mean, std = rng.standard_normal(39), rng.uniform(0.5, 2, 39)
    normalised = pylstm.MFCC(deltas=2, mean=mean, std=std, fmax=16000 / 3, lifter=22, top_db=80)
    return [
        small_model(),
        pylstm.Model(pylstm.LogMel(n_mels=20, norm=None, htk=True), []),
        pylstm.Model(None, [pylstm.LSTM(3, 4, num_layers=3, bias=False, seed=0)]),
        pylstm.Model(
            normalised,
            [
                pylstm.LSTM(39, 5, seed=0),
                *(pylstm.Dense(5, 5, a, seed=1) for a in ("relu", "tanh")),
            ],
            labels=["a", "ü", '"', "\\", "日本"],
            info={"detector.threshold": "0.5", "about": "line\nbreak"},
        ),
    ]


@pytest.mark.law_saves_are_whole
@pytest.mark.parametrize("k", range(4))
def test_saved_loaded_pickled_and_copied_models_are_the_same(k: int, tmp_path: Path) -> None:
    model = models()[k]
    model.save(tmp_path / "model.safetensors")
    for other in (
        pylstm.load(tmp_path / "model.safetensors"),
        pylstm.load(str(tmp_path / "model.safetensors")),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        pylstm.Model.from_bytes(model.to_bytes()),
    ):
        assert other.to_bytes() == model.to_bytes()
        assert other.features == model.features
        assert other.layers == model.layers
        assert other.labels == model.labels
        assert dict(other.info) == dict(model.info)
        if model.features is not None:
            np.testing.assert_array_equal(other.run(audio(0.3)), model.run(audio(0.3)))


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason="pip install 'pylstm[test]'")
    model = models()[3]
    model.save(tmp_path / "model.safetensors")
    tensors = safetensors.load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(
        tensors["layers.0.weight_hh_l0"], model.layers[0].weights["weight_hh_l0"]
    )
    np.testing.assert_array_equal(tensors["features.mean"], model.features.mean)


def test_a_model_keeps_its_own_weights() -> None:
    lstm = pylstm.LSTM(3, 4, seed=0)
    model, x = pylstm.Model(None, [lstm]), np.ones((5, 3), np.float32)
    before = model.stream().push_frames(x)
    lstm.weights["weight_ih_l0"][:] = 0
    np.testing.assert_array_equal(model.stream().push_frames(x), before)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, []), ValueError, "neither features nor layers"),
        (
            ("mfcc", [LSTM]),
            TypeError,
            "features is str; expected MFCC, LogMel, Spectrum",
        ),
        ((None, LSTM), TypeError, "layers is one LSTM; expected a list"),
        ((None, [LSTM, "dense"]), TypeError, r"layers\[1\] is str"),
        ((pylstm.MFCC(n_mfcc=12), [LSTM]), ValueError, r"layers\[0\] takes 13 values but the feat"),
        ((None, [LSTM, DENSE, DENSE]), ValueError, r"layers\[2\] takes 8 .*layers\[1\] gives 2"),
        ((None, [LSTM, DENSE], ["a"]), ValueError, "labels has 1 name; expected 2"),
        ((None, [LSTM, DENSE], "ab"), TypeError, "labels is a string"),
        ((None, [LSTM, DENSE], ["a", 1]), TypeError, r"labels\[1\] is 1; expected a string"),
        ((None, [LSTM, DENSE], None, {"a": 1}), TypeError, r"info\['a'\] is 1; expected a string"),
        ((None, [LSTM, DENSE], None, {"a b": "c"}), pylstm.ModelFileError, "info.a b"),
        ((None, [LSTM, DENSE], None, {"a": "x" * 5000}), pylstm.ModelFileError, "info.a"),
    ],
)
def test_what_cannot_be_a_model(arguments: tuple, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        pylstm.Model(*arguments)


def test_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=r"no bundled model is named 'keyword'; bundled: .*keywords"
    ):
        pylstm.load("keyword")
    (tmp_path / "keywords").write_bytes(b"not the model")  # a name never means a file
    assert pylstm.load("keywords").labels is not None
    with pytest.raises(FileNotFoundError):
        pylstm.load("missing.safetensors")
    with pytest.raises(pylstm.ModelFileError, match="regular-file"):
        pylstm.load(tmp_path)
    with pytest.raises(TypeError, match="name_or_path is int"):
        pylstm.load(3)


@pytest.mark.law_saves_are_whole
def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    small_model().save(path)
    before = path.read_bytes()
    for call in ("fsync", "replace"):

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(f"pylstm.whole_writes.os.{call}", fail)
            with pytest.raises(OSError, match="No space left"):
                small_model(n_mfcc=12).save(path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_an_unknown_instruction_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYLSTM_ISA", "sse9")
    with pytest.raises(ValueError, match="PYLSTM_ISA is 'sse9', which is not an instruction set"):
        small_model()
    with pytest.raises(ValueError, match="PYLSTM_ISA is 'sse9'"):
        pylstm.show_config()
    monkeypatch.setenv("PYLSTM_ISA", "neon" if "neon" not in pylstm_built() else "avx2")
    with pytest.raises(ValueError, match="which is not in this build"):
        small_model()


def pylstm_built() -> list[str]:
    from pylstm import _engine

    return [name for name, (built, _) in _engine.isas().items() if built]


def test_other_notes_leave_the_rest_as_it_was():
    labels = ["a", "b, c"]
    decision = {"kind": "words", "threshold": {"a": 0.25}, "background": ["b, c"]}
    layers = [pylstm.LSTM(13, 4, seed=0), pylstm.Dense(4, 2, "softmax", seed=0)]
    model = pylstm.Model(pylstm.MFCC(), layers, labels, {"old": "1"}, decision)
    noted = model.with_info({**model.info, "new": "2"})
    assert (dict(noted.info), dict(model.info)) == ({"old": "1", "new": "2"}, {"old": "1"})
    assert noted.decision == model.decision
    expected = pylstm.Model(model.features, layers, labels, {"old": "1", "new": "2"}, decision)
    assert noted.to_bytes() == expected.to_bytes()
    with pytest.raises(TypeError, match=r"info\['new'\] is 2; expected"):
        model.with_info({"new": 2})
    with pytest.raises(pylstm.ModelFileError):
        model.with_info({"no name": "2"})
