"""The tests themselves: every law has some, the page of laws is current, rooms stay apart."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from tests import laws

TESTS = Path(__file__).parents[1]
ROOMS = sorted({path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/*.py")})


def test_every_law_is_proved_or_said_not_to_be() -> None:
    unproved = {law for law, found in laws.proofs().items() if not found}
    assert unproved == set()
    assert unproved <= laws.MISSING.keys() <= laws.laws().keys()
    assert len(laws.laws()) == 10


def test_every_room_has_quick_tests_of_the_laws_that_it_proves() -> None:
    """But where nothing can be looked at before the core is compiled."""
    compiled = {("law_one_writer", "embed")}
    for law, found in laws.proofs().items():
        for room in {proof.module.split("/")[0] for proof in found}:
            quick = any(not proof.slow for proof in found if proof.module.startswith(f"{room}/"))
            assert quick != ((law, room) in compiled), (law, room)


def test_the_page_of_laws_is_current() -> None:
    assert laws.PAGE.read_text(encoding="utf-8") == laws.page(), "run: python tests/laws.py"


def test_every_marker_is_seen() -> None:
    """A marker that stands elsewhere than above a test, a class or a module would be none here."""
    found = laws.proofs()
    for path in sorted(TESTS.glob("*/test_*.py")):
        written = set(re.findall(r"mark\.(law_\w+)", path.read_text(encoding="utf-8")))
        module = path.relative_to(TESTS).as_posix()
        assert written == {law for law in found if module in {p.module for p in found[law]}}, module


@functools.cache
def imported(path: Path) -> set[str]:
    """The modules below tests/ that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name for name in found if name.startswith("tests.")}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_from_themselves_and_the_top_floor_alone(room: str) -> None:
    """golden/ holds what PyTorch and librosa gave; it serves every room as the top floor does."""
    others = {other for other in ROOMS if other not in (room, "golden")}
    for path in sorted((TESTS / room).rglob("*.py")):
        reached = {name.split(".")[1] for name in imported(path)}
        assert not reached & others, path


def test_helpers_are_imported_and_tests_are_not() -> None:
    """What two modules of a room need stands in a file beside them, not in one of the two."""
    files = [*TESTS.glob("*.py"), *TESTS.glob("*/*.py")]
    reached = set().union(*(imported(path) for path in files))
    assert not {name for name in reached if name.split(".")[-1].startswith("test_")}
