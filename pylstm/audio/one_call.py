"""One call at a time: what refuses a second thread at once, before it changes anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pylstm._engine import StreamBusyError

__all__ = ["OneCall"]


class OneCall:
    """Who is inside of an object that one thread at a time may call.

    It never waits. A thread that was inside when the process was forked does not exist in the new
    one, and what it was changing is in pieces there: only a reset is let in.

    Parameters
    ----------
    noun : str
        What messages call the object.

    Examples
    --------
    >>> calls = OneCall("intake")
    >>> with calls.alone(), calls.alone():
    ...     pass
    Traceback (most recent call last):
    pylstm.StreamBusyError: another thread is inside a call on this intake; give every thread ...
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        # The call that is inside, by its process: others are of processes that this one was forked
        # from. `setdefault` of a dict is one step for all threads.
        self._inside: dict[int, object] = {}

    @contextmanager
    def alone(self, *, resets: bool = False) -> Iterator[None]:
        """Lets one call in.

        Parameters
        ----------
        resets : bool, default False
            Whether the call forgets all that one before it may have left in pieces.

        Raises
        ------
        StreamBusyError
            Another call is inside, or was when this process was forked.
        """
        process, call = os.getpid(), object()
        try:
            if self._inside.setdefault(process, call) is not call:
                raise StreamBusyError(
                    f"another thread is inside a call on this {self._noun}; give every thread an"
                    f" {self._noun} of its own"
                )
            if len(self._inside) > 1:
                if not resets:
                    raise StreamBusyError(
                        "the process was forked while another thread was inside a call on this"
                        f" {self._noun}; reset it"
                    )
                for other in self._inside.keys() - {process}:
                    del self._inside[other]
            yield
        finally:
            if self._inside.get(process) is call:
                del self._inside[process]
