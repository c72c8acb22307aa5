"""What ``pylstm mic`` cannot use, and that it says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pylstm.cli.console import microphone
from tests.cli import tone_model_file
from tests.cli.fake_sounddevice import Device, install
from tests.cli.mic_command import fail, succeed
from tests.tone_model import write

model = tone_model_file.model  # a fixture


def test_without_portaudio_it_says_what_to_install(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLibrary:
        def find_spec(self, name: str, *where: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])
    message = fail(1, "--model", model)
    assert "apt install libportaudio2" in message
    assert "--input-file FILE" in message
    assert "apt install libportaudio2" in fail(1, "--list-devices")


def test_without_sounddevice_it_says_what_to_install(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert 'pip install "pylstm[cli]"' in fail(1, "--model", model)


def test_a_file_needs_no_sounddevice(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    succeed("--input-file", write(tmp_path / "a.wav", seconds=0.1), "--model", model)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_without_a_device(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(microphone.sys, "platform", platform)
    install(monkeypatch, Device(max_input_channels=0))
    message = fail(1)
    assert fail(1, "--list-devices") == message
    assert message.startswith("pylstm: there is no input device; expected a microphone")
    permission = {"linux": "group audio", "darwin": "System Settings", "win32": "desktop apps"}
    assert permission[platform] in message


def test_permission_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(refuses="Error opening InputStream: 'Permission denied' [ALSA error -13]")
    install(monkeypatch, device)
    message = fail(1, "--model", model)
    assert "Built-in, ALSA cannot be used: Error opening InputStream: 'Permission den" in message
    assert "--list-devices" in message


def test_a_device_that_does_neither_rate(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device(rates=()))
    assert "cannot be used: Invalid sample rate" in fail(1, "--model", model)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--threshold", "0"),
        ("--threshold", "1.5"),
        ("--threshold", "nan"),
        ("--threshold", "low"),
        ("--threshold", "medium=0.5"),
        ("--threshold", "0.5", "--threshold", "0.6"),
        ("--threshold", "low="),
        ("--seconds", "0"),
        ("--seconds", "nan"),
        ("--channel", "2"),
        ("--channel", "-1"),
        ("--device", "0", "--input-file", "a.wav"),
    ],
)
def test_wrong_options_are_usage(
    model: Path, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...]
) -> None:
    install(monkeypatch, Device())
    assert "expected" in fail(2, "--model", model, *wrong) or wrong == ("--channel", "-1")


def test_a_channel_that_a_file_does_not_have(model: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", channels=2, seconds=0.1)
    assert "--channel is 2; expected 0 to 1" in fail(
        2, "--input-file", path, "--model", model, "--channel", 2
    )
