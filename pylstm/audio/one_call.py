"""One call at a time: what refuses a second thread at once, before it changes anything."""

from __future__ import annotations

import os

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

    def alone(self, *, resets: bool = False) -> _Call:
        """Lets one call in, for a ``with`` block.

        Parameters
        ----------
        resets : bool, default False
            Whether the call forgets all that one before it may have left in pieces.

        Raises
        ------
        StreamBusyError
            Another call is inside, or was when this process was forked.
        """
        return _Call(self._noun, self._inside, resets)


class _Call:
    """One call, from its beginning to its end. An intake makes one for every chunk, so it is no
    generator, which takes longer.
    """

    __slots__ = ("_call", "_inside", "_noun", "_process", "_resets")

    def __init__(self, noun: str, inside: dict[int, object], resets: bool) -> None:
        self._noun = noun
        self._inside = inside
        self._resets = resets
        self._process = os.getpid()
        self._call = object()

    def __enter__(self) -> None:
        inside, process = self._inside, self._process
        try:
            if inside.setdefault(process, self._call) is not self._call:
                raise StreamBusyError(
                    f"another thread is inside a call on this {self._noun}; give every thread an"
                    f" {self._noun} of its own"
                )
            if len(inside) > 1:
                if not self._resets:
                    raise StreamBusyError(
                        "the process was forked while another thread was inside a call on this"
                        f" {self._noun}; reset it"
                    )
                for other in inside.keys() - {process}:
                    del inside[other]
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._inside.get(self._process) is self._call:
            del self._inside[self._process]

    # Ctrl-C may come behind the entry, before the block begins, which then does not end either.
    __del__ = __exit__
