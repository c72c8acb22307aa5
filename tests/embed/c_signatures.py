"""What programs that were compiled against pylstm.h rely on, a fact a line.

    python tests/embed/c_signatures.py > tests/embed/c/signatures.txt      after something was added

Function types, values of enumerations, constants, and, from a compiler, sizes and offsets of
structures on machines with 64-bit pointers. Lines may be added, never changed or removed, until the
next minor version: 0.2 broke names of 0.1 on purpose, as CHANGELOG.md says, and the record began
anew.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = Path(__file__).parents[2] / "src" / "pylstm.h"
# What changes with every version, and what says how the library is built.
NOT_PROMISED = ("PYLSTM_VERSION_", "PYLSTM_API", "PYLSTM_H")


def declarations(text: str) -> list[str]:
    """Everything that the header declares, without comments, in one line each."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    constants = re.findall(r"^#define (\w+) (\S.*)$", text, flags=re.MULTILINE)
    facts = [f"#define {k} {v}" for k, v in constants if not k.startswith(NOT_PROMISED)]
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    text = text.replace('extern "C" {', "").replace("PYLSTM_API ", "")
    for name, values in re.findall(r"typedef enum (\w+) \{(.*?)\} \w+;", text, flags=re.DOTALL):
        facts += [f"enum {name} {' '.join(value.split())}" for value in values.split(",")]
    text = re.sub(r"typedef (enum|struct) \w+ \{.*?\} \w+;", "", text, flags=re.DOTALL)
    facts += [" ".join(part.split()) + ";" for part in text.split(";") if part.strip(" \n}")]
    return facts


def structures(text: str) -> dict[str, list[str]]:
    """The structures whose fields are public, and the names of these."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    found = re.findall(r"typedef struct (\w+) \{(.*?)\} \w+;", text, flags=re.DOTALL)
    return {
        name: re.findall(r"(\w+)(?:\[\d+\])?;", fields)  # the last word before each semicolon
        for name, fields in found
    }


def layouts(compiler: list[str], text: str) -> list[str]:
    """Sizes and offsets, as this compiler lays the structures out."""
    lines = ['#include "pylstm.h"', "#include <stdio.h>", "int main(void) {"]
    size = 'printf("%zu-bit {0} %zu\\n", sizeof(void *) * 8, sizeof({0}));'
    place = (
        'printf("%zu-bit {0}.{1} %zu %zu\\n", sizeof(void *) * 8, offsetof({0}, {1}),'
        " sizeof((({0} *)0)->{1}));"
    )
    for name, fields in structures(text).items():
        lines.append(size.format(name))
        lines += [place.format(name, field) for field in fields]
    for name in re.findall(r"typedef enum (\w+)", text):
        lines.append(size.format(name))
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "layout.c", Path(folder) / "layout"
        source.write_text("\n".join([*lines, "return 0; }"]) + "\n")
        command = [*compiler, "-std=c11", f"-I{HEADER.parent}", "-o", str(program), str(source)]
        subprocess.run(command, check=True)
        told = subprocess.run([str(program)], check=True, capture_output=True, text=True)
    return told.stdout.splitlines()


if __name__ == "__main__":
    header = HEADER.read_text()
    print("\n".join(declarations(header) + layouts(sys.argv[1:] or ["cc"], header)))
