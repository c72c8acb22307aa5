"""One client of the service: the audio that waits for it, and the messages to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable

from client_audio import Source
from connection import Connection
from protocol import NOT_ALLOWED, Ending, described

import pylstm

AHEAD = 2.0  # seconds of audio that may wait; a client that is further ahead waits itself
A_PUSH = 0.2  # seconds of a client's audio in one push: nobody waits for somebody's long message
MOST_UNREAD = 2**20  # characters of messages that may wait for a client to read them


class Session:
    """The state of one connection.

    Parameters
    ----------
    slot : int
        Of the pool.
    connection : Connection
        To the client.
    """

    def __init__(self, slot: int, connection: Connection) -> None:
        self.slot = slot
        self._connection = connection
        connection.unblocked = self.tell
        self.source: Source | None = None  # until the first message
        self.waiting = 0  # bytes of audio for the next pushes
        self.acknowledges = False
        self.is_spoiled = False
        self.ending: Ending | None = None  # why the talk was interrupted
        self._audio: deque[bytes] = deque()  # pieces as they came
        self._most = self._a_push = 0  # bytes
        self._arrivals: deque[tuple[int, float]] = deque()  # how many bytes had come when
        self._came = self._taken = 0  # bytes
        self._progress = asyncio.Event()
        self._messages: deque[str] = deque()
        self._unread = 0  # characters of them
        self._acknowledged = self._heard_to = 0  # samples of each channel
        self._told = asyncio.Event()
        self._talk: asyncio.Timeout | None = None

    # --- audio ------------------------------------------------------------------------------------

    def begin(self, source: Source) -> None:
        """The client has said what it sends."""
        self.source = source
        self._most, self._a_push = source.bytes_of(AHEAD), source.bytes_of(A_PUSH)
        self._acknowledged = self._heard_to = source.position
        self._connection.take_audio = self._take_in

    def _take_in(self, data: bytes) -> bool:
        """Hands audio to the next pushes, unless too much of it is there already."""
        if len(data) > self._most or self.waiting >= self._most:
            return False
        self._audio.append(data)
        self.waiting += len(data)
        self._came += len(data)
        self._arrivals.append((self._came, time.perf_counter()))
        return True

    async def feed(self, data: bytes) -> None:
        """Hands audio to the next pushes; waits while too much of it is there already."""
        for start in range(0, len(data), self._most):
            piece = data[start : start + self._most]
            while not self._take_in(piece):
                await self._next_progress()

    async def pushed(self) -> None:
        """Waits until all audio has gone through the model."""
        while self._taken < self._came:
            await self._next_progress()

    async def _next_progress(self) -> None:
        """Waits until audio was taken, or heard."""
        self._progress.clear()
        await self._progress.wait()

    @property
    def is_ahead(self) -> bool:
        """Whether there is more than one push takes."""
        return self.waiting > self._a_push

    def take(self) -> bytes:
        """The audio for a push. Afterwards `heard` has to be called, or `spoil`."""
        pieces, missing = [], self._a_push
        while self._audio and missing:
            piece = self._audio.popleft()
            if len(piece) > missing:
                self._audio.appendleft(piece[missing:])
                piece = piece[:missing]
            pieces.append(piece)
            missing -= len(piece)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.waiting -= len(data)
        self._progress.set()
        return data

    def heard(self, n_bytes: int, events: Iterable[pylstm.Event], position: int) -> list[float]:
        """Tells the client what was heard in so much of its audio, up to a position in it.

        Gives for each piece of audio that is done how many seconds ago it came.
        """
        self._taken += n_bytes
        for event in events:
            self.say(described(event))
        self._heard_to = position
        self.tell()
        self._progress.set()
        now, ages = time.perf_counter(), []
        while self._arrivals and self._arrivals[0][0] <= self._taken:
            ages.append(now - self._arrivals.popleft()[1])
        return ages

    # --- messages ---------------------------------------------------------------------------------

    def say(self, message: dict) -> None:
        """Sends a message as soon as the client reads it; too many that wait end the connection."""
        text = json.dumps(message)
        if self._messages and self._unread + len(text) > MOST_UNREAD:
            self._messages.clear()
            self._unread = 0
            sentence = f"{MOST_UNREAD} characters are unread; expected a client that reads"
            self.interrupt(Ending(NOT_ALLOWED, sentence))
            return
        self._messages.append(text)
        self._unread += len(text)
        self.tell()

    def tell(self) -> None:
        """Sends what there is to say, as far as the client reads; a slow one keeps nobody waiting.

        An acknowledgement comes behind the events of its audio. A client that reads slowly gets
        fewer of them: the last one says everything.
        """
        connection = self._connection
        while self._messages and connection.is_writable:
            text = self._messages.popleft()
            self._unread -= len(text)
            connection.send(text)
        if self._messages or not connection.is_writable:
            return
        if self.acknowledges and self._acknowledged < self._heard_to:
            self._acknowledged = self._heard_to
            connection.send(f'{{"ack": {self._acknowledged}}}')
        self._told.set()

    async def told(self) -> None:
        """Waits until the client has been sent everything."""
        self._told.clear()
        self.tell()
        await self._told.wait()

    # --- the end ----------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def talk(self) -> AsyncIterator[None]:
        """What stands inside is ended by `interrupt`, wherever it waits."""
        try:
            async with asyncio.timeout(None) as self._talk:
                yield
        except TimeoutError:
            if self.ending is None:
                raise
            raise self.ending from None
        finally:
            self._talk = None

    def interrupt(self, ending: Ending) -> None:
        """Ends the talk, if it has not ended."""
        if self.ending is None:
            self.ending = ending
            if self._talk is not None:
                self._talk.reschedule(asyncio.get_running_loop().time())

    def spoil(self, ending: Ending) -> None:
        """Audio could not be taken: what comes behind it is dropped, and the talk ends."""
        self.is_spoiled = True
        self._audio.clear()
        self.waiting = 0
        self._taken = self._came
        self._progress.set()
        self.interrupt(ending)
