"""The asyncio service of examples/embed_python: clients in one pool get what each gets alone."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

from tests.embed.service_talks import (
    CARD,
    DEMO,
    MODEL,
    PLAIN,
    STEREO,
    TELEPHONE,
    Ending,
    alone,
    client,
    closing,
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


@pytest.mark.law_chunk
def test_many_clients_get_what_each_gets_alone() -> None:
    pcm = demo()
    parts = [pcm, pcm[8000:], pcm[:100_000], pcm[:100], pcm[:0], pcm, pcm[4000:], pcm]
    kinds = [PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, STEREO, TELEPHONE, CARD]
    audio = [sent_as(kind, part) for kind, part in zip(kinds, parts, strict=True)]

    async def use(running: service.Service, address: str) -> None:
        talks = enumerate(zip(audio, kinds, strict=True))
        heard = await asyncio.gather(
            *(speak(address, data, kind, seed) for seed, (data, kind) in talks)
        )
        for data, kind, messages in zip(audio, kinds, heard, strict=True):
            assert messages == alone(data, kind)

    with_service(use)
    assert all(len(alone(data, kind)) > 2 for data, kind in zip(audio[5:], kinds[5:], strict=True))


def test_the_pool_grows_slots_are_used_again_and_one_client_too_many_is_told() -> None:
    audio = sent_as(PLAIN, demo()[:48_000])

    async def use(running: service.Service, address: str) -> None:
        running.pool = MODEL.listeners(1)
        async with talk(address) as (first, _), talk(address):
            code, reason, _ = await closing(address, [])
            assert (code, reason) == (1013, "all 2 places are taken; try again later")
            await first.send(audio)  # and goes in the middle of it, without a word
        await until(lambda: not running.sessions)
        for seed in range(4):
            assert await speak(address, audio, seed=seed) == alone(audio)
        assert len(running.pool) == 2

    with_service(use, clients=2)


def test_acknowledgements_say_what_was_heard_after_its_events() -> None:
    audio = sent_as(STEREO, demo())

    async def use(running: service.Service, address: str) -> None:
        async with talk(address, STEREO | {"ack": True}) as (socket, _):
            acknowledged, events = [0], []
            for start in range(0, len(audio), 38_400):  # 100 ms
                await socket.send(audio[start : start + 38_400])
                came = min(start + 38_400, len(audio)) // 8
                while acknowledged[-1] < came:
                    told = json.loads(await socket.recv())
                    if "ack" in told:
                        acknowledged.append(told["ack"])
                    else:
                        events.append(told)
                        assert told["time"] * 48_000 >= acknowledged[-1] - 4_800
            assert acknowledged == sorted(set(acknowledged))
            assert acknowledged[-1] == len(audio) // 8
            await socket.send('{"end": true}')
            assert events + await rest_of(socket) == alone(audio, STEREO)

    with_service(use)


def test_no_acknowledgement_runs_ahead_of_its_events() -> None:
    """However fast audio comes, and however many pushes it is in."""
    audio = sent_as(PLAIN, demo())

    async def use(running: service.Service, address: str) -> None:
        async with talk(address, {"ack": True}) as (socket, _):
            for start in range(0, len(audio), 3200):
                await socket.send(audio[start : start + 3200])
                await asyncio.sleep(0.001)
            await socket.send('{"end": true}')
            acknowledged, events = 0, []
            for told in await rest_of(socket):
                if "ack" in told:
                    acknowledged = told["ack"]
                else:
                    events.append(told)
                    assert told.get("time", 1e9) * 16_000 >= acknowledged
            assert events == alone(audio)
            assert acknowledged == len(audio) // 2

    with_service(use)


def test_a_client_far_ahead_waits() -> None:
    """A bounded part of its audio is there, its messages are not read, and nothing is lost."""
    audio = sent_as(STEREO, demo()) * 4

    async def use(running: service.Service, address: str) -> None:
        async with running.pushing:  # no push
            speaking = asyncio.create_task(speak(address, audio, STEREO))
            await until(lambda: any(one.waiting for one in running.sessions.values()))
            (ahead,) = running.sessions.values()
            most = session.AHEAD * 48_000 * 8
            await until(lambda: ahead.waiting >= most)
            await asyncio.sleep(0.2)
            assert ahead.waiting <= 2 * most
            assert not speaking.done()
        assert await speaking == alone(audio, STEREO)

    with_service(use)


def test_a_client_that_does_not_read_is_closed_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "MOST_UNREAD", 10**6)
    audio = sent_as(PLAIN, demo())

    async def use(running: service.Service, address: str) -> None:
        async with talk(address) as (deaf, _):
            deaf.transport.pause_reading()
            (one,) = running.sessions.values()
            while one.ending is None:  # until no buffer between both takes more
                one.say({"label": "x" * 100_000})
                await asyncio.sleep(0.001)
            assert await speak(address, audio) == alone(audio)
            deaf.transport.resume_reading()
            said = await whatever_came(deaf)
            assert said[-1] == {
                "error": "1000000 characters are unread; expected a client that reads"
            }
            assert deaf.close_code == 1008
            assert deaf.close_reason == said[-1]["error"]

    with_service(use)


async def hears_the_demo(address: str) -> None:
    audio = sent_as(PLAIN, demo()[:48_000])
    assert await speak(address, audio) == alone(audio)


START = '{"rate": 16000}'
NOT_OBJECT = "expected a JSON object"
FIRST_MESSAGES = [
    ("hello", NOT_OBJECT),
    ("[" * 200_000, NOT_OBJECT),
    ("[]", NOT_OBJECT),
    ("1" * 5000, NOT_OBJECT),
    ("", NOT_OBJECT),
    (b"\0\0" * 1600, "audio came first; expected what it is"),
    (
        '{"Rate": 16000}',
        "the message has 'Rate'; expected rate, encoding, channels, channel or ack",
    ),
    ('{"rate": "16000"}', "rate is '16000'; expected a whole number"),
    ('{"rate": NaN}', "rate is nan; expected a whole number"),
    ('{"rate": 1}', "rate is 1; expected 1000 to 1000000 Hz"),
    ('{"encoding": "opus"}', "encoding is 'opus'; expected 'int16'"),
    ('{"encoding": null}', "encoding is null; expected "),
    ('{"encoding": ["int16"]}', "encoding is ['int16']; expected "),
    ('{"channels": 0}', "channels is 0; expected 1 to 1024"),
    ('{"channels": 17}', "channels is 17; expected 16 or fewer here"),
    ('{"rate": 1000000, "channels": 2}', "a second has 4000000 bytes; expected 2097152 or fewer"),
    ('{"channels": 2, "channel": 2}', "channel is 2; expected 0 to 1"),
    ('{"ack": 1}', "ack is 1; expected true or false"),
    ('{"resume": 1}', "resume is no session of a service"),
    ('{"resume": {}, "rate": 16000}', "rate stands beside resume"),
]


@pytest.mark.parametrize(("message", "expected"), FIRST_MESSAGES)
def test_a_first_message_that_cannot_be(message: str | bytes, expected: str) -> None:
    async def use(running: service.Service, address: str) -> None:
        code, reason, said = await closing(address, [message])
        assert code == 1007
        assert expected in said[-1]["error"]
        assert said[-1]["error"].startswith(reason.removesuffix("..."))
        await hears_the_demo(address)

    with_service(use)


LATER_MESSAGES = [
    ([START, "stop"], 1007, NOT_OBJECT),
    ([START, '{"end": 1}'], 1007, 'expected audio, {"session": true} or {"end": true}'),
    ([START, START], 1007, 'expected audio, {"session": true} or {"end": true}'),
    ([START, b"odd", '{"end": true}'], 1007, "the audio ends with 1 byte of an unfinished sample"),
    ([START, b"RIFF" + bytes(40)], 1007, "data begins as a WAV file does"),
    (['{"encoding": "float32"}', np.float32([0, np.nan]).tobytes()], 1007, "sample 1"),
    (['{"encoding": "float32"}', np.full(1600, 9e3, "<f4").tobytes()], 1007, "from -1 to 1: take"),
    ([START, np.repeat(demo()[:40_000], 2).tobytes()], 1007, "all samples come twice"),
    ([START, bytes(2**20 + 2)], 1009, ""),
    (["x" * (2**20 + 1)], 1009, ""),
]


@pytest.mark.parametrize(("messages", "expected_code", "expected"), LATER_MESSAGES)
def test_what_cannot_be_taken_ends_only_its_own_connection(
    messages: list[str | bytes], expected_code: int, expected: str
) -> None:
    async def use(running: service.Service, address: str) -> None:
        ended, _ = await asyncio.gather(closing(address, messages), hears_the_demo(address))
        code, reason, said = ended
        assert code == expected_code
        assert expected in (said[-1].get("error", "") if said else "")
        assert reason
        await hears_the_demo(address)

    with_service(use)


def test_nothing_is_heard_behind_audio_that_cannot_be_taken() -> None:
    pcm = demo().astype("<f4") / 32768
    chunks = [pcm[start : start + 1600].tobytes() for start in range(0, len(pcm), 1600)]
    bad = np.full(1600, 9e3, "<f4").tobytes()

    async def use(running: service.Service, address: str) -> None:
        code, _, said = await closing(address, ['{"encoding": "float32"}', bad, *chunks])
        assert code == 1007
        assert "from -1 to 1" in said[-1]["error"]
        assert not any("kind" in one for one in said)

    with_service(use)


def test_a_connection_on_which_nothing_comes_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0.05)

    async def use(running: service.Service, address: str) -> None:
        code, reason, _ = await closing(address, [])
        assert (code, reason) == (1008, "nothing came in 0.05 s; expected what audio will come")

    with_service(use)


def test_a_push_that_fails_ends_the_service_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    async def use(running: service.Service, address: str) -> None:
        def fail(parts: object) -> None:
            raise OSError("no engine")

        running.hear = fail
        talk = asyncio.create_task(closing(address, [START, bytes(3200)]))
        try:
            await asyncio.sleep(60)
        finally:
            said.append(await talk)

    with pytest.raises(ExceptionGroup) as failed:
        with_service(use)
    assert failed.value.subgroup(OSError) is not None
    ((code, reason, _),) = said
    assert (code, reason) == (1011, "the service has failed")


def test_any_ending_fits_into_a_close_frame() -> None:
    for sentence in ("", "x", "µ" * 61, "µ" * 62, "xµ" * 100, "x" * 123, "x" * 124):
        reason = Ending(1007, sentence).reason
        assert len(reason.encode()) <= 123
        assert reason == sentence or (reason.endswith("...") and len(reason.encode()) >= 121)
        assert sentence.startswith(reason.removesuffix("..."))


def test_the_client_prints_what_the_service_hears(capsys: pytest.CaptureFixture[str]) -> None:
    async def use(running: service.Service, address: str) -> None:
        events = await client.listen([address], str(DEMO), pace=0)
        assert events == alone(sent_as(PLAIN, demo()))[:-1]
        assert capsys.readouterr().out.splitlines() == [str(event) for event in events]

    with_service(use)
