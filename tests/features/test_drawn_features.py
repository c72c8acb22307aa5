"""Laws of features that hold for every kind and every setting: drawn settings."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import pylstm
from pylstm.features import Features
from tests.features.drawn_features import any_features, reference_rows
from tests.features.features_grid import signals, speech
from tests.instruction_sets import ISAS

AUDIO = signals()
SPEECH = speech()
cuts = st.lists(
    st.one_of(st.integers(0, 3), st.integers(0, 400), st.integers(0, 3000)), max_size=30
)


def has_rows(features: Features, n: int) -> bool:
    """Whether n samples are not too few for deltas."""
    return features.deltas == 0 or features.n_frames(n) not in range(1, 9)


def magnitudes(features: Features, rows: NDArray[Any]) -> NDArray[Any]:
    """What there was before the power and the logarithm."""
    one = {"db": 10.0, "ln": 1.0, "log10": 1.0}
    base = {"db": 10.0, "ln": np.e, "log10": 10.0}
    log, values = features.log, rows.astype(np.float64)  # type: ignore[attr-defined]
    if log is not None:
        values = base[log] ** (values / one[log])
    return np.asarray(values ** (1 / features.power))  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.law_librosa_exact
@settings(deadline=None, max_examples=300)
@given(any_features(), st.integers(1, 3000), st.sampled_from(sorted(AUDIO)))
def test_frames_are_those_of_the_reference(features: Features, n: int, name: str) -> None:
    """To 1e-3, or a few millionths of the largest value where lifters make them large; or, of what
    cancels out but for rounding, to a few millionths of the largest magnitude of all."""
    y = AUDIO[name][8000 : 8000 + n]
    assume(has_rows(features, n))
    expected, rows = reference_rows(features, y, running=False), features(y)
    assert rows.shape == expected.shape == (features.n_frames(n), features.n_features)
    if rows.size:
        tolerance = max(1e-3, 3e-6 * float(np.abs(expected).max()))
        far = np.abs(rows - expected) > tolerance
        if far.any() and features.kind in ("spectrum", "logmel") and not features.deltas:
            ours, theirs = magnitudes(features, rows), magnitudes(features, expected)
            far &= np.abs(ours - theirs) > 3e-6 * theirs.max()
        assert not far.any()


@pytest.mark.law_chunk
@pytest.mark.law_state_is_a_value
@settings(deadline=None, max_examples=150)
@given(any_features(), st.integers(0, 4000), cuts, st.booleans())
def test_any_cut_gives_the_same_bits(
    features: Features, n: int, lengths: list[int], as_float: bool
) -> None:
    y: NDArray[Any] = SPEECH[8000 : 8000 + n]
    if as_float:
        y = y.astype(np.float32) / 32768
    once = features.stream()
    expected = [once.push(y)]
    stream, rows, at = features.stream(), [], 0
    for length in [*lengths, n]:
        rows.append(stream.push(y[at : at + length]))
        at += length
        moved = features.stream()  # in each gap the state goes to another stream
        moved.restore(stream.snapshot())
        stream = moved
    assert stream.snapshot() == once.snapshot()
    if not has_rows(features, n):
        with pytest.raises(ValueError, match="9"):
            stream.flush()
        return
    assert stream.rows(0, flush=True) == features.n_frames(n) - sum(map(len, rows))
    rows.append(stream.flush())
    expected.append(once.flush())
    assert np.concatenate(rows).tobytes() == np.concatenate(expected).tobytes()


@pytest.mark.law_chunk
@settings(deadline=None, max_examples=60)
@given(any_features(), st.integers(1, 1500))
def test_a_row_comes_with_the_sample_that_latency_says(features: Features, n: int) -> None:
    stream, came = features.stream(), []
    for sample in SPEECH[8000 : 8000 + n]:
        rows = stream.push(np.array([sample]))
        came += [stream.position] * len(rows)
    hop, latency = features.hop_length, features.latency
    mirrors = features.center and features.pad_mode != "constant"  # type: ignore[attr-defined]
    # With deltas the first five rows come together; what is mirrored has to be there.
    first = 5 if features.deltas else 0
    waits = max(features.span, features.n_fft) if mirrors else 1  # type: ignore[attr-defined]
    for t, position in enumerate(came[first:], first):
        assert position == t * hop + latency or (mirrors and position <= waits)
    if n >= latency + first * hop and n >= waits:
        assert len(came) == 1 + (n - latency) // hop


@settings(deadline=None, max_examples=50)
@given(features=any_features())
def test_the_settings_are_the_file(features: Features) -> None:
    model = pylstm.Model(features, [])
    again = pylstm.Model.from_bytes(model.to_bytes())
    assert again.features == features
    assert repr(again.features) == repr(features)
    assert again.to_bytes() == model.to_bytes()
    assert pickle.loads(pickle.dumps(features)) == features
    assert eval(repr(features), vars(pylstm)) == features


@settings(deadline=None, max_examples=40)
@given(any_features(), st.integers(0, 2000))
def test_every_instruction_set_gives_the_same_bits(features: Features, n: int) -> None:
    assume(has_rows(features, n))
    found = set()
    for isa in ISAS:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PYLSTM_ISA", isa)
            anew = dataclasses.replace(features)  # type: ignore[type-var]
            found.add(anew(SPEECH[8000 : 8000 + n]).tobytes())
    assert len(found) == 1


@pytest.mark.filterwarnings("ignore:(y|pcm):RuntimeWarning")  # far beyond audio, on purpose
@pytest.mark.law_nothing_poisons
@settings(deadline=None, max_examples=150)
@given(any_features(), st.sampled_from([3.4028235e38, 1e37, 1e20, 1e-20, 1e-45]), st.booleans())
def test_frames_stay_finite_for_every_finite_signal(
    features: Features, level: float, steady: bool
) -> None:
    signs = np.random.default_rng(1).choice([-1.0, 1.0], 7000)
    y = (np.ones(7000) if steady else signs).astype(np.float32) * np.float32(level)
    assume(has_rows(features, len(y)))
    assert np.isfinite(features(y)).all()
    stream = features.stream()
    stream.push(y[:6000])
    features.stream().restore(stream.snapshot())
