"""What programs that were compiled against pylstm.h rely on, a fact a line.

    python -m tests.c_signatures > tests/embed/c/signatures.txt      at a release

Function types, values of enumerations, constants, and, from a compiler, sizes and offsets of
structures on machines with 64-bit pointers. What is new is added at a release; what is written
down is never changed or removed until the next minor version: 0.2 broke names of 0.1 on purpose, as
CHANGELOG.md says, and the record began anew.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tools import c_api

HEADER = c_api.PROJECT / c_api.HEADER
NOT_PROMISED = "PYLSTM_VERSION_"  # changes with every version
# What tests add to the header: each form of a declaration, and names that Python keeps for itself.
ADDED = """
    typedef enum pylstm_colour { PYLSTM_RED = 1, PYLSTM_BLUE = 4 } pylstm_colour;
    typedef struct pylstm_extra {
        const float *const *rows; /* one, or more */
        char from[PYLSTM_ALIGNMENT];
        pylstm_colour colour;
    } pylstm_extra;
    #define PYLSTM_EXTRAS (2 * 8)
    PYLSTM_API const pylstm_extra *pylstm_extra_of(pylstm_model *const *from, uint8_t in[4]);
"""


def declarations(text: str) -> list[str]:
    """Everything that the header declares but structures' fields, in one line each."""
    header = c_api.parse(text)
    constants = header.constants.items()
    facts = [f"#define {k} {v}" for k, v in constants if not k.startswith(NOT_PROMISED)]
    facts += [f"enum {name} {value}" for name in header.enums for value in header.enums[name]]
    facts += [f"typedef struct {name} {name};" for name in header.opaque]
    for result, name, arguments in header.functions:
        facts.append(f"{result} {name}({', '.join(arguments) or 'void'});".replace("* ", "*"))
    return facts


def layouts(compiler: list[str], text: str) -> list[str]:
    """Sizes and offsets, as this compiler lays the structures out."""
    header = c_api.parse(text)
    lines = ['#include "pylstm.h"', "#include <stdio.h>", "int main(void) {"]
    size = 'printf("%zu-bit {0} %zu\\n", sizeof(void *) * 8, sizeof({0}));'
    place = (
        'printf("%zu-bit {0}.{1} %zu %zu\\n", sizeof(void *) * 8, offsetof({0}, {1}),'
        " sizeof((({0} *)0)->{1}));"
    )
    for name, fields in header.structures.items():
        lines.append(size.format(name))
        lines += [place.format(name, c_api.declared_name(field)) for field in fields]
    lines += [size.format(name) for name in header.enums]
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "layout.c", Path(folder) / "layout"
        source.write_text("\n".join([*lines, "return 0; }"]) + "\n")
        command = [*compiler, "-std=c11", f"-I{HEADER.parent}", "-o", str(program), str(source)]
        subprocess.run(command, check=True)
        told = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    return told.stdout.splitlines()


if __name__ == "__main__":
    text = HEADER.read_text()
    print("\n".join(declarations(text) + layouts(sys.argv[1:] or ["cc"], text)))
