"""Running audio made of recordings: words are where their targets say, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from pylstm.train.augment.noise import Noise
from pylstm.train.augment.waveform import Equaliser, Level, Shift, Speed
from pylstm.train.data.hard_places import hard_places
from pylstm.train.data.negatives import Negatives
from pylstm.train.data.recordings import Recordings
from pylstm.train.data.running_audio import RunningAudio
from pylstm.train.data.spoken_part import spoken_blocks, spoken_part
from pylstm.train.data.stretches import Stretches
from pylstm.train.network import Network

RATE = 16000
LABELS = ("background", "high", "low", "other")
FEATURES = pylstm.LogMel(n_mels=20)
TONES = {"low": 400, "high": 3000, "other": 1200}


def tone(hertz: float, seconds: float, before: float = 0.2, after: float = 0.3) -> np.ndarray:
    y = np.zeros(round((before + seconds + after) * RATE), np.float32)
    first, n = round(before * RATE), round(seconds * RATE)
    y[first : first + n] = 0.3 * np.sin(2 * np.pi * hertz * np.arange(n) / RATE)
    return y


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Words that are tones, other speech that is a tone, too, and noise."""
    root = tmp_path_factory.mktemp("running")
    for label, hertz in TONES.items():
        (root / "words" / label).mkdir(parents=True)
        for k in range(4):
            path = root / "words" / label / f"s{k}_nohash_0.wav"
            soundfile.write(path, tone(hertz, 0.25 + 0.05 * k), RATE)
    for name in ("negatives", "noise"):
        (root / name).mkdir()
    draw = np.random.default_rng(0)
    for k in range(3):
        soundfile.write(root / "negatives" / f"{k}.wav", tone(2000, 2.0, 0.0, 0.0), 22050)
        soundfile.write(root / "noise" / f"{k}.wav", 0.01 * draw.standard_normal(20000), RATE)
    return root


def paths(folder: Path) -> list[str]:
    return sorted(map(str, folder.iterdir()))


def source(folder: Path, **settings) -> RunningAudio:
    settings = {
        "background": "background",
        "negatives": paths(folder / "negatives"),
        "noises": paths(folder / "noise"),
        "seconds": 4.0,
        "n_batches": 2,
    } | settings
    recordings = Recordings.from_folder(folder / "words")
    return RunningAudio(recordings, FEATURES, LABELS, 3, **settings)


@given(
    before=st.floats(0.05, 0.5),
    length=st.floats(0.1, 0.8),
    after=st.floats(0.05, 0.5),
    rate=st.sampled_from([8000, 16000, 44100]),
    level=st.floats(-50, 0),
)
@settings(max_examples=50, deadline=None)
def test_a_sound_is_found_where_it_is(before, length, after, rate, level):
    n = [round(seconds * rate) for seconds in (before, length, after)]
    draw = np.random.default_rng(n[0])
    y = 1e-5 * draw.standard_normal(sum(n))
    y[n[0] : n[0] + n[1]] += 10 ** (level / 20) * draw.standard_normal(n[1])
    start, end = spoken_part(y.astype(np.float32), rate)
    assert start == pytest.approx(before, abs=0.025)
    assert end == pytest.approx(before + length, abs=0.025)


@pytest.mark.parametrize("n", [0, 1, 100, 16000])
def test_silence_has_no_spoken_part(n):
    assert not spoken_blocks(np.zeros(n, np.float32), RATE).any()
    assert spoken_part(np.zeros(n, np.float32), RATE) == (0.0, n / RATE)


def test_of_two_sounds_the_stronger_is_the_word():
    click = tone(500, 0.02, 0.1, 0.3)
    start, end = spoken_part(np.concatenate([click, tone(500, 0.4, 0.1, 0.2)]), RATE)
    assert (start, end) == pytest.approx((0.52, 0.92), abs=0.03)


