"""The rooms of src/: who includes whom, how long files are, how guards are called, which files.

Each rule is a function that gives what is wrong in a tree; a small broken tree shows that it can.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import sources

ROOT = Path(__file__).parents[2]
MOST_LINES = 400
LONGER = {"pylstm.h": "the public API is one page, and most of it says what a call promises"}


def files(src: Path) -> list[Path]:
    """All but what src/Makefile has built."""
    return sorted(p for p in src.rglob("*.[ch]") if p.relative_to(src).parts[0] != "build")


def includes(src: Path) -> dict[str, list[str]]:
    """For each file the files of the tree that it includes, as paths from src/."""
    found = {}
    for path in files(src):
        names = re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE)
        found[path.relative_to(src).as_posix()] = names
    return found


def room(name: str) -> str:
    return name.rpartition("/")[0]


def allowed(src: Path) -> dict[str, set[str]]:
    """The table of src/README.md: for each room those that its files may include."""
    rows = re.findall(r"^\| `(\w+)/` \|[^|]*\|([^|]*)\|$", (src / "README.md").read_text(), re.M)
    return {name: {name, *re.findall(r"`(\w+)/`", below)} for name, below in rows}


# --- the rules -----------------------------------------------------------------------------------


def missing_files(src: Path) -> list[str]:
    """Includes are written from src/, so that a reader sees the room."""
    known = includes(src)
    return [f"{a} includes {b}" for a, names in known.items() for b in names if b not in known]


def arrows_up(src: Path) -> list[str]:
    below = allowed(src)
    return [
        f"{a} includes {b}"
        for a, names in includes(src).items()
        for b in names
        if room(b) and room(b) not in below.get(room(a), set())
    ]


def undocumented_rooms(src: Path) -> list[str]:
    rooms = {room(name) for name in includes(src)} - {""}
    return sorted(rooms ^ allowed(src).keys())


def circles(src: Path) -> list[str]:
    """Rooms as a whole, then files: what is left when all that needs nothing left is taken away."""
    below = {name: others - {name} for name, others in allowed(src).items()}
    return _circle(below) + _circle({name: set(names) for name, names in includes(src).items()})


def _circle(arrows: dict[str, set[str]]) -> list[str]:
    left = dict(arrows)
    while done := [name for name, below in left.items() if not below & left.keys()]:
        for name in done:
            del left[name]
    return sorted(left)


def long_files(src: Path) -> list[str]:
    counts = {
        path.relative_to(src).as_posix(): len(path.read_text().splitlines()) for path in files(src)
    }
    too_long = {name for name, count in counts.items() if count > MOST_LINES}
    return sorted(too_long ^ LONGER.keys())


def wrong_guards(src: Path) -> list[str]:
    """A header is guarded by its path; what is included more than once (.inc.h) has no guard."""
    wrong = []
    for path in files(src):
        name = path.relative_to(src).as_posix()
        guard = re.search(r"^#ifndef (\w+_H)\n#define (\w+)\n", path.read_text(), re.MULTILINE)
        expected = "PYLSTM_" * (name != "pylstm.h") + re.sub(r"\W", "_", name).upper()
        if name.endswith(".inc.h") or path.suffix == ".c":
            if guard:
                wrong.append(f"{name}: {guard[1]}; expected none")
        elif not guard or {guard[1], guard[2]} != {expected}:
            wrong.append(f"{name}: {guard and guard[1]}; expected {expected}")
    return wrong


def equal_names(src: Path) -> list[str]:
    """Objects of one build may land in one folder."""
    names = Counter(path.name for path in files(src) if path.suffix == ".c")
    return [name for name, count in names.items() if count > 1]


def macros_of_two_headers(src: Path) -> list[str]:
    """The core as one file sees all headers. The words of an instruction set (vector_*.h) are
    defined anew for each."""
    names = Counter(
        name
        for path in files(src)
        if path.suffix == ".h" and not path.name.startswith("vector")
        for name in set(re.findall(r"^ *# *define (\w+)", path.read_text(), re.MULTILINE))
    )
    return sorted(name for name, count in names.items() if count > 1)


def other_lists(src: Path) -> list[str]:
    """What only one of tools/sources.py and src/Makefile takes for a source of the core."""
    make = shutil.which("make")
    if not make:
        pytest.skip("no make: install it to compare the lists of sources")
    asked = [make, "-s", "--no-print-directory", "--eval=list:;@echo $(SOURCES)", "list"]
    done = subprocess.run(asked, cwd=src, capture_output=True, text=True, check=True)
    made = {src / name for name in done.stdout.split()}
    return sorted(path.relative_to(src).as_posix() for path in made ^ set(sources.core(src)))


def forgotten_sources(src: Path) -> list[str]:
    found = {path for path in files(src) if path.suffix == ".c"}
    known = {*sources.core(src), *sources.bulk(src)}
    return sorted(path.relative_to(src).as_posix() for path in found ^ known)


RULES = [
    missing_files,
    arrows_up,
    undocumented_rooms,
    circles,
    long_files,
    wrong_guards,
    equal_names,
    macros_of_two_headers,
    other_lists,
    forgotten_sources,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_core_keeps(rule: Callable[[Path], list[str]]) -> None:
    assert len(files(sources.SOURCE)) > 50
    assert rule(sources.SOURCE) == []


# --- the rules can fail --------------------------------------------------------------------------


SMALL = {
    "Makefile": "SOURCES = $(filter-out bulk/%,$(wildcard */*.c))\n",
    "README.md": "| `top/` | | `low/` |\n| `bulk/` | | `low/` |\n| `low/` | | |\n",
    "pylstm.h": "#ifndef PYLSTM_H\n#define PYLSTM_H\n#endif\n" + "\n" * MOST_LINES,
    "low/memory.h": "#ifndef PYLSTM_LOW_MEMORY_H\n#define PYLSTM_LOW_MEMORY_H\n#endif\n",
    "low/memory.c": '#include "low/memory.h"\n',
    "top/model.c": '#include "low/memory.h"\n#include <math.h>\n',
    "bulk/kernels.c": "",
    "bulk/kernels.inc.h": '#include "low/memory.h"\n',
}

BROKEN: dict[Callable[[Path], list[str]], list[tuple[dict[str, str], list[str]]]] = {
    missing_files: [({"top/model.c": '#include "memory.h"\n'}, ["top/model.c includes memory.h"])],
    arrows_up: [
        ({"low/x.c": '#include "top/y.h"\n'}, ["low/x.c includes top/y.h"]),
        ({"top/x.c": ' #  include "bulk/y.h"\n'}, ["top/x.c includes bulk/y.h"]),
        ({"new/x.c": '#include "low/memory.h"\n'}, ["new/x.c includes low/memory.h"]),
    ],
    undocumented_rooms: [({"new/x.c": ""}, ["new"])],
    circles: [
        (
            {"low/a.h": '#include "low/b.h"\n', "low/b.h": '#include "low/a.h"\n'},
            ["low/a.h", "low/b.h"],
        ),
        ({"README.md": "| `low/` | | `top/` |\n| `top/` | | `low/` |\n"}, ["low", "top"]),
    ],
    long_files: [({"top/x.c": "\n" * (MOST_LINES + 1)}, ["top/x.c"])],
    wrong_guards: [
        (
            {"low/a.h": "#ifndef PYLSTM_A_H\n#define PYLSTM_A_H\n"},
            ["low/a.h: PYLSTM_A_H; expected PYLSTM_LOW_A_H"],
        ),
        ({"low/a.h": "int a;\n"}, ["low/a.h: None; expected PYLSTM_LOW_A_H"]),
        ({"low/a.inc.h": "#ifndef A_H\n#define A_H\n"}, ["low/a.inc.h: A_H; expected none"]),
    ],
    equal_names: [({"top/memory.c": ""}, ["memory.c"])],
    macros_of_two_headers: [
        ({"low/a.h": "#define MOST 2\n", "top/b.h": "# define MOST 3\n"}, ["MOST"]),
    ],
    other_lists: [({"Makefile": "SOURCES = low/memory.c\n"}, ["top/model.c"])],
    forgotten_sources: [({"top/deeper/x.c": ""}, ["top/deeper/x.c"])],
}


@pytest.mark.parametrize(
    ("rule", "change", "wrong"),
    [(rule, *case) for rule, broken in BROKEN.items() for case in broken],
    ids=[f"{rule.__name__}-{k}" for rule, broken in BROKEN.items() for k in range(len(broken))],
)
def test_a_broken_tree_is_noticed(
    rule: Callable[[Path], list[str]], change: dict[str, str], wrong: list[str], tmp_path: Path
) -> None:
    write(tmp_path, SMALL)
    assert rule(tmp_path) == []
    write(tmp_path, change)
    assert rule(tmp_path) == wrong


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)


def test_every_rule_is_broken_once() -> None:
    assert BROKEN.keys() == set(RULES)
