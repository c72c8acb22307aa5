"""Sends a recording as a microphone would, and prints what the service hears.

python client.py RECORDING.wav [ws://127.0.0.1:8765 [ws://127.0.0.1:8766 ...]]

A WAV file of any rate, with any number of channels. When a service ends, the session goes on at the
next address.
"""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from collections.abc import Sequence

from websockets.asyncio.client import ClientConnection, connect

CHUNK = 0.1  # seconds
ENCODINGS = {1: "uint8", 2: "int16", 3: "int24", 4: "int32"}  # of WAV files, by bytes of a sample


async def speak(socket: ClientConnection, audio: wave.Wave_read, pace: float) -> None:
    while data := audio.readframes(round(CHUNK * audio.getframerate())):
        await socket.send(data)
        await asyncio.sleep(pace)
    await socket.send('{"end": true}')


async def listen(addresses: Sequence[str], recording: str, pace: float = CHUNK) -> list[dict]:
    """The events in a recording; pace: seconds from chunk to chunk."""
    events = []
    with wave.open(recording) as audio:
        first = {
            "rate": audio.getframerate(),
            "encoding": ENCODINGS[audio.getsampwidth()],
            "channels": audio.getnchannels(),
        }
        for address in addresses:
            moved = None
            async with connect(address, compression=None) as socket:
                await socket.recv()  # what the service hears
                await socket.send(json.dumps(first))
                speaking = None
                async for message in socket:
                    told = json.loads(message)
                    if "position" in told:
                        audio.setpos(told["position"])
                        speaking = asyncio.create_task(speak(socket, audio, pace))
                    elif "session" in told:
                        moved = told["session"]
                    elif "end" in told:
                        return events
                    elif "error" in told:
                        raise ValueError(told["error"])
                    else:
                        events.append(told)
                        print(told, flush=True)
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
            if moved is None:
                raise ConnectionError(
                    f"{address} closed: {socket.close_code}, {socket.close_reason}"
                )
            first = {"resume": moved}
    raise ConnectionError(
        "the service ended; expected the address of one where the session goes on"
    )


if __name__ == "__main__":
    recording, *addresses = sys.argv[1:]
    asyncio.run(listen(addresses or ["ws://127.0.0.1:8765"], recording))
