"""What a client sends, made the samples of the model."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from protocol import NO_SENSE, UNUSABLE, Ending, as_bytes, as_text, unusable

import pylstm

# What a resampler has to meet again where a session goes on, beside its delay: samples of the lower
# one of both rates. An intake asks for 320.
MARGIN = 400
# More would let a few clients fill the memory.
MOST_CHANNELS = 16
MOST_BYTES_A_SECOND = 2**21


class Source:
    """The audio of one client, as its first message describes it.

    Where rates differ, the last audio is kept: the memory of a resampler cannot be read, so that
    the next one has to hear it again when the session moves.
    """

    FIELDS = ("rate", "encoding", "channels", "channel")

    def __init__(
        self,
        model: pylstm.Model,
        rate: int | None = None,
        encoding: str | None = "int16",
        channels: int = 1,
        channel: int | None = None,
    ) -> None:
        if encoding is None:
            raise TypeError("encoding is null; expected that of the bytes, such as int16")
        self.intake = pylstm.Intake(
            model,
            rate=model.sample_rate if rate is None else rate,
            encoding=encoding,
            channels=channels,
            channel=channel,
        )
        bits = "".join(filter(str.isdigit, encoding)) or "8"  # of µ-law and A-law
        self.frame_bytes = int(bits) // 8 * channels
        if channels > MOST_CHANNELS:
            raise ValueError(f"channels is {channels}; expected {MOST_CHANNELS} or fewer here")
        if self.bytes_of(1.0) > MOST_BYTES_A_SECOND:
            raise ValueError(
                f"a second has {self.bytes_of(1.0)} bytes; expected {MOST_BYTES_A_SECOND} or fewer:"
                " a lower rate, fewer channels, or an encoding with fewer bits"
            )
        self.resamples = self.intake.rate != self.intake.model_rate
        self._kept = bytearray()
        self._kept_from = 0  # place of its first byte in all audio

    @classmethod
    def described_by(cls, model: pylstm.Model, description: dict) -> Self:
        """The source that a client describes; what cannot be ends the connection."""
        for name in description:
            if name not in cls.FIELDS:
                expected = ", ".join(cls.FIELDS)
                raise Ending(NO_SENSE, f"the message has {name[:20]!r}; expected {expected} or ack")
        try:
            return cls(model, **description)
        except UNUSABLE as error:
            raise unusable(error) from None

    @property
    def position(self) -> int:
        """Samples of each channel that have come."""
        return self.intake.position

    def bytes_of(self, seconds: float) -> int:
        """How many bytes so much audio has."""
        return math.ceil(seconds * self.intake.rate) * self.frame_bytes

    def push(self, data: bytes) -> np.ndarray:
        """The model's samples, as far as they are ready."""
        samples = self.intake.push(data)
        if self.resamples:
            self._kept += data
            surplus = self._needed_from() * self.frame_bytes - self._kept_from
            if surplus > 0:
                del self._kept[:surplus]
                self._kept_from += surplus
        return samples

    def flush(self) -> np.ndarray:
        """The model's samples that were not ready yet."""
        return self.intake.flush()

    # --- another process --------------------------------------------------------------------------

    def moved(self) -> dict:
        """What `resumed` goes on from, for JSON."""
        end = self.position * self.frame_bytes - self._kept_from  # without an unfinished frame
        intake = self.intake
        return {
            "rate": intake.rate,
            "encoding": intake.encoding,
            "channels": intake.channels,
            "channel": intake.channel,
            "position": intake.position,
            "given": intake.given,
            "last_audio": as_text(bytes(self._kept[:end]) if self.resamples else b""),
        }

    @classmethod
    def resumed(cls, model: pylstm.Model, moved: dict) -> tuple[Self, np.ndarray]:
        """A source that goes on where another one was, and the samples that are ready at once."""
        rest = {name: value for name, value in moved.items() if name not in cls.FIELDS}
        if rest.keys() != {"position", "given", "last_audio"}:
            expected = "what a service gave as session, unchanged"
            raise Ending(NO_SENSE, f"resume has other fields; expected {expected}")
        source = cls.described_by(
            model, {name: moved[name] for name in moved if name in cls.FIELDS}
        )
        kept = as_bytes("last_audio", rest["last_audio"])
        try:
            if len(kept) % source.frame_bytes:
                raise ValueError("last_audio ends inside of a sample; expected whole ones")
            samples = source.intake.resume(kept, position=rest["position"], given=rest["given"])
        except UNUSABLE as error:
            raise unusable(error) from None
        if source.resamples:
            source._kept += kept
            source._kept_from = source.position * source.frame_bytes - len(kept)
        return source, samples

    def _needed_from(self) -> int:
        """The first sample of each channel that the next resampler has to meet."""
        rate, model_rate = self.intake.rate, self.intake.model_rate
        common = math.gcd(rate, model_rate)
        given = self.intake.given - math.ceil(MARGIN * model_rate / min(rate, model_rate))
        # It begins where samples of both rates coincide.
        return max(0, given // (model_rate // common)) * (rate // common)
