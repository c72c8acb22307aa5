"""``pylstm demo``: a bundled model on a bundled recording."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from pylstm.audio import AudioFile
from pylstm.cli.console.decisions import heard_names, listener_of
from pylstm.cli.console.errors import CliError
from pylstm.cli.console.event_report import TextReport
from pylstm.cli.console.listening import Listening
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.output import one_line

__all__ = ["demo"]

_MODEL = "keywords"
_RECORDING = "demo.wav"
_WORDS = "demo.txt"


class _Word(NamedTuple):
    start: float
    end: float
    label: str


def demo() -> None:
    """Run the bundled keyword model on a bundled recording."""
    folder = files("pylstm") / "models"
    named = NamedModel.load(_MODEL)
    listener = listener_of(named, {})
    recording = folder / _RECORDING
    if not recording.is_file():
        raise CliError(f"the bundled recording {_RECORDING} is missing from this installation")
    features: Any = named.model.features
    with (
        as_file(recording) as path,
        AudioFile(path, features.sr) as audio,
    ):
        keywords = heard_names(listener)
        words = list(_words(folder / _WORDS))
        hop_ms = 1000 * features.hop_length / features.sr
        print(f"The model {_MODEL!r} listens to {_RECORDING}, {hop_ms:g} ms at a time.")
        print(f"It knows: {one_line(', '.join(keywords))}")
        if words:
            said = (f"{word.label} ({word.start:.2f}-{word.end:.2f} s)" for word in words)
            print(f"Spoken:   {one_line(', '.join(said))}")
        print("\nHeard:")
        report = TextReport(keywords)
        listening = Listening(listener, audio, hop_ms)
        for heard in listening:  # a frame of audio each
            for event in heard.events:
                report.event(event)
    report.recording_summary(listening.summary)
    report.summary(listening.summary)


def _words(path: Traversable) -> Iterator[_Word]:
    """The words that are spoken, from lines of start, end and word; none without a list."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            start, end, label = line.split()
            word = _Word(float(start), float(end), label)
        except ValueError:
            raise CliError(
                f"{_WORDS}, line {number} is {line!r}; expected start, end and word"
            ) from None
        if not (math.isfinite(word.start) and math.isfinite(word.end)):
            raise CliError(f"{_WORDS}, line {number} is {line!r}; expected finite seconds")
        yield word
