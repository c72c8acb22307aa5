"""Errors of audio files."""

from __future__ import annotations

__all__ = ["AudioError", "RateError"]


class AudioError(ValueError):
    """A file cannot be read as audio; the message is one line and names the file."""


class RateError(AudioError):
    """A file is at another rate and may not be resampled.

    Attributes
    ----------
    rate : int
        The rate of the file, Hz.
    """

    def __init__(self, message: str, rate: int) -> None:
        super().__init__(message)
        self.rate = rate
