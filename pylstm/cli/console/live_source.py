"""Where live audio comes from, as the command sees it: a microphone, or a file that is played."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["BlockTaker", "LiveSource"]


class BlockTaker(Protocol):
    """What a source calls with each block, from a thread of its own; as sounddevice calls it."""

    def __call__(
        self, block: NDArray[Any], n_frames: int, time: object, status: Any, /
    ) -> None: ...


class LiveSource(Protocol):
    """Gives blocks of samples as time passes."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def rate(self) -> int:
        """Of the blocks, Hz."""

    @property
    def channels(self) -> int:
        """Of the blocks."""

    @property
    def latency(self) -> float:
        """Seconds from the air to the block, as far as the source knows."""

    @property
    def if_silent(self) -> str:
        """What it may mean that every sample is 0, for people."""

    @property
    def ended(self) -> bool:
        """Whether no more blocks come."""

    def start(self, take: BlockTaker) -> None:
        """Begins to call `take`.

        Raises
        ------
        CliError
            The source cannot be used.
        """

    def close(self) -> None:
        """Ends the calls: when this returns, `take` is not called any more."""

    def check(self) -> None:
        """Looks whether the source is well, after the last block and in between.

        Raises
        ------
        CliError
            It has failed, and what to do.
        """
