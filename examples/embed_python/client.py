"""Sends a recording as a microphone would, and prints what the service hears.

python client.py RECORDING.wav [ws://127.0.0.1:8765]
"""

from __future__ import annotations

import asyncio
import json
import sys
import wave

from websockets.asyncio.client import connect

CHUNK = 0.04  # seconds


async def listen(address: str, recording: str, pace: float = CHUNK) -> list[dict]:
    """The service's messages about a recording; pace: seconds from chunk to chunk."""
    async with connect(address) as socket:
        hello = json.loads(await socket.recv())
        with wave.open(recording) as audio:
            if (audio.getnchannels(), audio.getsampwidth()) != (1, 2):
                raise ValueError(f"{recording}; expected mono, 16 bit")
            if audio.getframerate() != hello["sample_rate"]:
                raise ValueError(f"{recording}; expected {hello['sample_rate']} Hz")

            async def speak() -> None:
                while data := audio.readframes(round(CHUNK * audio.getframerate())):
                    await socket.send(data)
                    await asyncio.sleep(pace)
                await socket.send("end")

            speaking = asyncio.create_task(speak())
            messages = []
            async for message in socket:
                messages.append(json.loads(message))
                print(messages[-1], flush=True)
            await speaking
        return messages


if __name__ == "__main__":
    recording, address = [*sys.argv[1:], "ws://127.0.0.1:8765"][:2]
    asyncio.run(listen(address, recording))
