"""What was heard and lost in all, once the listening has ended."""

from __future__ import annotations

from pylstm.arguments import number_of
from pylstm.cli.console.live_figures import LiveFigures

__all__ = ["summary_lines", "summary_object"]


def summary_lines(figures: LiveFigures, behind: int) -> list[str]:
    """Lines for people.

    Parameters
    ----------
    figures : LiveFigures
        With everything taken.
    behind : int
        How many results found no room in the ring.
    """
    audio, processing = figures.audio_seconds, figures.processing_seconds
    lines = ["nothing heard"] if figures.events == 0 else []
    lines += [
        "",
        f"audio             {audio:.2f} s",
        f"processing        {processing:.3f} s"
        f"  (slowest block: {1000 * figures.slowest_seconds:.1f} ms)",
        f"real-time factor  {_factor(figures):.2g}",
        f"dropped           {_lost(figures.overflows)}",
    ]
    if behind:
        lines.append(f"display           {number_of(behind, 'result')} late, none lost")
    return lines


def summary_object(figures: LiveFigures, behind: int) -> dict[str, object]:
    """The same for JSON; it has no label."""
    return {
        "audio_seconds": round(figures.audio_seconds, 6),
        "processing_seconds": round(figures.processing_seconds, 6),
        "slowest_block_seconds": round(figures.slowest_seconds, 6),
        "real_time_factor": float(f"{_factor(figures):.4g}"),
        "frames": figures.frames,
        "events": figures.events,
        "overflows": figures.overflows,
        "late_results": behind,
    }


def _factor(figures: LiveFigures) -> float:
    """Processing time per second of all the audio."""
    audio = figures.audio_seconds
    return figures.processing_seconds / audio if audio else 0.0


def _lost(overflows: int) -> str:
    if not overflows:
        return "nothing"
    return f"{number_of(overflows, 'overflow')} of the device: samples were lost before a block"
