"""What one push takes of one client: audio, the model's samples, and what was heard in them."""

from __future__ import annotations

import numpy as np
from protocol import UNUSABLE, unusable
from session import Session

import pylstm

NOTHING = np.empty(0, np.float32)


class Piece:
    """Audio of one client on its way through the model.

    Parameters
    ----------
    session : Session
        What has audio that waits.

    Attributes
    ----------
    samples : array, shape (n,), float32
        For the model.
    events : list of Event
        What was heard.
    error : Exception or None
        What is wrong with the audio.
    """

    def __init__(self, session: Session) -> None:
        assert session.source is not None  # where audio waits, the client has said what it is
        self.session = session
        self.samples = NOTHING
        self.events: list[pylstm.Event] = []
        self.error: Exception | None = None
        self._source = session.source
        self._data = session.take()
        if not self._source.resamples:
            self._convert()

    def resample(self) -> None:
        """Makes the samples, if that takes long enough to be done on the thread of the push."""
        if self._source.resamples:
            self._convert()

    def _convert(self) -> None:
        try:
            self.samples = self._source.push(self._data)
        except UNUSABLE as error:
            self.error = error
        self._position = self._source.position  # audio behind it may be taken before it is heard

    def tell(self) -> list[float]:
        """Tells the client what was heard. Gives how many seconds ago its audio came."""
        if self.session.is_spoiled:  # by audio that came before
            return []
        if self.error is not None:
            self.session.spoil(unusable(self.error))
            return []
        return self.session.heard(len(self._data), self.events, self._position)
