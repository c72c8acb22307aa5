"""``pylstm mic`` on devices: what is heard, what is said of them, and which is chosen."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.cli.console import microphone
from pylstm.cli.console.errors import CliError
from tests.cli import tone_model_file
from tests.cli.fake_sounddevice import SIZES, Device, FakeLibrary, in_blocks, install
from tests.cli.mic_command import expected, fail, mic, succeed, summary
from tests.tone_model import two_tones

model = tone_model_file.model  # a fixture
FIELDS = ["time", "label", "score", "onset", "offset", "kind"]


def stereo(tones: NDArray[np.float32], channel: int = 0) -> NDArray[np.float32]:
    """Tones on one channel, noise on the other."""
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (len(tones), 2)).astype(np.float32)
    noise[:, channel] = tones
    return noise


# --- what is heard --------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [SIZES, (160,), (4096,)])
def test_blocks_of_any_size_give_the_same(
    model: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    samples = two_tones()
    device = Device(blocks=in_blocks(samples[:, None], sizes))
    install(monkeypatch, device)
    result = succeed("--model", model, "--seconds", "2", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model))
    assert all(list(event) == FIELDS for event in found)
    assert device.opened == [{"channels": 1, "samplerate": 16000, "dtype": "float32"}]
    assert not device.is_open


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_device_with_one_rate_and_all_channels(
    model: Path, monkeypatch: pytest.MonkeyPatch, channel: int, dtype: str
) -> None:
    """48 kHz stereo: what it gives is resampled, and one channel is heard."""
    block = stereo(two_tones(48000), channel)
    if dtype == "int16":
        block = np.round(block * 32767).astype(np.int16)
    device = Device(rates=(48000,), counts=(2,), dtypes=(dtype,), blocks=in_blocks(block, SIZES))
    install(monkeypatch, device)
    result = succeed("--model", model, "--channel", channel, "--seconds", "2", "--json")
    loaded = pylstm.load(model)
    intake = pylstm.Intake(loaded, rate=48000, channels=2, channel=channel)
    samples = np.concatenate([intake.push(block), intake.flush()])
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, loaded)
    assert [event["label"] for event in found] == ["low", "high"]
    assert device.opened == [{"channels": 2, "samplerate": 48000, "dtype": dtype}]


def test_int16_at_the_rate_of_the_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.round(two_tones() * 32767).astype(np.int16)
    device = Device(dtypes=("int16",), blocks=in_blocks(samples[:, None], SIZES))
    install(monkeypatch, device)
    result = succeed("--model", model, "--seconds", "2", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model))


def test_overflows_are_counted(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = in_blocks(two_tones()[:, None], (160,), overflows=(3, 4, 90))
    install(monkeypatch, Device(blocks=blocks))
    result = succeed("--model", model, "--seconds", "2", "--json")
    assert summary(result)["overflows"] == 3
    install(monkeypatch, Device(blocks=in_blocks(two_tones()[:, None], (160,), (3,))))
    lines = succeed("--model", model, "--seconds", "2").stdout.splitlines()
    assert lines[-1].startswith("dropped           1 overflow of the device: samples were lost")


def test_no_event_is_lost_behind_a_display_that_is_late(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All blocks come at once, more than the ring holds."""
    samples = np.tile(two_tones(), 4)
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], (16,))))
    result = succeed("--model", model, "--seconds", "8", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert found == expected(samples, pylstm.load(model))
    assert len(found) == 8
    assert summary(result)["late_results"] > 0
    assert summary(result)["audio_seconds"] == 8.0


def test_a_device_that_ends_when_all_is_heard(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(blocks=in_blocks(two_tones()[:, None], SIZES), after="stop")
    install(monkeypatch, device)
    assert summary(succeed("--model", model, "--seconds", "2", "--json"))["events"] == 2


@pytest.mark.parametrize("after", ["stop", "vanish"])
def test_a_device_that_disappears(model: Path, monkeypatch: pytest.MonkeyPatch, after: str) -> None:
    monkeypatch.setattr(microphone, "_QUIET_SECONDS", 0.3)
    device = Device(blocks=in_blocks(two_tones()[:, None], SIZES), after=after)
    install(monkeypatch, device)
    result = mic("--model", model)
    assert result.exit_code == 1
    assert [line.split()[2] for line in result.stdout.splitlines()[:2]] == ["low", "high"]
    assert "audio             2.00 s" in result.stdout
    message = result.stderr.splitlines()[-1]
    assert message.startswith("pylstm: Built-in, ALSA gives no audio any more")
    assert "Plug it in, and start again" in message
    assert not device.is_open


def test_a_command_that_was_stopped_has_not_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-Z and fg: the clock has gone on, and no device has called."""
    now = 0.0
    monkeypatch.setattr(microphone, "monotonic", lambda: now)
    install(monkeypatch, Device())
    source = microphone.Microphone(None, 0, 16000)

    def look(seconds: float) -> None:
        nonlocal now
        now += seconds
        source.check()

    def look_often() -> None:
        for _ in range(10):
            look(0.1)

    with contextlib.closing(source):
        source.start(lambda *block: None)
        look(3600.0)
        look_often()
        with pytest.raises(CliError, match="gives no audio any more"):
            look_often()


def test_audio_that_is_too_short_for_deltas(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "deltas.safetensors"
    features = pylstm.LogMel(n_mels=4, deltas=1)
    pylstm.Model(features, [pylstm.Dense(8, 2, "softmax", seed=0)], ["a", "b"]).save(path)
    install(monkeypatch, Device(blocks=in_blocks(two_tones()[:, None], SIZES)))
    result = succeed("--model", path, "--seconds", "0.03", "--json")
    assert summary(result)["frames"] == 0


def test_nan_of_a_device_ends_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = two_tones()
    samples[16000] = np.nan
    device = Device(blocks=in_blocks(samples[:, None], SIZES))
    install(monkeypatch, device)
    message = fail(1, "--model", model)
    assert re.match(r"pylstm: stopped at 0\.9\d s: pcm\[\d+\] is nan; expected", message)
    assert device.raised == []  # nothing came out of the callback


def test_what_the_callback_warns_of_is_a_note(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = two_tones() * 32768
    install(monkeypatch, Device(blocks=in_blocks(samples[:, None], SIZES)))
    result = succeed("--model", model, "--seconds", "2")
    [_, note] = result.stderr.splitlines()
    assert note.startswith("note: pcm[")


def test_a_silent_device_is_noticed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = in_blocks(np.zeros((16000 * 4, 1), np.float32), SIZES)
    install(monkeypatch, Device(blocks=blocks))
    result = succeed("--model", model, "--seconds", "4")
    assert "note: every sample so far is 0: the microphone is muted" in result.stderr
    assert result.stdout.startswith("nothing heard\n")


# --- which is chosen ------------------------------------------------------------------------------


def three_devices(monkeypatch: pytest.MonkeyPatch, default: int = 2) -> FakeLibrary:
    blocks = in_blocks(two_tones(seconds=0.8)[:, None], (160,))
    return install(
        monkeypatch,
        Device("Speaker", max_input_channels=0),
        Device("USB Audio \x1b[2J", blocks=blocks),
        Device("Webcam", blocks=blocks, max_input_channels=1),
        Device("USB Audio \x1b[2J", blocks=blocks),
        default=default,
    )


@pytest.mark.parametrize(
    ("device", "opened"),
    [(None, 2), ("1", 1), ("webcam", 2), ("cam alsa", 2), ("Webcam, ALSA", 2), ("3", 3)],
)
def test_the_device_is_chosen(
    model: Path, monkeypatch: pytest.MonkeyPatch, device: str | None, opened: int
) -> None:
    library = three_devices(monkeypatch)
    given = () if device is None else ("--device", device)
    succeed("--model", model, "--seconds", "0.8", *given)
    assert [bool(device.opened) for device in library.devices] == [
        place == opened for place in range(4)
    ]


@pytest.mark.parametrize("device", ["0", "9", "Speaker", "usb", "", "alsa cam"])
def test_the_message_about_a_device_leads_to_one(
    model: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    three_devices(monkeypatch)
    message = fail(2, "--model", model, "--device", device)
    assert message.startswith(f"pylstm: --device is {device!r}; expected the number ")
    assert "\x1b" not in message
    number = message.rpartition(": ")[2].split()[0]
    succeed("--model", model, "--seconds", "0.8", "--device", number)


def test_no_default_device(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three_devices(monkeypatch, default=-1)
    message = fail(2, "--model", model)
    assert "expected --device with one of 1 (USB Audio" in message


def test_the_devices_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    three_devices(monkeypatch)
    lines = succeed("--list-devices").stdout.splitlines()
    assert lines[1:] == [
        "        1         2   48000 Hz  USB Audio \\x1b[2J, ALSA",
        ">       2         1   48000 Hz  Webcam, ALSA",
        "        3         2   48000 Hz  USB Audio \\x1b[2J, ALSA",
    ]
    objects = [json.loads(line) for line in succeed("--list-devices", "--json").stdout.splitlines()]
    assert [(o["number"], o["is_default"]) for o in objects] == [(1, False), (2, True), (3, False)]
