"""The live view of the terminal: events scroll above level, posteriors and figures, redrawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.text import Text

from pylstm.arguments import number_of
from pylstm.cli.console.event_line import event_line
from pylstm.cli.console.live_figures import LiveFigures
from pylstm.cli.console.live_summary import summary_lines
from pylstm.cli.console.output import one_line
from pylstm.cli.console.shown_labels import ShownLabels
from pylstm.decisions import Event

__all__ = ["LiveView"]

# The level's bar begins here, dBFS.
_QUIETEST = -60.0
_LONGEST_LABEL = 16
# Lines that are neither posteriors nor figures: the heading, the level, how to stop, the cursor's,
# and one for the last event.
_OTHER_LINES = 5


class LiveView:
    """Draws what the figures say; a context manager.

    Parameters
    ----------
    console : Console
        A terminal.
    heading : str
        What listens to what.
    labels : ShownLabels
        Those that cannot be events are dimmed.
    """

    def __init__(self, console: Console, heading: str, labels: ShownLabels) -> None:
        self._console = console
        self._heading = one_line(heading)
        self._labels = list(zip(labels.outputs, map(one_line, labels.names), strict=True))
        self._reported = labels.n_reported
        self._width = max(cell_len(label) for _, label in self._labels)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stderr=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def event(self, event: Event) -> None:
        """Prints an event above the rest, where it stays."""
        self._console.print(self.line_of(event), soft_wrap=True)

    def note(self, text: str) -> None:
        """Prints a note there."""
        self._console.print(Text(f"note: {one_line(text)}", "yellow"), soft_wrap=True)

    def draw(self, figures: LiveFigures, behind: int) -> None:
        """Draws the rest anew."""
        self._live.update(self.panel(figures, behind), refresh=True)
        figures.drawn()

    def summary(self, figures: LiveFigures, behind: int) -> None:
        """Prints what there was in all."""
        for line in summary_lines(figures, behind):
            self._console.print(Text(line), soft_wrap=True)

    def line_of(self, event: Event) -> Text:
        """An event in colours."""
        time, label, rest = event_line(event, self._width)
        return Text.assemble((time, "dim"), (label, "bold green"), rest)

    def panel(self, figures: LiveFigures, behind: int) -> RenderableType:
        """What is redrawn, for the console's present size."""
        options = self._console.options
        # The last column stays free: a full line makes some terminals go to the next one.
        width = max(1, options.max_width - 1)
        facts = list(self._flowing(self._facts(figures, behind), width))
        room = options.size.height - _OTHER_LINES - len(facts)
        lines = [_cut(Text(self._heading, "bold"), width), self._level(figures, options, width)]
        lines += self._posteriors(figures, options, width, max(1, room))
        lines += facts
        lines.append(_cut(Text("Ctrl-C stops", "dim"), width))
        return Group(*lines)

    def _level(self, figures: LiveFigures, options: ConsoleOptions, width: int) -> Text:
        """``level  ████▏   -23.4 dBFS, peak -11.0``."""
        label = self._label_width(width)
        numbers = f" {figures.level:6.1f} dBFS"
        if width >= 50:
            # As wide as the longest, so that the bar does not move.
            numbers = f"{numbers}, peak {figures.peak:.1f}".ljust(len(" -120.0 dBFS, peak -120.0"))
        room = max(4, width - label - 1 - len(numbers) - len(" clipped") * (width >= 50))
        clipped = figures.is_clipped
        style = "red" if clipped else "green" if figures.level < -12 else "yellow"
        bar = _bar(_share(figures.level), room, style, options.ascii_only)
        hold = min(room - 1, int(_share(figures.peak) * room))
        mark = "|" if options.ascii_only else "▏"
        if figures.peak > _QUIETEST and bar.plain[hold] == " ":
            bar = Text.assemble(bar[:hold], (mark, style), bar[hold + 1 :])
        return _cut(
            Text.assemble(
                _sized("level", label),
                " ",
                bar,
                numbers,
                (" clipped", "bold red") if clipped else "",
            ),
            width,
        )

    def _posteriors(
        self, figures: LiveFigures, options: ConsoleOptions, width: int, most: int
    ) -> Iterator[Text]:
        """A bar for each label, in at most so many lines."""
        label_width = self._label_width(width)
        room = max(4, width - label_width - 6)
        shown = self._labels if len(self._labels) <= most else self._labels[: max(1, most - 1)]
        for place, (output, label) in enumerate(shown):
            value = float(figures.posteriors[output])
            is_reported = place < self._reported
            style = "cyan" if is_reported else "bright_black"
            bar = _bar(value, room, style, options.ascii_only)
            name = Text(_sized(label, label_width), "" if is_reported else "dim")
            yield _cut(Text.assemble(name, " ", bar, f" {value:.2f}"), width)
        if len(shown) < len(self._labels):
            left = len(self._labels) - len(shown)
            yield _cut(Text(f"and {number_of(left, 'more label')}", "dim"), width)

    def _label_width(self, width: int) -> int:
        return max(len("level"), min(self._width, _LONGEST_LABEL, width // 3))

    def _facts(self, figures: LiveFigures, behind: int) -> Iterator[Text]:
        yield Text(f"{figures.audio_seconds:.1f} s")
        factor = figures.real_time_factor
        yield Text(f"real-time factor {factor:.3f}", "" if factor < 0.8 else "bold red")
        yield Text(f"slowest block {1000 * figures.slowest_seconds:.1f} ms")
        for what, seconds in figures.latencies.items():
            if not seconds:  # a file has none
                continue
            yield Text(f"latency of {what} {1000 * seconds:.1f} ms")
        lost = figures.overflows
        yield Text(f"dropped by the device {lost}", "bold red" if lost else "")
        yield Text(f"display late {behind}", "yellow" if behind else "")

    def _flowing(self, facts: Iterator[Text], width: int) -> Iterator[Text]:
        """Facts side by side, as many as a line has room for."""
        line = Text()
        for fact in facts:
            if line and line.cell_len + 3 + fact.cell_len > width:
                yield line
                line = Text()
            if fact.cell_len > width:  # alone in its line, then
                *wrapped, fact = fact.wrap(self._console, width)
                yield from wrapped
            line = Text.assemble(line, "   " if line else "", fact)
        yield line


def _share(decibels: float) -> float:
    """The part of the level's bar that is filled."""
    return min(1.0, max(0.0, 1 - decibels / _QUIETEST))


def _bar(share: float, room: int, style: str, ascii_only: bool) -> Text:
    """A bar, filled to a share of its room; in eighths of a character where there are such."""
    share = min(1.0, max(0.0, share))
    if ascii_only:
        return Text(("#" * round(share * room)).ljust(room), style)
    whole, eighths = divmod(round(share * room * 8), 8)
    part = " ▏▎▍▌▋▊▉"[eighths] if eighths else ""
    return Text(("█" * whole + part).ljust(room), style)


def _sized(text: str, width: int) -> str:
    """Text in a column of cells: an East Asian character takes two."""
    return set_cell_size(text, width)


def _cut(text: Text, width: int) -> Text:
    """A line that stays one."""
    text.no_wrap, text.overflow = True, "crop"
    text.truncate(width)
    return text
