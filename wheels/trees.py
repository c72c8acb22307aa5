"""Debian trixie in a folder, for a wheel to be tested in: this processor's or an emulated one's.

``debootstrap --foreign`` fetches and checks the packages; they are unpacked, not configured, which
is all that Python, NumPy and pytest need. A tree of another processor runs under
``qemu-user-static``, program by program, so nothing about this machine has to be changed for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import release_tools

SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,python3-numpy,python3-pytest,python3-hypothesis,musl"
# Debian's name, GNU's and qemu's.
PROCESSORS = {
    "x86_64": ("amd64", "x86_64-linux-gnu", ""),
    "aarch64": ("arm64", "aarch64-linux-gnu", "qemu-aarch64-static"),
}


def missing(processor: str) -> str:
    """Why there can be no tree of a processor here; empty if there can."""
    debian, _, emulator = PROCESSORS[processor]
    if os.geteuid() != 0:
        return "debootstrap needs root"
    if not shutil.which("debootstrap"):
        return "debootstrap is missing: apt install debootstrap"
    if emulator and not shutil.which(emulator):
        return f"{emulator} is missing: apt install qemu-user-static ({debian} is emulated)"
    return ""


def tree(processor: str) -> Path:
    """The folder; made at the first call, which takes a minute or two, and kept."""
    debian = PROCESSORS[processor][0]
    folder = release_tools.WORK / f"{SUITE}-{debian}"
    stamp = folder / "unpacked"
    if not stamp.exists() or stamp.read_text() != PACKAGES:
        print(f"making {folder.relative_to(release_tools.PROJECT)} with debootstrap", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        release_tools.run(
            *("debootstrap", "--foreign", "--variant=minbase", f"--arch={debian}"),
            *(f"--include={PACKAGES}", SUITE, folder, MIRROR),
        )
        for package in sorted(folder.glob("var/cache/apt/archives/*.deb")):
            release_tools.run("dpkg-deb", "--extract", package, folder)
            package.unlink()
        stamp.write_text(PACKAGES)
    return folder


def python(
    processor: str, folder: Path, *arguments: str, inside: str, path: str
) -> subprocess.CompletedProcess[str]:
    """Runs the tree's Python on a folder inside the tree, with another one on its module path."""
    _, triplet, emulator = PROCESSORS[processor]
    # BLAS is found by links that a configured Debian would have.
    libraries = f"/usr/lib/{triplet}/blas:/usr/lib/{triplet}/lapack"
    settings = {
        "PYTHONPATH": path,
        "LD_LIBRARY_PATH": libraries,
        "OPENBLAS_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }
    if not emulator:
        environment = [
            "env",
            "-i",
            "PATH=/usr/bin",
            *(f"{name}={value}" for name, value in settings.items()),
        ]
        # chroot begins in the tree's root.
        shell = f'cd {inside} && exec /usr/bin/python3 "$@"'
        command = ["chroot", str(folder), *environment, "sh", "-c", shell, "sh", *arguments]
        return subprocess.run(command, capture_output=True, text=True)
    # With -L the emulator looks for files in the tree first, so its Python takes the tree for the
    # whole machine where paths exist there; what does not exist there would be this machine's.
    settings["PYTHONPATH"] = f"{folder}{path}"
    settings["PYTHONDONTWRITEBYTECODE"] = "1"
    given = [part for name, value in settings.items() for part in ("-E", f"{name}={value}")]
    command = [
        str(shutil.which(emulator)),
        "-L",
        str(folder),
        *given,
        str(folder / "usr/bin/python3"),
        *arguments,
    ]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=f"{folder}{inside}", env={"PATH": "/nowhere"}
    )
