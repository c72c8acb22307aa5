"""What a model hears in recordings with transcripts: the figures follow from the events."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.evaluation.label_error_rate import label_error_rate
from pylstm.evaluation.transcript_evaluation import (
    HeardTranscript,
    TranscriptEvaluation,
    evaluate_transcripts,
)

pytest.importorskip("soxr", reason="recordings are read: pip install 'pylstm[train]'")

from pylstm.train.data.recordings import Recordings

SYMBOLS = st.lists(st.sampled_from("ab"), max_size=6).map(tuple)
PAIRS = st.lists(st.tuples(SYMBOLS, SYMBOLS, SYMBOLS), max_size=4)
LABELS = ("<blank>", "a", "b")


def model_of(decision: dict | None) -> pylstm.Model:
    """Random weights that hear something of everything in noise."""
    layers = [pylstm.LSTM(13, 8, seed=1), pylstm.Dense(8, 3, "softmax", seed=2)]
    return pylstm.Model(pylstm.MFCC(sr=16000), layers, LABELS, decision=decision)


def recorded(folder: Path, transcripts: Sequence[Sequence[str]]) -> Recordings:
    lines = []
    for place, transcript in enumerate(transcripts):
        noise = np.random.default_rng(place).standard_normal(3000 + 800 * place)
        soundfile.write(folder / f"{place}.wav", 0.1 * noise, 16000)
        lines.append(json.dumps({"path": f"{place}.wav", "transcript": list(transcript)}))
    (folder / "m.jsonl").write_text("\n".join(lines))
    return Recordings.from_manifest(folder / "m.jsonl")


@settings(deadline=None)
@given(pairs=PAIRS, n=st.integers(0, 10))
def test_figures_are_sums_over_recordings(pairs: list, n: int) -> None:
    told = [HeardTranscript(str(k), *found) for k, found in enumerate(pairs)]
    evaluation = TranscriptEvaluation(tuple(told), beam_width=2)
    said, heard, likeliest = ([row[k] for row in pairs] for k in range(3))
    assert evaluation.errors == label_error_rate(said, heard)
    assert evaluation.beam_errors == label_error_rate(said, likeliest)
    assert evaluation.n_right == sum(one.errors.errors == 0 for one in told)
    assert evaluation.n_right_of_beam == sum(map(tuple.__eq__, said, likeliest))
    without = TranscriptEvaluation(tuple(told))
    assert (without.beam_errors, without.n_right_of_beam) == (None, None)
    worst = evaluation.worst(n)
    assert len(worst) == min(n, len(told) - evaluation.n_right)
    counts = [one.errors.errors for one in worst]
    assert counts == sorted(counts, reverse=True)
    assert min(counts, default=1) > 0
    left = [one.errors.errors for one in told if one not in worst]
    assert not worst or len(worst) < n or max(left, default=0) <= counts[-1]


def test_symbols_are_those_of_a_listener(tmp_path: Path) -> None:
    """In any cut of the audio, and whatever was heard before."""
    recordings = recorded(tmp_path, ["ab", "", "ba"])
    model, seconds = model_of({"kind": "symbols"}), []
    evaluation = evaluate_transcripts(model, recordings, 3, seconds.append)
    for item, one in zip(recordings.items, evaluation.transcripts, strict=True):
        listener, samples = model.listener(), item.samples(16000)
        events = [
            event
            for k in range(0, len(samples), 777)
            for event in listener.push(samples[k : k + 777])
        ]
        assert one.heard == tuple(event.label for event in (*events, *listener.flush()))
        assert (one.recording, one.said) == (item.path, item.transcript)
    assert seconds == pytest.approx(np.cumsum([item.seconds for item in recordings.items]))


def test_what_cannot_be_judged(tmp_path: Path) -> None:
    recordings = recorded(tmp_path, ["ab", "ba"])
    with pytest.raises(ValueError, match="model decides on words; expected symbols: "):
        evaluate_transcripts(model_of(None), recordings)
    other = recorded(tmp_path, ["ab", "xc", "x"])
    message = re.escape(f"has the unit 'x' ({tmp_path / '1.wav'}), and 'c'; expected units of the")
    with pytest.raises(ValueError, match=message):
        evaluate_transcripts(model_of({"kind": "symbols"}), other)
    with pytest.raises(ValueError, match="beam_width is 0; expected"):
        evaluate_transcripts(model_of({"kind": "symbols"}), recordings, 0)
    (tmp_path / "l.csv").write_text("path,label\n0.wav,a\n1.wav,b\n")
    labelled = Recordings.from_manifest(tmp_path / "l.csv")
    with pytest.raises(ValueError, match=r"l\.csv has labels; expected transcripts"):
        evaluate_transcripts(model_of({"kind": "symbols"}), labelled)
