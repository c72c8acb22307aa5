"""Recordings in one folder for each label, the layout of Speech Commands.

Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", 2018,
arXiv:1804.03209.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pylstm.audio import AudioError
from pylstm.audio.header import Header
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.manifest import speaker_of
from pylstm.train.data.recording import Recording

__all__ = ["NOISE_FOLDER", "read_label_folders"]

NOISE_FOLDER = "_background_noise_"
_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "testing"}


def read_label_folders(
    folder: Path, labels: Sequence[str] | None, others: str | None
) -> tuple[list[Recording], list[str]]:
    """The recordings, in the order of their paths, and the files of noise.

    Raises
    ------
    RecordingsError
        Everything that is wrong with the folder or the files in it.
    OSError
        A folder cannot be read.
    """
    if not folder.is_dir():
        raise RecordingsError(
            str(folder), ["is not a folder; expected one with a folder for each label"]
        )
    names = sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_dir() and not entry.name.startswith(".") and entry.name != NOISE_FOLDER
    )
    if not names:
        raise RecordingsError(str(folder), ["holds no folders; expected one for each label"])
    label_of = _labels(folder, names, labels, others)
    problems: list[str] = []
    sides = _sides(folder, problems)
    recordings: list[Recording] = []
    unlisted = dict(sides)
    for name in names:
        files = _files(folder / name, problems) if name in label_of else []
        if name in label_of and not files:
            problems.append(f"{folder / name} holds no files; expected recordings of its label")
        for file in files:
            place = f"{name}/{file.name}"
            unlisted.pop(place, None)
            try:
                header = Header.of(str(file))
            except AudioError as error:
                problems.append(str(error))
                continue
            recordings.append(
                Recording(
                    str(file),
                    0.0,
                    header.seconds,
                    header,
                    label_of[name],
                    speaker=speaker_of(place),
                    side=sides.get(place),
                )
            )
    for place, side in unlisted.items():
        # Folders that were not selected are ignored.
        if place.partition("/")[0] in label_of or not (folder / place).exists():
            problems.append(f"{folder / place} does not exist; the list for {side} names it")
    noises = []
    if (folder / NOISE_FOLDER).is_dir():
        for file in _files(folder / NOISE_FOLDER, problems):
            if file.suffix.lower() == ".md":  # Speech Commands explains its noises there
                continue
            try:
                Header.of(str(file))
                noises.append(str(file))
            except AudioError as error:
                problems.append(str(error))
    if problems:
        raise RecordingsError(str(folder), problems)
    return recordings, noises


def _labels(
    folder: Path, names: list[str], labels: Sequence[str] | None, others: str | None
) -> dict[str, str]:
    """The label of each selected folder."""
    if labels is None:
        if others is not None:
            raise ValueError(f"others is {others!r} and labels is None; expected both")
        return {name: name for name in names}
    if isinstance(labels, str):
        raise TypeError(f"labels is {labels!r}; expected a list of folder names")
    if not labels:
        raise ValueError("labels is empty; expected folder names, or None for all")
    missing = [label for label in labels if label not in names]
    if missing:
        wrong = [
            f"{folder / label} does not exist; expected a folder for each label"
            for label in missing
        ]
        raise RecordingsError(str(folder), wrong)
    if others is not None and others in names:
        raise ValueError(f"others is {others!r}, which is a folder; expected another label")
    return {
        name: name if name in labels else str(others)
        for name in names
        if name in labels or others is not None
    }


def _files(folder: Path, problems: list[str]) -> list[Path]:
    """The files in a folder by name, without hidden ones."""
    files = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            problems.append(f"{entry.path} is a folder; expected an audio file")
        else:
            files.append(Path(entry.path))
    return files


def _sides(folder: Path, problems: list[str]) -> dict[str, str]:
    """The side of each file that is in a list."""
    sides: dict[str, str] = {}
    for name, side in _LISTS.items():
        path = folder / name
        if not path.is_file():
            continue
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            problems.append(f"{path} is not UTF-8 at byte {error.start}")
            continue
        for number, line in enumerate(lines, 1):
            place = line.strip()
            if place and sides.setdefault(place, side) != side:
                problems.append(
                    f"{path}: line {number}: {place} is in the list for validation as well"
                )
    return sides
