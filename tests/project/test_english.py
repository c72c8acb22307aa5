"""Messages count in English: "1 label", not "1 labels"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pylstm
from pylstm.arguments import number_of

PACKAGE = Path(__file__).parent.parent.parent / "pylstm"

# A number of something: the expressions that stand for one, and a plural behind them.
NUMBER = re.compile(
    r"(max\()?len\(.*\)( \+ \w+)?|.*\.shape\[-?\d\]|.*\b(n|n_\w+|\w*size\w*|\w*steps|rows"
    r"|epochs|channels|frames|samples|\w*_samples|parameters|recordings|least|count)\b.{0,3}"
)
COUNTED = re.compile(r" ((?:[a-z]+ )?[a-z]+s)\b")
NO_PLURALS = {"as", "has", "is", "its", "gives", "holds", "takes"}
# Of these there are always several.
SEVERAL = {
    "{self.channels} channels": "mixed down to one",
    "{many[0].header.channels} channels": "mixed down to one",
    "{len(value)} items": "more than eight",
    "{n_bytes} bytes": "one byte is said before",
    "{len(name)} characters": "more than the longest name has",
    "{facts['size_bytes']} bytes": "of a model file",
    "{output.stat().st_size} bytes": "of a model file",
    "{self.rows} frames": "more than 2^30",
}


def plurals(source: str) -> Iterator[tuple[int, str]]:
    """Line and words of each value in an f-string that a plural follows."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, words in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(words, ast.Constant):
                found, counts = COUNTED.match(words.value), ast.unparse(value.value)
                if found and NUMBER.fullmatch(counts) and not NO_PLURALS & {*found[1].split()}:
                    yield node.lineno, f"{{{counts}}} {found[1]}"


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=str(p.relative_to(PACKAGE))) for p in sorted(PACKAGE.rglob("*.py"))],
)
def test_what_is_counted_has_a_singular(path: Path) -> None:
    found = [(line, words) for line, words in plurals(path.read_text()) if words not in SEVERAL]
    assert found == []


@pytest.mark.parametrize("path", [pytest.param(p, id=p.name) for p in PACKAGE.glob("*.p[yx][xi]")])
def test_it_has_one_in_cython(path: Path) -> None:
    found = [
        f"{{{value}}} {words}"
        for line in path.read_text().splitlines()
        if re.search(r'f"', line)
        for value, words in re.findall(rf"\{{([^{{}}]*)\}}{COUNTED.pattern}", line)
        if NUMBER.fullmatch(value) and not NO_PLURALS & {*words.split()}
    ]
    assert [words for words in found if words not in SEVERAL] == []


def test_such_a_message_is_found() -> None:
    assert list(plurals('f"there are {n} labels"')) == [(1, "{n} labels")]
    assert list(plurals('f"{len(a)} new labels, {name} needs {x.shape[0]:,} rows"')) == [
        (1, "{len(a)} new labels"),
        (1, "{x.shape[0]} rows"),
    ]
    assert not list(plurals("f\"{number_of(n, 'label')} of {m}\""))


DENSE = pylstm.Dense(1, 1, seed=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pylstm.Model(None, [DENSE], labels=["a", "b"]), "labels has 2 names; expected 1"),
        (
            lambda: pylstm.Model(None, [pylstm.Dense(1, 2), pylstm.Dense(1, 1)]),
            r"layers\[1\] takes 1 value but layers\[0\] gives 2",
        ),
        (lambda: pylstm.MFCC(mean=[1.0], std=[1.0]), "mean has 1 value; expected"),
        (lambda: _two_joins(), "no slot of 1 is free"),
        (lambda: _state(), "state has 1 tuple; expected 0"),
    ],
)
def test_one_is_singular(call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def _two_joins() -> None:
    pool = pylstm.Model(None, [DENSE]).streams(1)
    pool.join()
    pool.join()


def _state() -> None:
    pylstm.Model(None, [DENSE]).stream().state = [(np.zeros(1, np.float32),)]


def test_number_of() -> None:
    assert [number_of(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert number_of(2, "entry", "entries") == "2 entries"
