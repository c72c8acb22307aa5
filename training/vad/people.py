"""The recordings of people, and the noises, that ``train_on_people.py`` mixes.

They lie in a folder that is no part of this repository:

- ``read/train``, ``read/dev``: read speech, named by speaker (LibriSpeech);
- ``commands/train``, ``commands/dev``: folders of single words, named by speaker (Speech
  Commands);
- ``wake/computer/train``, ``wake/computer/dev``: single words in some silence;
- ``noise/background`` and ``noise/KIND``: noise, the files of kinds named by fold (ESC-10).

What is held back: the kinds of `UNHEARD` wholly, and of every other kind the files of fold 4 (and
5). Half of the sources of fold 3 are for validation. Sources, not files, are kept apart: of a
recording cut into several files, all are on one side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from energy_labels import HOP_LENGTH, frames_of_spans, loud_frames
from material import SAMPLE_RATE

from pylstm.audio import AudioFile

__all__ = ["UNHEARD", "Noise", "Pools", "Utterance", "noises", "read", "side_of_noise"]

# Kinds of noise that neither training nor the choice of the decision's numbers hears.
UNHEARD = ("chainsaw", "sea_waves")
SUFFIXES = (".flac", ".ogg", ".wav")
# Every so many-th speaker is for validation.
VALIDATION = 8


@dataclass
class Utterance:
    """A clean recording.

    Attributes
    ----------
    samples : array, shape (n,), float32
        Full scale is 1.
    loud : array, shape (n // HOP_LENGTH,), bool
        In which frames there is speech; see `energy_labels.loud_frames`.
    """

    samples: np.ndarray
    loud: np.ndarray

    def part(self, first: int, last: int) -> Utterance:
        """From one frame to another."""
        return Utterance(
            self.samples[first * HOP_LENGTH : last * HOP_LENGTH], self.loud[first:last]
        )


@dataclass
class Noise:
    """A recording of noise: its kind, and its samples, shape (n,), float32."""

    kind: str
    samples: np.ndarray


def read(path: Path) -> np.ndarray:
    """The samples of a file at the model's rate, (n,), float32."""
    with AudioFile(path, SAMPLE_RATE) as file:
        return file.read()


def files_in(folder: Path) -> list[Path]:
    """The recordings in a folder and its subfolders, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def utterance(path: Path) -> Utterance | None:
    """A recording with its loud frames; None if energy does not tell them."""
    samples = read(path)
    loud = loud_frames(samples)
    return None if loud is None or not loud.any() else Utterance(samples, loud)


def side_of_noise(path: Path) -> str:
    """``training``, ``validation`` or ``testing``, by the kind and the source of a file."""
    kind = path.parent.name
    if kind in UNHEARD:
        return "testing"
    if kind == "background":
        return "training"
    fold, source, _ = path.stem.split("-")
    if int(fold) >= 4:
        return "testing"
    return "validation" if fold == "3" and int(source) % 2 else "training"


def noises(speech: Path, side: str) -> list[Noise]:
    """The noises of one side."""
    found = []
    for path in files_in(speech / "noise"):
        if side_of_noise(path) == side:
            samples = read(path)
            # Some files are shorter than the rest and filled up with zeros.
            last = np.flatnonzero(samples)
            if len(last) and last[-1] > SAMPLE_RATE // 4:
                found.append(Noise(path.parent.name, samples[: last[-1] + 1]))
    return found


class Pools:
    """Who speaks, and what is heard beside, for training or validation.

    Parameters
    ----------
    speech : Path
        The folder of recordings.
    clips : Path or None
        Folder that ``training/keywords/synthesise.py`` wrote; None: no synthetic speech. Only the
        training has some.
    side : str
        ``training``, ``validation`` (some of the speakers of the training folders) or ``testing``
        (the dev folders).

    Attributes
    ----------
    speakers : dict of str to list of list of Utterance
        By source (``read``, ``commands``, ``wake``, ``synthetic``), a list for each speaker.
    noises : dict of str to list of Noise
        By kind.
    """

    def __init__(self, speech: Path, clips: Path | None, side: str) -> None:
        part = "dev" if side == "testing" else "train"
        self.speakers = {
            "read": _speakers(speech / "read" / part, side),
            "commands": _speakers(speech / "commands" / part, side),
            "wake": _speakers(speech / "wake" / "computer" / part, side),
        }
        if clips is not None and side == "training":
            self.speakers["synthetic"] = _synthetic(clips)
        self.noises: dict[str, list[Noise]] = {}
        for noise in noises(speech, side):
            self.noises.setdefault(noise.kind, []).append(noise)


def _speakers(folder: Path, side: str) -> list[list[Utterance]]:
    """The utterances of each speaker of a folder that is on this side."""
    by_speaker: dict[str, list[Path]] = {}
    for path in files_in(folder):
        # Speech Commands and LibriSpeech have the speaker in the name; else each file is one.
        name = path.stem.split("_nohash_")[0]
        name = name.split("-")[0] if folder.parent.name == "read" else name
        by_speaker.setdefault(name, []).append(path)
    found = []
    for number, speaker in enumerate(sorted(by_speaker)):
        if side == "testing" or (number % VALIDATION == 0) == (side == "validation"):
            heard = [utterance(path) for path in by_speaker[speaker]]
            kept = [one for one in heard if one is not None]
            found += [kept] if kept else []
    return found


def _synthetic(clips: Path) -> list[list[Utterance]]:
    """The clips of synthesisers, by voice."""
    row = np.load(clips / "training.pcm.npy", mmap_mode="r")
    records = json.loads((clips / "training.json").read_text(encoding="utf-8"))
    by_voice: dict[str, list[Utterance]] = {}
    for record in records:
        pcm = row[record["offset"] : record["offset"] + record["length"]]
        pcm = pcm[: len(pcm) // HOP_LENGTH * HOP_LENGTH].astype(np.float32) / 32768
        loud = frames_of_spans(record["speech"], len(pcm) // HOP_LENGTH)
        if loud.any():
            by_voice.setdefault(record["voice"], []).append(Utterance(pcm, loud))
    return list(by_voice.values())
