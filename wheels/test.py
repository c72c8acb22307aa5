"""Tests wheels as those who install them will meet them: ``python wheels/test.py [WHEEL ...]``.

Without arguments: the release's, in wheels/. Of each: what is in it, the stable ABI (abi3audit),
the platform (auditwheel). Then it is installed and run: in a fresh virtual environment and in
Debian trixie's Python for this processor, under emulation for another one. What needs root or an
emulator that is not there is skipped, and says so; ``--strict`` makes that a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import contents
import musl
import release_tools
import trees

# The accuracy and chunk laws: all that needs NumPy alone, and SciPy where it says so.
TESTS = [
    "engine/test_kernels.py",
    "layers/test_lstm.py",
    "engine/test_stream.py",
    "engine/test_stream_pool.py",
    "features/test_feature_streams.py",
    "features/test_features.py",
]
# Emulation is some 30 times slower: all but the tests with many random examples or large arrays.
FEWER = (
    "test_kernels or test_stream and any_cut or test_stream and random_cuts or test_lstm and golden"
    " or equal_chunks and 65 or InstructionSets or ragged and 61"
)
SMOKE = Path(__file__).with_name("smoke.py")


class Skipped(Exception):
    """A check that cannot be made here; says why."""


class Failed(Exception):
    """A check that failed."""


def outcome(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode != 0:
        raise Failed(f"exit {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-3000:]}")
    return done.stdout


def processor(wheel: Path) -> str:
    found = [name for name in trees.PROCESSORS if wheel.stem.endswith(name)]
    if not found:
        raise Skipped("nothing here runs it")
    return found[0]


def described(printed: str, wheel: Path) -> str:
    """What smoke.py printed, in a line; it must have been the wheel that ran."""
    said = json.loads(printed.strip().splitlines()[-1])
    if said["source"] != contents.embedded_source(wheel):
        raise Failed(f"another pylstm was run: {said}")
    kernels = " ".join(said["supported"])
    features, posteriors = (max(error[k] for error in said["errors"].values()) for k in (0, 1))
    exact = f"features to {features:.0e} and posteriors to {posteriors:.0e} of the reference"
    return f"Python {said['python']}, NumPy {said['numpy']}, kernels {kernels}: {exact}"


def material(folder: Path) -> None:
    """The tests, and what they read, without the sources."""
    shutil.copytree(
        release_tools.PROJECT / "tests",
        folder / "tests",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(release_tools.PROJECT / "examples" / "audio", folder / "examples" / "audio")
    shutil.copy(release_tools.PROJECT / "pyproject.toml", folder)
    shutil.copy(SMOKE, folder)


def pytest_arguments(*more: str) -> list[str]:
    ignored = ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestConfigWarning"]
    return ["-m", "pytest", "-q", *ignored, *[f"tests/{name}" for name in TESTS], *more]


def counts(printed: str) -> str:
    return printed.strip().splitlines()[-1].strip("= ")


def contents_are_right(wheel: Path) -> str:
    faults = contents.faults(wheel)
    if faults:
        raise Failed("\n".join(faults))
    return f"{wheel.stat().st_size / 1000:.0f} kB"


def stable_abi(wheel: Path) -> str:
    if not wheel.name.endswith(".whl") or "-abi3-" not in wheel.name:
        raise Skipped("not an abi3 wheel")
    release_tools.run(release_tools.environment(), "-m", "abi3audit", "--strict", wheel)
    return "abi3audit --strict: 3.11 and later"


def platform(wheel: Path) -> str:
    if "linux" not in wheel.name:
        raise Skipped("auditwheel knows Linux only")
    shown = release_tools.run(release_tools.environment(), "-m", "auditwheel", "show", wheel)
    tag = wheel.stem.split("-")[-1].split(".")[-1]
    if f'"{tag}"' not in shown:
        raise Failed(shown)
    return f"auditwheel: {tag}"


def fresh_environment(wheel: Path) -> str:
    """pip takes it from a folder, no compiler in reach; it runs from an empty one."""
    if "manylinux" not in wheel.name or processor(wheel) != os.uname().machine:
        raise Skipped("made for another system")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        release_tools.run(sys.executable, "-m", "venv", folder / "venv")
        python = folder / "venv" / "bin" / "python"
        given = ["numpy", "scipy", "pytest", "hypothesis", "cython", "setuptools"]
        release_tools.run(python, "-m", "pip", "install", "--quiet", *given)
        (folder / "links").mkdir()
        shutil.copy(wheel, folder / "links")
        index = ["--no-index", "--find-links", folder / "links"]
        bare = {"PATH": "/nowhere", "HOME": str(folder)}
        release_tools.run(python, "-m", "pip", "install", "--quiet", *index, "pylstm", env=bare)
        (folder / "empty").mkdir()
        smoke = subprocess.run(
            [python, "-W", "error", SMOKE],
            capture_output=True,
            text=True,
            cwd=folder / "empty",
            env=bare,
        )
        said = described(outcome(smoke), wheel)
        material(folder)
        tests = [str(python), *pytest_arguments()]
        done = subprocess.run(tests, capture_output=True, text=True, cwd=folder)
        return f"{said}; tests: {counts(outcome(done))}"


def debian(wheel: Path) -> str:
    """Debian trixie's Python, of the wheel's own processor."""
    if "manylinux" not in wheel.name:
        raise Skipped("made for musl")
    kind = processor(wheel)
    why = trees.missing(kind)
    if why:
        raise Skipped(why)
    tree = trees.tree(kind)
    place = Path(tempfile.mkdtemp(dir=tree))
    inside = f"/{place.name}"
    try:
        material(place)
        with zipfile.ZipFile(wheel) as archive:  # what pip does with a wheel like this one
            archive.extractall(place / "site")
        path = f"{inside}/site"
        run = trees.python(kind, tree, "-W", "error", "smoke.py", inside=inside, path=path)
        said = described(outcome(run), wheel)
        emulated = bool(trees.PROCESSORS[kind][2])
        options = ["-k", FEWER, "--assert=plain", "--durations=5"] if emulated else []
        done = trees.python(kind, tree, *pytest_arguments(*options), inside=inside, path=path)
        how = "qemu-user" if emulated else "chroot"
        return f"{how}: {said}; tests: {counts(outcome(done))}"
    finally:
        shutil.rmtree(place)


def loads_on_musl(wheel: Path) -> str:
    if "musllinux" not in wheel.name:
        raise Skipped("made for glibc")
    kind = processor(wheel)
    why = trees.missing(kind)
    if why:
        raise Skipped(why)
    try:
        return musl.load(wheel, kind)
    except musl.NotLoaded as error:
        raise Failed(str(error)) from None


CHECKS: list[Callable[[Path], str]] = [
    contents_are_right,
    stable_abi,
    platform,
    fresh_environment,
    debian,
    loads_on_musl,
]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheels", nargs="*", type=Path)
    parser.add_argument(
        "--strict", action="store_true", help="what could not be tested here is a failure"
    )
    parser.add_argument("--only", help="checks whose names hold this")
    settings = parser.parse_args()
    wheels = settings.wheels or sorted((release_tools.PROJECT / "wheels").glob("*.whl"))
    if not wheels:
        parser.error("no wheels in wheels/: make them with python wheels/build.py")
    bad = 0
    for wheel in [path.resolve() for path in wheels]:
        print(wheel.name, flush=True)
        for check in CHECKS:
            name = check.__name__.replace("_", " ")
            if settings.only and settings.only not in name:
                continue
            started = time.monotonic()
            try:
                word, text = "passed", check(wheel)
            except Skipped as reason:
                if str(reason).startswith(("made for", "not an", "auditwheel knows")):
                    continue  # a check for other wheels
                word, text = "SKIPPED", str(reason)
                bad += settings.strict
            except Failed as reason:
                word, text = "FAILED", str(reason)
                bad += 1
            print(f"  {word}  {name} ({time.monotonic() - started:.0f} s): {text}", flush=True)
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
