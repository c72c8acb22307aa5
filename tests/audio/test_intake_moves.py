"""A session that moves to another intake, and what a move refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.audio.intake_audio import noise


@given(
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]),
    new_rate=st.sampled_from([8000, 16000]),
    channels=st.sampled_from([1, 2]),
    frames=st.integers(0, 60_000),
    piece=st.integers(0, 3),
    size=st.integers(300, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_a_session_that_moves(rate, new_rate, channels, frames, piece, size) -> None:
    """The other intake gets the last 0.3 s of bytes, and nothing is lost."""
    frame = 3 * channels
    values = (noise(60_000 / rate + 0.5, rate, channels) * 2.0**31).astype("<i4")
    data = values.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    cut = frames * frame + piece % frame
    options = {"rate": rate, "channels": channels, "encoding": "int24"}
    once, old, new = (pylstm.Intake(new_rate, **options) for _ in range(3))  # type: ignore[arg-type]
    expected = np.concatenate([once.push(data), once.flush()])
    got = [old.push(data[k : min(k + size, cut)]) for k in range(0, cut, size)]
    grid = rate // np.gcd(rate, new_rate)
    start = max(0, (frames - round(0.3 * rate)) // grid * grid)
    got.append(new.resume(data[start * frame : cut], position=old.position, given=old.given))
    assert new.position == old.position
    got += [new.push(data[k : k + size]) for k in range(cut, len(data), size)]
    got.append(new.flush())
    assert (new.position, new.given) == (once.position, once.given)
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=1e-6)
    if rate == new_rate:
        np.testing.assert_array_equal(np.concatenate(got), expected)


def test_a_move_where_nothing_is_resampled_needs_no_audio() -> None:
    old, new = (pylstm.Intake(8000, rate=8000, channels=2, encoding="int16") for _ in range(2))
    old.push(bytes(402))
    assert len(new.resume(bytes(2), position=old.position, given=old.given)) == 0
    assert len(new.push(bytes(2))) == 1
    assert (new.position, new.given) == (101, 101)


@pytest.mark.parametrize("rate", [8000, 44100, 1000])
def test_audio_that_is_too_short_for_a_move(rate: int) -> None:
    """The shortest that is taken is enough, and what is missing is said."""
    y = noise(4, rate, 1)[:, 0].astype(np.float32)
    once, old = pylstm.Intake(16000, rate=rate), pylstm.Intake(16000, rate=rate)
    expected = np.concatenate([once.push(y), once.flush()])
    got = [old.push(y[: 3 * rate])]
    grid = rate // np.gcd(rate, 16000)
    with pytest.raises(ValueError, match=r"begins \d\.\d+ s too late; expected more") as error:
        pylstm.Intake(16000, rate=rate).resume(
            y[3 * rate - grid : 3 * rate], position=old.position, given=old.given
        )
    missing = float(str(error.value).split(" s too")[0].split()[-1])
    assert missing == pytest.approx(old.delay + 320 / min(rate, 16000) - grid / rate, abs=1e-3)
    start = int((3 - missing - grid / rate - 1e-3) * rate) // grid * grid
    new = pylstm.Intake(16000, rate=rate)
    got.append(new.resume(y[start : 3 * rate], position=old.position, given=old.given))
    got += [new.push(y[3 * rate :]), new.flush()]
    np.testing.assert_allclose(np.concatenate(got), expected, rtol=0, atol=1e-6)


def test_what_a_move_refuses() -> None:
    y = noise(2, 44100, 1)[:, 0].astype(np.float32)
    old = pylstm.Intake(16000, rate=44100)
    old.push(y)
    new = pylstm.Intake(16000, rate=44100)
    counts = {"position": old.position, "given": old.given}
    with pytest.raises(
        ValueError, match="expected a multiple of 441: leave out its first 1 sample "
    ):
        new.resume(y[440:], **counts)
    with pytest.raises(ValueError, match="position is 5; expected 88200 or more"):
        new.resume(y, position=5, given=0)
    with pytest.raises(ValueError, match="given is 32001; expected 32000 or less"):
        new.resume(y, position=88200, given=32001)
    with pytest.raises(ValueError, match="given is -1; expected 0 or more"):
        new.resume(y, position=88200, given=-1)
    bad = y[441:].copy()
    bad[5] = np.nan
    with pytest.raises(ValueError, match=r"sample 446 .* is nan; expected finite values"):
        new.resume(bad, **counts)
    assert (new.position, new.given) == (0, 0)
    new.resume(y[441:], **counts)
    assert (new.position, new.given) == (88200, old.given)
    for used in (new, old):
        with pytest.raises(ValueError, match=r"expected reset\(\) before it resumes"):
            used.resume(y, **counts)
    old.flush()
    old.reset()
    old.resume(y, **counts)
