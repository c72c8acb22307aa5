"""The C API for Cython, written from ``src/pylstm.h``: ``python tools/c_api.py``.

What ``cimport pylstm`` gives comes from the extension module, so that nothing has to be linked: the
module has a function of its own for each of the header's, under the same name, which calls it.
Here their declarations (``pylstm/_engine.pxd``) and bodies (``pylstm/_c_api.pxi``) are written.
`setup.py` does so before it compiles; neither file is in the repository. Whoever adds a function
declares it in the header and nowhere else.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
HEADER = "src/pylstm.h"
GENERATED = ("pylstm/_engine.pxd", "pylstm/_c_api.pxi")
NUMBER = r"(?:PYLSTM_\w+|0x[\dA-Fa-f]+|\d+[uUlL]*|[-+*/()<>|\s])+"


class Function(NamedTuple):
    """One function: what it returns, its name, and its arguments as the header has them."""

    result: str
    name: str
    arguments: list[str]


class Header(NamedTuple):
    """What a header declares; texts are in one line each, without comments."""

    constants: dict[str, str]  # macros with a number
    enums: dict[str, list[str]]  # "PYLSTM_OK = 0"
    opaque: list[str]  # structures whose fields are not public
    structures: dict[str, list[str]]  # "const void *data"
    functions: list[Function]


def parse(text: str) -> Header:
    """The declarations of a header; ValueError for what is of another form."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL).replace("\\\n", " ")
    header = Header({}, {}, [], {}, [])
    for name, value in re.findall(r"^ *#define (\w+) (\S.*)$", text, flags=re.MULTILINE):
        if re.fullmatch(NUMBER, value):
            header.constants[name] = value
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    text = " ".join(text.replace('extern "C" {', "").replace("PYLSTM_API ", "").split())
    for declaration in re.findall(r"((?:[^{};]|\{[^{}]*\})+);", text):
        _add(header, declaration.strip())
    return header


def _add(header: Header, declaration: str) -> None:
    if found := re.fullmatch(r"typedef enum (\w+) \{(.*)\} \1", declaration):
        header.enums[found[1]] = _parts(found[2], ",")
    elif found := re.fullmatch(r"typedef struct (\w+) \{([^,]*)\} \1", declaration):
        header.structures[found[1]] = _parts(found[2], ";")
    elif found := re.fullmatch(r"typedef struct (\w+) \1", declaration):
        header.opaque.append(found[1])
    elif found := re.fullmatch(r"(\w[\w ]*?[ *]+)(pylstm_\w+)\(([^()]+)\)", declaration):
        arguments = [] if found[3].strip() == "void" else _parts(found[3], ",")
        header.functions.append(Function(found[1].strip(), found[2], arguments))
    else:
        raise ValueError(
            f"the declaration is {declaration!r}; expected a function, or a typedef of an enum or a"
            " structure under its own name, a field a line: teach tools/c_api.py other forms"
        )


def _parts(text: str, separator: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(separator) if part.strip()]


def declared_name(text: str) -> str:
    """The name in ``const pylstm_model *model`` or ``float row[4]``."""
    return re.findall(r"\w+", text.partition("[")[0])[-1]


def _renamed(text: str, form: str = "{0}_") -> str:
    """An argument, or a field, whose name Cython takes."""
    name = declared_name(text)
    return re.sub(rf"\b{name}\b", form.format(name), text) if keyword.iskeyword(name) else text


def _prototype(function: Function, name: str) -> str:
    """A function as Cython declares it."""
    arguments = [_renamed(text) for text in function.arguments]
    return f"{function.result} {name}({', '.join(arguments)})".replace("* ", "*")


def _types(header: Header) -> str:
    """The block of constants and types, the same in C and Cython."""
    lines = ['cdef extern from "pylstm.h" nogil:', "    enum:"]
    lines += [f"        {name}" for name in header.constants]
    for name, values in header.enums.items():
        lines += [f"    ctypedef enum {name}:"]
        lines += [f"        {value.partition(' ')[0]}" for value in values]
    lines += [f"    ctypedef struct {name}:\n        pass" for name in header.opaque]
    for name, fields in header.structures.items():
        lines += [f"    ctypedef struct {name}:"]
        lines += ["        " + _renamed(field, '{0}_ "{0}"') for field in fields]
    return "\n".join(lines)


def declarations(header: Header) -> str:
    """The text of ``_engine.pxd``."""
    types = _types(header)
    functions = "".join(f"cdef {_prototype(f, f.name)} noexcept nogil\n" for f in header.functions)
    imports = "".join(
        f"from libc.{module} cimport {', '.join(sorted(set(names)))}\n"
        for module, form in (("stddef", r"\bptrdiff_t\b"), ("stdint", r"\bu?int\d+_t\b"))
        if (names := re.findall(form, types + functions))
    )
    return (
        "# Written by tools/c_api.py from src/pylstm.h, which says what each function does. It\n"
        "# is what `cimport pylstm` gives; pylstm._engine hands the functions over at run time.\n"
        f"\n{imports}\n{types}\n\n{functions}"
    )


def definitions(header: Header) -> str:
    """The text of ``_c_api.pxi``: each function under its own name calls the core's."""
    text = (
        "# Written by tools/c_api.py from src/pylstm.h: the functions that _engine.pxd declares.\n"
        '\ncdef extern from "pylstm.h" nogil:\n'
    )
    for f in header.functions:
        in_core = f'core_{f.name} "{f.name}"'
        text += f"    {_prototype(f, in_core)}\n"
    for f in header.functions:
        call = f"core_{f.name}({', '.join(declared_name(_renamed(a)) for a in f.arguments)})"
        text += f"\n\ncdef {_prototype(f, f.name)} noexcept nogil:\n"
        text += f"    {'' if f.result == 'void' else 'return '}{call}\n"
    return text


def write(project: Path = PROJECT) -> None:
    """Writes the files whose text is not what the header gives, and leaves the others alone."""
    header = parse((project / HEADER).read_text())
    for name, text in zip(GENERATED, (declarations(header), definitions(header)), strict=True):
        path = project / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    write()
