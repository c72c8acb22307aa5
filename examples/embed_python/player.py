"""One client of the load generator: what it sends, and what it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Self

from outcome import Outcome
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from played_audio import Played
from protocol import NORMAL

TO_CONNECT = 120.0  # seconds
BINARY, TEXT, CLOSE = WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CLOSE
ACKNOWLEDGED = '{"ack": '


class Player(WSListener):
    """A client that plays audio in real time, and asks for acknowledgements.

    Parameters
    ----------
    played : Played
        Its audio, and the events in it.
    n_chunks : int
        How many it sends.
    chunk : float
        Seconds.
    outcome : Outcome
        Where it counts what it sees.
    """

    def __init__(self, played: Played, n_chunks: int, chunk: float, outcome: Outcome) -> None:
        self.played = played
        self.n_chunks = n_chunks
        self.chunk = chunk
        self.outcome = outcome
        self.began = 0.0  # when its first chunk is due
        self._clock = asyncio.get_running_loop()
        self._sent: deque[tuple[int, float]] = deque()  # position behind a chunk; when it was sent
        self._n_sent = self._position = 0
        self._events: list[dict] = []
        self._ready = self._clock.create_future()
        self._gone = self._clock.create_future()
        self._close = (0, "")
        self._is_writable = True
        self._ended = False
        self._transport: WSTransport

    async def begin(self, port: int) -> Self:
        """Connects, and waits until the service expects audio."""
        address = f"ws://127.0.0.1:{port}"
        self._transport, _ = await ws_connect(
            lambda: self, address, websocket_handshake_timeout=TO_CONNECT, use_aiofastnet=False
        )
        self._transport.send(TEXT, json.dumps({**self.played.description, "ack": True}))
        await self._ready
        return self

    def speak(self, now: float) -> None:
        """Sends what is due; each chunk has its time, so that no delay adds to the next one."""
        while self._is_writable and self._n_sent < self.n_chunks:
            due = self.began + self._n_sent * self.chunk
            if due > now:
                return
            data, frames = self.played.chunk(self._n_sent)
            self._n_sent += 1
            self._position += frames
            self._sent.append((self._position, now))
            self.outcome.chunks += 1
            self.outcome.delays.add(now - due)
            self._transport.send(BINARY, data)
            if self._n_sent == self.n_chunks:
                self._transport.send(TEXT, '{"end": true}')

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is CLOSE:
            self._close = (int(frame.get_close_code()), frame.get_close_reason() or "")
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        text = frame.get_payload_as_utf8_text()
        if text.startswith(ACKNOWLEDGED):
            self._acknowledged(int(text[len(ACKNOWLEDGED) : -1]))
            return
        told = json.loads(text)
        if "position" in told:
            self._ready.set_result(None)
        elif "end" in told:
            self._ended = True
        elif "kind" in told:
            self._events.append(told)
        # What else is told, the close code says.

    def _acknowledged(self, position: int) -> None:
        now, sent, outcome = self._clock.time(), self._sent, self.outcome
        while sent and sent[0][0] <= position:
            took = now - sent.popleft()[1]
            outcome.answers.add(took)
            outcome.answered += 1
            outcome.late += took > self.chunk

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._is_writable = False
        self._gone.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(ConnectionError("closed, {} {}".format(*self._close)))

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = not self._gone.done()
        self.speak(self._clock.time())

    async def end(self, patience: float) -> None:
        """Waits until the service has ended the talk, and says what was wrong with it."""
        await asyncio.wait([self._gone], timeout=patience)
        if not self._gone.done():
            self.outcome.faults[f"no end {patience:.0f} s after the last chunk"] += 1
            self._transport.disconnect(graceful=False)
        elif not self._ended or self._close[0] != NORMAL:
            self.outcome.faults["closed, {} {}".format(*self._close)] += 1
        elif self._events != self.played.events:
            self.outcome.faults["other events than those of model.listener()"] += 1
        self.outcome.events += len(self._events)
