"""What lies in the folders of a set and is not used: how many, of which kinds, the first names."""

from __future__ import annotations

import os
from pathlib import Path

from pylstm.train.data.found_recordings import Note
from pylstm.train.data.shown_names import few

__all__ = ["PassedOver"]


class PassedOver:
    """What lies in the folders of a set and is not used, by kind.

    Parameters
    ----------
    root : Path
        The folder of the set; names are said relative to it.
    """

    # One of a kind, and several.
    HIDDEN = ("hidden", "hidden")
    NOT_AUDIO = ("not audio", "not audio")
    EMPTY = ("folder without recordings", "folders without recordings")
    SUBFOLDER = ("in a subfolder", "in subfolders")
    BESIDE = ("recording beside the label folders", "recordings beside the label folders")
    BROKEN = ("link to nothing", "links to nothing")
    AGAIN = ("link back to a folder", "links back to folders")

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[tuple[str, str], list[str]] = {}
        self._said = False

    def add(
        self, kind: tuple[str, str], path: str | os.PathLike[str], expected: bool = False
    ) -> None:
        """Counts something; `expected`: it is where a set may have it, such as a README."""
        name = os.path.relpath(path, self._root)
        self._names.setdefault(kind, []).append(Path(name).as_posix())
        self._said = self._said or not (expected or kind == self.HIDDEN)

    def notes(self) -> list[Note]:
        """One sentence: how many, of which kinds, the first names; none if there is nothing."""
        if not self._names:
            return []
        total = sum(map(len, self._names.values()))
        kinds = [
            f"{len(names)} {kind[len(names) > 1]} ({few(names)})"
            for kind, names in self._names.items()
        ]
        text = f"passed over {total} in {self._root}: {', '.join(kinds)}"
        return [Note(text, self._said)]
