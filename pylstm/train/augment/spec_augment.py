"""SpecAugment: masks over frames and bands."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pylstm.arguments import count, within
from pylstm.train.augment.augmentation import Augmentation

__all__ = ["SpecAugment"]


class SpecAugment(Augmentation):
    r"""Masks stretches of frames, and of values in all frames, with the mean.

    Each of the time masks hides t frames from frame :math:`t_0` on: t uniform in 0 to `time_width`
    (at most `time_share` of all frames), :math:`t_0` uniform where it fits. Each of the frequency
    masks hides f neighbouring values of every frame likewise. What is hidden becomes the mean of
    that value over the recording.

    With `LogMel` a frequency mask hides a band of frequencies, as in the paper. With `MFCC`
    neighbouring values are coefficients: a mask hides details of one fineness of the spectral
    envelope, not a band; a narrow `frequency_width` is wise. Deltas are hidden with their values.

    Parameters
    ----------
    time_masks, frequency_masks : int
        How many of each, 0 or more.
    time_width, frequency_width : int
        The widest masks: frames, and values.
    time_share : float
        No time mask is wider than this share of the recording, 0 to 1.
    p : float
        Probability, 0 to 1.

    Notes
    -----
    Park, Chan, Zhang, Chiu, Zoph, Cubuk and Le, "SpecAugment: a simple data augmentation method for
    automatic speech recognition", Interspeech 2019, arXiv:1904.08779: without the time warping,
    which its authors found to matter least. They mask with 0, which is the mean there.
    """

    changes: ClassVar[str] = "frames"

    def __init__(
        self,
        time_masks: int = 2,
        time_width: int = 20,
        frequency_masks: int = 2,
        frequency_width: int = 6,
        time_share: float = 0.2,
        p: float = 1.0,
    ) -> None:
        super().__init__(p)
        self.time_masks = count("time_masks", time_masks, 0)
        self.time_width = count("time_width", time_width, 0)
        self.frequency_masks = count("frequency_masks", frequency_masks, 0)
        self.frequency_width = count("frequency_width", frequency_width, 0)
        self.time_share = within("time_share", time_share, 0.0, 1.0)

    def frames(
        self, x: NDArray[np.float32], draw: np.random.Generator, blocks: int = 1
    ) -> NDArray[np.float32]:
        """See `Augmentation.frames`."""
        n, width = x.shape
        if count("blocks", blocks, 1) > width or width % blocks:
            raise ValueError(f"blocks is {blocks}; expected a divisor of {width}, a frame's width")
        masked = x.copy()
        mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
        widest = min(self.time_width, int(self.time_share * n))
        for _ in range(self.time_masks):
            span = _span(draw, widest, n)
            masked[span] = mean
        values = width // blocks
        for _ in range(self.frequency_masks):
            span = _span(draw, min(self.frequency_width, values), values)
            # A view: writing into it writes into every block of `masked`.
            masked.reshape(n, blocks, values)[:, :, span] = mean.reshape(blocks, values)[:, span]
        return masked


def _span(draw: np.random.Generator, widest: int, n: int) -> slice:
    """A stretch of 0 to `widest` of n."""
    width = int(draw.integers(widest, endpoint=True))
    start = int(draw.integers(n - width, endpoint=True))
    return slice(start, start + width)
