"""The live view: what it shows, at any size of the terminal, and that nothing attacks it."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

import pylstm
from pylstm.cli.console.live_figures import SILENCE, LiveFigures, decibels
from pylstm.cli.console.live_listening import LiveListening, LiveResult
from pylstm.cli.console.live_view import LiveView
from pylstm.cli.console.shown_labels import ShownLabels
from pylstm.decisions import Event
from tests.tone_model import LABELS, tone_model, two_tones

RATE = 16000
SIZES = [(40, 24), (80, 24), (120, 30), (40, 10), (60, 12), (200, 50), (24, 24)]


def result(seconds: float, **changes: object) -> LiveResult:
    """A result of 10 ms that ends there, of a tone at half of full scale."""
    fields: dict = {
        "audio_seconds": seconds,
        "frames": round(seconds * 100),
        "overflows": 0,
        "resampling_seconds": 0.0,
        "samples": 160,
        "energy": 160 * 0.125,
        "peak": 0.5,
        "posteriors": np.array([0.1, 0.7, 0.2], np.float32),
        "events": (),
        "processing_seconds": 0.0005,
        "slowest_seconds": 0.0005,
        "error": None,
    }
    return LiveResult(**(fields | changes))


def figures(n: int = 300, **changes: object) -> LiveFigures:
    """Of so many results one behind the other."""
    found = LiveFigures(RATE, 3, 0.0125)
    for k in range(n):
        found.take(result((k + 1) / 100, **changes))
    return found


def terminal(width: int, height: int, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    return Console(file=file, record=True, width=width, height=height, force_terminal=True,
                   color_system=None, highlight=False, markup=False, emoji=False,
                   legacy_windows=False)  # fmt: skip


def drawn(
    found: LiveFigures, width: int, height: int, labels: ShownLabels | None = None, **more: object
) -> list[str]:
    console = terminal(width, height, **more)
    labels = labels or ShownLabels((1, 2, 0), ("low", "high", "silence"), 2)
    view = LiveView(console, "tones listens to Built-in, ALSA at 16000 Hz", labels)
    console.print(view.panel(found, 0))
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_everything_is_shown(width: int, height: int) -> None:
    lines = drawn(figures(overflows=7), width, height)
    text = "\n".join(lines)
    assert lines[0].startswith("tones listens to Bui")
    assert lines[1].startswith("level ")
    assert "-9.0 dB" in lines[1]
    assert [line.split()[0] for line in lines[2:4]] == ["low", "high"] or height < 12
    assert "3.0 s" in text
    assert "real-time factor 0.05" in text
    assert "dropped by the device 7" in text
    assert "latency of model 12.5 " in text
    assert lines[-1] == "Ctrl-C stops"
    assert max(map(cell_len, lines)) < width


@settings(max_examples=40)
@given(
    st.integers(1, 200),
    st.integers(1, 60),
    st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=30, unique=True),
    st.data(),
)
def test_it_fits_and_is_harmless(width: int, height: int, names: list[str], data) -> None:
    n_reported = data.draw(st.integers(1, len(names)))
    labels = ShownLabels(tuple(range(len(names))), tuple(names), n_reported)
    found = LiveFigures(RATE, len(names))
    found.take(result(0.01, posteriors=np.full(len(names), 0.5, np.float32)))
    lines = drawn(found, width, height, labels)
    assert all(line.isprintable() for line in lines)
    assert max(map(cell_len, lines)) < max(width, 2)
    if height >= 24 and width >= 40:
        assert len(lines) < height


def test_reported_labels_are_first() -> None:
    model = tone_model()
    labels = ShownLabels.of(model, model.listener().decision)
    assert labels == ShownLabels((1, 2, 0), ("low", "high", "silence"), 2)
    assert labels.reported == ("low", "high")
    speech = tone_model(info={}, decision={"kind": "segments", "label": "high"})
    labels = ShownLabels.of(speech, speech.listener().decision)
    assert labels == ShownLabels((2, 0, 1), ("high", "silence", "low"), 1)
    symbols = tone_model(info={}, decision={"kind": "symbols", "blank": "low"})
    labels = ShownLabels.of(symbols, symbols.listener().decision)
    assert labels == ShownLabels((0, 2, 1), ("silence", "high", "low"), 2)
    sigmoid = pylstm.Activation(2, "sigmoid")
    plain = pylstm.Model(pylstm.LogMel(n_mels=2), [sigmoid], decision={"kind": "symbols"})
    assert ShownLabels.of(plain, plain.listener().decision) == ShownLabels((1, 0), ("1", "0"), 1)


@pytest.mark.parametrize("value", [0.0, 0.004, 0.25, 0.5, 0.999, 1.0])
def test_bars_are_as_long_as_posteriors(value: float) -> None:
    found = figures(1, posteriors=np.array([0, value, 0], np.float32))
    [line] = [line for line in drawn(found, 80, 24) if line.startswith("low")]
    bar = line[len("silence ") : -5]
    eighths = 8 * bar.count("█") + sum(" ▏▎▍▌▋▊▉".index(c) for c in bar if c in "▏▎▍▌▋▊▉")
    assert abs(eighths / 8 - value * len(bar)) <= 1 / 16
    assert line.endswith(f" {value:.2f}")


def test_a_terminal_of_ascii_gets_ascii() -> None:
    lines = drawn(figures(), 80, 24, encoding="ascii")
    assert all(map(str.isascii, lines))
    assert lines[2].count("#") == round(0.7 * len(lines[2][len("silence ") : -5]))


def test_events_scroll_and_stay() -> None:
    console = terminal(40, 20)
    labels = ShownLabels((0,), ("yes\x1b[2J",), 1)
    with LiveView(console, "a", labels) as view:
        found = LiveFigures(RATE, 1)
        view.draw(found, 0)
        view.event(Event(0.84, "yes\x1b[2J", 0.98, 0.5, 0.85))
        view.note("device \x1b]0;x\x07")
        view.draw(found, 0)
    view.summary(found, 3)
    text = console.export_text()
    assert "  0.84 s  yes\\x1b[2J  0.98  0.50-0.85 s\n" in text
    assert "note: device \\x1b]0;x\\x07" in text
    assert "display           3 results late, none lost" in text
    assert "\x07" not in text


# --- figures --------------------------------------------------------------------------------------


def test_level_is_that_of_the_power() -> None:
    assert figures().level == pytest.approx(10 * math.log10(0.125), abs=0.01)
    assert figures().peak == pytest.approx(-6.02, abs=0.01)
    assert figures(0).level == SILENCE
    assert figures(peak=1.0).is_clipped
    assert not figures().is_clipped
    assert figures(peak=0.0, energy=0.0).is_digital_silence


def test_the_level_falls_as_a_sound_level_meter_does() -> None:
    """After the sound: 10 / (0.125 s ln 10) = 34.7 dB a second."""
    found = figures()
    before = found.level
    for k in range(50):
        found.take(result(3.01 + k / 100, energy=0.0, peak=0.0))
    assert before - found.level == pytest.approx(34.74 / 2, abs=0.01)


def test_a_peak_is_held() -> None:
    found = figures()
    found.take(result(3.01, peak=0.9))
    for k in range(148):
        found.take(result(3.02 + k / 100))
    assert found.peak == decibels(0.9)
    for k in range(3):
        found.take(result(4.50 + k / 100))
    assert found.peak == decibels(0.5)


def test_a_drawing_shows_the_highest_posteriors_since_the_one_before() -> None:
    found = LiveFigures(RATE, 2)
    for k, row in enumerate([[0.9, 0.1], [0.2, 0.8]]):
        found.take(result(0.01 * k, posteriors=np.array(row, np.float32)))
    assert found.posteriors.tolist() == pytest.approx([0.9, 0.8])
    found.drawn()
    found.take(result(0.03, posteriors=None))
    assert found.posteriors.tolist() == pytest.approx([0.9, 0.8])  # there are no newer ones
    found.take(result(0.04, posteriors=np.array([0.3, 0.4], np.float32)))
    assert found.posteriors.tolist() == pytest.approx([0.3, 0.4])


def test_the_real_time_factor_is_that_of_the_last_seconds() -> None:
    found = figures()
    assert found.real_time_factor == pytest.approx(0.05)
    for k in range(1000):
        found.take(result(3.01 + k / 100, processing_seconds=0.002))
    assert found.real_time_factor == pytest.approx(0.2, abs=0.01)


@settings(max_examples=40)
@given(st.integers(1, 5), st.lists(st.integers(1, 2000), min_size=1, max_size=60), st.data())
def test_totals_do_not_depend_on_when_the_display_looks(
    capacity: int, sizes: list[int], data
) -> None:
    """A full ring makes results longer, never fewer: nothing of the audio is left out."""
    model = tone_model()
    samples = two_tones()
    listening = LiveListening(model, model.listener(), RATE, 1, capacity=capacity)
    found = LiveFigures(RATE, len(LABELS))
    events: list[Event] = []
    n_samples, energy, peak, start = 0, 0.0, 0.0, 0

    def take(one: LiveResult) -> None:
        nonlocal n_samples, energy, peak
        found.take(one)
        events.extend(one.events)
        n_samples, energy = n_samples + one.samples, energy + one.energy
        peak = max(peak, one.peak)

    for size in sizes:
        block = samples[start : start + size, None]
        start += len(block)
        listening(block, len(block), None, None)
        for _ in range(data.draw(st.integers(0, 2))):
            if (one := listening.ring.take()) is not None:
                take(one)
    while (one := listening.ring.take()) is not None:
        take(one)
    take(listening.finish())
    listener = model.listener()
    assert events == listener.push(samples[:start]) + listener.flush()
    assert (n_samples, found.frames) == (start, listener.frames)
    assert found.audio_seconds == start / RATE
    assert energy == pytest.approx(float(np.square(samples[:start], dtype=np.float64).sum()))
    assert peak == np.abs(samples[:start]).max()
