"""The example service, in this process or in one of its own, and clients that talk with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

import pylstm

pytest.importorskip("picows", reason="for the service: pip install picows")
pytest.importorskip("websockets", reason="for its client: pip install websockets")
EXAMPLE = Path(__file__).parents[2] / "examples" / "embed_python"
sys.path.insert(0, str(EXAMPLE))

import client  # noqa: E402, F401
import durations  # noqa: E402, F401
import load  # noqa: E402, F401
import played_audio  # noqa: E402, F401
import service  # noqa: E402
import session  # noqa: E402, F401
from protocol import Ending, described  # noqa: E402, F401
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

DEMO = Path(pylstm.__file__).parent / "models" / "demo.wav"
MODEL = pylstm.load("keywords")
PLAIN: dict = {}
STEREO = {"rate": 48000, "encoding": "float32", "channels": 2}
TELEPHONE = {"rate": 8000, "encoding": "mulaw"}
CARD = {"rate": 44100, "encoding": "int24-be", "channels": 3, "channel": 1}


def demo() -> np.ndarray:
    with wave.open(str(DEMO)) as audio:
        return np.frombuffer(audio.readframes(audio.getnframes()), "<i2")


def sent_as(description: dict, pcm: np.ndarray) -> bytes:
    """int16 samples of 16000 Hz as a client with such a description sends them."""
    if not description:
        return pcm.astype("<i2").tobytes()
    pytest.importorskip("soxr", reason="to resample: pip install soxr")
    change = pylstm.Intake(description["rate"], rate=16000, encoding="int16")
    samples = np.concatenate([change.push(pcm.astype("<i2").tobytes()), change.flush()])
    if description["encoding"] == "mulaw":
        values = pylstm.Intake(8000, rate=8000, encoding="mulaw").push(bytes(range(256)))
        order = np.argsort(values)
        places = np.searchsorted(values[order], samples).clip(0, 255)
        return order[places].astype(np.uint8).tobytes()
    channels = np.zeros((len(samples), description["channels"]), np.float32)
    channels[:, description.get("channel", 0)] = samples
    if description["encoding"] == "float32":
        return channels.astype("<f4").tobytes()
    whole = np.clip(channels * 2.0**31, -(2.0**31), 2.0**31 - 256).astype(">i4")
    return whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def alone(data: bytes, description: dict = PLAIN, model: pylstm.Model = MODEL) -> list[dict]:
    """What audio gives without any service: its events, and the end."""
    intake = pylstm.Intake(model, **({"rate": 16000, "encoding": "int16"} | description))
    listener = model.listener()
    events = listener.push(intake.push(data)) + listener.push(intake.flush()) + listener.flush()
    return [*map(described, events), {"end": listener.frames}]


def cut(data: bytes, seed: int) -> Iterator[bytes]:
    """Data in pieces of random lengths, which do not end where samples end."""
    pieces = 10 + len(data) // 50_000
    places = np.random.default_rng(seed).integers(0, len(data) + 1, pieces)
    edges = [0, *sorted(places.tolist()), len(data)]
    return (data[start:end] for start, end in itertools.pairwise(edges))


@contextlib.asynccontextmanager
async def talk(address: str, first: dict = PLAIN) -> AsyncIterator[tuple[ClientConnection, int]]:
    """A connection on which the service waits for audio, and the position that it waits for."""
    async with connect(address, compression=None) as socket:
        await socket.recv()
        await socket.send(json.dumps(first))
        yield socket, json.loads(await socket.recv())["position"]


async def rest_of(socket: ClientConnection) -> list[dict]:
    """Everything that is said until the connection ends."""
    return [json.loads(message) async for message in socket]


async def speak(
    address: str, data: bytes, description: dict = PLAIN, seed: int = 0, first: dict | None = None
) -> list[dict]:
    """Sends audio in random cuts as fast as it is taken; everything that came back."""
    async with talk(address, first or description) as (socket, position):
        start = position * frame_bytes(description)
        for chunk in cut(data[start:], seed):
            await socket.send(chunk)
            await asyncio.sleep(0)
        await socket.send('{"end": true}')
        return await rest_of(socket)


def frame_bytes(description: dict) -> int:
    sizes = {"int16": 2, "float32": 4, "mulaw": 1, "int24-be": 3}
    return sizes[description.get("encoding", "int16")] * description.get("channels", 1)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


def with_service(
    use: Callable[[service.Service, str], Awaitable[None]],
    clients: int = 8,
    model: pylstm.Model = MODEL,
) -> None:
    """Runs a service for a test, which gets it and its address."""

    async def main() -> None:
        async with service.running(model, "127.0.0.1", 0, clients) as (running, address):
            async with asyncio.timeout(60):
                await use(running, address)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


async def closing(address: str, messages: Iterable[str | bytes]) -> tuple[int, str, list[dict]]:
    """Sends messages; the close code, the reason, and what was said before."""
    said = []
    async with connect(address, compression=None, max_size=None) as socket:
        try:
            for message in messages:
                await socket.send(message)
        except ConnectionClosed:
            pass
        said = await whatever_came(socket)
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or "", said


async def whatever_came(socket: ClientConnection) -> list[dict]:
    said = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            said.append(json.loads(await socket.recv()))
    return said


@contextlib.contextmanager
def service_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service in a process of its own, every warning an error, and its address."""
    command = [sys.executable, "-W", "error", str(EXAMPLE / "service.py")]
    command += ["--port", "0", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("listening on ws://"):
                process.kill()
                raise AssertionError(line + process.communicate()[1])
            yield process, line.split()[-1]
        finally:
            if process.poll() is None:
                process.kill()
