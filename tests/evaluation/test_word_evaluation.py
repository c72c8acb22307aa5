"""Words on running audio: what is counted is what a listener reports."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.evaluation.row_decision import RowDecision
from pylstm.evaluation.trade_off import trade_off
from pylstm.evaluation.word_evaluation import evaluate_words
from pylstm.evaluation.word_tape import TapePiece, TapeWord, WordTape
from pylstm.train.data.recordings import Recordings
from tests.evaluation.word_tapes import LABELS, RATE, rows_with, tape_of
from tests.tone_model import tone_model
from tests.training_on_tones import folder_of_tones, scenes, tone

pytestmark = pytest.mark.law_judged_as_used

MODEL = tone_model()


def strided_model() -> pylstm.Model:
    """A row for two frames, and the first one waits: times of rows are not those of frames."""
    layers = [
        pylstm.Conv(4, 6, 3, stride=2, seed=3),
        pylstm.Dense(6, 3, "softmax", seed=4),
    ]
    decision = {"kind": "words", "threshold": 0.34, "smoothing_frames": 2, "refractory_frames": 5}
    return pylstm.Model(pylstm.LogMel(n_mels=4), layers, LABELS, decision=decision)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Recordings:
    folder = folder_of_tones(tmp_path_factory.mktemp("clips") / "data", ("low", "high"), 4)
    (folder / "silence").mkdir()
    soundfile.write(folder / "silence" / "0.wav", tone("", 1), RATE)
    # At another rate, and in stereo.
    soundfile.write(folder / "low" / "9.wav", np.stack([tone("low", 9, rate=44100)] * 2, 1), 44100)
    return Recordings.from_folder(folder)


# --- the tape -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [MODEL, strided_model()], ids=["plain", "strided"])
@settings(deadline=None, max_examples=8)
@given(gap=st.sampled_from([0.0, 0.1, 0.5]), report=st.sampled_from(["early", "final"]))
def test_events_are_those_of_a_listener_on_the_whole_tape(model, clips, gap, report):
    tape = WordTape.of_recordings(clips, RATE, gap)
    listener = model.listener(report=report)
    heard = listener.push(np.concatenate(list(tape.samples()))) + listener.flush()
    assert heard
    evaluation = evaluate_words(model, [tape], {"report": report})
    assert evaluation.events == (heard,)


def test_a_tape_is_as_long_as_it_says_and_words_are_where_it_says(clips):
    tape = WordTape.of_recordings(clips, RATE, 0.25)
    samples = np.concatenate(list(tape.samples()))
    assert len(samples) == round(tape.seconds * RATE)
    assert sorted(word.label for word in tape.words) == sorted(item.label for item in clips.items)
    for word in tape.words:
        inside = samples[round(word.start * RATE) : round(word.end * RATE)]
        assert np.abs(inside).max() > 0
        assert not samples[round(word.end * RATE) : round(word.until * RATE)].any()


def test_noise_fills_the_gaps_and_nothing_else(clips):
    noise = np.linspace(0.1, 0.2, 777, dtype=np.float32)
    plain, noisy = (
        np.concatenate(list(WordTape.of_recordings(clips, RATE, 0.1, one).samples()))
        for one in (None, noise)
    )
    differs = plain != noisy
    assert differs.sum() == 1600 * len(clips)
    np.testing.assert_array_equal(noisy[differs][:777], noise)


def test_marks_are_the_words_of_a_manifest(tmp_path):
    recordings = Recordings.from_manifest(scenes(tmp_path, 2))
    tape = WordTape.of_recordings(recordings, RATE, 0.5)
    found = [(word.label, word.start, word.end, word.until) for word in tape.words]
    expected = [("low", 0.5, 1.0, 1.5), ("high", 1.5, 2.0, 2.5)]
    later = [(label, *(time + 2.5 for time in times)) for label, *times in expected]
    assert found == expected + later
    assert sum(tape.wordless().values()) == pytest.approx(2 * 0.5)


def test_files_without_words(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "x.wav", np.zeros(8000), 8000)
    tape = WordTape.of_files(sorted(tmp_path.rglob("*.wav")), RATE)
    assert tape.wordless() == {str(tmp_path / "a"): 1.5, str(tmp_path / "b"): 1.5}
    assert tape.words == ()


def test_a_tape_at_another_rate_is_refused(clips):
    with pytest.raises(ValueError, match="the tape has 8000 Hz; expected 16000 Hz"):
        WordTape.of_recordings(clips, 8000).rows(MODEL)
    with pytest.raises(ValueError, match="gap is -1; expected 0 or more"):
        WordTape.of_recordings(clips, RATE, -1)


# --- counting -------------------------------------------------------------------------------------


def test_each_event_is_counted_where_it_belongs():
    tape = tape_of(["low", "low", "low", "high", "silence", "low", "high"])
    heard = [
        (0.5, "low", 1.0),  # heard
        (1.5 + 1.1, "low", 1.0),  # heard, in the gap
        (3.0 + 0.2, "high", 1.0),  # taken for another
        (4.5 + 0.2, "high", 1.0),  # heard, twice
        (4.5 + 0.8, "high", 1.0),
        (6.0 + 0.3, "low", 1.0),  # in the recording of a background label
        (7.5 + 0.2, "high", 1.0),  # taken for another, and heard
        (7.5 + 0.8, "low", 1.0),
    ]
    wordless = tape_of([None, None], "street")
    found = evaluate_words(
        MODEL, [tape, wordless], None,
        [rows_with(tape, heard), rows_with(wordless, [(2.0, "high", 1.0)])],
    )  # fmt: skip
    low, high = found.words["low"], found.words["high"]
    assert (low.said, low.heard, low.missed, low.another, low.nothing, low.extra) == (
        4, 3, 1, 2, 0, 0,
    )  # fmt: skip
    assert (dict(low.taken_for), low.wrong, low.alarms) == ({"high": 2}, 0, 1)
    assert (high.said, high.heard, high.another, high.nothing, high.extra) == (2, 1, 0, 1, 1)
    assert (high.wrong, high.false_alarms, high.background_alarms) == (2, 1, 0)
    silence = found.background["silence"]
    assert (silence.said, silence.reported, silence.events, silence.seconds) == (1, 1, 1, 1.5)
    assert {name: vars(one) for name, one in found.wordless.items()} == {
        "street": {"seconds": 3.0, "events": 1}
    }
    assert (found.said, found.heard, found.another, found.nothing) == (6, 4, 2, 1)
    assert found.hours == pytest.approx(4.5 / 3600)
    assert found.false_alarms_an_hour == pytest.approx(2 / found.hours)


def test_an_event_soon_behind_a_marked_word_is_its_own():
    """The next word has begun, but the label says whose it is."""
    piece = TapePiece("a.wav", "folder", 0.0, None, 0, 3 * RATE)
    words = (TapeWord("low", 0.5, 1.0, 1.5), TapeWord("high", 1.1, 1.5, 2.0))
    tape = WordTape(RATE, (piece,), words, 0)
    rows = rows_with(tape, [(1.15, "low", 1.0), (1.6, "high", 1.0), (2.4, "low", 1.0)])
    found = evaluate_words(MODEL, [tape], None, [rows])
    assert (found.heard, found.another, found.false_alarms) == (2, 0, 1)
    assert found.wordless_hours == pytest.approx(1.5 / 3600)


SAID = st.lists(st.sampled_from([*LABELS, None]), min_size=1, max_size=6)


@settings(deadline=None, max_examples=30)
@given(SAID, st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_no_word_and_no_event_is_lost(labels, seed, threshold):
    tape = tape_of(labels)
    draw = np.random.default_rng(seed)
    blocks = draw.dirichlet([0.3] * 3, size=round(tape.seconds * 5)).astype(np.float32)
    rows = np.repeat(blocks, 20, axis=0)
    found = evaluate_words(MODEL, [tape], {"threshold": threshold}, [rows])
    [events] = found.events
    assert events == RowDecision(MODEL, {"threshold": threshold}).events(rows)
    for label, word in found.words.items():
        assert word.said == labels.count(label) == word.heard + word.missed
        assert word.nothing <= word.missed
        assert word.said <= word.heard + word.another + word.nothing <= word.said + word.another
        of_label = sum(event.label == label for event in events)
        assert of_label >= word.heard + word.extra + word.wrong + word.alarms
    in_words = [event for event in events if labels[int(event.time / 1.5)] in ("low", "high")]
    assert len(in_words) + found.false_alarms == len(events)
    total = found.seconds / 3600
    assert found.hours + 1.5 * found.said / 3600 == pytest.approx(total)


def test_a_label_that_the_model_does_not_have():
    tape = tape_of(["mid"])
    with pytest.raises(ValueError, match=r"has the label 'mid'; expected labels of the model"):
        evaluate_words(MODEL, [tape], None, [rows_with(tape)])


def test_models_that_decide_on_no_words_are_refused():
    with pytest.raises(ValueError, match="decides on segments; expected one that decides on words"):
        evaluate_words(pylstm.load("vad"), [])


# --- the trade-off --------------------------------------------------------------------------------


def test_each_point_is_what_a_listener_with_that_threshold_reports():
    tape, wordless = tape_of(["low", "high", "silence"]), tape_of([None])
    heard = [(0.5, "low", 0.55), (2.0, "high", 0.8), (3.4, "low", 0.3)]
    rows = [rows_with(tape, heard), rows_with(wordless, [(0.5, "high", 0.6)])]
    curve = trade_off(MODEL, [tape, wordless], rows)
    for place in range(0, len(curve.thresholds), 10):
        alone = evaluate_words(
            MODEL, [tape, wordless], {"threshold": float(curve.thresholds[place])}, rows
        )
        assert alone.words == curve.evaluations[place].words
        assert alone.wordless == curve.evaluations[place].wordless
        assert curve.misses()[place] == alone.missed / 2
        assert curve.false_alarms_an_hour()[place] == pytest.approx(alone.false_alarms_an_hour)
    best = curve.best(0.0)
    assert best is not None
    assert curve.misses()[best] == 0.5
    assert curve.least == pytest.approx(3600 / 3.0)
