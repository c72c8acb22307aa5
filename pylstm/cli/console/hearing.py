"""Recordings that are heard one after the other, with notes on each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pylstm.audio import AudioError, AudioFile, MixLoss, scale_problem
from pylstm.cli.console.audio_input import shown
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.errors import OK, print_error
from pylstm.cli.console.listening import Heard, Listening
from pylstm.cli.console.output import note

__all__ = ["each", "hear"]

# Seconds of audio after which channels are compared for the first time, and again and again.
_LOOK = 10.0
# Decibels from which on a mix counts as silent: rounded samples that cancel each other leave this.
_SILENT = 60.0

_DOUBLED = "all samples come twice, as those of interleaved stereo do; --channels 2 takes them so"

Say = Callable[[str], None]


def each(audio: Sequence[Path], action: Callable[[Path, Say], None]) -> int:
    """Does something with each recording; one that cannot be read does not stop the others.

    Parameters
    ----------
    audio : sequence of Path
    action : callable
        Takes a recording, and what prints a note on it.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    AudioError
        There is one recording alone, and it cannot be read.
    """
    if len(audio) == 1:
        action(audio[0], note)
        return OK
    code = OK
    for path in audio:
        name = shown(path)
        try:
            action(path, partial(_note_on, name))
        except AudioError as error:
            text = str(error)
            code = print_error(text if name in text else f"{name}: {text}")
    return code


def _note_on(name: str, text: str) -> None:
    note(f"{name}: {text}")


def hear(
    listening: Listening, audio: AudioFile, name: str, say: Say, take: Callable[[Heard], None]
) -> None:
    """Listens to a recording from its beginning to its end.

    Parameters
    ----------
    listening : Listening
        To `audio`.
    audio : AudioFile
    name : str
        What notes call it.
    say : callable
        Prints a note: about samples on another scale, channels that cancel each other, a wrong
        length.
    take : callable
        Takes what was heard in each chunk.
    """
    for change in audio.changes:
        say(change)
    off_scale: str | None = None
    loss: MixLoss | None = None
    doubled = False
    look = _LOOK
    with audio_progress(audio.seconds) as show, warnings.catch_warnings():
        # The listener would warn of samples; here a note says it of the file.
        warnings.filterwarnings("ignore", r"pcm\[\d+\] is", RuntimeWarning)
        for heard in listening:
            if off_scale is None and (off_scale := scale_problem(audio.peak)):
                note(f"{name} {off_scale}")
            if not doubled and audio.doubled:
                doubled = True
                say(_DOUBLED)
            take(heard)
            show(audio.seconds_read)
            if loss is None and audio.seconds_read >= look:
                look += _LOOK
                if loss := audio.mix_loss:
                    say(_mixed(loss, audio.channels))
    if loss is None and (loss := audio.mix_loss):
        say(_mixed(loss, audio.channels))
    if audio.shortfall:
        say(audio.shortfall)


def _mixed(loss: MixLoss, channels: int) -> str:
    level = (
        "silent, because they cancel each other"
        if loss.decibels >= _SILENT
        else f"{loss.decibels:.0f} dB quieter than the loudest of them"
    )
    return (
        f"the mean of the {channels} channels is {level}; --channel {loss.channel} takes that one"
    )
