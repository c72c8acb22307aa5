"""WebSocket frames of the example service: messages in parts, frames that cannot be, dead peers."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.embed.service_talks import (
    PLAIN,
    STEREO,
    alone,
    cut,
    demo,
    rest_of,
    sent_as,
    service,
    session,
    speak,
    talk,
    until,
    whatever_came,
    with_service,
)

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9


def frame(kind: int, payload: bytes = b"", final: bool = True, reserved: int = 0) -> bytes:
    """A frame as clients send it, masked with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([0x80 * final | reserved | kind]) + length + bytes(4) + payload


@pytest.mark.law_chunk
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_messages_in_any_number_of_frames_are_heard_as_one(seed: int, n_parts: int) -> None:
    audio = sent_as(PLAIN, demo()[:100_000])

    def parts(data: bytes) -> list[bytes]:
        size = -(-len(data) // n_parts) or 1
        return [data[start : start + size] for start in range(0, len(data), size)] or [b""]

    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (socket, _):
            for number, chunk in enumerate(cut(audio, seed)):
                await socket.send(parts(chunk))
                if number % 3 == 0:
                    await (await socket.ping())
            await socket.send(['{"en', 'd": t', "rue}"])
            assert await rest_of(socket) == alone(audio)

    with_service(use)


def test_frames_that_come_in_one_piece_or_byte_by_byte() -> None:
    audio = sent_as(PLAIN, demo()[:40_000])
    sent = b"".join(
        [
            frame(BINARY, audio[:2000]),
            frame(BINARY, audio[2000:3000], final=False),
            frame(PING, b"in between"),
            frame(CONTINUATION, audio[3000:3001], final=False),
            frame(CONTINUATION, b"", final=False),
            frame(CONTINUATION, audio[3001:]),
            frame(TEXT, b'{"end": true}'),
        ]
    )

    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (socket, _):
            socket.transport.write(sent)
            assert await rest_of(socket) == alone(audio)
        async with talk(address) as (socket, _):
            for place in range(0, 3100):
                socket.transport.write(sent[place : place + 1])
                await asyncio.sleep(0)
            socket.transport.write(sent[3100:])
            assert await rest_of(socket) == alone(audio)

    with_service(use)


UNUSABLE_FRAMES = {
    "a continuation of nothing": (frame(CONTINUATION, b"\0\0"), 1002),
    "a message inside of another": (frame(TEXT, b"{", final=False) + frame(BINARY, b"\0\0"), 1002),
    "compressed, which was not agreed": (frame(BINARY, b"\0\0", reserved=0x40), 1002),
    "audio with the second reserved bit": (frame(BINARY, b"\0\0", reserved=0x20), 1002),
    "audio with the third reserved bit": (frame(BINARY, b"\0\0", reserved=0x10), 1002),
    "text with the second reserved bit": (frame(TEXT, b"{}", reserved=0x20), 1002),
    "compressed text": (frame(TEXT, b"{}", reserved=0x40), 1002),
    "a kind that there is not": (frame(3, b"\0\0"), 1002),
    "a ping in parts": (frame(PING, b"", final=False), 1002),
    "a long ping": (frame(PING, bytes(126)), 1002),
    "not masked": (b"\x82\x02\0\0", 1002),
    "text that is no UTF-8": (frame(TEXT, b'{"end": "\xff"}'), 1007),
    "audio of 1 MiB and a sample": (frame(BINARY, bytes(2**20 + 2)), 1009),
    "the same in two frames": (
        frame(BINARY, bytes(2**19), final=False) + frame(CONTINUATION, bytes(2**19 + 2)),
        1009,
    ),
    "text of more than 1 MiB": (frame(TEXT, b" " * (2**20 + 1)), 1009),
    "a frame that says that it has a terabyte": (b"\x82\xff" + (2**40).to_bytes(8, "big"), 1009),
}


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize("what", UNUSABLE_FRAMES)
def test_frames_that_cannot_be_end_only_their_own_connection(what: str) -> None:
    data, expected_code = UNUSABLE_FRAMES[what]
    audio = sent_as(PLAIN, demo()[:48_000])

    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (socket, _), talk(address) as (other, _):
            await other.send(audio)
            socket.transport.write(data)
            await whatever_came(socket)
            assert socket.close_code == expected_code
            assert socket.close_reason
            await other.send('{"end": true}')
            assert await rest_of(other) == alone(audio)

    with_service(use)


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_the_close_code_of_a_client_is_answered_with_the_same_one(code: int) -> None:
    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (socket, _):
            await socket.close(code, "enough")
            assert socket.protocol.close_rcvd is not None
            assert socket.protocol.close_rcvd.code == code
        await until(lambda: not running.sessions)

    with_service(use)


def test_a_close_frame_without_a_code_is_answered() -> None:
    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (socket, _):
            socket.transport.write(frame(CLOSE))
            await whatever_came(socket)
            assert socket.close_code == 1000
        await until(lambda: not running.sessions)

    with_service(use)


def test_a_client_that_answers_no_ping_frees_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SILENCE", 0.1)

    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (dead, _), talk(address) as (alive, _):
            dead.transport.pause_reading()
            await until(lambda: len(running.sessions) == 1)
            await asyncio.sleep(0.5)
            assert len(running.sessions) == 1
            await alive.send('{"end": true}')
            assert json.loads(await alive.recv()) == {"end": 0}
            dead.transport.abort()

    with_service(use)


def test_a_client_that_is_kept_waiting_is_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "SILENCE", 0.1)
    audio = sent_as(STEREO, demo()) * 4

    async def use(running: service.Service, address: str) -> None:
        async with running.pushing:  # no push
            speaking = asyncio.create_task(speak(address, audio, STEREO))
            await until(lambda: any(one.waiting for one in running.sessions.values()))
            (ahead,) = running.sessions.values()
            await until(lambda: ahead.waiting >= session.AHEAD * 48_000 * 8)
            await asyncio.sleep(0.5)
            assert not speaking.done()
        assert await speaking == alone(audio, STEREO)

    with_service(use)
