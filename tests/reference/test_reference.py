"""The reference as a whole: its examples, what it imports, and models."""

import doctest
import importlib
import subprocess
import sys

import numpy as np
import pytest

from pylstm import reference
from pylstm.reference.layers import LAYERS
from tests.golden.cases import LSTM_CASES, signal

MODULES = ["activations", "features", "mel", "model", "transforms"]
MODULES += [f"layers.{kind}" for kind in LAYERS]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    failed, attempted = doctest.testmod(importlib.import_module(f"pylstm.reference.{name}"))
    assert attempted > 0
    assert failed == 0


def test_only_numpy_is_imported():
    code = (
        "import sys, numpy; before = set(sys.modules); import importlib.util as u, types;"
        "p = types.ModuleType('pylstm'); p.__path__ = [sys.argv[1]]; sys.modules['pylstm'] = p;"
        "import pylstm.reference;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "new -= set(sys.stdlib_module_names) | {'pylstm', 'numpy'};"
        "sys.exit(repr(new) if new else 0)"
    )
    package = str(importlib.import_module("pylstm.reference").__path__[0]).removesuffix("reference")
    done = subprocess.run([sys.executable, "-c", code, package], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class TestModel:
    def test_is_features_then_layers(self):
        case = LSTM_CASES[1]
        y, weights = signal("speech", 4000), case.weights()
        head = {"weight": np.ones((3, 16)), "bias": np.arange(3.0)}
        outputs = reference.model(
            y,
            {"kind": "mfcc", "lifter": 22},
            [
                {"kind": "lstm", "weights": weights, "num_layers": "1"},
                {"kind": "dense", "weights": head, "activation": "softmax"},
            ],
        )
        rows, _, _ = reference.lstm(reference.mfcc(y, lifter=22), weights)
        expected = reference.dense(rows, head["weight"], head["bias"], "softmax")
        np.testing.assert_array_equal(outputs, expected)

    def test_frames_from_outside(self):
        x = np.random.default_rng(0).normal(size=(5, 4))
        np.testing.assert_array_equal(reference.model(x, None, []), x)

    def test_top_db_runs_unless_told_otherwise(self):
        y = signal("noise", 8000)
        causal = reference.model(y, {"kind": "logmel", "top_db": 20}, [])
        np.testing.assert_array_equal(causal, reference.logmel(y, top_db=20, running=True))
        whole = reference.model(y, {"kind": "logmel", "top_db": 20, "running": False}, [])
        np.testing.assert_array_equal(whole, reference.logmel(y, top_db=20))
        assert (causal != whole).any()

    def test_an_unknown_kind_is_refused(self):
        with pytest.raises(ValueError, match="kind of a layer is 'fourier'; expected"):
            reference.model(np.zeros((1, 1)), None, [{"kind": "fourier", "weights": {}}])
