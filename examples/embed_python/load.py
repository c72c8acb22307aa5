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
import multiprocessing
import subprocess
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from open_files import allow_open_files
from outcome import Outcome
from picows import WSError
from played_audio import PLAIN, Played, mixed
from player import TO_CONNECT, Player

import pylstm

TO_ANSWER = 30.0  # seconds after the last chunk
AT_ONCE = 50  # connections that are being made


async def play_all(players: list[Player], port: int, start: Barrier) -> float:
    """Connects all, waits for the other processes, and plays. Gives how many cores it took."""
    few = asyncio.Semaphore(AT_ONCE)

    async def begin(player: Player) -> None:
        async with few, asyncio.timeout(TO_CONNECT):
            await player.begin(port)

    await asyncio.gather(*map(begin, players))
    await asyncio.to_thread(start.wait, TO_CONNECT)
    gc.collect()
    gc.freeze()  # what is there stays: the collector need not look at it in the middle of a chunk
    clock = asyncio.get_running_loop()
    began, used = time.perf_counter(), time.process_time()
    now = clock.time() + 0.5
    for k, player in enumerate(players):
        # One after the other, as clients that do not know of each other.
        player.began = now + player.chunk * k / len(players)
    for number in range(players[0].n_chunks):
        for player in players:
            due = player.began + number * player.chunk
            if (now := clock.time()) < due:
                await asyncio.sleep(due - now)
                now = max(due, clock.time())  # timers may be early by what their clock rounds
            player.speak(now)
    await asyncio.gather(*(player.end(TO_ANSWER) for player in players))
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
    kind_of = []
    for number in range(process, given.clients, given.processes):
        which = (number % len(kinds), number // len(kinds) % given.places)
        if which not in played:
            start_at = which[1] / given.places
            played[which] = Played(kinds[which[0]], start_at, chunk, n_chunks, model)
        kind_of.append(played[which])

    async def main() -> float:
        players = [Player(one, n_chunks, chunk, outcome) for one in kind_of]
        return await play_all(players, port, start)

    try:
        outcome.cores = asyncio.run(main())
    except (OSError, WSError, TimeoutError) as error:
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
