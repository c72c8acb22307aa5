"""A service that hears words: many WebSocket clients, each with a listener of its own, in one pool.

    python service.py [--model keywords] [--port 8765] [--clients 1000]

Each client says in its first message what audio it sends, sends it, and gets events. README.md,
beside this file, has the messages.

Every 20 ms whatever audio has come in, of whichever clients, goes through the model in one push:
the weights are read once for all of them. The push runs on a thread with the GIL released, so that
the event loop goes on reading while it computes.

SIGTERM and SIGINT end it: each client gets its session, and goes on with it at another process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import time
import warnings
from collections.abc import AsyncIterator

from client_audio import Source
from connection import MOST_BYTES, Connection, Disconnected
from durations import Durations
from open_files import allow_open_files
from picows import ws_create_server
from piece import Piece
from protocol import (
    FAILED,
    GOING_AWAY,
    NO_SENSE,
    NORMAL,
    NOT_ALLOWED,
    TRY_LATER,
    UNUSABLE,
    Ending,
    as_bytes,
    as_text,
    object_of,
    unusable,
)
from session import Session

import pylstm

TICK = 0.02  # seconds from push to push: what a client waits at most on top of the model's latency
GROWTH = 100  # listeners that the pool gets at a time
PATIENCE = 10.0  # seconds for the first message
SILENCE = 20.0  # seconds after which a client is asked whether it is there, and has for the answer
FAREWELL = 5.0  # seconds that a client has for reading what is still to be said

LEAVING = "the service ends; resume the session at another one"


class Service:
    """One model, one pool of listeners, and the clients that have joined it."""

    def __init__(self, model: pylstm.Model, clients: int) -> None:
        self.model = model
        self.most_clients = clients
        self.pool = model.listeners(min(clients, GROWTH))
        self.sessions: dict[int, Session] = {}
        self.talks: set[asyncio.Task[None]] = set()
        self.pushing = asyncio.Lock()  # what a push is using may not leave, or be looked at
        self.leaving = False
        self.pushes, self.lags = Durations(), Durations()
        self.most_at_once = 0
        self.pushing_used = 0.0  # seconds of processor time of the thread that pushes

    # --- pushes -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Pushes whatever audio has come in, again and again.

        While one push computes, the samples of the next one are made, and the messages of the one
        before are sent.
        """
        clock = asyncio.get_running_loop()
        before = None
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    began = clock.time()
                    ready = [one for one in self.sessions.values() if one.waiting]
                    push = group.create_task(self.push(list(map(Piece, ready)))) if ready else None
                    if before is not None:
                        await before
                    before = push
                    # Whoever sends faster than in real time does not wait for the clock.
                    ahead = any(one.is_ahead for one in self.sessions.values())
                    await asyncio.sleep(0.0 if ahead else max(0.0, began + TICK - clock.time()))
        except Exception:
            for session in self.sessions.values():
                session.spoil(Ending(FAILED, "the service has failed"))
            raise

    async def push(self, pieces: list[Piece]) -> None:
        """Pushes audio of many sessions, and tells their clients what was heard."""
        async with self.pushing:
            began = time.perf_counter()
            pieces = [one for one in pieces if self.sessions.get(one.session.slot) is one.session]
            await asyncio.to_thread(self.hear, pieces)
            self.pushes.add(time.perf_counter() - began)
        await asyncio.sleep(0.0)  # the next push begins; its messages come behind these
        for piece in pieces:
            for age in piece.tell():
                self.lags.add(age)

    def hear(self, pieces: list[Piece]) -> None:
        """Pushes the audio. Runs on a thread."""
        began = time.thread_time()
        for piece in pieces:
            piece.resample()
        good = {one.session.slot: one for one in pieces if one.error is None}
        try:
            heard = self.pool.push({slot: one.samples for slot, one in good.items()})
            for slot, piece in good.items():
                piece.events = heard[slot]
        except UNUSABLE:  # of one of them; nobody's audio has been taken
            for slot, piece in good.items():
                try:
                    piece.events = self.pool[slot].push(piece.samples)
                except UNUSABLE as error:
                    piece.error = error
        self.pushing_used += time.thread_time() - began

    # --- connections ------------------------------------------------------------------------------

    def open(self, connection: Connection) -> None:
        """Begins to serve a connection."""
        talk = asyncio.create_task(self.serve(connection))
        self.talks.add(talk)
        talk.add_done_callback(self.talks.discard)

    async def serve(self, connection: Connection) -> None:
        """Serves one connection, from its beginning to its end."""
        if self.leaving or len(self.sessions) >= self.most_clients:
            all_taken = f"all {self.most_clients} places are taken; try again later"
            code, reason = (GOING_AWAY, LEAVING) if self.leaving else (TRY_LATER, all_taken)
            await connection.close(Ending(code, reason), FAREWELL)
            return
        if len(self.sessions) == len(self.pool):
            self.pool.grow(min(GROWTH, self.most_clients - len(self.pool)))
        slot = self.pool.join()
        session = self.sessions[slot] = Session(slot, connection)
        self.most_at_once = max(self.most_at_once, len(self.sessions))
        ending = Ending(FAILED, "the service has failed")
        try:
            ending = await self.ending_of(connection, session)
            connection.discard()
            await asyncio.wait_for(session.told(), FAREWELL)
        except (Disconnected, TimeoutError):
            pass  # the client has gone without notice, or does not read
        finally:
            await connection.close(ending, FAREWELL)
            async with self.pushing:
                del self.sessions[slot]
                self.pool.leave(slot)

    async def ending_of(self, connection: Connection, session: Session) -> Ending:
        """Talks with a client until one of both ends it."""
        try:
            async with session.talk():
                await self.talk(connection, session)
                return Ending(NORMAL)
        except Ending as ending:
            if ending.code == GOING_AWAY and session.source is not None:
                await self.hand_over(session)
            else:
                session.say({"error": ending.sentence})
            return ending

    async def talk(self, connection: Connection, session: Session) -> None:
        session.say({"sample_rate": self.model.sample_rate, "labels": self.model.labels})
        try:
            async with asyncio.timeout(PATIENCE):
                first = await connection.receive()
        except TimeoutError:
            raise Ending(
                NOT_ALLOWED, f"nothing came in {PATIENCE:g} s; expected what audio will come"
            ) from None
        await self.begin(session, first)
        while True:
            message = await connection.receive()
            if isinstance(message, bytes):
                await session.feed(message)
                continue
            wish = json.dumps(object_of(message))
            if wish == '{"end": true}':
                await self.end(session)
                return
            if wish != '{"session": true}':
                expected = 'audio, {"session": true} or {"end": true}'
                raise Ending(NO_SENSE, f"the message is {message[:40]}; expected {expected}")
            await self.hand_over(session)

    async def begin(self, session: Session, first: str | bytes) -> None:
        """Takes the first message: what the client sends, or which session it resumes."""
        if isinstance(first, bytes):
            example = '{"rate": 48000, "encoding": "float32", "channels": 2}'
            raise Ending(NO_SENSE, f"audio came first; expected what it is, such as {example}")
        description = object_of(first)
        acknowledges = description.pop("ack", False)
        if not isinstance(acknowledges, bool):
            raise Ending(NO_SENSE, f"ack is {str(acknowledges)[:20]}; expected true or false")
        session.acknowledges = acknowledges
        if "resume" in description:
            await self.resume(session, description)
        else:
            session.begin(Source.described_by(self.model, description))
        assert session.source is not None
        session.say({"position": session.source.position})

    async def end(self, session: Session) -> None:
        """The client has sent everything: flushes its source and its listener."""
        assert session.source is not None
        await session.pushed()
        async with self.pushing:
            listener = self.pool[session.slot]
            try:
                events = listener.push(session.source.flush()) + listener.flush()
            except UNUSABLE as error:
                raise unusable(error) from None
            session.heard(0, events, session.source.position)
            session.say({"end": listener.frames})

    # --- sessions that move -----------------------------------------------------------------------

    async def hand_over(self, session: Session) -> None:
        """Gives a client its session, after all events in the audio that it has sent."""
        assert session.source is not None
        await session.pushed()
        async with self.pushing:
            moved = session.source.moved()
            moved["listener"] = as_text(self.pool[session.slot].snapshot())
        session.say({"session": moved})

    async def resume(self, session: Session, description: dict) -> None:
        """Goes on where a session was, at this process or at another one."""
        moved = description.pop("resume")
        if description:
            beside = ", ".join(description)[:40]
            raise Ending(NO_SENSE, f"{beside} stands beside resume; expected resume and ack alone")
        if not isinstance(moved, dict) or "listener" not in moved:
            raise Ending(NO_SENSE, "resume is no session of a service; expected one, unchanged")
        snapshot = as_bytes("listener", moved.pop("listener"))
        source, samples = Source.resumed(self.model, moved)
        async with self.pushing:
            listener = self.pool[session.slot]
            try:
                listener.restore(snapshot)
                if listener.position + len(samples) != source.intake.given:
                    raise ValueError("position and given are not those of the listener's snapshot")
                events = listener.push(samples)
            except UNUSABLE as error:
                raise unusable(error) from None
        session.begin(source)
        session.heard(0, events, source.position)

    async def leave(self) -> None:
        """Hands all sessions over, and waits until their clients have gone."""
        self.leaving = True
        for session in self.sessions.values():
            session.interrupt(Ending(GOING_AWAY, LEAVING))
        while self.talks:
            await asyncio.wait(self.talks)


