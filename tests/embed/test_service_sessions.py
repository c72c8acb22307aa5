"""Sessions of the example service that move from one process to another, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import json
import signal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pylstm
from tests.embed.service_talks import (
    CARD,
    DEMO,
    MODEL,
    PLAIN,
    STEREO,
    TELEPHONE,
    ConnectionClosed,
    alone,
    client,
    closing,
    cut,
    demo,
    frame_bytes,
    rest_of,
    sent_as,
    service,
    service_process,
    speak,
    talk,
    whatever_came,
    with_service,
)

KINDS = {"plain": PLAIN, "stereo": STEREO, "telephone": TELEPHONE, "card": CARD}


def assert_same(heard: list[dict], expected: list[dict], description: dict) -> None:
    """The same events: with the same bits, or where a resampler began anew, nearly."""
    if not description:
        assert heard == expected
        return

    def scores(messages: list[dict]) -> list[float]:
        return [message.get("score", 0.0) for message in messages]

    np.testing.assert_allclose(scores(heard), scores(expected), atol=1e-4)
    assert [one | {"score": 0} for one in heard] == [one | {"score": 0} for one in expected]


@pytest.mark.law_state_is_a_value
@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_moves_again_and_again_hears_everything_once(kind: str) -> None:
    description = KINDS[kind]
    data = sent_as(description, demo())
    rng = np.random.default_rng(len(kind))

    async def use(running: service.Service, address: str) -> None:
        first, heard, sent = description, [], 0
        for part in [*sorted(rng.integers(0, len(data), 12).tolist()), len(data)]:
            async with talk(address, first) as (socket, position):
                assert position == sent // frame_bytes(description)
                start = position * frame_bytes(description)
                for chunk in cut(data[start:part], part):
                    await socket.send(chunk)
                sent = part
                wish = "end" if part == len(data) else "session"
                await socket.send(json.dumps({wish: True}))
                said: dict = {}
                while wish not in said:
                    said = json.loads(await socket.recv())
                    if "kind" in said or "end" in said:
                        heard.append(said)
                first = {"resume": said.get("session")}
        assert_same(heard, alone(data, description), description)

    with_service(use)


def test_who_asks_for_a_session_goes_on_and_both_hear_the_same() -> None:
    audio = sent_as(STEREO, demo())
    half = len(audio) // 2 + 3  # inside of a sample

    async def use(running: service.Service, address: str) -> None:
        async with talk(address, STEREO) as (socket, _):
            for chunk in cut(audio[:half], 0):
                await socket.send(chunk)
            await socket.send('{"session": true}')
            heard = []
            while not heard or "session" not in heard[-1]:
                heard.append(json.loads(await socket.recv()))
            moved = heard.pop()["session"]
            for chunk in cut(audio[half:], 1):
                await socket.send(chunk)
            await socket.send('{"end": true}')
            assert heard + await rest_of(socket) == alone(audio, STEREO)
        for seed in (0, 1):  # a session is a value
            again = await speak(address, audio, STEREO, seed, {"resume": moved})
            assert_same(heard + again, alone(audio, STEREO), STEREO)

    with_service(use)


async def session_of(address: str, description: dict) -> dict:
    async with talk(address, description) as (socket, _):
        for chunk in cut(sent_as(description, demo()[:50_000]), 0):
            await socket.send(chunk)
        await socket.send('{"session": true}')
        while True:
            said = json.loads(await socket.recv())
            if "session" in said:
                return said["session"]


def altered(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


def of_another_model() -> str:
    listener = pylstm.load("vad").listener()
    return base64.b64encode(listener.snapshot()).decode()


CHANGES: list[tuple[str, Any, str]] = [
    ("listener", lambda text: text[:-5], "listener is"),
    ("listener", lambda text: "µ" + text, "expected base64"),
    ("listener", lambda text: text + "!", "expected base64"),
    ("listener", lambda text: [text], "listener is list; expected base64"),
    ("listener", lambda text: "", "the snapshot is truncated or altered"),
    ("listener", lambda text: text[: len(text) // 8 * 4], "the snapshot is truncated or altered"),
    ("listener", altered, "the snapshot is truncated or altered"),
    ("listener", lambda text: of_another_model(), "the snapshot belongs to another model"),
    ("position", lambda n: n + 1, "the data begins with sample"),
    ("position", lambda n: -1, "position is -1"),
    ("position", lambda n: 2**63, "the data begins with sample"),
    ("position", lambda n: float(n), "position is"),
    ("position", lambda n: None, "position is None"),
    ("given", lambda n: n - 1, "position and given are not those of the listener's snapshot"),
    ("given", lambda n: 2**70, "given is"),
    ("given", lambda n: "1", "given is '1'"),
    ("rate", lambda n: 32_000, ""),
    ("encoding", lambda name: "float64", ""),
    ("last_audio", lambda text: "A" * 8, ""),
    ("last_audio", lambda text: 5, "last_audio is int; expected base64"),
    ("more", lambda _: 1, "resume has other fields"),
]


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(("name", "change", "expected"), CHANGES)
def test_a_session_that_cannot_be(name: str, change: Any, expected: str) -> None:
    async def use(running: service.Service, address: str) -> None:
        good = await session_of(address, STEREO)
        bad = copy.deepcopy(good)
        bad[name] = change(good.get(name))
        code, reason, said = await closing(address, [json.dumps({"resume": bad})])
        assert code == 1007
        assert reason
        assert expected in said[-1]["error"]
        async with talk(address, {"resume": good}) as (_, position):
            assert position == good["position"]

    with_service(use)


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize("name", ["position", "given", "last_audio", "listener", "rate"])
def test_a_session_without_one_of_its_fields(name: str) -> None:
    async def use(running: service.Service, address: str) -> None:
        good = await session_of(address, STEREO)
        bad = {field: value for field, value in good.items() if field != name}
        code, reason, _ = await closing(address, [json.dumps({"resume": bad})])
        assert code == 1007
        assert reason

    with_service(use)


def json_values() -> st.SearchStrategy[Any]:
    numbers = st.integers(-(2**70), 2**70) | st.floats()
    return st.recursive(
        st.none() | st.booleans() | numbers | st.text(max_size=8),
        lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values),
        max_leaves=5,
    )


FIELDS = ["rate", "encoding", "channels", "channel", "position", "given", "last_audio", "listener"]


@pytest.mark.law_nothing_hostile_loads
@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values(), min_size=1), max_size=10),
    st.lists(json_values() | st.binary(), max_size=5),
)
def test_any_session_and_any_message_end_in_a_close_frame(
    changes: list[dict], messages: list[Any]
) -> None:
    async def use(running: service.Service, address: str) -> None:
        good = await session_of(address, TELEPHONE)
        for change in changes:
            first = json.dumps({"resume": good | change})
            code, _, _ = await closing(address, [first, '{"end": true}'])
            assert code in (1000, 1007)
        texts = [one if isinstance(one, bytes) else json.dumps(one) for one in messages]
        for first in ("{}", *texts):
            code, _, _ = await closing(address, [first, *texts, "stop"])
            assert code == 1007
        again = await session_of(address, TELEPHONE)
        assert again == good

    with_service(use)


# --- processes ------------------------------------------------------------------------------------


def output_of(process: Any) -> str:
    """What a service printed; it has ended as it should."""
    out, errors = process.communicate(timeout=60)
    assert errors == ""
    assert process.returncode == 0
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_sigterm_moves_sessions_to_another_process(kind: str) -> None:
    description = KINDS[kind]
    data = sent_as(description, demo())

    async def first_part(address: str, part: bytes, process: Any) -> tuple[list[dict], dict]:
        async with talk(address, description) as (socket, _), talk(address) as (idle, _):
            for chunk in cut(part, 0):
                await socket.send(chunk)
            process.send_signal(signal.SIGTERM)
            said, nothing = await asyncio.gather(whatever_came(socket), whatever_came(idle))
        assert (socket.close_code, idle.close_code) == (1001, 1001)
        assert socket.close_reason == "the service ends; resume the session at another one"
        assert nothing[-1]["session"]["position"] == 0
        return said[:-1], said[-1]["session"]

    with service_process() as (first, old), service_process() as (second, new):
        heard, moved = asyncio.run(first_part(old, data[: len(data) * 2 // 3], first))
        assert "1 clients" not in output_of(first)
        rest = asyncio.run(speak(new, data, description, 1, {"resume": moved}))
        assert_same(heard + rest, alone(data, description), description)
        second.send_signal(signal.SIGINT)
        assert "a push" in output_of(second)


def test_the_client_goes_on_at_the_next_address(capsys: pytest.CaptureFixture[str]) -> None:
    async def main(first: Any, addresses: list[str]) -> list[dict]:
        listening = asyncio.create_task(client.listen(addresses, str(DEMO), pace=0.01))
        while not capsys.readouterr().out:  # its first event
            await asyncio.sleep(0.01)
        first.send_signal(signal.SIGTERM)
        return await listening

    with service_process() as (first, old), service_process() as (_, new):
        events = asyncio.run(main(first, [old, new]))
        output_of(first)
    assert events == alone(sent_as(PLAIN, demo()))[:-1]


def test_a_service_that_ends_waits_for_nobody_who_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Connections without a first message, with half a handshake, and one that does not read."""
    monkeypatch.setattr(service, "FAREWELL", 0.2)
    talks = contextlib.AsyncExitStack()
    open_ones = []

    async def use(running: service.Service, address: str) -> None:
        host, port = address.removeprefix("ws://").split(":")
        _, half = await asyncio.open_connection(host, int(port))
        half.write(b"GET / HTTP/1.1\r\n")
        silent = await client.connect(address)
        deaf, _ = await talks.enter_async_context(talk(address))
        deaf.transport.pause_reading()
        open_ones.extend([silent, deaf.transport, half])

    async def main() -> None:
        async with service.running(MODEL, "127.0.0.1", 0, 8) as (running, address):
            await use(running, address)
        silent, deaf, half = open_ones
        with contextlib.suppress(ConnectionClosed):
            while True:
                await silent.recv()
        assert silent.close_code == 1001
        deaf.abort()
        half.close()
        await talks.aclose()

    asyncio.run(main())


def test_a_service_without_clients_ends() -> None:
    with service_process("--clients", "3") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert "0 clients at once; 0 pushes" in output_of(process)
    assert MODEL.sample_rate == 16_000
