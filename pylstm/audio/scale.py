"""Files of float samples that do not go from -1 to 1, such as 16-bit values saved as floats.

A model hears nothing in them, and one of them spoils the normalisation of a training set.
"""

from __future__ import annotations

from pylstm import _engine

__all__ = ["scale_problem"]


def scale_problem(peak: float) -> str | None:
    """Says what is wrong with the scale of a file, and what to do.

    Parameters
    ----------
    peak : float
        The largest magnitude in the file; see `AudioFile.peak`.

    Returns
    -------
    str or None
        To follow the name of the file; None: audio may be so loud. The limit is 24 dB above full
        scale, which loud float recordings do not reach, and speech on the scale of int16 passes,
        however quiet it is. Silence on that scale stays below it and is not noticed.

    Examples
    --------
    >>> scale_problem(1.5)
    >>> print(scale_problem(30000.0))
    has samples up to 30000; expected -1 to 1: save samples / 32768 if they are 16-bit values,
    samples / 2**23 if they are 24-bit values, samples / 2**31 if they are 32-bit values
    """
    if peak <= _engine.LARGEST_SAMPLE:
        return None
    remedy = _engine.scale_remedy("save", "samples", peak)
    return f"has samples up to {peak:.6g}; expected -1 to 1: {remedy}"
