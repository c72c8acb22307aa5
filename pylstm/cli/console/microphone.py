"""A microphone, and a list of them, by sounddevice; which is imported when one is wanted."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from time import monotonic
from types import ModuleType
from typing import Any

from pylstm.arguments import number_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.live_source import BlockTaker
from pylstm.cli.console.output import one_line
from pylstm.interrupted_imports import importing

__all__ = ["InputDevice", "Microphone", "input_devices"]

# Devices call every few hundredths of a second. One that was unplugged often just calls no more.
_QUIET_SECONDS = 2.0
# Between two looks at it.
_LONGEST_WAIT = 0.2
_DTYPES = ("float32", "int16")

_SEE = "pylstm mic --list-devices shows them"
_WITHOUT = "to listen to a file as if it came from a microphone: --input-file FILE"


def _sounddevice() -> ModuleType:
    """The library.

    Raises
    ------
    CliError
        It is not installed, or has no PortAudio; the message says what to install.
    """
    try:
        with importing():
            import sounddevice
    except ImportError:
        raise CliError(
            f'the microphone needs sounddevice; pip install "pylstm[cli]" ({_WITHOUT})'
        ) from None
    except OSError as error:
        raise CliError(
            f"the microphone needs the library PortAudio ({error}); install it: apt install"
            " libportaudio2 (Debian, Ubuntu), dnf install portaudio (Fedora), pacman -S portaudio"
            f" (Arch), apk add portaudio (Alpine), brew install portaudio (macOS) ({_WITHOUT})"
        ) from None
    return sounddevice


@dataclass(frozen=True)
class InputDevice:
    """A device that records.

    Attributes
    ----------
    number : int
    name : str
        With what it is reached by, such as ``ALSA``; safe for terminals.
    channels : int
        That it has.
    rate : int
        Its own, Hz.
    is_default : bool
    """

    number: int
    name: str
    channels: int
    rate: int
    is_default: bool


def input_devices() -> list[InputDevice]:
    """The devices that record, by their numbers; at least one.

    Raises
    ------
    CliError
        There is none, or sounddevice or PortAudio is missing or fails.
    """
    library = _sounddevice()
    try:
        hosts = library.query_hostapis()
        default = library.default.device[0]
        devices = [
            InputDevice(
                number,
                one_line(f"{facts['name']}, {hosts[facts['hostapi']]['name']}"),
                facts["max_input_channels"],
                round(facts["default_samplerate"]),
                number == default,
            )
            for number, facts in enumerate(library.query_devices())
            if facts["max_input_channels"] > 0
        ]
    except library.PortAudioError as error:
        raise CliError(f"the list of devices cannot be read: {error}") from None
    if not devices:
        raise CliError(
            "there is no input device; expected a microphone: plug one in, and"
            f" {_permission()} ({_WITHOUT})"
        )
    return devices


class Microphone:
    """A `LiveSource` of what a device records.

    It records at the model's rate if the device can, else at the device's own.

    Parameters
    ----------
    device : str or None
        The number of a device, or a part of its name; None: the system's default.
    channel : int
        The channel that will be listened to, counted from 0.
    rate : int
        The model's, Hz.

    Raises
    ------
    CliError
        There is no such device, or it has no such channel or cannot be used.
    """

    def __init__(self, device: str | None, channel: int, rate: int) -> None:
        self._library = _sounddevice()
        found = _chosen(device, input_devices())
        if channel >= found.channels:
            raise CliError(
                f"--channel is {channel}; expected 0 to {found.channels - 1}, because {found.name}"
                f" has {number_of(found.channels, 'channel')}",
                USAGE,
            )
        self._device = found
        self.name = found.name
        self.rate, self.channels, self._dtype = self._settings(channel, rate)
        self.latency = 0.0
        self.if_silent = (
            "the microphone is muted, or the system keeps it from this program, which then often"
            f" gets zeros; {_permission()}"
        )
        self._stream: Any = None
        self._calls = self._calls_seen = 0
        self._silent = self._checked = 0.0
        self._finished = False
        self._closing = False

    def _settings(self, channel: int, rate: int) -> tuple[int, int, str]:
        """Rate, channels and type of samples that the device does, the ones nearest to the model's.

        Some devices give a few of their channels, others all or none.
        """
        reason: Exception | None = None
        for hertz in dict.fromkeys((rate, self._device.rate)):
            for channels in dict.fromkeys((channel + 1, self._device.channels)):
                for dtype in _DTYPES:
                    try:
                        self._library.check_input_settings(
                            device=self._device.number,
                            channels=channels,
                            dtype=dtype,
                            samplerate=hertz,
                        )
                    except (self._library.PortAudioError, ValueError) as error:
                        reason = error
                    else:
                        return hertz, channels, dtype
        raise self._unusable(reason)

    def start(self, take: BlockTaker) -> None:
        """Begins to record."""

        def callback(block: Any, n_frames: int, time: object, status: object) -> None:
            self._calls += 1
            take(block, n_frames, time, status)

        def finished() -> None:
            self._finished = True

        try:
            self._stream = self._library.InputStream(
                device=self._device.number,
                channels=self.channels,
                samplerate=self.rate,
                dtype=self._dtype,
                callback=callback,
                finished_callback=finished,
            )
            self._checked = monotonic()
            self._stream.start()
            self.latency = float(self._stream.latency)
        except (self._library.PortAudioError, ValueError) as error:
            self.close()
            raise self._unusable(error) from None

    @property
    def ended(self) -> bool:
        """Whether the device has stopped by itself."""
        return self._finished and not self._closing

    def close(self) -> None:
        """Stops recording."""
        self._closing = True
        if self._stream is not None:
            stream, self._stream = self._stream, None
            # A device that is gone can neither be stopped nor closed, and need not be.
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    def check(self) -> None:
        """Raises an error if the device has stopped, or has not called for a while."""
        now, calls = monotonic(), self._calls
        # A command that was stopped for a while (Ctrl-Z) has not waited for the device meanwhile.
        waited = min(now - self._checked, _LONGEST_WAIT)
        self._silent = self._silent + waited if calls == self._calls_seen else 0.0
        self._checked, self._calls_seen = now, calls
        if self.ended or self._silent > _QUIET_SECONDS:
            raise CliError(
                f"{self.name} gives no audio any more; expected it to go on: it was unplugged, went"
                " to sleep, or another program has taken it. Plug it in, and start again"
            )

    def _unusable(self, error: Exception | None) -> CliError:
        """The error of a device that cannot be opened, with what to do about it."""
        return CliError(
            f"{self.name} cannot be used: {error}; {_permission()}, see that no other program"
            f" has taken the device, or choose another one by --device: {_SEE}"
        )


def _chosen(device: str | None, devices: list[InputDevice]) -> InputDevice:
    """The device that the user means."""
    if device is None:
        for found in devices:
            if found.is_default:
                return found
        raise CliError(
            "the system has no default input device; expected --device with one of"
            f" {_list(devices)}",
            USAGE,
        )
    if device.isascii() and device.isdecimal():
        for found in devices:
            if found.number == int(device):
                return found
    words = device.casefold().split()
    matches = [found for found in devices if _matches(words, found.name.casefold())]
    exact = [found for found in matches if found.name.casefold() == device.casefold().strip()]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    which = "the number of one of them" if matches else "the number or a part of the name of one of"
    raise CliError(
        f"--device is {device!r}; expected {which}: {_list(matches or devices)}",
        USAGE,
    )


def _matches(words: list[str], name: str) -> bool:
    """Whether the words stand in the name in this order."""
    place = 0
    for word in words:
        place = name.find(word, place)
        if place < 0:
            return False
        place += len(word)
    return bool(words)


def _list(devices: list[InputDevice]) -> str:
    shown = ", ".join(f"{found.number} ({found.name})" for found in devices[:8])
    return shown if len(devices) <= 8 else f"{shown}, ...: {_SEE}"


def _permission() -> str:
    """Where the system keeps the permission to record."""
    if sys.platform == "darwin":
        return "allow the terminal in System Settings, Privacy & Security, Microphone"
    if sys.platform == "win32":
        return "let desktop apps use it in Settings, Privacy & security, Microphone"
    return "see that this user may record: group audio (sudo usermod -aG audio $USER, new login)"
