"""The rooms of the package, who may import whom, and that it is so.

An arrow points down only: a module imports its own room and the rooms below it, never another room
of the same row. No modules import each other in a circle. All imports count, those inside of
functions and those for type checkers too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "pylstm"

Rows = Sequence[Sequence[str]]

ROOMS: dict[str, Rows] = {
    # From the top to the bottom. "__init__" is `import pylstm`: what users see.
    "pylstm": (
        ("__main__",),
        ("cli",),
        ("__init__",),
        ("detector",),
        ("evaluation", "plots"),
        ("train",),
        ("convert", "speech"),
        ("model",),
        ("model_summary", "packed_model"),
        ("decisions",),
        ("layers", "features", "reference"),
        ("bulk", "audio"),
        (
            "model_files",
            "safetensors_encoding",
            "whole_writes",
            "arguments",
            "free_memory",
            "brief_repr",
            "interrupted_imports",
            "progress_bar",
            "models",
        ),
        ("temporary_file",),
        ("_bulk",),
        ("_engine",),
    ),
    "pylstm.convert": (
        ("__init__",),
        ("published", "audio_self_check"),
        ("keras", "onnx", "rtneural", "torch_export", "self_check"),
        ("torch", "onnx_export"),
        ("spectral_front", "conversion", "export_c", "folding", "json_document", "onnx_runtime"),
        ("source_file",),
    ),
    "pylstm.train": (
        ("__init__",),
        ("batches", "ctc"),
        ("loop",),
        ("data",),
        ("network", "networks", "new_labels", "optimisers", "schedules", "losses"),
        ("augment", "graph_pass", "thread_pool", "weighted_graph"),
        ("output_heads", "recurrent_state"),
        ("kept_samples", "random_draws", "settings_repr"),
    ),
    "pylstm.cli": (
        ("__init__",),
        (
            "bench",
            "convert",
            "demo",
            "eval",
            "export",
            "info",
            "mic",
            "quantize",
            "run",
            "segments",
            "train",
            "tune",
        ),
        ("console",),
    ),
}

LONGEST = 400
"""Lines of a file."""


def module_of(path: Path) -> str:
    """pylstm/layers/__init__.py -> pylstm.layers"""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py*")) if path.suffix != ".pyi"}
FILES = {module: path for module, path in FILES.items() if path.suffix in (".py", ".pyx")}


def imported(source: str, modules: Mapping[str, object]) -> Iterator[str]:
    """The modules of the package that a file of Python names in imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports say from where: from pylstm.room import name"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found = inner if inner in modules else node.module
                if found in modules:
                    yield str(found)


def imports() -> dict[str, set[str]]:
    """What each module imports."""
    found = {}
    for module, path in FILES.items():
        source = path.read_text()
        if path.suffix == ".pyx":  # no parser of Python reads these: their import lines alone
            lines = re.findall(r"^from pylstm\S* import \w+$", source, flags=re.M)
            source = "\n".join(lines)
        found[module] = set(imported(source, FILES))
    return found


def place(module: str, parent: str, rows: Rows) -> tuple[int, str]:
    """The row of a module below `parent`, and its room there."""
    room = module.removeprefix(parent).lstrip(".").partition(".")[0] or "__init__"
    for row, names in enumerate(rows):
        if room in names:
            return row, room
    raise AssertionError(f"{module} is in no row of {parent}; write it into ROOMS")


def upward(graph: Mapping[str, set[str]], rooms: Mapping[str, Rows]) -> list[str]:
    """All arrows that do not point down."""
    wrong = []
    for parent, rows in rooms.items():
        inside = [m for m in graph if m == parent or m.startswith(parent + ".")]
        for module in inside:
            row, room = place(module, parent, rows)
            for other in graph[module]:
                if other in inside:
                    other_row, other_room = place(other, parent, rows)
                    if other_room != room and other_row <= row:
                        wrong.append(f"{module} -> {other}")
    return wrong


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_arrows_point_down() -> None:
    assert upward(imports(), ROOMS) == []


def test_there_is_no_circle() -> None:
    assert circle(imports()) == []


def test_the_reference_stands_alone() -> None:
    """It is the oracle of the tests: what is tested must not be what it computes with."""
    for module, others in imports().items():
        if module.startswith("pylstm.reference"):
            assert {other for other in others if not other.startswith("pylstm.reference")} == set()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(PACKAGE)))
        for suffix in (".py", ".pyx", ".pxi")
        for path in sorted(PACKAGE.rglob(f"*{suffix}"))
        if path.name != "_c_api.pxi"  # tools/c_api.py writes it
    ],
)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


# --- that the tests above can fail ----------------------------------------------------------------

TWO_ROWS: dict[str, Rows] = {"p": (("__init__",), ("a", "b"), ("c",))}


@pytest.mark.parametrize(
    ("graph", "wrong"),
    [
        ({"p.a": {"p.c"}, "p.c": set()}, []),
        ({"p.a": {"p.a.x"}, "p.a.x": {"p.c"}, "p.c": set()}, []),
        ({"p.a": set(), "p.c": {"p.a"}}, ["p.c -> p.a"]),
        ({"p.a": {"p.b"}, "p.b": set()}, ["p.a -> p.b"]),
        ({"p": {"p.a"}, "p.a.x": {"p"}, "p.a": set()}, ["p.a.x -> p"]),
    ],
)
def test_other_arrows_are_found(graph: dict[str, set[str]], wrong: list[str]) -> None:
    assert upward(graph, TWO_ROWS) == wrong


def test_a_room_that_nobody_has_written_down_is_found() -> None:
    with pytest.raises(AssertionError, match=r"p\.d is in no row"):
        upward({"p.d": set()}, TWO_ROWS)


def test_a_circle_is_found() -> None:
    assert set(circle({"p.a": {"p.b"}, "p.b": {"p.a"}, "p.c": {"p.a"}})) == {"p.a", "p.b"}


def test_every_way_to_import_is_seen() -> None:
    source = """
import p.a
from p import b, name
from p.c import name

def late():
    from p.d import name

if TYPE_CHECKING:
    from p.e import name
"""
    modules = dict.fromkeys(["p", "p.a", "p.b", "p.c", "p.d", "p.e", "p.f"])
    assert set(imported(source, modules)) == {"p", "p.a", "p.b", "p.c", "p.d", "p.e"}


def test_the_package_is_what_is_read() -> None:
    graph = imports()
    assert "pylstm.bulk.recurrent_stack" in graph["pylstm.layers.recurrent"]  # inside a function
    assert "pylstm._engine" in graph["pylstm._bulk"]  # from Cython
