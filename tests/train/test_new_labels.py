"""Trained models with a new last layer, and layers that keep their weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm

pytest.importorskip("threadpoolctl", reason="for training: pip install 'pylstm[train]'")

from pylstm import train

MODELS = {
    "chain": pylstm.Model(
        pylstm.MFCC(),
        [pylstm.LSTM(13, 6, seed=0), pylstm.Dense(6, 2, "sigmoid", seed=1)],
        ["a", "b"],
        {"note": "old"},
        {"kind": "words", "background": ["a"]},
    ),
    "graph": pylstm.Model(
        pylstm.MFCC(),
        {
            "lstm": (pylstm.LSTM(13, 6, seed=0), "features"),
            "front": (pylstm.Dense(13, 6, seed=2), "features"),
            "both": (pylstm.Add(), "lstm", "front"),
            "head": (pylstm.Dense(6, 3, "softmax", seed=3), "both"),
        },
    ),
}


def source() -> train.Arrays:
    draw = np.random.default_rng(0)
    xs = [draw.standard_normal((9, 13)).astype(np.float32) for _ in range(8)]
    return train.Arrays(xs, [0, 1, 2, 3] * 2, batch_size=3)


@pytest.mark.parametrize("name", MODELS)
def test_all_but_the_last_layer_stays(name):
    model, labels = MODELS[name], ("p", "q", "r", "s")
    new = train.with_new_labels(model, labels, seed=5)
    assert (new.labels, dict(new.info), dict(new.decision)) == (labels, {}, {})
    assert new.features.config() == model.features.config()
    assert [(n.name, n.inputs) for n in new.nodes] == [(n.name, n.inputs) for n in model.nodes]
    for own, old in zip(new.layers[:-1], model.layers[:-1], strict=True):
        for key, weight in old.weights.items():
            np.testing.assert_array_equal(own.weights[key], weight)
    assert new.to_bytes() == train.with_new_labels(model, labels, seed=5).to_bytes()
    assert new.to_bytes() != train.with_new_labels(model, labels, seed=6).to_bytes()
    assert new.run(np.zeros(4000, np.float32)).sum(axis=1) == pytest.approx(1, abs=1e-5)


@settings(deadline=None, max_examples=20)
@given(
    name=st.sampled_from(sorted(MODELS)),
    optimiser=st.sampled_from([train.Adam, train.AdamW, train.SGD]),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_frozen_layers_keep_their_weights_and_others_learn(name, optimiser, threads, data):
    model = train.with_new_labels(MODELS[name], ("p", "q", "r", "s"))
    weighted = [node.name for node in model.nodes if node.layer.weights]
    frozen = data.draw(st.lists(st.sampled_from(weighted), unique=True, max_size=len(weighted) - 1))
    fitted = train.fit(
        model,
        source(),
        loss=train.CrossEntropy(per="sequence"),
        optimiser=optimiser(lr=0.05),
        epochs=2,
        threads=threads,
        frozen=frozen,
        progress=False,
    )
    assert set(fitted.network.frozen) == set(frozen)
    for node, layer in zip(model.nodes, fitted.layers, strict=True):
        for key, weight in node.layer.weights.items():
            same = np.array_equal(layer.weights[key], weight)
            assert same == (node.name in frozen), (node.name, key)


def test_a_checkpoint_knows_what_was_frozen(tmp_path):
    def again(epochs: int, **options: object) -> train.Fitted:
        return train.fit(
            train.with_new_labels(MODELS["chain"], ("p", "q", "r", "s")),
            source(),
            loss=train.CrossEntropy(per="sequence"),
            optimiser=train.AdamW(lr=0.05),
            epochs=epochs,
            progress=False,
            **options,
        )

    path = tmp_path / "a.checkpoint"
    again(1, frozen=["0"], checkpoint=path)
    with pytest.raises(ValueError, match="its frozen is 0; expected nothing"):
        again(2, checkpoint=path, resume=True)
    more = again(2, frozen=["0"], checkpoint=path, resume=True)
    whole = again(2, frozen=["0"])
    np.testing.assert_array_equal(more.network.parameters, whole.network.parameters)


def test_what_cannot_be_is_refused():
    chain = MODELS["chain"]
    with pytest.raises(ValueError, match="the last layer of model is LSTM with 6 outputs"):
        train.with_new_labels(pylstm.Model(pylstm.MFCC(), chain.layers[:1]), ["a"])
    with pytest.raises(ValueError, match="int8: train the float32 layer"):
        train.with_new_labels(chain.quantize("int8"), ["a"])
    with pytest.raises(ValueError, match="model has no layers"):
        train.with_new_labels(pylstm.Model(pylstm.MFCC(), []), ["a"])
    with pytest.raises(TypeError, match="labels is a string"):
        train.with_new_labels(chain, "ab")
    with pytest.raises(TypeError, match="model is str; expected a Model"):
        train.with_new_labels("vad", ["a", "b"])
    with pytest.raises(ValueError, match="a name in frozen is '7'; expected '0', '1'"):
        train.Network(chain.nodes, frozen=["7"])
    with pytest.raises(TypeError, match="frozen is a string"):
        train.Network(chain.nodes, frozen="0")
    with pytest.raises(ValueError, match="frozen names all layers that have weights"):
        train.Network(chain.nodes, frozen=["0", "1"])
