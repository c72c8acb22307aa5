"""The asyncio service of examples/embed_python: clients in one pool get what each gets alone."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

import pylstm

pytest.importorskip("websockets", reason="for the service: pip install websockets")
PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "examples" / "embed_python"))

import client  # noqa: E402
import service  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

DEMO = Path(pylstm.__file__).parent / "models" / "demo.wav"
MODEL = pylstm.load("keywords")


def demo() -> np.ndarray:
    with wave.open(str(DEMO)) as audio:
        return np.frombuffer(audio.readframes(audio.getnframes()), "<i2")


def alone(pcm: np.ndarray) -> list[dict]:
    """What a recording gives without any service."""
    rows = MODEL.run(pcm)
    events = pylstm.Detector.for_model(MODEL).push(rows)
    told = [
        {"time": round(e.time, 3), "label": e.label, "score": round(e.score, 3)} for e in events
    ]
    return [*told, {"end": len(rows)}]


def with_service(use: Callable[[str], Awaitable[None]], clients: int = 8) -> None:
    async def main() -> None:
        async with service.running(MODEL, "127.0.0.1", 0, clients) as server:
            host, port = server.sockets[0].getsockname()
            async with asyncio.timeout(60):
                await use(f"ws://{host}:{port}")

    asyncio.run(main())


async def speak(address: str, pcm: np.ndarray, seed: int) -> list[dict]:
    """Sends audio in random cuts as fast as it is taken; what came back after the greeting."""
    rng = np.random.default_rng(seed)
    async with connect(address) as socket:
        hello = json.loads(await socket.recv())
        assert hello == {"sample_rate": 16000, "labels": list(MODEL.labels)}
        cuts = np.sort(rng.integers(0, len(pcm) + 1, 50))
        for chunk in np.split(pcm, cuts):
            await socket.send(chunk.tobytes())
            await asyncio.sleep(0)
        await socket.send("end")
        return [json.loads(message) async for message in socket]


@pytest.mark.law_chunk
def test_many_clients_get_what_each_gets_alone() -> None:
    recording = demo()
    parts = [
        recording,
        recording[8000:],
        recording[:100_000],
        recording[30_000:],
        recording[:100],
        recording[:0],
    ]

    async def use(address: str) -> None:
        heard = await asyncio.gather(
            *(speak(address, part, seed) for seed, part in enumerate(parts))
        )
        for part, messages in zip(parts, heard, strict=True):
            assert messages == alone(part)

    with_service(use)
    assert len(alone(recording)) > 4


def test_slots_are_used_again_and_one_client_too_many_is_told() -> None:
    recording = demo()[:48_000]

    async def use(address: str) -> None:
        async with connect(address) as first, connect(address) as second:
            await first.recv()
            await second.recv()
            async with connect(address) as third:
                with pytest.raises(ConnectionClosed) as refused:
                    await third.recv()
                assert refused.value.rcvd is not None
                assert refused.value.rcvd.code == 1013
            await first.send(recording.tobytes())  # and goes in the middle of it, without a word
        for seed in range(4):
            while True:
                try:
                    assert await speak(address, recording, seed) == alone(recording)
                    break
                except ConnectionClosed:  # those before have not left yet
                    await asyncio.sleep(0.01)

    with_service(use, clients=2)


@pytest.mark.parametrize("message", [b"odd", "stop"])
def test_what_is_no_audio_ends_only_its_own_connection(message: bytes | str) -> None:
    async def use(address: str) -> None:
        async with connect(address) as socket:
            await socket.recv()
            await socket.send(message)
            with pytest.raises(ConnectionClosed) as refused:
                await socket.recv()
            assert refused.value.rcvd is not None
            assert refused.value.rcvd.code == 1007
        assert await speak(address, demo()[:16_000], 0) == alone(demo()[:16_000])

    with_service(use)


def test_a_client_far_ahead_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """Two seconds may be waiting; the recording is longer, and nothing of it is lost."""

    async def use(address: str) -> None:
        assert await client.listen(address, str(DEMO), pace=0) == alone(demo())

    with_service(use)
    assert '"end"' in capsys.readouterr().out.replace("'", '"')
