"""Segments judged as they are used: matches by definition, frames by their times, and models of
tones, whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import pylstm
from pylstm.audio import AudioError
from pylstm.evaluation.recordings_without_speech import FalseSpeech, speech_in_none
from pylstm.evaluation.segment_evaluation import evaluate_segments, match_segments
from pylstm.train.data.recordings import Recordings

Segments = list[tuple[float, float]]

# Hundredths of a second, so that a grid of them tells the same as the segments do.
EDGES = st.lists(st.integers(0, 300), max_size=16, unique=True).map(sorted)
SEGMENTS = EDGES.map(
    lambda edges: [(a / 100, b / 100) for a, b in zip(edges[::2], edges[1::2], strict=False)]
)
DECISION: dict[str, Any] = {
    "kind": "segments", "label": "low", "threshold": 0.5, "min_speech": 0.05, "min_silence": 0.05,
    "pad": 0.0,
}  # fmt: skip


def tone_model(decision: dict[str, Any] | None = None) -> pylstm.Model:
    """Hears low and high tones, by the energy of the lower and the upper mel bands."""
    weight = np.array([[0, 0, 0, 0], [0.5, 0.5, -0.5, -0.5], [-0.5, -0.5, 0.5, 0.5]], np.float32)
    bias = np.array([6, 0, 0], np.float32)
    dense = pylstm.Dense(4, 3, "softmax", weights={"weight": weight, "bias": bias})
    labels = ["silence", "low", "high"]
    return pylstm.Model(pylstm.LogMel(n_mels=4), [dense], labels, decision=decision)


def two_tones() -> np.ndarray:
    """Two seconds with a low tone from 0.5 s and a high one from 1.2 s on, 0.3 s each."""
    time = np.arange(32000) / 16000
    low = np.sin(2 * np.pi * 300 * time) * ((time >= 0.5) & (time < 0.8))
    high = np.sin(2 * np.pi * 3300 * time) * ((time >= 1.2) & (time < 1.5))
    return (0.5 * (low + high)).astype(np.float32)


def on_grid(segments: Segments) -> np.ndarray:
    grid = np.zeros(300, bool)
    for start, end in segments:
        grid[round(100 * start) : round(100 * end)] = True
    return grid


def manifest(folder: Path, rows: dict[str, Segments], label: str = "low") -> Recordings:
    """Recordings of two tones, of which the low one lasts from 0.5 to 0.8 s."""
    lines = ["path,label,start,end"]
    for name, segments in rows.items():
        soundfile.write(folder / name, two_tones(), 16000, "FLOAT")
        lines += [f"{name},{label},{start},{end}" for start, end in segments]
        lines += [] if segments else [f"{name},background,,"]
    (folder / "events.csv").write_text("\n".join(lines))
    return Recordings.from_manifest(folder / "events.csv")


@pytest.fixture
def model() -> pylstm.Model:
    return tone_model(DECISION)


# --- matches --------------------------------------------------------------------------------------


@pytest.mark.law_judged_as_used
@given(true=SEGMENTS, found=SEGMENTS)
def test_a_match_counts_what_a_grid_counts(true: Segments, found: Segments) -> None:
    match = match_segments(true, found)
    overlap = [[on_grid([a]) & on_grid([b]) for b in found] for a in true]
    assert match.missed == sum(not any(cell.any() for cell in row) for row in overlap)
    columns = list(zip(*overlap, strict=True)) if true else [()] * len(found)
    assert match.false_starts == sum(not any(cell.any() for cell in column) for column in columns)
    assert match.cut == pytest.approx(np.mean(on_grid(true) & ~on_grid(found)) * 3)
    assert len(match.onset_errors) == len(match.offset_errors)
    assert len(match.onset_errors) <= min(len(true) - match.missed, len(found))


@given(true=SEGMENTS, late=st.floats(-0.004, 0.004))
def test_segments_that_moved_a_little_are_all_matched(true: Segments, late: float) -> None:
    match = match_segments(true, [(start + late, end + late) for start, end in true])
    np.testing.assert_allclose(match.onset_errors, np.full(len(true), late), atol=1e-9)
    np.testing.assert_allclose(match.offset_errors, np.full(len(true), late), atol=1e-9)
    assert (match.missed, match.false_starts) == (0, 0)


def test_one_found_segment_over_two_true_ones_misses_none() -> None:
    match = match_segments([(1.0, 2.0), (2.5, 3.0)], [(0.9, 3.1)])
    np.testing.assert_allclose(match.onset_errors, [-0.1])
    np.testing.assert_allclose(match.offset_errors, [1.1])
    assert (match.missed, match.false_starts, match.cut) == (0, 0, 0.0)


# --- models ---------------------------------------------------------------------------------------


@pytest.mark.law_judged_as_used
def test_the_segments_are_those_of_a_listener(model: pylstm.Model, tmp_path: Path) -> None:
    recordings = manifest(tmp_path, {"a.wav": [(0.5, 0.8)], "b.wav": []})
    evaluation = evaluate_segments(model, recordings)
    found = pylstm.speech_segments(two_tones(), 16000, model=model)
    assert len(found) == 1
    np.testing.assert_allclose(evaluation.onset_errors, [found[0][0] - 0.5], atol=1e-9)
    np.testing.assert_allclose(evaluation.offset_errors, [found[0][1] - 0.8], atol=1e-9)
    # The same tone is in the second recording, where nothing is said to be.
    assert (evaluation.segments, evaluation.missed, evaluation.false_starts) == (1, 0, 1)
    assert evaluation.false_starts_an_hour == pytest.approx(3600 / 3.7)
    assert (evaluation.seconds, evaluation.speech_seconds) == (4.0, pytest.approx(0.3))


@pytest.mark.law_judged_as_used
def test_the_frames_are_those_of_a_stream(model: pylstm.Model, tmp_path: Path) -> None:
    evaluation = evaluate_segments(model, manifest(tmp_path, {"a.wav": [(0.5, 0.8)]}))
    rows = model.run(two_tones())
    np.testing.assert_array_equal(evaluation.scores, rows[:, 1])
    times = model.row_times(len(rows))
    np.testing.assert_array_equal(evaluation.truth, (times >= 0.5) & (times < 0.8))
    assert evaluation.misses == np.mean(rows[evaluation.truth, 1] < 0.5)
    assert evaluation.false_alarms == np.mean(rows[~evaluation.truth, 1] >= 0.5)


def test_the_best_f1_is_that_of_its_threshold_and_no_other_is_better(
    model: pylstm.Model, tmp_path: Path
) -> None:
    evaluation = evaluate_segments(model, manifest(tmp_path, {"a.wav": [(0.4, 1.3)]}))

    def f1(threshold: float) -> float:
        taken = evaluation.scores >= threshold
        return 2 * np.sum(taken & evaluation.truth) / (np.sum(taken) + np.sum(evaluation.truth))

    best = evaluation.best_f1
    assert best is not None
    assert f1(best.threshold) == pytest.approx(best.f1)
    assert best.f1 >= max(map(f1, np.unique(evaluation.scores))) - 1e-12


def test_settings_and_labels_can_be_others(model: pylstm.Model, tmp_path: Path) -> None:
    recordings = manifest(tmp_path, {"a.wav": [(0.5, 0.8)]}, label="talk")
    deaf = evaluate_segments(model, recordings, "talk", {"min_speech": 1.0})
    assert (deaf.missed, deaf.false_starts, deaf.cut) == (1, 0, pytest.approx(1.0))
    high = evaluate_segments(model, recordings, "talk", {"label": "high"})
    assert (high.missed, high.false_starts) == (1, 1)


def test_a_file_without_any_speech_has_frames_but_no_curve(
    model: pylstm.Model, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "b.wav", np.zeros(8000), 16000)
    (tmp_path / "more.csv").write_text("path,label,start,end\nb.wav,background,,\na.wav,low,0,2\n")
    soundfile.write(tmp_path / "a.wav", np.zeros(32000), 16000)
    recordings = Recordings.from_manifest(tmp_path / "more.csv")
    both = evaluate_segments(model, recordings)
    assert both.roc_auc is not None
    assert (both.missed, both.cut) == (1, 1.0)


def test_what_cannot_be_judged_is_refused(model: pylstm.Model, tmp_path: Path) -> None:
    recordings = manifest(tmp_path, {"a.wav": [(0.5, 0.8)]}, label="talk")
    with pytest.raises(ValueError, match=r"events\.csv has no 'low'; expected one of its labels"):
        evaluate_segments(model, recordings)
    with pytest.raises(ValueError, match="model decides on words; expected segments"):
        evaluate_segments(tone_model({"kind": "words"}), recordings, "talk")
    soundfile.write(tmp_path / "b.wav", two_tones(), 16000)
    (tmp_path / "whole.csv").write_text("path,label\na.wav,low\nb.wav,high\n")
    with pytest.raises(ValueError, match=r"whole\.csv has no times; expected a start and an end"):
        evaluate_segments(model, Recordings.from_manifest(tmp_path / "whole.csv"))


# --- recordings without speech --------------------------------------------------------------------


def test_what_is_taken_for_speech_where_none_is(model: pylstm.Model, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tones.wav", two_tones(), 16000, "FLOAT")
    soundfile.write(tmp_path / "quiet.wav", np.zeros(44100), 44100)
    tones, quiet = speech_in_none(model, [tmp_path / "tones.wav", tmp_path / "quiet.wav"])
    rows = model.run(two_tones())[:, 1]
    assert (tones.starts, tones.frames, tones.taken) == (1, len(rows), np.sum(rows >= 0.5))
    assert (quiet.starts, quiet.taken, quiet.seconds) == (0, 0, 1.0)
    both = tones + quiet
    assert (both.files, both.seconds, both.starts_an_hour) == (2, 3.0, 1200.0)
    assert both.share == tones.taken / both.frames
    assert np.isnan([FalseSpeech().share, FalseSpeech().starts_an_hour]).all()


def test_a_file_that_is_no_audio(model: pylstm.Model, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("nothing")
    with pytest.raises(AudioError, match=r"a\.wav"):
        speech_in_none(model, [tmp_path / "a.wav"])
