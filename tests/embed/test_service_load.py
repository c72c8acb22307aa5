"""The load generator of the example service: what it plays, what it measures, what it notices."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import numpy as np
import pytest

from tests.embed.service_talks import (
    EXAMPLE,
    MODEL,
    durations,
    load,
    played_audio,
    service,
    service_process,
    with_service,
)

pytest.importorskip("soxr", reason="for mixed sources: pip install soxr")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLE / "load.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_clients_of_all_kinds_in_two_processes() -> None:
    arguments = "--clients 8 --processes 2 --mixed --places 2 --seconds 1 --chunk-ms 50"
    done = run(*arguments.split())
    assert done.stderr == ""
    assert done.returncode == 0
    assert "chunks 160, not answered 0," in done.stdout
    assert "clients with a fault 0" in done.stdout
    assert "8 clients at once" in done.stdout


def test_other_events_than_expected_are_a_fault() -> None:
    with service_process() as (_, address):
        port = address.rsplit(":", 1)[1]
        done = run(*f"--clients 2 --seconds 2 --model vad --port {port}".split())
    assert done.returncode == 1
    assert "2 x other events than those of model.listener()" in done.stdout


def test_clients_that_are_refused_are_a_fault() -> None:
    with service_process("--clients", "1") as (_, address):
        port = address.rsplit(":", 1)[1]
        done = run(*f"--clients 3 --seconds 1 --port {port}".split())
    assert done.returncode == 1
    assert "1013" in done.stdout


def test_a_service_that_ends_in_the_middle_is_a_fault() -> None:
    outcome = load.Outcome()
    played = played_audio.Played(played_audio.PLAIN, 0.0, 0.05, 100, MODEL)

    async def use(running: service.Service, address: str) -> None:
        clock = asyncio.get_running_loop()
        player = load.Player(played, 100, 0.05, outcome)
        await player.begin(int(address.rsplit(":", 1)[1]))
        player.began = clock.time()
        while not outcome.answered:
            player.speak(clock.time())
            await asyncio.sleep(0.01)
        await running.leave()
        await player.end(5.0)

    with_service(use)
    sentence = "closed, 1001 the service ends; resume the session at another one"
    assert dict(outcome.faults) == {sentence: 1}


def test_what_is_played_is_the_recording_over_and_over_from_its_place() -> None:
    for description in played_audio.mixed():
        whole = played_audio.recording(**description)
        played = played_audio.Played(description, 0.25, 0.1, 200, MODEL)
        chunks = [played.chunk(number) for number in range(200)]
        frame = len(chunks[0][0]) // chunks[0][1]
        assert {frames for _, frames in chunks} == {description["rate"] // 10}
        start = len(whole) // frame // 4 * frame
        expected = (whole * 5)[start : start + sum(len(data) for data, _ in chunks)]
        assert b"".join(data for data, _ in chunks) == expected
        assert len(played.events) > 4


def test_percentiles_are_those_of_numpy_up_to_a_step() -> None:
    rng = np.random.default_rng(0)
    values = rng.exponential(0.05, 2000)
    one, other = durations.Durations(), durations.Durations()
    for value in values[:700]:
        one.add(value)
    for value in values[700:]:
        other.add(value)
    one.include(other)
    assert len(one) == 2000
    assert one.longest == values.max()
    for percent in (0.1, 1, 50, 95, 99, 99.9, 100):
        exact = np.percentile(values, percent, method="inverted_cdf")
        assert exact <= one.percentile(percent) <= exact + durations.STEP


def test_durations_beyond_their_steps() -> None:
    counted = durations.Durations()
    assert counted.percentile(50) == 0.0
    counted.add(-1e-9)
    assert counted.percentile(100) <= durations.STEP
    counted.add(1e6)
    assert counted.longest == 1e6
    assert counted.percentile(100) == pytest.approx(durations.STEP * durations.N_STEPS)
