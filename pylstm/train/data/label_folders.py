"""Recordings in one folder for each label, the layout of Speech Commands.

Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", 2018,
arXiv:1804.03209.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from pylstm.audio import AudioError
from pylstm.train.data.errors import RecordingsError, Remedy
from pylstm.train.data.file_headers import FileHeaders
from pylstm.train.data.folder_files import (
    FolderFiles,
    is_broken,
    is_folder,
    is_recording,
    recordings_below,
)
from pylstm.train.data.found_recordings import FoundRecordings, Note, without_recordings
from pylstm.train.data.manifest import speaker_of
from pylstm.train.data.noise_folder import noises_below
from pylstm.train.data.passed_over import PassedOver
from pylstm.train.data.recording import Recording
from pylstm.train.data.side_lists import SIDE_LISTS, read_side_lists

__all__ = ["NOISE_FOLDER", "Subfolders", "read_label_folders"]

NOISE_FOLDER = "_background_noise_"
Subfolders = Literal["speakers", "include", "skip"]

# What each way with the subfolders of a label does.
_WAYS = (
    Remedy("subfolders", "speakers", "uses them, each subfolder as one speaker"),
    Remedy("subfolders", "include", "uses them like the files beside them"),
    Remedy("subfolders", "skip", "passes over them"),
)


class _File(NamedTuple):
    path: Path
    speaker: str | None  # None: its name tells


def read_label_folders(
    folder: Path,
    labels: Sequence[str] | None,
    others: str | None,
    subfolders: Subfolders | None,
    headers: FileHeaders,
) -> FoundRecordings:
    """The recordings, in the order of their paths, and the files of noise.

    Raises
    ------
    RecordingsError
        Everything that is wrong with the folder or the files in it.
    OSError
        A folder cannot be read.
    """
    if subfolders is not None and subfolders not in get_args(Subfolders):
        raise ValueError(
            f"subfolders is {subfolders!r}; expected 'speakers', 'include', 'skip' or None"
        )
    if not folder.is_dir():
        raise RecordingsError(
            str(folder), ["is not a folder; expected one with a folder for each label"]
        )
    passed_over = PassedOver(folder)
    names = _label_names(folder, passed_over)
    if not names:
        raise RecordingsError(str(folder), ["holds no folders; expected one for each label"])
    label_of = _labels(folder, names, labels, others)
    problems: list[str] = []
    remedies: list[Remedy] = []
    sides = read_side_lists(folder, problems)
    items: list[Recording] = []
    unlisted = dict(sides)
    heard: set[str] = set()  # labels that have files
    for name, label in label_of.items():
        files, deeper = _files(folder / name, subfolders, passed_over)
        for path, n in deeper:
            problems.append(
                f"{path} is a folder in a label's folder and holds {n}"
                f" recording{'s' if n > 1 else ''}"
            )
            remedies = list(_WAYS)
        if not files:
            if name in (labels or ()) and not deeper:
                problems.append(f"{folder / name} holds no recordings; expected some of its label")
            elif not deeper:
                passed_over.add(PassedOver.EMPTY, folder / name)
            continue
        if not _is_text(label):
            problems.append(
                f"{folder / name} has a name that is not UTF-8; expected UTF-8, as it is a label"
            )
            continue
        heard.add(label)
        items += _recordings(folder, files, label, sides, unlisted, headers, problems)
    for place, side in unlisted.items():
        path = folder / place  # in a folder that was not selected, passed over, or not there
        if not os.path.lexists(path) and not headers.leaves_out_missing(str(path)):
            problems.append(f"{path} does not exist; the list for {side} names it")
    if not problems:
        problems += without_recordings(heard, items)
    noises: list[str] = []
    if (folder / NOISE_FOLDER).is_dir():
        noises = noises_below(folder / NOISE_FOLDER, headers, passed_over, problems)
    if not items and not problems:
        problems.append("holds no recordings; expected some in a folder for each label")
    if problems:
        raise RecordingsError(str(folder), problems, [*remedies, *headers.remedies()])
    notes: list[Note] = [*passed_over.notes(), *headers.notes()]
    return FoundRecordings(items, noises, notes)


def _label_names(folder: Path, passed_over: PassedOver) -> list[str]:
    """The names of the folders that stand for labels, sorted."""
    names = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                passed_over.add(PassedOver.HIDDEN, entry.path)
            elif is_folder(entry):
                names += [entry.name] if entry.name != NOISE_FOLDER else []
            elif entry.name in SIDE_LISTS:
                continue
            elif is_recording(entry):
                passed_over.add(PassedOver.BESIDE, entry.path)
            elif is_broken(entry):
                passed_over.add(PassedOver.BROKEN, entry.path)
            else:
                passed_over.add(PassedOver.NOT_AUDIO, entry.path, expected=True)
    return names


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
    if others is not None and others in labels:
        raise ValueError(f"others is {others!r}, which is one of labels; expected another label")
    return {
        name: name if name in labels else str(others)
        for name in names
        if name in labels or others is not None
    }


def _files(
    folder: Path, subfolders: Subfolders | None, passed_over: PassedOver
) -> tuple[list[_File], list[tuple[Path, int]]]:
    """The recordings of a label, and the subfolders that nobody has said what to do with."""
    found = FolderFiles(folder, passed_over)
    files = [_File(path, None) for path in found.recordings]
    undecided = []
    # A link to a folder above would bring the recordings of other labels.
    real = Path(os.path.realpath(folder))
    seen = {str(path) for path in (real, *real.parents)}
    for subfolder in found.subfolders:
        again = os.path.realpath(subfolder) in seen
        used = subfolders in ("speakers", "include")
        # What a subfolder holds beside recordings only counts where it is used.
        aside = passed_over if used or again else PassedOver(folder)
        below = list(recordings_below(subfolder, aside, seen=seen))
        if again:
            continue
        if not below:
            passed_over.add(PassedOver.EMPTY, subfolder)
        elif used:
            speaker = subfolder.name if subfolders == "speakers" else None
            files += [_File(path, speaker) for path in below]
        elif subfolders == "skip":
            for path in below:
                passed_over.add(PassedOver.SUBFOLDER, path)
        else:
            undecided.append((subfolder, len(below)))
    return files, undecided


def _recordings(
    folder: Path,
    files: list[_File],
    label: str,
    sides: dict[str, str],
    unlisted: dict[str, str],
    headers: FileHeaders,
    problems: list[str],
) -> list[Recording]:
    """The recordings of a label that can be read; `unlisted` loses what is there."""
    found = []
    for file in files:
        place = file.path.relative_to(folder).as_posix()
        unlisted.pop(place, None)
        try:
            header = headers.of(str(file.path))
        except AudioError as error:
            problems.append(str(error))
            continue
        if header is not None:
            speaker = speaker_of(place) if file.speaker is None else file.speaker
            found.append(
                Recording(
                    str(file.path),
                    0.0,
                    header.seconds,
                    header,
                    label,
                    speaker=speaker,
                    side=sides.get(place),
                )
            )
    return found


def _is_text(name: str) -> bool:
    """Whether a name can be written to a model file."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
