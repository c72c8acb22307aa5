"""A session at the microphone: from the first block to the summary."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from pylstm.cli.console.errors import CliError
from pylstm.cli.console.live_figures import LiveFigures
from pylstm.cli.console.live_listening import LiveListening, LiveResult
from pylstm.cli.console.live_report import LiveReport
from pylstm.cli.console.live_source import LiveSource
from pylstm.cli.console.prompt_callbacks import prompt_callbacks
from pylstm.cli.console.stop_request import StopRequest

__all__ = ["LiveSession"]

_DRAWINGS_PER_SECOND = 15
# A note is made of so much audio in which every sample is 0.
_SILENT_SECONDS = 3.0


class LiveSession:
    """Brings a source, a listening and a report together.

    The source's thread does what must not wait; here is what may.

    Parameters
    ----------
    source : LiveSource
        Not started yet; it is closed at the end.
    listening : LiveListening
        Takes its blocks.
    figures : LiveFigures
    report : LiveReport
    """

    def __init__(
        self,
        source: LiveSource,
        listening: LiveListening,
        figures: LiveFigures,
        report: LiveReport,
    ) -> None:
        self._source = source
        self._listening = listening
        self._figures = figures
        self._report = report
        self._error: BaseException | None = None
        self._warned: list[str] = []
        self._knows_silence = False

    def run(self) -> None:
        """Listens until Ctrl-C, the end of the audio or an error, and shows a summary.

        Raises
        ------
        CliError
            The source failed, or gave something that is no audio. What was heard before has been
            shown.
        """
        failure: CliError | None = None
        with StopRequest() as stop, self._kept_warnings(), prompt_callbacks(), self._report:
            try:
                self._source.start(self._listening)
                self._figures.latencies["device"] = self._source.latency
                self._follow(stop)
            except CliError as error:
                failure = error
            finally:
                self._source.close()
            self._take_all()
            self._take(self._listening.finish())
            self._say_warnings()
        if self._figures.audio_seconds or failure is None:
            self._report.summary(self._figures, self._behind)
        if isinstance(self._error, ValueError):
            raise CliError(f"stopped at {self._figures.audio_seconds:.2f} s: {self._error}")
        if self._error is not None:
            raise self._error
        if failure is not None:
            raise failure

    def _follow(self, stop: StopRequest) -> None:
        """Shows what comes until the end."""
        while True:
            # Asked before the results are taken, so that none comes behind them.
            is_over = stop.made or self._listening.over or self._source.ended
            self._take_all()
            self._say_warnings()
            self._report.draw(self._figures, self._behind)
            if not (stop.made or self._listening.over):
                self._source.check()
            if is_over:
                return
            sleep(1 / _DRAWINGS_PER_SECOND)

    def _take_all(self) -> None:
        while (result := self._listening.ring.take()) is not None:
            self._take(result)

    def _take(self, result: LiveResult) -> None:
        self._figures.take(result)
        for event in result.events:
            self._report.event(event)
        self._error = result.error
        if self._figures.audio_seconds >= _SILENT_SECONDS and not self._knows_silence:
            self._knows_silence = True
            if self._figures.is_digital_silence:
                self._report.note(f"every sample so far is 0: {self._source.if_silent}")

    @property
    def _behind(self) -> int:
        return self._listening.ring.refused

    @contextmanager
    def _kept_warnings(self) -> Iterator[None]:
        """Keeps what the audio's thread warns of: it must not print."""

        def keep(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            self._warned.append(str(message))

        with warnings.catch_warnings():
            warnings.showwarning = keep
            yield

    def _say_warnings(self) -> None:
        while self._warned:
            self._report.note(self._warned.pop(0))
