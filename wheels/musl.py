"""Whether a wheel's extensions load on musl: its own loader, every symbol found.

The loader is the one of Debian's package musl. There is no Python for musl here, so a small program
takes its place: it has every function of the stable ABI that the extension asks for, under its
name, and loads the extension, all symbols bound.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import contents
import release_tools
import trees

HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    for (int k = 1; k < argc; k++) {
        void *module = dlopen(argv[k], RTLD_NOW | RTLD_LOCAL);
        if (!module)
            return fprintf(stderr, "%s\\n", dlerror()), 1;
        if (!dlsym(module, k == 1 ? "PyInit__bulk" : "PyInit__engine"))
            return fprintf(stderr, "%s has no PyInit function\\n", argv[k]), 1;
    }
    return 0;
}
"""


class NotLoaded(Exception):
    """The extension does not load; says why."""


def load(wheel: Path, processor: str) -> str:
    """Loads both extensions of a wheel; what was loaded, in a line."""
    python = release_tools.environment()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        paths = []
        wanted: set[str] = set()
        for name, data in sorted(contents.extensions(wheel).items()):
            path = folder / Path(name).name
            path.write_bytes(data)
            paths.append(path)
            wanted |= set(re.findall(rb"\0(_?Py[A-Z]?\w*)(?=\0)", data))
        # One word of memory for each: data and functions alike are only looked up, never used.
        names = sorted(name.decode() for name in wanted if not name.startswith(b"PyInit"))
        stubs = "".join(f"char {name}[16];\n" for name in names)
        (folder / "host.c").write_text(HOST + stubs)
        release_tools.run(
            *(
                python,
                "-m",
                "ziglang",
                "cc",
                "-target",
                f"{processor}-linux-musl",
                "-dynamic",
                "-rdynamic",
            ),
            *("-O1", "-Wno-everything", folder / "host.c", "-o", folder / "host"),
        )
        emulator = trees.PROCESSORS[processor][2]
        loader = trees.tree(processor) / f"lib/ld-musl-{processor}.so.1"
        command = [*([shutil.which(emulator)] if emulator else []), loader, folder / "host", *paths]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise NotLoaded(done.stdout + done.stderr)
    return f"musl's loader bound every symbol ({len(names)} of Python's)"
