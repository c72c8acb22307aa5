"""The core as one file: ``python -m tools.amalgamate FOLDER`` writes ``pylstm.c`` and ``pylstm.h``.

    cc -O3 -ffp-contract=off -c pylstm.c

What the files of ``src/`` (those of ``tools/sources.py``) have in common comes first: every header,
once. Then the files one after the other. What each includes anew, the kernels' bodies and their
vocabularies, is written into it; names that several files use for something of their own get the
file's name behind them; the macros of a file end with it.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections import Counter
from pathlib import Path

from tools import sources

# Compiled once for each instruction set: written out wherever it is included.
ANEW = re.compile(r"\.inc\.h$|kernels/(vector|target)_?\w*\.h$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(.+?)".*\n', re.MULTILINE)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
PUBLIC = "pylstm.h"
TOKEN = re.compile(
    r'(?P<blank>\s+|/\*.*?\*/|//[^\n]*)|(?P<text>"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')'
    r"|(?P<include>\#[ \t]*include[^\n]*)|(?P<name>[A-Za-z_]\w*)|(?P<number>\.?\d[\w.]*)"
    r"|(?P<sign>->|.)",
    re.DOTALL,
)
BEGINNING = """\
/* pylstm {version}: the whole core in one file, made by tools/amalgamate.py.
 *
 *     cc -O3 -ffp-contract=off -c pylstm.c
 *
 * pylstm.h belongs beside it. Neither -ffast-math nor -march=native: the last bits would differ. */
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function" /* words of the kernels' vocabularies */
#endif
#include "pylstm.h"
"""


def amalgamate(source: Path) -> str:
    """The text of ``pylstm.c``."""
    headers: dict[str, str] = {}
    files = {}
    for path in sources.core(source):
        _collect(source, path.read_text(), headers)
        files[path.relative_to(source).as_posix()] = _written_out(source, path.read_text())
    shared = "".join(f"\n/* --- {name} */\n{text}" for name, text in headers.items())
    own = {name: _own_names(text) for name, text in files.items()}
    uses = Counter(_own_names(shared))
    uses.update(identifier for names in own.values() for identifier in names)
    version = ".".join(re.findall(r"define PYLSTM_VERSION_M?[A-Z]+ (\d+)", _public(source)))
    parts = [BEGINNING.format(version=version), shared]
    for name, text in files.items():
        macros = dict.fromkeys(MACRO.findall(text))
        if both := sorted(set(macros) & set(MACRO.findall(shared))):
            raise ValueError(f"{name} and the headers define {both}; expected different names")
        ending = "_" + re.sub(r"\W", "_", name.removesuffix(".c"))
        twice = {identifier for identifier in own[name] if uses[identifier] > 1}
        parts += [f"\n/* --- {name} */\n", _renamed(text, twice, ending)]
        parts += [f"#undef {macro}\n" for macro in macros]
    return "".join(parts)


def _public(source: Path) -> str:
    return (source / PUBLIC).read_text()


def _collect(source: Path, text: str, headers: dict[str, str]) -> None:
    """Adds the headers that a text needs, those that they need before them."""
    for name in INCLUDE.findall(text):
        if name == PUBLIC or name in headers:
            continue
        inner = (source / name).read_text()
        _collect(source, inner, headers)
        if not ANEW.search(name):
            headers[name] = INCLUDE.sub("", inner)


def _written_out(source: Path, text: str) -> str:
    """A file with what it includes anew in place of the directives, other headers left out."""

    def content(found: re.Match[str]) -> str:
        if not ANEW.search(found[1]):
            return ""
        return _written_out(source, (source / found[1]).read_text())

    return INCLUDE.sub(content, text)


def _tokens(text: str) -> list[re.Match[str]]:
    """What C sees of a text, blanks and comments apart."""
    return [token for token in TOKEN.finditer(text) if token.lastgroup != "blank"]


def _own_names(text: str) -> set[str]:
    """What a text declares outside of functions, the names of the whole core (``pylstm_``) apart.

    Functions, variables, types, tags and the values of enumerations.
    """
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*", "", text, flags=re.MULTILINE | re.DOTALL)
    tokens = _tokens(text)
    names: set[str] = set()
    inside: list[str] = []  # what each open brace or parenthesis belongs to
    for k, token in enumerate(tokens[:-1]):
        word, following = token[0], tokens[k + 1][0]
        before = ["", "", *(t[0] for t in tokens[max(k - 2, 0) : k])][-2:]
        if word in "{(":
            inside.append("enum" if word == "{" and "enum" in before else word)
        elif word in "})":
            inside.pop()
        elif token.lastgroup != "name" or word.startswith(("pylstm_", "PYLSTM_", "__")):
            continue
        elif (
            (not inside and following in list("(=;[,"))
            or (inside == ["enum"] and before[-1] in "{,")
            or (following == "{" and before[-1] in ("struct", "union", "enum"))
        ):
            names.add(word)
    return names


def _renamed(text: str, names: set[str], ending: str) -> str:
    """A text with an ending behind some names, but where they are members of structures."""
    tokens = _tokens(text)
    written, end = [], 0
    inside: list[bool] = []  # of each open brace: whether it is a structure's
    for k, token in enumerate(tokens[:-1]):
        word, following = token[0], tokens[k + 1][0]
        before = ["", "", *(t[0] for t in tokens[max(k - 2, 0) : k])][-2:]
        if word == "{":
            inside.append("struct" in before or "union" in before)
        elif word == "}" and inside:
            inside.pop()
        elif token.lastgroup == "name" and word in names:
            declared = inside[-1:] == [True] and following in list(";,[):")
            if not declared and before[-1] not in (".", "->"):
                written += [text[end : token.end()], ending]
                end = token.end()
    return "".join([*written, text[end:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where pylstm.c and pylstm.h are written")
    parser.add_argument("--source", type=Path, default=sources.SOURCE, help="another src/")
    settings = parser.parse_args()
    text = amalgamate(settings.source)
    settings.folder.mkdir(parents=True, exist_ok=True)
    (settings.folder / "pylstm.c").write_text(text)
    shutil.copy(settings.source / PUBLIC, settings.folder)


if __name__ == "__main__":
    main()