@given(seed=st.integers(0, 1000), number=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_targets_stand_where_words_have_been_said(folder, seed, number):
    """A frame has the target of a word only around the end of a tone of that word."""
    running = source(folder, augment=[Speed((0.9, 1.1))])
    row = running.row(0, seed, number)
    blocks = np.arange(len(row.classes)) * 0.01
    for label in ("high", "low", "other"):
        named = np.zeros(len(blocks), bool)
        for mark in row.words:
            if mark.label == label:
                named |= (blocks > mark.end - 0.08) & (blocks < mark.end + 0.26)
        assert not (row.classes == LABELS.index(label))[~named].any()
    for mark in row.words:
        spoken = (blocks > mark.start + 0.02) & (blocks < mark.end - 0.08)
        others = [one for one in row.words if one is not mark and one.end > mark.start - 0.4]
        if not others:
            assert not row.counts[spoken].any()
        # The tone of the label is there, wherever the row still has it.
        first, last = round((mark.start + 0.05) * RATE), round((mark.end - 0.05) * RATE)
        if last < len(row.samples) and last - first > 800:
            power = np.abs(np.fft.rfft(row.samples[first:last]))
            hertz = np.fft.rfftfreq(last - first, 1 / RATE)[power.argmax()]
            assert hertz == pytest.approx(TONES[mark.label], rel=0.15)


def test_other_speech_has_its_own_target(folder):
    running = source(folder, others="other")
    rows = [running.row(0, 0, number) for number in range(40)]
    assert running.keywords == ("high", "low")
    without = [row for row in rows if not row.words and (row.classes == 3).any()]
    assert without  # rows of negatives alone
    for row in without:
        level = np.abs(row.samples[: len(row.classes) * 160].reshape(-1, 160)).max(axis=1)
        loud = level > 0.05
        assert (row.classes[loud] == 3).mean() > 0.9


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_depend_on_epoch_and_seed_alone(folder, workers):
    changes = {"augment": [Speed()], "scene": [Equaliser(), Noise(), Level()]}
    one = source(folder, **changes)
    other = source(folder, workers=workers, **changes)
    list(other.batches(5, 5))  # what was asked for before does not matter
    for left, right in zip(one.batches(1, 2), other.batches(1, 2), strict=True):
        np.testing.assert_array_equal(left.x, right.x)
        np.testing.assert_array_equal(left.targets, right.targets)
        np.testing.assert_array_equal(left.weights, right.weights)
    first = [batch.x for batch in one.batches(1, 2)]
    assert not np.array_equal(first[0], next(iter(one.batches(2, 2))).x)
    assert not np.array_equal(first[0], next(iter(one.batches(1, 3))).x)


def test_rows_carry_on(folder):
    batches = list(source(folder, n_batches=12).batches(0, 0))
    assert batches[0].continues is None
    assert all(len(batch.x) == FEATURES.n_frames(4 * RATE) for batch in batches)
    carried = np.stack([batch.continues for batch in batches[1:]])
    assert set(carried.ravel()) == {-1, 0, 1, 2}
    assert ((carried == -1) | (carried == np.arange(3))).all()
    assert (carried == -1).mean() < 0.4


def test_words_alone_make_running_audio(folder):
    running = source(folder, negatives=(), noises=())
    batch = next(iter(running.batches(0, 0)))
    assert set(np.unique(batch.targets)) <= {0, 1, 2, 3}
    assert batch.weights.max() > 1


def test_events_of_a_manifest_are_words(folder, tmp_path):
    """Words of a long recording: a part around one of them is used, with the marks in it."""
    y = np.concatenate([tone(400, 0.3, 1.0, 4.0), tone(3000, 0.3, 1.0, 4.0)])
    soundfile.write(tmp_path / "long.wav", y, RATE)
    rows = "path,label,start,end", "long.wav,low,1.0,1.3", "long.wav,high,6.3,6.6"
    (tmp_path / "words.csv").write_text("\n".join(rows))
    recordings = Recordings.from_manifest(tmp_path / "words.csv")
    running = RunningAudio(
        recordings, FEATURES, LABELS, 2, background="background", seconds=6.0, n_batches=1
    )
    rows = [running.row(0, 0, number) for number in range(20)]
    marks = [(row, mark) for row in rows for mark in row.words]
    assert {mark.label for _, mark in marks} == {"high", "low"}
    for row, mark in marks:
        if mark.end < 5.9:
            first, last = round((mark.start + 0.05) * RATE), round((mark.end - 0.05) * RATE)
            power = np.abs(np.fft.rfft(row.samples[first:last]))
            hertz = np.fft.rfftfreq(last - first, 1 / RATE)[power.argmax()]
            assert hertz == pytest.approx(TONES[mark.label], rel=0.02)


def test_wrong_arguments_are_refused(folder):
    recordings = Recordings.from_folder(folder / "words")
    with pytest.raises(ValueError, match="'other' among them"):
        RunningAudio(recordings, FEATURES, LABELS[:3], background="background")
    with pytest.raises(ValueError, match="background is 'nothing'"):
        source(folder, background="nothing")
    with pytest.raises(ValueError, match="others is 'nothing'"):
        source(folder, others="nothing")
    with pytest.raises(ValueError, match="moves events"):
        next(source(folder, scene=[Shift((50, 60))]).batches(0, 0))


def test_every_second_of_the_negatives_may_come(folder):
    stretches = Stretches(paths(folder / "negatives"))
    draw = np.random.default_rng(0)
    assert len(stretches) == 3
    pieces = [stretches.drawn(0.5, RATE, draw) for _ in range(30)]
    assert {len(piece) for piece in pieces} == {8000}
    assert len(stretches.drawn(60.0, RATE, draw)) == pytest.approx(
        stretches.lengths[0] * RATE, abs=2
    )


@pytest.mark.law_judged_as_used
def test_hard_places_are_where_a_model_finds_words(folder, tmp_path):
    """A network that answers to level: its places are where the noise is loud."""
    y = 1e-4 * np.random.default_rng(0).standard_normal(10 * RATE)
    y[5 * RATE : 6 * RATE] += 0.3 * np.random.default_rng(1).standard_normal(RATE)
    soundfile.write(tmp_path / "loud.wav", y, RATE)
    weight = np.zeros((2, 20), np.float32)
    weight[1] = 0.01
    layers = [
        pylstm.Dense(20, 2, "softmax", weights={"weight": weight, "bias": np.float32([0, 7])})
    ]
    model = pylstm.Model(FEATURES, layers)
    places = hard_places(model, Stretches([tmp_path / "loud.wav"]), [1])
    assert places
    assert all(4.9 < place.seconds < 6.1 for place in places)
    running = source(folder, negatives=[str(tmp_path / "loud.wav")])
    running.prepare(Network(model.layers), epoch=0, seed=0)
    assert running.negatives.hard == ()  # too early: everything is a word at first
    running.labels = ("high", "background")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(running), "keywords", ("background",))
        running.prepare(Network(model.layers), epoch=3, seed=0)
    assert running.negatives.hard == places


@given(
    names=st.sets(st.text("abcdef", min_size=1, max_size=6), min_size=2, max_size=30),
    share=st.floats(0.01, 0.5),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_negatives_are_on_two_sides(tmp_path_factory, names, share, seed):
    folder = tmp_path_factory.mktemp("sides")
    for name in names:
        soundfile.write(folder / f"{name}.wav", np.zeros(800), RATE)
    found = Negatives.split(paths(folder), share, seed)
    assert found.training
    assert found.validation
    assert sorted((*found.training, *found.validation)) == paths(folder)
    assert Negatives.split(paths(folder), 0.0, seed).validation == ()
