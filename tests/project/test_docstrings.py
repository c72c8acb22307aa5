"""Docstrings have numpydoc's form, and say what the signature says: every parameter, no other.

A parameter that is missing there has most often been swallowed by the one before it: its line
stands a little too far right, and reads as that one's text.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterator
from types import MappingProxyType

import pytest

import pylstm

SECTIONS = (
    "Parameters",
    "Attributes",
    "Returns",
    "Yields",
    "Raises",
    "Warns",
    "See Also",
    "Notes",
    "References",
    "Examples",
)
# How the type of a parameter is written where only some texts are allowed.
CHOICE = re.compile(r"\{(.*?)\}")


class Entry(typing.NamedTuple):
    """A parameter: its names, its type as it is written, its text."""

    names: tuple[str, ...]
    kind: str
    text: tuple[str, ...]


def sections(docstring: str) -> dict[str, list[str]]:
    """The lines of each section under its name; what stands before the first under ""."""
    lines = inspect.cleandoc(docstring).splitlines()
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line and re.fullmatch("-{3,}", below):
            name = line
            assert name not in found, f"two sections {name!r}"
            assert len(below) == len(line), f"the line below {name!r} is not as long"
            found[name] = []
        elif not (name and re.fullmatch("-{3,}", line)):
            found[name].append(line)
    return found


def entries(lines: list[str]) -> list[Entry]:
    """The parameters of a section: a line at its margin is one, what is indented belongs to it."""
    found: list[Entry] = []
    for line in lines:
        if not line:
            continue
        if line.startswith(" "):
            assert found, f"text before the first parameter: {line!r}"
            assert line.startswith("    "), f"neither a parameter nor its text: {line!r}"
            found[-1] = found[-1]._replace(text=(*found[-1].text, line.strip()))
            continue
        names, _, kind = line.partition(" : ")
        found.append(Entry(tuple(names.replace("*", "").split(", ")), kind, ()))
    return found


def parameters_of(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    """Those that a caller can name, by name; None of them where Python does not know."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {}
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name not in ("self", "cls") and not name.startswith("_")
    }


def choices(annotation: object) -> set[str]:
    """The texts that an annotation allows; empty if it allows any, or none."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return {value for value in parts if isinstance(value, str)}
    if origin in (typing.Union, types.UnionType):
        return {text for part in parts for text in choices(part)}
    return set()


def written_choices(kind: str) -> set[str]:
    """The texts in ``{"a", "b"}``."""
    found = CHOICE.search(kind)
    return set(re.findall(r'"([^"]*)"', found[1])) if found else set()


def annotations_of(function: Callable[..., object]) -> dict[str, object]:
    target = function.__init__ if inspect.isclass(function) else function  # type: ignore[misc]
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):  # a framework that is not imported; Cython
        return {}


def wrong(name: str, function: Callable[..., object]) -> list[str]:
    """What is wrong with the docstring of one public function, method or class."""
    docstring = function.__doc__
    if not docstring:
        return [f"{name}: there is no docstring"]
    try:
        parts = sections(docstring)
        documented = entries(parts.get("Parameters", []))
    except AssertionError as error:
        return [f"{name}: {error}"]
    problems = [f"{name}: section {part!r}" for part in parts if part and part not in SECTIONS]
    order = [SECTIONS.index(part) for part in parts if part in SECTIONS]
    if order != sorted(order):
        problems.append(f"{name}: sections in the order {[*parts][1:]}")
    parameters = parameters_of(function)
    if not parameters or "Parameters" not in parts:
        return problems
    named = [one for entry in documented for one in entry.names]
    problems += [f"{name}: {one!r} is no parameter" for one in named if one not in parameters]
    problems += [f"{name}: {one!r} is not explained" for one in parameters if one not in named]
    if len(set(named)) != len(named):
        problems.append(f"{name}: a parameter stands twice: {named}")
    annotations = annotations_of(function)
    for entry in documented:
        for line in entry.text:
            begins = line.partition(" : ")
            if begins[1] and set(begins[0].split(", ")) <= parameters.keys():
                problems.append(f"{name}: {entry.names} has swallowed {line!r}")
        for one in entry.names:
            allowed, told = choices(annotations.get(one)), written_choices(entry.kind)
            # Who says where a parameter is described (`As in ...`) need not list them again.
            if annotations and told != allowed and (entry.kind or told):
                problems.append(f"{name}: {one} is {entry.kind}, annotated {sorted(allowed)}")
    return problems


def public_objects() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every class and function in an ``__all__`` of the package, and what is public in classes."""
    seen = set()
    for module in pkgutil.walk_packages(pylstm.__path__, "pylstm."):
        if module.name.endswith("__main__"):
            continue
        found = importlib.import_module(module.name)
        for name in getattr(found, "__all__", ()):
            one = getattr(found, name)
            if id(one) in seen or not callable(one) or not hasattr(one, "__qualname__"):
                continue
            if not str(getattr(one, "__module__", "")).startswith("pylstm"):
                continue
            seen.add(id(one))
            yield f"{one.__module__}.{one.__qualname__}", one
            if inspect.isclass(one):
                for attribute, value in vars(one).items():
                    function = getattr(value, "__func__", value)
                    function = getattr(function, "fget", function)
                    if attribute.startswith("_") or not callable(function):
                        continue
                    if hasattr(function, "__qualname__"):
                        yield f"{one.__module__}.{one.__qualname__}.{attribute}", function


OBJECTS = MappingProxyType(dict(public_objects()))


@pytest.mark.parametrize("name", OBJECTS)
def test_docstrings_say_what_signatures_say(name: str) -> None:
    assert wrong(name, OBJECTS[name]) == []


# --- what is found, and what is not ---------------------------------------------------------------


def whole() -> None:
    """One line.

    Parameters
    ----------
    size : int
        How many.
    way, reach : {"up", "down"}
        Where to.

    Returns
    -------
    int
    """


WHOLE = whole.__doc__ or ""


def of(docstring: str) -> Callable[..., object]:
    Way = typing.Literal["up", "down"]

    def function(size: int, way: Way, reach: Way) -> int:
        return size

    function.__doc__ = docstring
    function.__annotations__ |= {"way": Way, "reach": Way}
    return function


def test_a_whole_docstring_is_taken() -> None:
    assert wrong("f", of(WHOLE)) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("    way, reach", "        way, reach", "has swallowed"),
        ("    way, reach", "        way, reach", "'way' is not explained"),
        ("    way, reach", "      way, reach", "neither a parameter nor its text"),
        ("size : int", "length : int", "'length' is no parameter"),
        ("size : int", "length : int", "'size' is not explained"),
        ("way, reach", "way, way", "stands twice"),
        ('"up", "down"', '"up", "left"', "annotated"),
        ('{"up", "down"}', "str", "annotated"),
        ("Returns\n    -------", "Returns\n    ----", "is not as long"),
        ("Returns\n    -------", "Return\n    ------", "section 'Return'"),
        ("Parameters\n    ----------", "Returns\n    -------", "two sections"),
        (WHOLE, "", "there is no docstring"),
    ],
)
def test_what_is_wrong_is_found(old: str, new: str, problem: str) -> None:
    assert old in WHOLE
    assert any(problem in found for found in wrong("f", of(WHOLE.replace(old, new, 1))))


def test_sections_in_another_order_are_found() -> None:
    head, parameters, returns = re.split(r"(?=Parameters\n|Returns\n)", inspect.cleandoc(WHOLE))
    assert wrong("f", of(f"{head}{returns}\n\n{parameters}"))
