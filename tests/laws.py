"""The laws of the engine and the tests that prove them, as a page: tests/LAWS.md.

    python tests/laws.py                 writes it anew, after a marker was set or a test renamed

A law is a marker that begins with ``law_``, registered in pyproject.toml with its sentence. What
carries which marker is read from the text of the tests, so that nothing is imported or collected.
"""

from __future__ import annotations

import ast
import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parent
PAGE = TESTS / "LAWS.md"
SLOW = "slow"

# What no test proves yet, because it is not built yet.
MISSING: dict[str, str] = {}


class Proof(NamedTuple):
    """A test, and whether it or its whole class or module is marked as slow."""

    module: str
    name: str
    slow: bool


def laws() -> dict[str, str]:
    """Marker -> sentence, in the order of pyproject.toml."""
    settings = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    lines = settings["tool"]["pytest"]["ini_options"]["markers"]
    pairs = [line.split(": ", 1) for line in lines]
    return {name: sentence for name, sentence in pairs if name.startswith("law_")}


def markers(expressions: list[ast.expr]) -> set[str]:
    """The names behind ``pytest.mark.`` of decorators, or of what `pytestmark` is set to."""
    found: set[str] = set()
    for expression in expressions:
        if isinstance(expression, ast.List):
            found |= markers(expression.elts)
        elif isinstance(expression, ast.Attribute) and ast.unparse(expression.value) == (
            "pytest.mark"
        ):
            found.add(expression.attr)
    return found


def marked_tests(
    body: list[ast.stmt], inherited: set[str], prefix: str = ""
) -> Iterator[tuple[str, set[str]]]:
    """Each test of a module or class, with all of its markers."""
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            inherited = inherited | markers([node.value])
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            own = inherited | markers(node.decorator_list)
            yield from marked_tests(node.body, own, f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name, inherited | markers(node.decorator_list)


@functools.cache
def proofs() -> dict[str, list[Proof]]:
    """Law -> the tests that carry its marker, by module and in their order there."""
    found: dict[str, list[Proof]] = {law: [] for law in laws()}
    for path in sorted(TESTS.glob("*/test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        for name, marked in marked_tests(module.body, set()):
            for law in sorted(marked & found.keys()):
                proof = Proof(path.relative_to(TESTS).as_posix(), name, SLOW in marked)
                found[law].append(proof)
    return found


def title(law: str) -> str:
    return law.removeprefix("law_").replace("_", " ").capitalize()


def section(law: str, sentence: str, found: list[Proof]) -> list[str]:
    """One law: its sentence, and its tests by module."""
    lines = [f"## {title(law)}", "", f"{sentence[0].upper()}{sentence[1:]}.", ""]
    module = ""
    for proof in found:
        if proof.module != module:
            module = proof.module
            lines.append(f"* [{module}]({module})")
        lines.append(f"  * `{proof.name}`" + (" (slow)" if proof.slow else ""))
    if law in MISSING:
        start = "Not proved yet: " if found else "**No test proves it yet.** Missing: "
        lines += [*([""] if found else []), f"{start}{MISSING[law]}."]
    return [*lines, ""]


def page() -> str:
    """The text of LAWS.md."""
    found = proofs()
    lines = [
        "# Laws and the tests that prove them",
        "",
        "Made by `python tests/laws.py` from the markers of the tests; do not edit it.",
        '`pytest -m law_chunk` runs the tests of one law, `pytest -m "law_chunk and not slow"` the',
        "quick ones of them.",
        "",
        "| law | marker | tests | of these quick |",
        "|---|---|---|---|",
    ]
    for law, tests in found.items():
        quick = sum(not proof.slow for proof in tests)
        anchor = title(law).lower().replace(" ", "-")
        lines.append(f"| [{title(law)}](#{anchor}) | `{law}` | {len(tests)} | {quick} |")
    lines.append("")
    for law, sentence in laws().items():
        lines += section(law, sentence, found[law])
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
