"""One WebSocket of the service: a client's messages in their order, and messages to it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport
from protocol import NO_SENSE, NORMAL, NOT_THE_PROTOCOL, TOO_LARGE, Ending

MOST_BYTES = 2**20  # of a message
BINARY, TEXT, CLOSE = WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CLOSE


class Disconnected(Exception):
    """The client has gone."""


class Connection(WSListener):
    """What picows calls as bytes arrive, made a talk.

    A message of audio costs one call, no queue and no change of tasks: while `receive` waits,
    `take_audio` gets it at once. What that leaves, and all text, waits for `receive`, and nothing
    more is read until then.

    Parameters
    ----------
    opened : callable
        Gets the connection after its handshake.

    Attributes
    ----------
    take_audio : callable
        Gets the bytes of a message; it gives False where there is no room for them.
    unblocked : callable
        Is called when the client has read, or does not have to any more.
    is_writable : bool
        Whether the client reads what it is sent.
    """

    def __init__(self, opened: Callable[[Connection], None]) -> None:
        self.take_audio: Callable[[bytes], bool] = lambda _: False
        self.unblocked: Callable[[], None] = lambda: None
        self.is_writable = True
        self._opened = opened
        self._transport: WSTransport
        self._messages: deque[str | bytes | Ending] = deque()
        self._receiving: asyncio.Future[None] | None = None  # of a `receive` that waits
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts = bytearray()  # of a message that comes in several frames
        self._parts_kind: WSMsgType | None = None
        self._discards = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._opened(self)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._gone.set_result(None)
        self._wake()
        self.resume_writing()

    # --- from the client --------------------------------------------------------------------------

    async def receive(self) -> str | bytes:
        """The next message that `take_audio` has not taken.

        Raises
        ------
        Disconnected
            There is none, and the client has gone.
        Ending
            The message cannot be taken.
        """
        if not self._messages and not self._gone.done():
            self._transport.underlying_transport.resume_reading()
            self._receiving = asyncio.get_running_loop().create_future()
            try:
                await self._receiving
            finally:
                self._receiving = None
        if not self._messages:
            raise Disconnected
        message = self._messages.popleft()
        if isinstance(message, Ending):
            raise message
        return message

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is CLOSE:
            code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big") or NORMAL
            transport.send_close(WSCloseCode(code))
            transport.disconnect()
        elif self._discards or kind is WSMsgType.PONG:
            pass
        elif kind is BINARY and frame.fin and self._parts_kind is None and not reserves(frame):
            data = frame.get_payload_as_bytes()
            if len(data) > MOST_BYTES:
                self._put(too_large(len(data)))
            elif self._receiving is None or self._receiving.done() or not self.take_audio(data):
                self._put(data)
        else:
            self._add(kind, frame)

    def _add(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Takes a frame of text, or one that is not the whole message."""
        begins = kind is not WSMsgType.CONTINUATION
        if begins == (self._parts_kind is not None) or reserves(frame):
            self._put(Ending(NOT_THE_PROTOCOL, "a frame has come where RFC 6455 has none"))
            return
        if begins:
            self._parts_kind = kind
        self._parts += frame.get_payload_as_memoryview()
        if len(self._parts) > MOST_BYTES:
            self._put(too_large(len(self._parts)))
        elif frame.fin:
            message: str | bytes | Ending = bytes(self._parts)
            if self._parts_kind is TEXT:
                try:
                    message = self._parts.decode()
                except UnicodeDecodeError:
                    message = Ending(NO_SENSE, "the message is not UTF-8; expected text")
            self._parts.clear()
            self._parts_kind = None
            self._put(message)

    def _put(self, message: str | bytes | Ending) -> None:
        self._messages.append(message)
        if isinstance(message, Ending):
            self._discards = True
        else:
            self._transport.underlying_transport.pause_reading()
        self._wake()

    def _wake(self) -> None:
        if self._receiving is not None and not self._receiving.done():
            self._receiving.set_result(None)

    # --- to the client ----------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Sends a message; where `is_writable` is false, it waits in memory."""
        self._transport.send(TEXT, text)

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        self.unblocked()

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        """Asks a client that says nothing whether it is there; picows closes if no answer comes."""
        if transport.underlying_transport.is_reading():
            transport.send_ping()
        else:  # nobody would read the answer
            loop = asyncio.get_running_loop()
            loop.call_soon(transport.notify_user_specific_pong_received)

    # --- the end ----------------------------------------------------------------------------------

    def discard(self) -> None:
        """Whatever comes is of no interest; the answer to the close frame stands behind it."""
        self._discards = True
        self._messages.clear()
        self._transport.underlying_transport.resume_reading()

    async def close(self, ending: Ending, patience: float) -> None:
        """Sends a close frame, and waits so many seconds until the client has answered it."""
        self.discard()
        self._transport.send_close(WSCloseCode(ending.code), ending.reason)
        await asyncio.wait([self._gone], timeout=patience)
        self._transport.disconnect(graceful=False)
        await self._gone


def reserves(frame: WSFrame) -> bool:
    """Whether it has bits of extensions, of which none was agreed."""
    return frame.rsv1 or frame.rsv2 or frame.rsv3


def too_large(n_bytes: int) -> Ending:
    sentence = f"the message has {n_bytes} bytes; expected {MOST_BYTES} or fewer"
    return Ending(TOO_LARGE, sentence)
