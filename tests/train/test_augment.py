"""Laws of augmentation: what is drawn depends on seed, epoch and recording alone; what is measured
afterwards is what was asked for; marks are where the sound is."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pylstm.audio import AudioError
from pylstm.train.augment.augmentation import Augmentation, Chain, Times
from pylstm.train.augment.noise import Noise, coloured
from pylstm.train.augment.reverb import Reverb
from pylstm.train.augment.spec_augment import SpecAugment
from pylstm.train.augment.waveform import Gain, Shift, Speed

RATE = 16000
EVERY = [Speed(), Shift(), Reverb(), Noise(), Gain()]


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def speech(n: int = 4000) -> np.ndarray:
    return (0.1 * draw(1).standard_normal(n)).astype(np.float32)


def rms(y: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(y, dtype=float))))


# --- chains ------------------------------------------------------------------------------------


@pytest.mark.slow
@given(st.integers(0, 2**40), st.integers(0, 1000), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_draws_depend_on_seed_epoch_and_item_alone(seed, epoch, item):
    y = speech(1000)
    chain = Chain(EVERY)
    once, times = chain.samples(y, RATE, seed=seed, epoch=epoch, item=item)
    chain.samples(y, RATE, seed=seed, epoch=epoch + 1, item=item)  # what was asked before
    again, moved = Chain(EVERY).samples(y, RATE, seed=seed, epoch=epoch, item=item)
    np.testing.assert_array_equal(once, again)
    assert times == moved
    for other in ((seed + 1, epoch, item), (seed, epoch + 1, item), (seed, epoch, item + 1)):
        numbers = dict(zip(("seed", "epoch", "item"), other, strict=True))
        different, _ = chain.samples(y, RATE, **numbers)
        assert not np.array_equal(once, different)


def test_what_follows_changes_no_draws():
    numbers = {"seed": 1, "epoch": 2, "item": 3}
    y = speech()
    alone, _ = Chain([Gain()]).samples(y, RATE, **numbers)
    followed, _ = Chain([Gain(), Gain((0, 0)), SpecAugment()]).samples(y, RATE, **numbers)
    np.testing.assert_array_equal(alone, followed)
    gained = Chain([Gain((-20, 0)), Gain((-20, 0))])  # two of a kind draw twice
    twice, _ = gained.samples(y, RATE, **numbers)
    once = np.exp(0.5 * np.log(rms(twice) / rms(y)))
    first, _ = Chain([Gain((-20, 0))]).samples(y, RATE, **numbers)
    assert abs(rms(first) / rms(y) - once) > 1e-4


@pytest.mark.parametrize("step", [*EVERY, SpecAugment()], ids=repr)
@given(n=st.integers(1, 3000), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_sizes_dtypes_and_inputs(step, n, seed):
    if step.changes == "frames":
        x = speech(n * 3).reshape(n, 3)
        before = x.copy()
        after = step.frames(x, draw(seed))
        assert after.shape == x.shape
    else:
        x = speech(n)
        before = x.copy()
        after, times = step.samples(x, RATE, draw(seed))
        assert len(after) == max(1, round(n * times.scale))
        assert len(after) >= int(n * step.shortest)
    assert after.dtype == np.float32
    assert np.isfinite(after).all()
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_how_often(p):
    chain = Chain([Gain((1, 2), p=p)])
    y = speech(10)
    changed = 0
    for item in range(400):
        numbers = {"seed": 0, "epoch": 0, "item": item}
        after, _ = chain.samples(y, RATE, **numbers)
        assert chain.changes_samples(**numbers) == (not np.array_equal(after, y))
        changed += chain.changes_samples(**numbers)
    assert abs(changed / 400 - p) < (0.08 if 0 < p < 1 else 1e-9)


def test_chains_of_what_an_argument_may_be():
    assert Chain.of(None).steps == ()
    gain = Gain()
    assert Chain.of(gain).steps == Chain.of([gain]).steps == (gain,)
    chain = Chain([gain])
    assert Chain.of(chain) is chain
    assert repr(Chain([Gain((0, 3), p=0.5)])) == "Chain([Gain(db=(0.0, 3.0), p=0.5)])"
    assert repr(Noise()) == "Noise(snr_db=(5.0, 30.0), colour=(0.0, 2.0), recordings=None, p=1.0)"
    assert Chain([Speed((0.5, 2.0)), Speed((1, 1.25))]).shortest == 0.4


def test_frames_are_changed_after_samples():
    message = "steps[1] is Gain, which changes samples, after SpecAugment"
    with pytest.raises(ValueError, match=re.escape(message)):
        Chain([SpecAugment(), Gain()])
    with pytest.raises(TypeError, match=re.escape("steps[0] is str; expected an augmentation")):
        Chain(["louder"])


@given(*[st.floats(-2, 2)] * 5)
@settings(deadline=None)
def test_times_one_after_the_other(scale, offset, scale2, offset2, t):
    one, two = Times(scale, offset), Times(scale2, offset2)
    assert one.then(two)(t) == pytest.approx(two(one(t)), abs=1e-9)


def test_marks_go_through_a_chain():
    """A click stays where its time says, through everything that moves it."""
    y = np.zeros(RATE, np.float32)
    y[6000] = 1.0
    chain = Chain([Speed((0.8, 1.25)), Shift((-150, 150)), Reverb(direct_db=(20, 20)), Shift()])
    for item in range(20):
        after, times = chain.samples(y, RATE, seed=0, epoch=0, item=item)
        assert abs(int(np.argmax(np.abs(after))) - times(6000 / RATE) * RATE) <= 1.5


# --- loudness, place, speed ----------------------------------------------------------------------


def test_gain():
    found = []
    for seed in range(50):
        after, times = Gain((-6, 3)).samples(speech(), RATE, draw(seed))
        assert times == Times()
        found.append(20 * np.log10(rms(after) / rms(speech())))
        np.testing.assert_allclose(after, speech() * 10 ** (found[-1] / 20), rtol=1e-4)
    assert -6 <= min(found) < -4 < 1 < max(found) <= 3.0001


@given(st.integers(1, 300), st.floats(-30, 30))
@settings(deadline=None)
def test_shift(n, ms):
    y = np.arange(1, n + 1, dtype=np.float32)
    after, times = Shift((ms, ms)).samples(y, RATE, draw())
    by = round(times.offset * RATE)
    assert by == np.clip(round(ms * 16), -n, n)
    expected = [y[k - by] if 0 <= k - by < n else 0.0 for k in range(n)]
    np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.1, 2.0])
def test_speed_moves_tones_and_lengths(factor):
    y = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    after, times = Speed((factor, factor)).samples(y, RATE, draw())
    assert len(after) == round(RATE / factor)
    assert times == (1 / factor, 0.0)
    middle = after[len(after) // 4 : -len(after) // 4] * np.hanning(
        len(after) - len(after) // 4 + (-len(after) // 4)
    )
    peak = np.argmax(np.abs(np.fft.rfft(middle))) * RATE / len(middle)
    assert peak == pytest.approx(1000 * factor, abs=RATE / len(middle))
    assert rms(after) == pytest.approx(rms(y), rel=0.02)


# --- noise and rooms ---------------------------------------------------------------------------


def test_noise_has_the_ratio_that_was_asked_for():
    for seed in range(20):
        after, times = Noise((3, 12)).samples(speech(), RATE, draw(seed))
        assert times == Times()
        ratio = 20 * np.log10(rms(speech()) / rms(after - speech()))
        assert 2.99 < ratio < 12.01


def test_silence_gets_noise_too():
    after, _ = Noise((10, 10)).samples(np.zeros(4000, np.float32), RATE, draw())
    assert 20 * np.log10(rms(after)) == pytest.approx(-70, abs=0.01)


@pytest.mark.parametrize("colour", [-1.0, 0.0, 1.0, 2.0])
def test_colours(colour):
    noise = coloured(draw(), 1 << 17, RATE, colour)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(len(noise), 1 / RATE)
    band = (frequencies > 50) & (frequencies < 7000)
    slope = np.polyfit(np.log(frequencies[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-colour, abs=0.05)


@pytest.mark.parametrize("rate", [RATE, 8000])
@pytest.mark.parametrize("seconds", [0.01, 0.1, 3.0])
def test_recorded_noise(tmp_path, rate, seconds):
    """What is added is a stretch of the file, from its beginning again where it is too short."""
    time = np.arange(round(rate * seconds)) / rate
    soundfile.write(tmp_path / "hum.wav", 0.2 * np.sin(2 * np.pi * 500 * time), rate, "FLOAT")
    step = Noise((6, 6), recordings=[tmp_path / "hum.wav"])
    found = [step.samples(speech(), RATE, draw(seed))[0] - speech() for seed in range(3)]
    for added in found:
        assert 20 * np.log10(rms(speech()) / rms(added)) == pytest.approx(6, abs=0.01)
        power = np.abs(np.fft.rfft(added)) ** 2
        near = np.abs(np.fft.rfftfreq(len(added), 1 / RATE) - 500) < 60
        assert power[near].sum() > 0.9 * power.sum()
    assert seconds < 3 or not np.allclose(found[0], found[1])


def test_noise_that_is_silent_adds_nothing(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(RATE), RATE)
    after, _ = Noise(recordings=[tmp_path / "none.wav"]).samples(speech(), RATE, draw())
    np.testing.assert_array_equal(after, speech())


def test_noise_that_cannot_be_read_is_said_when_it_is_made(tmp_path):
    with pytest.raises(AudioError, match=r"absent\.wav"):
        Noise(recordings=[tmp_path / "absent.wav"])
    with pytest.raises(ValueError, match="recordings is empty"):
        Noise(recordings=[])
    with pytest.raises(TypeError, match="expected a list of paths"):
        Noise(recordings="noise.wav")


def test_a_room_answers_a_click_with_its_response():
    click = np.zeros(RATE, np.float32)
    click[1000] = 1.0
    for seed in range(10):
        step = Reverb((0.3, 0.3), (6, 6))
        after, times = step.samples(click, RATE, draw(seed))
        response = step.response(RATE, draw(seed))
        assert times == Times()
        np.testing.assert_allclose(after[:1000], 0, atol=1e-6)
        np.testing.assert_allclose(after[1000 : 1000 + len(response)], response, atol=1e-5)
        assert response[0] == 1
        assert not response[1:30].any()  # the nearest wall
        tail = response[1:].astype(float) ** 2
        assert -10 * np.log10(tail.sum()) == pytest.approx(6, abs=0.01)
        # Energy in two stretches of 50 ms that are 100 ms apart: 20 dB at 60 dB in 300 ms.
        early, late = tail[800:1600].sum(), tail[2400:3200].sum()
        assert 10 * np.log10(early / late) == pytest.approx(20, abs=1.5)


# --- masks -------------------------------------------------------------------------------------


@pytest.mark.slow
@given(
    st.integers(1, 60), st.integers(1, 12), st.integers(1, 3), st.integers(0, 3), st.integers(0, 9)
)
@settings(deadline=None)
def test_masks(n, values, blocks, masks, width):
    x = draw(n).standard_normal((n, values * blocks)).astype(np.float32)
    step = SpecAugment(masks, width, masks, width, time_share=0.5)
    for seed in range(3):
        after = step.frames(x, draw(seed), blocks)
        mean = np.broadcast_to(x.mean(axis=0, dtype=float).astype(np.float32), x.shape)
        hidden = after != x
        np.testing.assert_array_equal(after[hidden], mean[hidden])
        hidden = after == mean  # by now the same, but for a frame that is the mean itself
        frames, bands = hidden.all(axis=1), hidden.all(axis=0)
        if n > 1:
            assert not (hidden & ~frames[:, None] & ~bands).any()
            assert frames.sum() <= masks * min(width, n // 2) or bands.all()
            assert bands[:values].sum() <= masks * width or frames.all()
            np.testing.assert_array_equal(np.tile(bands[:values], blocks), bands)


def test_masks_are_as_wide_as_asked_for_at_most_and_fall_everywhere():
    x = draw().standard_normal((50, 13)).astype(np.float32)
    step = SpecAugment(1, 5, 0, 0)
    hidden = np.array([(step.frames(x, draw(seed)) != x).all(axis=1) for seed in range(400)])
    assert set(hidden.sum(axis=1)) == set(range(6))
    assert hidden.any(axis=0).all()


def test_blocks_that_do_not_divide():
    with pytest.raises(ValueError, match="blocks is 2; expected a divisor of 13, a frame's width"):
        SpecAugment().frames(np.zeros((5, 13), np.float32), draw(), 2)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Gain(p=1.5), ValueError, "p is 1.5; expected 0 to 1"),
        (lambda: Gain(p=True), TypeError, "p is True; expected a number"),
        (lambda: Gain(p=float("nan")), ValueError, "p is nan"),
        (lambda: Gain(3), TypeError, "db is 3; expected two numbers, lowest and highest"),
        (lambda: Gain((3, 1)), ValueError, "db is (3, 1); expected the lower number first"),
        (lambda: Speed((0, 1)), ValueError, "factor is 0; expected 0.25 or more"),
        (lambda: Speed((1, 9)), ValueError, "factor is 9; expected 0.25 to 4"),
        (lambda: Noise(("a", 1)), TypeError, "snr_db is 'a'; expected a number"),
        (lambda: Reverb((0, 1)), ValueError, "decay is 0; expected 0.02 or more"),
        (lambda: SpecAugment(time_masks=-1), ValueError, "time_masks is -1; expected 0 or more"),
        (lambda: SpecAugment(time_share=2), ValueError, "time_share is 2; expected 0 to 1"),
    ],
)
def test_refused(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()


def test_seeds_that_are_refused():
    with pytest.raises(ValueError, match="seed is -1; expected 0 or more"):
        Chain([Gain()]).samples(speech(), RATE, seed=-1, epoch=0, item=0)
    with pytest.raises(NotImplementedError):
        Augmentation(1.0).samples(speech(), RATE, draw())
