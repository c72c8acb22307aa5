"""Threads that share work, also in the child of a fork."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ThreadPool"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# How often the process has been forked since this module was loaded.
_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # there are no forks on Windows
    os.register_at_fork(after_in_child=_count_fork)


class ThreadPool:
    """A `ThreadPoolExecutor` that a forked process can go on with.

    A child has none of its parent's threads, but an executor would wait for them. So the first use
    in a child makes a new one.

    Parameters
    ----------
    threads : int
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads)
        self._forks = _forks

    def _ready(self) -> ThreadPoolExecutor:
        if self._forks != _forks:
            self._executor = ThreadPoolExecutor(self._threads)
            self._forks = _forks
        return self._executor

    @property
    def is_of_parent(self) -> bool:
        """Whether this is a forked process and the threads are in its parent: nothing that they
        were asked for before the fork comes here."""
        return self._forks != _forks

    def submit(self, action: Callable[[Item], Result], item: Item) -> Future[Result]:
        """The result of ``action(item)``, once it is there."""
        return self._ready().submit(action, item)

    def map(self, action: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results in the order of the items."""
        return self._ready().map(action, items)

    def shutdown(self) -> None:
        """Ends the threads; what has not begun is dropped."""
        if self._forks == _forks:
            self._executor.shutdown(cancel_futures=True)
