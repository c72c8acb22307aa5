"""The split into training, validation and testing: each speaker is on one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from pylstm.arguments import number_of
from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.recording import Recording, names_of

__all__ = ["place_of", "sides_of"]


def sides_of(
    recordings: Sequence[Recording], validation: float, testing: float, seed: int, what: str
) -> list[str]:
    """The side of each recording.

    Speakers without a given side are assigned by a hash of seed and name, so that new recordings
    move nobody. Only if a label would be missing on a side, the speaker with that label and the
    lowest hash moves there.

    Raises
    ------
    RecordingsError
        A label cannot be on both sides, or there is none of it or nothing at all for training.
    """
    shares = {"validation": validation, "testing": testing}
    listed = {r.side for r in recordings}
    # A list of a side is complete: speakers that are not on it are not on that side.
    open_sides = {side: share for side, share in shares.items() if side not in listed and share > 0}
    open_ = sorted({r.speaker for r in recordings if r.side is None})
    place = {speaker: place_of(seed, speaker) for speaker in open_}
    side_of = {speaker: _by_hash(place[speaker], open_sides) for speaker in open_}
    for side in open_sides:
        _complete(recordings, side_of, place, side, what)
    sides = [r.side if r.side is not None else side_of[r.speaker] for r in recordings]
    if recordings and "training" not in sides:
        raise RecordingsError(what, ["has no recordings left for training"])
    trained = {
        label
        for r, side in zip(recordings, sides, strict=True)
        if side == "training"
        for label in names_of(r)
    }
    absent = {label for r in recordings for label in names_of(r)} - trained
    if absent:
        raise RecordingsError(
            what,
            [
                f"label {label!r} has no example for training; all are on other sides"
                for label in sorted(absent)
            ],
        )
    return sides


def place_of(seed: int, speaker: str) -> float:
    """A number that is uniform between 0 and 1."""
    digest = hashlib.sha256(f"{seed}\0{speaker}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _by_hash(place: float, shares: dict[str, float]) -> str:
    for side, share in shares.items():
        if place < share:
            return side
        place -= share
    return "training"


def _complete(
    recordings: Sequence[Recording],
    side_of: dict[str, str],
    place: dict[str, float],
    side: str,
    what: str,
) -> None:
    """Moves speakers between `side` and training until both have every label."""
    heard: dict[str, set[str]] = {}  # speaker -> labels
    files: dict[str, list[str]] = {}  # label -> files
    fixed: set[str] = set()  # labels that a list puts into training
    for r in recordings:
        names = names_of(r) or {""}  # transcripts and background: a speaker on each side
        if r.side is None or r.side == "training":
            for label in names:
                files.setdefault(label, []).append(r.name)
        if r.side is None:
            heard.setdefault(r.speaker, set()).update(names)
        elif r.side == "training":
            fixed |= names
    files = {label: names for label, names in files.items() if label or len(files) == 1}
    # Speakers of a label on a side; labels that a list puts into training count as one that stays.
    speakers = {side: Counter[str](), "training": Counter[str](fixed)}
    for speaker, labels in heard.items():
        if side_of[speaker] in speakers:
            speakers[side_of[speaker]].update(labels)
    problems = []
    # The rarest labels first, because they leave the least choice.
    for label in sorted(files, key=lambda label: (len(files[label]), label)):
        for short, rich in ((side, "training"), ("training", side)):
            if speakers[short][label]:
                continue
            able = [
                speaker
                for speaker, labels in heard.items()
                if label in labels
                and side_of[speaker] == rich
                and all(speakers[rich][other] > 1 for other in labels if other in files)
            ]
            if not able:
                problems.append(_alone(label, files[label], side))
                break
            moved = min(able, key=lambda speaker: (place[speaker], speaker))
            side_of[moved] = short
            speakers[rich].subtract(heard[moved])
            speakers[short].update(heard[moved])
    if problems:
        raise RecordingsError(what, problems)


def _alone(label: str, files: list[str], side: str) -> str:
    where = f"training and {side}"
    who = f"label {label!r}" if label else "the set"
    if len(files) == 1:
        return f"{who} has one example, {files[0]}; expected two, one for each of {where}"
    return (
        f"{who} cannot be split into {where}: its {number_of(len(files), 'example')}"
        f" ({files[0]}, ...) have one speaker, or speakers whom other labels need where they are"
    )
