"""What a model says about its rows: when they come, what they stand for, which parts they have."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import pylstm
from pylstm.cli import app
from tests.engine.drawn_graphs import drawn


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), hop_length=st.integers(1, 9), k=st.integers(0, 5))
def test_a_row_comes_out_with_the_sample_that_latency_names(
    seed: int, hop_length: int, k: int
) -> None:
    width, nodes = drawn(seed)
    model = pylstm.Model(pylstm.Waveform(8000, width, hop_length), nodes)
    samples = round(model.row_times(1, k)[0] * 8000) + model.latency
    audio = np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)
    stream = model.stream()
    assert len(stream.push(audio[:-1])) == k
    assert len(stream.push(audio[-1:])) == 1


# How many samples frame 0 of each waits for beyond its latency: reflection needs one more.
WAITING = {
    "librosa": (pylstm.LogMel(8000, 16, 16, 5, 3), 0),
    "n_fft is odd": (pylstm.LogMel(8000, 15, 15, 5, 3), 0),
    "no center": (pylstm.LogMel(8000, 16, 16, 5, 3, center=False), 0),
    "reflection": (pylstm.LogMel(8000, 16, 16, 5, 3, pad_mode="reflect"), 1),
    "reflection, n_fft is odd": (pylstm.LogMel(8000, 15, 15, 5, 3, pad_mode="reflect"), 0),
    "symmetric": (pylstm.LogMel(8000, 16, 16, 5, 3, pad_mode="symmetric"), 0),
    "torchaudio": (pylstm.LogMel.preset("torchaudio"), 1),
    "Kaldi": (pylstm.LogMel.preset("kaldi"), 0),
    "Kaldi, centred": (pylstm.LogMel.preset("kaldi", center=True), 0),
    "chunks": (pylstm.Spectrum(8000, 16, 16, 5, framing="chunk", center=False), 0),
    "deltas": (pylstm.LogMel(8000, 16, 16, 5, 3, deltas=1), 0),
    "deltas of reflections": (pylstm.LogMel(8000, 16, 16, 5, 3, pad_mode="reflect", deltas=2), 0),
}


@pytest.mark.parametrize("what", WAITING)
def test_rows_of_features_come_as_the_latency_says(what: str) -> None:
    features, first = WAITING[what]
    model = pylstm.Model(features, [pylstm.Conv(features.n_features, 2, 2, stride=2, seed=0)])
    audio = np.random.default_rng(0).normal(0, 0.1, 40 * features.hop_length + 4000)
    audio = audio.astype(np.float32)
    for made in (pylstm.Model(features, []), model):
        shift = round(made.row_times(1)[0] * made.sample_rate)
        assert made.hop_length is not None
        for k in range(5):
            time = shift + k * made.hop_length
            due = time + made.latency + (first if time == 0 else 0)
            stream = made.stream()
            assert stream.latency == made.latency
            if features.deltas and time <= 4 * features.hop_length:  # all come with frame 4
                due = 4 * features.hop_length + made.latency
                assert len(stream.push(audio[: due - 1])) == 0
                assert len(stream.push(audio[due - 1 : due])) > k
                continue
            assert len(stream.push(audio[: due - 1])) == k
            assert len(stream.push(audio[due - 1 : due])) == 1


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 2**40), n=st.integers(0, 9))
def test_times_go_on_from_any_row(first: int, n: int) -> None:
    conv = pylstm.Conv(40, 2, 5, stride=2, seed=0)
    model = pylstm.Model(pylstm.LogMel(n_mels=40), [conv])
    assert model.hop_length == 2 * 160
    # Row 0 has seen the frames 0 to 4.
    expected = (4 * 160 + np.arange(first, first + n) * 320) / 16000
    np.testing.assert_array_equal(model.row_times(n, first), expected)


def test_events_have_the_very_times_of_rows() -> None:
    conv = pylstm.Conv(40, 4, 6, stride=3, seed=0)
    layers = [conv, pylstm.Activation(4, "softmax")]
    model = pylstm.Model(pylstm.LogMel(n_mels=40), layers, labels=list("abcd"))
    audio = np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)
    events, rows = model.listener(kind="symbols", blank="a").push(audio, posteriors=True)
    times = model.row_times(len(rows) + 1)
    known = {float(time) for time in times}
    assert len(events) > 20
    assert {event.time for event in events} | {event.onset for event in events} <= known
    # Of 5 + 3 k frames, each 0.01 s: rounded once, they are what people write.
    assert known == {float(f"{(5 + 3 * k) / 100:.2f}") for k in range(len(times))}


def test_frames_from_outside_have_no_times() -> None:
    model = pylstm.Model(None, [pylstm.Dense(2, 1, seed=0)])
    assert model.hop_length is None
    with pytest.raises(ValueError, match="the model has no features; expected some"):
        model.row_times(1)


def test_the_command_writes_those_times(tmp_path: Path) -> None:
    layers = [pylstm.Conv(40, 2, 5, stride=2, seed=0), pylstm.Activation(2, "softmax")]
    decision = {"kind": "words", "threshold": 0.5, "smoothing_frames": 1, "refractory_frames": 0}
    features = pylstm.LogMel(n_mels=40)
    model = pylstm.Model(features, layers, labels=["a", "b"], decision=decision)
    model.save(tmp_path / "model.safetensors")
    audio = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    table = tmp_path / "rows.csv"
    command = ["run", tmp_path / "a.wav", "--model", tmp_path / "model.safetensors", "--csv", table]
    result = CliRunner().invoke(app, list(map(str, command)))
    assert result.exit_code == 0, result.output
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[0] for row in rows] == [f"{time:.6f}" for time in model.row_times(len(rows))]
    assert rows[0][0] == "0.040000"


def test_several_heads_are_parts_of_a_row() -> None:
    gru = pylstm.GRU(3, 4, seed=0)
    speech = pylstm.Dense(4, 1, "sigmoid", seed=0)
    words = pylstm.Dense(4, 3, "softmax", seed=1)
    frames = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    both = pylstm.Model(
        None,
        {
            "gru": gru,
            "speech": speech,
            "words": (words, "gru"),
            "rows": (pylstm.Concat(), "words", "speech", "features"),
        },
    )
    outputs = both.outputs
    assert list(outputs) == ["words", "speech", "features"]
    rows = both.stream().push_frames(frames)
    alone = pylstm.Model(None, [gru, words]).stream().push_frames(frames)
    np.testing.assert_array_equal(rows[:, outputs["words"]], alone)
    alone = pylstm.Model(None, [gru, speech]).stream().push_frames(frames)
    np.testing.assert_array_equal(rows[:, outputs["speech"]], alone)
    np.testing.assert_array_equal(rows[:, outputs["features"]], frames)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([], {"features": slice(0, 4)}),
        ([pylstm.Dense(4, 2, seed=0)], {"0": slice(0, 2)}),
        ({"sum": (pylstm.Add(), "features", "features")}, {"sum": slice(0, 4)}),
        # Channels side by side: the inputs alternate in the row.
        ({"both": (pylstm.Concat(positions=2), "features", "features")}, {"both": slice(0, 8)}),
    ],
)
def test_other_rows_are_one_part(nodes: dict[str, object], expected: dict[str, slice]) -> None:
    assert dict(pylstm.Model(pylstm.Waveform(8000, 4, 4), nodes).outputs) == expected
