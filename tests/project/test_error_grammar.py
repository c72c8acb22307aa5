"""Errors have one grammar: ``NAME is VALUE; expected WHAT``, in every file of the package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "pylstm"


def words(node: ast.AST) -> str:
    """The text of a message; {} where a value stands."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "{}"
    if isinstance(node, ast.JoinedStr):
        return "".join(map(words, node.values))
    if isinstance(node, ast.BinOp):
        return words(node.left) + words(node.right)
    return "{}"


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each message that is raised, or that a variable holds to be raised."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if any(ast.unparse(argument).startswith("errno.") for argument in node.exc.args):
                continue  # the system's own form: [Errno 20] text: file
            for argument in node.exc.args:
                yield node.lineno, words(argument)
        elif isinstance(node, ast.Assign) and "message" in map(ast.unparse, node.targets):
            yield node.lineno, words(node.value)


def breaks(message: str) -> bool:
    """Whether what was expected stands anywhere but after "; "."""
    return len(re.findall(r"\bexpected\b", message)) != len(re.findall("; expected ", message))


def wrong(source: str) -> list[tuple[int, str]]:
    return [found for found in messages(source) if breaks(found[1])]


@pytest.mark.parametrize(
    "raised",
    [
        'ValueError(f"x is {x}: expected 3")',
        'ValueError(f"x is {x}, expected 3")',
        'TypeError("expected a number, got " + kind)',
        'ValueError(f"x is {x}" f" but expected {y}")',
    ],
)
def test_other_grammars_are_found(raised: str) -> None:
    assert wrong(f"raise {raised}")


def test_this_grammar_is_taken() -> None:
    assert not wrong('raise ValueError(f"x is {x}; expected " f"{y}, see z")')


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=str(p.relative_to(PACKAGE))) for p in sorted(PACKAGE.rglob("*.py"))],
)
def test_errors_have_one_grammar(path: Path) -> None:
    assert wrong(path.read_text()) == []


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.name) for p in sorted(PACKAGE.glob("*.p[yx][xi]"))],
)
def test_errors_of_cython_have_one_grammar(path: Path) -> None:
    """Line by line, for no parser of Python reads these."""
    told = [
        re.sub(r"\{[^{}]*\}", "{}", "".join(re.findall('"([^"]*)"', line)))
        for line in path.read_text().splitlines()
        if re.search(r"\braise\b|^ *f?\"", line)
    ]
    assert [text for text in told if breaks(text)] == []
