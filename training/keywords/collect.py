"""Collect what the keyword model learns from: recordings of people, and synthetic speech.

Usage: ``python collect.py SPEECH CACHE``

``SPEECH`` has recordings of people: ``commands/train`` with a folder for each word (the keywords,
``unknown`` and ``other_*``), ``read/train`` with read speech, ``noise`` with a folder for each
kind.
``CACHE`` is what ``synthesise.py`` wrote. Into ``CACHE`` go

- ``words.csv``, a manifest: a row for each word, with the times of it, and who says it;
- ``negatives``, synthetic sentences and rows of words without a keyword, beside links to what
  people read;
- ``noise``, links to the noises that are learnt from: `HELD_OUT` kinds, and a quarter of the files
  of the others, are not among them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path

import numpy as np
import soundfile
from synthesisers import KEYWORDS, SAMPLE_RATE, to_int16
from voices import another_speaker

from pylstm.train.data.spoken_part import spoken_part

# Kinds of noise that are never learnt from: the figures of the card are measured with them.
HELD_OUT = ("sea_waves", "clock_tick", "chainsaw", "rooster")
# Words are at least so long, seconds.
SHORTEST = 0.05
# Of the few voices of flite and Pico, so many speakers are made.
SPEAKERS = {"rms": 80, "kal": 30, "pico": 50}


def families(voice: str) -> str:
    """Which synthesiser's voice it is."""
    return next((name for name in ("rms", "kal", "pico") if voice.startswith(name)), "espeak")


def people(speech: Path) -> list[tuple[object, ...]]:
    """A row for each recording of a word by a person."""
    rows = []
    for path in sorted((speech / "commands" / "train").glob("*/*.flac")):
        label = path.parent.name if path.parent.name in KEYWORDS else "unknown"
        y, _ = soundfile.read(path, dtype="float32")
        start, end = spoken_part(y, SAMPLE_RATE)
        speaker = path.name.split("_nohash_")[0]
        rows.append((path.resolve(), label, f"{start:.3f}", f"{end:.3f}", speaker))
    return rows


def synthetic(cache: Path) -> list[tuple[object, ...]]:
    """Writes each synthetic clip as a file; a row for each word in those with words."""
    rows, draw = [], np.random.default_rng(1)
    for split in ("training", "validation"):
        samples = np.load(cache / f"{split}.pcm.npy", mmap_mode="r")
        records = json.loads((cache / f"{split}.json").read_text(encoding="utf-8"))
        for number, record in enumerate(records):
            negative = record["kind"] in ("running", "row")
            folder = cache / ("negatives/synthetic" if negative else "words")
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{split}-{number}.wav"
            y = np.asarray(samples[record["offset"] : record["offset"] + record["length"]])
            factor, family = 1.0, families(record["voice"])
            if draw.random() < 0.7 and len(y) > 2048:
                y, factor = another_speaker(draw, family, y.astype(np.float32))
                y = to_int16(y)
            soundfile.write(path, y, SAMPLE_RATE)
            if negative:
                continue
            seconds = len(y) / SAMPLE_RATE
            words = record["words"] or [("unknown", *_whole(record["speech"]))]
            speaker = record["voice"]
            if family in SPEAKERS:
                speaker = f"{family} {draw.integers(SPEAKERS[family])}"
            for label, start, end in words:
                times = max(0.0, start * factor), min(end * factor, seconds)
                if times[1] - times[0] < SHORTEST:  # cut off by the synthesiser
                    continue
                rows.append((path.resolve(), label, *(f"{t:.3f}" for t in times), speaker))
    return rows


def _whole(speech: list[list[float]]) -> tuple[float, float]:
    return speech[0][0], speech[-1][1]


def noises(speech: Path) -> list[Path]:
    """The noises that are learnt from."""
    kept = []
    for kind in sorted((speech / "noise").iterdir()):
        files = sorted(path for path in kind.iterdir() if path.is_file())
        if kind.name not in HELD_OUT:
            # All but one of the long recordings, three quarters of the short ones.
            step = 6 if kind.name == "background" else 4
            kept += [path for place, path in enumerate(files) if place % step != 3]
    return kept


def link(path: Path, folder: Path) -> None:
    """Makes a link to a file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{path.parent.name}-{path.name}"
    if not os.path.lexists(place):
        place.symlink_to(path.resolve())


def main() -> None:
    """Write the manifest and the folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("cache", type=Path)
    options = parser.parse_args()
    rows = people(options.speech) + synthetic(options.cache)
    with open(options.cache / "words.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "start", "end", "speaker"))
        table.writerows(rows)
    for path in sorted((options.speech / "read" / "train").iterdir()):
        link(path, options.cache / "negatives" / "read")
    for path in noises(options.speech):
        link(path, options.cache / "noise")
    print(f"{len(rows)} words in {options.cache / 'words.csv'}")


if __name__ == "__main__":
    main()