@contextlib.asynccontextmanager
async def running(
    model: pylstm.Model, host: str, port: int, clients: int
) -> AsyncIterator[tuple[Service, str]]:
    """The service, listening, and its address; port 0 takes a free one."""
    service = Service(model, clients)
    # Audio of which the package warns is refused: the client gets the warning.
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        server = await ws_create_server(
            lambda _: Connection(service.open),
            host,
            port,
            # Connection closes politely what is too large; this bounds the memory that it takes.
            max_frame_size=2 * MOST_BYTES,
            websocket_handshake_timeout=FAREWELL,
            enable_auto_ping=True,
            auto_ping_idle_timeout=SILENCE,
            auto_ping_reply_timeout=SILENCE,
            use_aiofastnet=False,
            backlog=1024,
        )
        # In a group: should the pushes ever fail, the service ends with their error, not deaf.
        async with asyncio.TaskGroup() as group:
            pushes = group.create_task(service.run())
            try:
                host, port = server.sockets[0].getsockname()[:2]
                yield service, f"ws://{host}:{port}"
            finally:
                server.close()
                await service.leave()
                pushes.cancel()


def summary(service: Service, used: float, seconds: float) -> str:
    """What a service has done with so much processor time, in so many seconds."""
    pushing = service.pushing_used
    lines = [
        f"{service.most_at_once} clients at once; {len(service.pushes)} pushes,"
        f" {len(service.lags)} pieces of audio",
        f"{used / seconds:.0%} of a core: {(used - pushing) / seconds:.0%} the connections,"
        f" {pushing / seconds:.0%} the pushes",
        Durations.HEADING,
        service.pushes.row("a push"),
        service.lags.row("audio, until it is heard"),
    ]
    return "\n".join(lines)


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="keywords", help="a bundled name or a path")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--clients", type=int, default=1000, help="how many at the same time")
    given = parser.parse_args()
    allow_open_files(given.clients + 100)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    model = pylstm.load(given.model)
    async with running(model, given.host, given.port, given.clients) as (service, address):
        print("listening on", address, flush=True)
        began, used = time.perf_counter(), time.process_time()
        await ended.wait()
        used, seconds = time.process_time() - used, time.perf_counter() - began
    print(summary(service, used, seconds), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
