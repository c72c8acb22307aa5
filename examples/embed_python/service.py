"""A service that hears words: many WebSocket clients, each with a stream of its own, in one pool.

    python service.py [--model keywords] [--port 8765] [--clients 1000]

A client is told ``{"sample_rate": ..., "labels": [...]}``, sends audio as binary messages (16 bit,
little endian, mono, any cut) and gets ``{"time": ..., "label": ..., "score": ...}`` for each word,
as JSON. After the text message ``end`` the service sends ``{"end": frames}`` and closes.

Every 20 ms whatever audio has come in, of whichever clients, goes through the model in one push:
the weights are read once for all of them. The push runs on a thread with the GIL released, so that
the event loop goes on reading while it computes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import Iterable

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

import pylstm

TICK = 0.02  # seconds from push to push: what a client waits at most on top of the model's latency
AHEAD = 2.0  # seconds of audio that a client may be ahead of the service before it has to wait


class Client:
    """The state of one connection."""

    def __init__(self, slot: int, detector: pylstm.Detector, most: int) -> None:
        self.slot = slot
        self.detector = detector
        self.frames = 0
        self.most = most  # samples
        self.waiting: list[np.ndarray] = []
        self.taken = asyncio.Event()  # set by each push
        self.messages: asyncio.Queue[dict] = asyncio.Queue()

    async def feed(self, pcm: np.ndarray) -> None:
        """Hands audio to the next push; waits while too much of it is there already."""
        while sum(map(len, self.waiting)) >= self.most:
            self.taken.clear()
            await self.taken.wait()
        self.waiting.append(pcm)

    async def drained(self) -> None:
        """Waits until all audio has gone through the model."""
        while self.waiting:
            self.taken.clear()
            await self.taken.wait()

    def take(self) -> np.ndarray:
        pcm = np.concatenate(self.waiting)
        self.waiting.clear()
        self.taken.set()
        return pcm

    def hear(self, rows: np.ndarray) -> None:
        """Takes the posteriors of new frames and sends their events."""
        self.frames += len(rows)
        for event in self.detector.push(rows):
            self.messages.put_nowait(
                {"time": round(event.time, 3), "label": event.label, "score": round(event.score, 3)}
            )


class Service:
    """One model, one pool of streams, and the clients that have joined it."""

    def __init__(self, model: pylstm.Model, clients: int) -> None:
        self.model = model
        self.pool = model.streams(clients)
        self.clients: dict[int, Client] = {}
        self.pushing = asyncio.Lock()  # a slot may not leave while a push is using it

    async def run(self) -> None:
        """Pushes whatever audio has come in, again and again."""
        clock = asyncio.get_running_loop()
        while True:
            began = clock.time()
            async with self.pushing:
                await self.push([client for client in self.clients.values() if client.waiting])
            await asyncio.sleep(max(0.0, began + TICK - clock.time()))

    async def push(self, clients: Iterable[Client]) -> None:
        chunks = {client.slot: client.take() for client in clients}
        if not chunks:
            return
        rows = await asyncio.to_thread(self.pool.push, chunks)
        for slot, new in rows.items():
            self.clients[slot].hear(new)

    async def serve(self, socket: ServerConnection) -> None:
        """Serves one connection, from its beginning to its end."""
        try:
            slot = self.pool.join()
        except ValueError:  # all taken
            await socket.close(1013, f"all {len(self.pool)} streams are taken; try again later")
            return
        most = int(AHEAD * self.model.sample_rate)
        client = self.clients[slot] = Client(slot, pylstm.Detector.for_model(self.model), most)
        telling = asyncio.create_task(self.tell(socket, client))
        try:
            hello = {"sample_rate": self.model.sample_rate, "labels": list(self.model.labels)}
            await socket.send(json.dumps(hello))
            async for message in socket:
                if message == "end":
                    await self.end(client)
                    await telling
                    return
                if isinstance(message, str) or len(message) % 2:
                    await socket.close(
                        1007, "expected 16 bit samples in binary messages, or the text end"
                    )
                    return
                await client.feed(np.frombuffer(message, "<i2"))
        except ConnectionClosed:
            pass  # it closed the connection without notice
        finally:
            telling.cancel()
            async with self.pushing:
                del self.clients[slot]
                self.pool.leave(slot)

    async def end(self, client: Client) -> None:
        """The client has sent everything: flushes its stream."""
        await client.drained()
        async with self.pushing:
            client.hear(self.pool[client.slot].flush())
        client.messages.put_nowait({"end": client.frames})

    async def tell(self, socket: ServerConnection, client: Client) -> None:
        """Sends a client its events; a slow one keeps nobody but itself waiting."""
        message: dict = {}
        with contextlib.suppress(ConnectionClosed):
            while "end" not in message:
                message = await client.messages.get()
                await socket.send(json.dumps(message))


@contextlib.asynccontextmanager
async def running(model: pylstm.Model, host: str, port: int, clients: int):
    """The service, listening; port 0 takes a free one (``server.sockets[0].getsockname()``)."""
    service = Service(model, clients)
    server: Server
    # In a group: should the pushes ever fail, the service ends with their error, not deaf.
    async with (
        serve(service.serve, host, port, max_size=2**20) as server,
        asyncio.TaskGroup() as group,
    ):
        pushes = group.create_task(service.run())
        try:
            yield server
        finally:
            pushes.cancel()


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="keywords", help="a bundled name or a path")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--clients", type=int, default=1000, help="how many at the same time")
    given = parser.parse_args()
    async with running(pylstm.load(given.model), given.host, given.port, given.clients) as server:
        print("listening on", *(socket.getsockname() for socket in server.sockets), flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
