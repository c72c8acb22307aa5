"""A stand-in for the library sounddevice, for tests: devices without a machine that has some."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

# Awkward sizes for `in_blocks`.
SIZES = (1, 441, 160, 37, 512, 7)


class PortAudioError(Exception):
    """As sounddevice's."""


@dataclass
class Flags:
    """What comes with a block."""

    input_overflow: bool = False

    def __bool__(self) -> bool:
        return self.input_overflow


@dataclass
class Device:
    """A device, and what it does.

    Attributes
    ----------
    rates, counts, dtypes : sequence
        Rates, numbers of channels and types that it takes.
    blocks : sequence of (block, Flags)
        What it gives, as fast as they are taken.
    after : {"wait", "vanish", "stop"}
        What it does then: it is silent until it is closed, for a device calls for ever; so, too,
        but it cannot be closed any more; it ends.
    refuses : str
        Why it cannot be opened.
    """

    name: str = "Built-in"
    max_input_channels: int = 2
    default_samplerate: float = 48000.0
    rates: Sequence[int] = (16000, 48000)
    counts: Sequence[int] = (1, 2)
    dtypes: Sequence[str] = ("float32", "int16")
    blocks: Iterable[tuple[NDArray[Any], Flags]] = ()
    after: str = "wait"
    refuses: str = ""
    opened: list[dict[str, Any]] = field(default_factory=list)
    is_open: bool = False
    raised: list[BaseException] = field(default_factory=list)


class FakeLibrary(types.ModuleType):
    """The module; `devices` are those of the machine."""

    PortAudioError = PortAudioError

    def __init__(self, devices: Sequence[Device], default: int) -> None:
        super().__init__("sounddevice")
        self.devices = devices
        self.default = types.SimpleNamespace(device=(default, -1))
        self.InputStream = lambda **settings: Stream(self, **settings)

    def query_hostapis(self) -> tuple[dict[str, str], ...]:
        return ({"name": "ALSA"},)

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {
                "name": device.name,
                "hostapi": 0,
                "max_input_channels": device.max_input_channels,
                "default_samplerate": device.default_samplerate,
            }
            for device in self.devices
        ]

    def check_input_settings(self, device: int, channels: int, dtype: str, samplerate: int) -> None:
        found = self.devices[device]
        if samplerate not in found.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        if channels not in found.counts:
            raise PortAudioError("Invalid number of channels [PaErrorCode -9998]")
        if dtype not in found.dtypes:
            raise PortAudioError("Sample format not supported [PaErrorCode -9994]")


class Stream:
    """An input stream: calls from a thread, with one buffer that is used again and again."""

    latency = 0.0087

    def __init__(
        self,
        library: FakeLibrary,
        device: int,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
        **settings: Any,
    ) -> None:
        library.check_input_settings(device, **settings)
        self._device = library.devices[device]
        if self._device.refuses:
            raise PortAudioError(self._device.refuses)
        self._device.opened.append(settings)
        self._device.is_open = True
        self._callback, self._finished = callback, finished_callback
        self._dtype = settings["dtype"]
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._call)

    def start(self) -> None:
        self._thread.start()

    def _call(self) -> None:
        for block, flags in self._device.blocks:
            if self._closed.is_set():
                return
            buffer = block.astype(self._dtype, copy=True)
            try:
                self._callback(buffer, len(buffer), None, flags)
            except BaseException as error:
                self._device.raised.append(error)
            buffer[:] = 77  # the device's again: what was kept of it is spoiled
        if self._device.after == "stop":
            self._finished()
        else:
            self._closed.wait()

    def abort(self, ignore_errors: bool) -> None:
        if self._device.after == "vanish" and not ignore_errors:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")
        self._closed.set()
        self._thread.join()

    def close(self, ignore_errors: bool) -> None:
        self._device.is_open = False


def install(monkeypatch: pytest.MonkeyPatch, *devices: Device, default: int = 0) -> FakeLibrary:
    """Puts the library where `import sounddevice` finds it."""
    library = FakeLibrary(devices, default)
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    return library


def in_blocks(
    samples: NDArray[Any], sizes: Sequence[int], overflows: Sequence[int] = ()
) -> list[tuple[NDArray[Any], Flags]]:
    """Samples, (n, channels), in blocks whose sizes go round; some blocks have the flag."""
    blocks, start = [], 0
    while start < len(samples):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append((np.array(samples[start : start + size]), Flags(len(blocks) in overflows)))
        start += size
    return blocks
