"""Many clients at once, each sending audio in real time, against a service on this machine.

    python load.py --clients 1000 --seconds 30 --chunk-ms 100 [--mixed] [--processes 1] [--port P]

Without a port it starts a service of its own and ends it by SIGTERM, after which the service says
how it went. Each client plays the recording that comes with pylstm, from a place of its own, and
must get the very events that ``model.listener()`` gives for the same audio. Every chunk is
acknowledged, which measures the answer: from the moment at which the client sends a chunk to the
one at which it knows that the chunk was heard, its events included.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import subprocess
import sys
import time
from collections import Counter, deque
from multiprocessing.synchronize import Barrier
from pathlib import Path

from durations import Durations
from open_files import allow_open_files
from played_audio import PLAIN, Played, mixed
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

import pylstm

TO_CONNECT = 120.0  # seconds for all to connect
TO_ANSWER = 30.0  # seconds after the last chunk
AT_ONCE = 50  # connections that are being made


class Outcome:
    """What a process of clients has seen."""

    def __init__(self) -> None:
        self.answers, self.delays = Durations(), Durations()
        self.chunks = self.answered = self.late = self.events = 0
        self.cores = 0.0  # used while playing, on average
        self.faults: Counter[str] = Counter()

    def include(self, other: Outcome) -> None:
        self.answers.include(other.answers)
        self.delays.include(other.delays)
        for name in ("chunks", "answered", "late", "events", "cores"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults.update(other.faults)

    def table(self) -> str:
        counts = (
            f"chunks {self.chunks}, not answered {self.chunks - self.answered}, answered later than"
            f" the next chunk {self.late}; events {self.events}; clients with a fault"
            f" {self.faults.total()}; {self.cores:.0%} of a core"
        )
        lines = [
            Durations.HEADING,
            self.answers.row("the answer to a chunk"),
            self.delays.row("sent after its time"),
            counts,
            *(f"  {n} x {fault}" for fault, n in self.faults.most_common()),
        ]
        return "\n".join(lines)


class Player:
    """One client: what it sends, and what it is told."""

    def __init__(self, played: Played, n_chunks: int, chunk: float, outcome: Outcome) -> None:
        self.played = played
        self.n_chunks = n_chunks
        self.chunk = chunk
        self.outcome = outcome
        self.sent: deque[tuple[int, float]] = deque()  # position behind a chunk; when it was sent
        self.events: list[dict] = []
        self.ended = False

    async def begin(self, port: int) -> ClientConnection:
        """A connection on which the service waits for audio."""
        socket = await connect(f"ws://127.0.0.1:{port}", compression=None, open_timeout=TO_CONNECT)
        await socket.recv()
        await socket.send(json.dumps({**self.played.description, "ack": True}))
        await socket.recv()
        return socket

    async def speak(self, socket: ClientConnection, began: float) -> None:
        """Sends chunk after chunk; each has its time, so that no delay adds to the next one."""
        clock = asyncio.get_running_loop()
        position = 0
        for number in range(self.n_chunks):
            due = began + number * self.chunk
            await asyncio.sleep(max(0.0, due - clock.time()))
            data, frames = self.played.chunk(number)
            now = clock.time()
            position += frames
            self.outcome.delays.add(now - due)
            self.outcome.chunks += 1
            self.sent.append((position, now))
            await socket.send(data)
        await socket.send('{"end": true}')

    async def hear(self, socket: ClientConnection) -> None:
        clock = asyncio.get_running_loop()
        async for message in socket:
            told = json.loads(message)
            if "ack" in told:
                now = clock.time()
                while self.sent and self.sent[0][0] <= told["ack"]:
                    took = now - self.sent.popleft()[1]
                    self.outcome.answers.add(took)
                    self.outcome.answered += 1
                    self.outcome.late += took > self.chunk
            elif "end" in told:
                self.ended = True
            elif "error" in told or "session" in told:
                pass  # the close code says the rest
            else:
                self.events.append(told)

    async def play(self, socket: ClientConnection, began: float, seconds: float) -> None:
        """From the first chunk to the end, and what was wrong."""
        try:
            async with asyncio.timeout_at(began + seconds + TO_ANSWER), asyncio.TaskGroup() as both:
                both.create_task(self.speak(socket, began))
                both.create_task(self.hear(socket))
        except* (TimeoutError, ConnectionClosed):
            pass
        if not self.ended:
            why = f"closed, {socket.close_code} {socket.close_reason}"
            if socket.close_code is None:
                why = f"no end {TO_ANSWER:.0f} s after the last chunk"
            self.outcome.faults[why] += 1
        elif self.events != self.played.events:
            self.outcome.faults["other events than those of model.listener()"] += 1
        self.outcome.events += len(self.events)
        await socket.close()


async def play_all(players: list[Player], port: int, start: Barrier, chunk: float) -> float:
    """Connects all, waits for the other processes, and plays. Gives how many cores it took."""
    few = asyncio.Semaphore(AT_ONCE)

    async def begun(player: Player) -> ClientConnection:
        async with few:
            return await player.begin(port)

    sockets = await asyncio.gather(*map(begun, players))
    await asyncio.to_thread(start.wait, TO_CONNECT)
    gc.collect()
    gc.freeze()  # what is there stays: the collector need not look at it in the middle of a chunk
    now = asyncio.get_running_loop().time() + 0.5
    seconds = players[0].n_chunks * chunk
    began, used = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for k, (player, socket) in enumerate(zip(players, sockets, strict=True)):
            # One after the other, as clients that do not know of each other.
            due = now + chunk * k / len(players)
            group.create_task(player.play(socket, due, seconds))
    return (time.process_time() - used) / (time.perf_counter() - began)


def run(given: argparse.Namespace, port: int, process: int, start: Barrier, results) -> None:
    """The clients of one process."""
    allow_open_files(given.clients + 100)
    chunk = given.chunk_ms / 1000
    n_chunks = max(1, round(given.seconds / chunk))
    kinds = mixed() if given.mixed else [PLAIN]
    outcome = Outcome()
    model = pylstm.load(given.model)
    played: dict[tuple, Played] = {}
    players = []
    for number in range(process, given.clients, given.processes):
        which = (number % len(kinds), number // len(kinds) % given.places)
        if which not in played:
            start_at = which[1] / given.places
            played[which] = Played(kinds[which[0]], start_at, chunk, n_chunks, model)
        players.append(Player(played[which], n_chunks, chunk, outcome))
    try:
        outcome.cores = asyncio.run(play_all(players, port, start, chunk))
    except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError) as error:
        start.abort()
        outcome.faults[f"could not begin: {error}"] += 1
    results.put(outcome)


def play(given: argparse.Namespace, port: int) -> Outcome:
    """All clients, in their processes."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(given.processes), context.Queue()
    processes = [
        context.Process(target=run, args=(given, port, k, start, results), daemon=True)
        for k in range(given.processes)
    ]
    for process in processes:
        process.start()
    total = Outcome()
    for _ in processes:
        total.include(results.get(timeout=2 * TO_CONNECT + given.seconds + 2 * TO_ANSWER))
    for process in processes:
        process.join()
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--chunk-ms", type=float, default=100.0)
    parser.add_argument("--processes", type=int, default=1, help="that the clients are spread over")
    parser.add_argument("--mixed", action="store_true", help="four rates and encodings, not one")
    parser.add_argument("--places", type=int, default=10, help="where clients begin to play")
    parser.add_argument("--model", default="keywords", help="of the service")
    parser.add_argument("--port", type=int, help="of a service that runs; default: starts one")
    given = parser.parse_args()
    if given.port is not None:
        outcome = play(given, given.port)
        print(outcome.table())
        return int(bool(outcome.faults))
    command = [sys.executable, str(Path(__file__).with_name("service.py")), "--port", "0"]
    command += ["--clients", str(given.clients), "--model", given.model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            port = int(service.stdout.readline().rsplit(":", 1)[1])
            outcome = play(given, port)
        finally:
            service.terminate()
        print(outcome.table(), "", "the service:", service.stdout.read(), sep="\n", end="")
    if service.returncode:
        print(f"the service ended with {service.returncode}")
    return int(bool(outcome.faults or service.returncode))


if __name__ == "__main__":
    sys.exit(main())
