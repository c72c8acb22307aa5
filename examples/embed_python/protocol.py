"""What clients and the service say to each other beside audio: JSON, and how a talk ends."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json

import pylstm

# Close codes of RFC 6455.
NORMAL, GOING_AWAY, NOT_THE_PROTOCOL, NO_SENSE = 1000, 1001, 1002, 1007
NOT_ALLOWED, TOO_LARGE, FAILED, TRY_LATER = 1008, 1009, 1011, 1013
MOST_BYTES_OF_REASON = 123  # what a close frame holds


class Ending(Exception):
    """Why the service ends a connection: a close code, and a sentence for the client."""

    def __init__(self, code: int, sentence: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence

    @property
    def reason(self) -> str:
        """The sentence, or as much of its beginning as a close frame holds."""
        data = self.sentence.encode()
        if len(data) <= MOST_BYTES_OF_REASON:
            return self.sentence
        return data[: MOST_BYTES_OF_REASON - 3].decode(errors="ignore") + "..."


# What audio or a session can raise: no numbers, or another scale or other channels than was said.
UNUSABLE = (TypeError, ValueError, RuntimeWarning)


def unusable(error: Exception) -> Ending:
    """The end of a connection whose audio or session raised one of `UNUSABLE`."""
    sentence = str(error)
    if isinstance(error, Warning):  # what follows says how it would go on
        sentence = sentence.partition(". ")[0]
    return Ending(NO_SENSE, sentence)


def object_of(text: str) -> dict:
    """The JSON object that a client sent; whatever else it is ends the connection."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Ending(NO_SENSE, f"the message is {text[:20]!r}; expected a JSON object")
    return value


def as_text(data: bytes) -> str:
    """Bytes as JSON can hold them: base64."""
    return base64.b64encode(data).decode()


def as_bytes(name: str, text: object) -> bytes:
    """What `as_text` was made of."""
    if not isinstance(text, str):
        raise Ending(NO_SENSE, f"{name} is {type(text).__name__}; expected base64 in a string")
    try:
        return base64.b64decode(text.encode(), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Ending(NO_SENSE, f"{name} is {text[:20]!r}; expected base64") from None


EVENT = [field.name for field in dataclasses.fields(pylstm.Event)]


def described(event: pylstm.Event) -> dict:
    """An event as clients get it: kind, label, times in seconds, score; no float is rounded."""
    return {name: getattr(event, name) for name in EVENT}
