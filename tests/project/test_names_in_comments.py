"""Comments, docstrings and pages name only what there is: identifiers, files, dotted names.

A name that was changed in the code and not in the words around it is found here. What is looked
up: ``pylstm_`` and ``PYLSTM_`` words, which must stand in code; names of files and of folders,
which must be in this repository (or be the end of a path in it, or a pattern for one); and dotted
names of the package in backticks, which Python must find.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Of other projects, and placeholders: not in this repository, and meant so.
ELSEWHERE = {
    "core/spectrum.py": "librosa",
    "feature/spectral.py": "librosa",
    "feature/utils.py": "librosa",
    "filters.py": "librosa",
    "pyconfig.h": "CPython",
    "FILE.c": "a placeholder",
    "name.c": "a placeholder",
    "name.h": "a placeholder",
    "app.c": "a program of the reader's",
    "app.cpp": "a program of the reader's",
    "pylstm.c": "the core as one file, written by tools/amalgamate.py",
    "words.c": "a model of the reader's",
    "words.h": "a model of the reader's",
    "lstm.h": "a model of the reader's",
}
PLACEHOLDER = "NAME"  # in instructions: any name of that form
HISTORY = {"CHANGELOG.md"}  # names what was, too

FOLDERS = ("src", "pylstm", "tests", "tools", "docs", "examples", "training", "wheels")
FOLDERS += ("benchmarks",)
C = r"""(?P<prose>/\*.*?\*/|//[^\n]*)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
PYTHON = r"""
    (?P<prose>\#[^\n]*|^[ \t]*[rR]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}))  # a docstring begins its line
    |(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
"""
GRAMMARS = {
    **dict.fromkeys((".c", ".h", ".cpp", ".hpp"), re.compile(C, re.S)),
    **dict.fromkeys(
        (".py", ".pyx", ".pxd", ".pxi", ".pyi"), re.compile(PYTHON, re.S | re.M | re.X)
    ),
    ".md": re.compile(r"(?P<prose>.+)"),
}

IDENTIFIER = re.compile(r"\b(?:pylstm|PYLSTM)_\w+\*?")
PLACE = re.compile(
    r"(?<![\w./<*-])"
    r"(?:[\w*][\w./*-]*\.(?:c|h|cpp|hpp|py|pyx|pxd|pxi|pyi|md)\b(?![\w*]|\.\w)"
    rf"|(?:{'|'.join(FOLDERS)})/[\w./*-]*)"
)
DOTTED = re.compile(r"`(pylstm(?:\.\w+)+)")


class Repository:
    """What there is under a folder, and the prose in it."""

    def __init__(self, root: Path) -> None:
        inside = [path for name in FOLDERS for path in (root / name).rglob("*")]
        self.files = [
            path
            for path in sorted([*root.glob("*"), *(root / ".ci").glob("*"), *inside])
            if path.is_file() and not {"build", "__pycache__"} & {*path.relative_to(root).parts}
        ]
        self.root = root
        self.places: set[str] = set()  # every file and folder, by every end of its path
        for path in self.files:
            parts = path.relative_to(root).parts
            for end in range(1, len(parts) + 1):
                self.places |= {"/".join(parts[start:end]) for start in range(end)}
        self.code = "\n".join(self.code_of(path) for path in self.files)
        self.words = set(re.findall(r"\w+", self.code))

    def code_of(self, path: Path) -> str:
        """What is no prose: of build files everything."""
        grammar = GRAMMARS.get(path.suffix)
        if grammar:
            return grammar.sub(lambda found: " " if found["prose"] else found[0], path.read_text())
        is_build = path.name == "Makefile" or path.suffix in {".toml", ".txt", ".sh"}
        return path.read_text() if is_build else ""

    def prose(self) -> Iterator[tuple[str, str]]:
        """Each comment, docstring and page, with where it stands."""
        for path in self.files:
            if path.suffix not in GRAMMARS or path.name in HISTORY:
                continue
            text = path.read_text()
            for found in GRAMMARS[path.suffix].finditer(text):
                if found["prose"]:
                    line = text.count("\n", 0, found.start()) + 1
                    yield f"{path.relative_to(self.root).as_posix()}:{line}", found["prose"]

    def has_identifier(self, name: str) -> bool:
        if name.endswith(("_", "*")):
            return any(word.startswith(name.rstrip("*")) for word in self.words)
        if PLACEHOLDER in name:
            pattern = re.compile(name.replace(PLACEHOLDER, r"\w+"))
            return any(pattern.fullmatch(word) for word in self.words)
        return name in self.words

    def has_place(self, name: str) -> bool:
        name = name.rstrip("./").replace(PLACEHOLDER, "*")
        pattern = re.compile(re.escape(name).replace(r"\*", "[^/]*"))
        return name in ELSEWHERE or any(pattern.fullmatch(place) for place in self.places)

    def has_dotted(self, name: str) -> bool:
        """An attribute or module; or a file; or a key that the code has as text."""
        return is_importable(name) or name in self.places or name in self.code

    def unknown(self) -> list[str]:
        rules = (
            (IDENTIFIER, self.has_identifier),
            (PLACE, self.has_place),
            (DOTTED, self.has_dotted),
        )
        return [
            f"{where}: {found[found.lastindex or 0]}"
            for where, text in self.prose()
            for pattern, known in rules
            for found in pattern.finditer(text)
            if not known(found[found.lastindex or 0])
        ]


def is_importable(name: str) -> bool:
    parts = name.split(".")
    found = importlib.import_module(parts[0])
    for k in range(1, len(parts)):
        if not hasattr(found, parts[k]):
            try:
                importlib.import_module(".".join(parts[: k + 1]))
            except ModuleNotFoundError:
                return False
        found = getattr(found, parts[k])
    return True


@functools.cache
def this_repository() -> Repository:
    return Repository(ROOT)


def test_what_comments_name_is_there() -> None:
    repository = this_repository()
    assert sum(1 for _ in repository.prose()) > 1000
    assert repository.unknown() == []


def test_what_is_elsewhere_is_still_spoken_of() -> None:
    named = {found[0] for _, text in this_repository().prose() for found in PLACE.finditer(text)}
    assert ELSEWHERE.keys() <= named


# --- what is found, and what is not --------------------------------------------------------------

TREE = {
    "src/low/memory.c": "void pylstm_take(void);\n#define PYLSTM_MAX_NAME 1\n",
    "src/low/memory.inc.h": "int pylstm_weights_float;\n",
    "pylstm/model.py": 'KEY = "pylstm.format"\n',
    "tests/test_model.py": "x = 1\n",
}


@pytest.mark.parametrize(
    ("name", "text", "unknown"),
    [
        (
            "a.c",
            "/* pylstm_take, PYLSTM_MAX_NAME, pylstm_weights_*: src/low/, low/memory.inc.h */",
            [],
        ),
        ("a.c", "/* pylstm_gone\n */ int pylstm_new;", ["a.c:1: pylstm_gone"]),
        ("a.c", 'char *s = "/* not pylstm_prose */"; // PYLSTM_GONE', ["a.c:1: PYLSTM_GONE"]),
        (
            "a.c",
            "/* pylstm_gone_* of <stdint.h>, gone_*.h */",
            ["a.c:1: pylstm_gone_*", "a.c:1: gone_*.h"],
        ),
        (
            "a.c",
            "/* src/memory.c, tests/c, tests/test_*.py */",
            ["a.c:1: src/memory.c", "a.c:1: tests/c"],
        ),
        ("a.py", "# tests/test_model.py, see test_gone.py.", ["a.py:1: test_gone.py"]),
        ("a.py", '"""Head.\n\npylstm_gone, `pylstm.load`.\n"""\n', ["a.py:1: pylstm_gone"]),
        ("a.py", 'x = """pylstm_text is no docstring"""\n', []),
        (
            "a.pyx",
            "cdef int f() except? -1:\n    # `pylstm.Model.stream` `pylstm.gone.f`\n",
            ["a.pyx:2: pylstm.gone.f"],
        ),
        ("a.md", "`pylstm.format`, `pylstm.train.Gone`", ["a.md:1: pylstm.train.Gone"]),
    ],
)
def test_what_is_not_there_is_noticed(
    name: str, text: str, unknown: list[str], tmp_path: Path
) -> None:
    for file, content in {**TREE, name: text}.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    assert Repository(tmp_path).unknown() == unknown
