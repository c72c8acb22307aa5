"""What is in wheels and source distributions, and that a release's wheels are what its tag says.

``python wheels/test.py`` installs and runs the release's wheels; that takes minutes, root and an
emulator.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.c_signatures import declarations
from tests.installed_package import Installed

PROJECT = Path(__file__).parents[2]
WHEELS = PROJECT / "wheels"
if not (WHEELS / "contents.py").exists():
    pytest.skip("the wheels' recipes are not here: a checkout runs this", allow_module_level=True)
sys.path.insert(0, str(WHEELS))

import contents  # noqa: E402
import source  # noqa: E402

import build  # noqa: E402

RELEASED = sorted(WHEELS.glob("*.whl"))
SUMS = WHEELS / "SHA256SUMS"
TARGETS = {
    "linux": "manylinux_x86_64 manylinux_aarch64 musllinux_x86_64 musllinux_aarch64",
    "macos": "macosx_x86_64 macosx_arm64",
    "windows": "win_amd64 win_arm64",
}


def git(*arguments: str) -> bytes | None:
    done = subprocess.run(["git", *arguments], capture_output=True, cwd=PROJECT)
    return done.stdout if done.returncode == 0 else None


def version_of(wheel: Path) -> str:
    return wheel.name.split("-")[1]


@pytest.mark.slow
@pytest.mark.parametrize("platform", [*TARGETS, "pyodide"])
def test_cibuildwheel_builds_these(platform: str) -> None:
    pytest.importorskip("cibuildwheel", reason="pip install 'pylstm[test]'")
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers"]
    done = subprocess.run(
        [
            *command,
            "--platform",
            platform,
            *(["--archs", "AMD64,ARM64"] if platform == "windows" else []),
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    assert done.returncode == 0, done.stderr
    if platform == "pyodide":
        expected = {"cp314-pyodide_wasm32"}
    else:
        expected = {
            f"{p}-{target}" for target in TARGETS[platform].split() for p in ("cp311", "cp314t")
        }
    assert set(done.stdout.split()) == expected


# --- the release ---------------------------------------------------------------------------------


def test_every_wheel_has_its_sum() -> None:
    listed = (
        dict(reversed(line.split("  ")) for line in SUMS.read_text().splitlines())
        if SUMS.exists()
        else {}
    )
    assert listed == {
        wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in RELEASED
    }


def test_a_release_is_whole() -> None:
    tags = {wheel.stem.split("-", 4)[4] for wheel in RELEASED}
    assert not RELEASED or tags == {target.tags for target in build.RELEASE.values()}
    assert len({version_of(wheel) for wheel in RELEASED}) <= 1
    assert len({contents.embedded_source(wheel) for wheel in RELEASED}) <= 1


@pytest.mark.parametrize("wheel", RELEASED, ids=lambda wheel: wheel.stem.split("-")[-1])
def test_released_wheels_hold_what_they_should(wheel: Path) -> None:
    assert contents.faults(wheel) == []
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        assert f"\nVersion: {version_of(wheel)}\n" in archive.read(metadata).decode()


def commit_of(version: str) -> str | None:
    """The commit that a version's wheels are made from: its tag; before that, their own."""
    if git("rev-parse", "--verify", "--quiet", f"refs/tags/v{version}"):
        return f"refs/tags/v{version}"
    if git("rev-parse", "--is-shallow-repository") != b"false\n":
        return None
    found = git("log", "-1", "--format=%H", "--", "wheels/SHA256SUMS")
    return found.decode().strip() if found else None


def sources_at(commit: str) -> str:
    """The number of the sources in a commit."""
    names = (git("ls-tree", "-r", "--name-only", commit) or b"").decode().splitlines()
    return source.digest(
        (name, git("show", f"{commit}:{name}") or b"") for name in names if source.is_source(name)
    )


@pytest.mark.slow
def test_released_wheels_are_made_from_the_tagged_sources() -> None:
    if not RELEASED:
        pytest.skip("no wheels in wheels/: a release has them")
    commit = commit_of(version_of(RELEASED[0]))
    if commit is None:
        pytest.skip("the release's commit is not here: git fetch --unshallow --tags")
    number = sources_at(commit)
    for wheel in RELEASED:
        assert contents.embedded_source(wheel) == number, f"{wheel.name} is not made from {commit}"


def test_a_release_writes_its_c_api_down() -> None:
    """The record at the release's commit has every declaration of its header."""
    if not RELEASED:
        pytest.skip("no wheels in wheels/: a release has them")
    commit = commit_of(version_of(RELEASED[0]))
    if commit is None:
        pytest.skip("the release's commit is not here: git fetch --unshallow --tags")
    names = (git("ls-tree", "-r", "--name-only", commit, "tests") or b"").decode().split()
    (record,) = [name for name in names if name.endswith("c/signatures.txt")]
    recorded = (git("show", f"{commit}:{record}") or b"").decode().splitlines()
    header = (git("show", f"{commit}:src/pylstm.h") or b"").decode()
    assert sorted(set(declarations(header)) - set(recorded)) == []


def test_wheels_change_only_with_the_version() -> None:
    if not RELEASED:
        pytest.skip("no wheels in wheels/: a release has them")
    tagged = git("show", f"refs/tags/v{version_of(RELEASED[0])}:wheels/SHA256SUMS")
    if tagged is None:
        pytest.skip("the version is not tagged here: git fetch --tags")
    assert SUMS.read_bytes() == tagged


# --- the recipe ----------------------------------------------------------------------------------


def archive(
    path: Path, files: dict[str, bytes], when: tuple[int, ...] = (2001, 2, 3, 4, 5, 6)
) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name, when), data)  # type: ignore[arg-type]
    return path


def parts() -> dict[str, bytes]:
    files = {name: b"" for name in contents.MUST}
    files |= {f"pylstm/{name}.abi3.so": b"\x7fELF" for name in ("_bulk", "_engine")}
    files["pylstm-9.9.9.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nTag: cp311-abi3-linux_x86_64\n\n"
    return {**files, "pylstm-9.9.9.dist-info/RECORD": b"what setuptools wrote"}


def test_packing_does_not_depend_on_order_or_time(tmp_path: Path) -> None:
    name = "pylstm-9.9.9-cp311-abi3-linux_x86_64.whl"
    target = build.RELEASE["manylinux-x86_64"]
    made = []
    for k, files in enumerate([parts(), dict(reversed(parts().items()))]):
        for folder in (tmp_path / f"raw{k}", tmp_path / f"made{k}"):
            folder.mkdir()
        raw = archive(tmp_path / f"raw{k}" / name, files, (2001 + k, 1, 1, 0, 0, 0))
        made.append(build.repack(raw, target, tmp_path / f"made{k}", Path(sys.executable)))
    assert made[0].name == f"pylstm-9.9.9-cp311-abi3-{target.tags}.whl"
    assert made[0].read_bytes() == made[1].read_bytes()
    assert contents.faults(made[0]) == []
    with zipfile.ZipFile(made[0]) as opened:
        record = opened.read("pylstm-9.9.9.dist-info/RECORD").decode()
        assert sorted(line.split(",")[0] for line in record.splitlines()) == sorted(
            opened.namelist()
        )
        wheel = opened.read("pylstm-9.9.9.dist-info/WHEEL").decode()
    assert "Tag: cp311-abi3-manylinux_2_17_x86_64\n" in wheel
    assert "linux_x86_64\n" not in wheel.replace("manylinux_2_17_x86_64", "")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("pylstm/tests/test_stream.py", b"", "does not belong"),
        ("pylstm/_core.pxd", b"", "does not belong"),
        ("pylstm/_engine.pyx", b"", "does not belong"),
        ("tests/test_stream.py", b"", "does not belong"),
        ("pylstm/_engine.abi3.so", b"\0/home/somebody/pylstm/src/stream.c\0", "a build path"),
        ("pylstm/_engine.abi3.so", b"__Pyx_call_line_trace_func", "line tracing"),
        ("pylstm/_bulk.abi3.so", b"set_fast_math", "-ffast-math"),
        ("pylstm/_bulk.abi3.so", b".debug_info", "debug information"),
        ("pylstm/_third.abi3.so", b"", "the extensions are"),
        ("pylstm/models/large.wav", np.random.default_rng(1).bytes(2_000_000), "expected at most"),
    ],
)
def test_what_must_not_be_in_a_wheel_is_found(
    name: str, data: bytes, expected: str, tmp_path: Path
) -> None:
    faults = contents.faults(archive(tmp_path / "wrong.whl", {**parts(), name: data}))
    assert len(faults) == 1
    assert expected in faults[0]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for name in contents.MUST:
        files = parts()
        del files[name]
        assert f"{name} is missing" in contents.faults(archive(tmp_path / "less.whl", files))


# --- from the source distribution -----------------------------------------------------------------


@pytest.mark.slow
def test_the_source_distribution_has_every_source(installed: Installed) -> None:
    with tarfile.open(installed.sdist) as opened:
        files = {
            member.name.partition("/")[2]: opened.extractfile(member).read()  # type: ignore[union-attr]
            for member in opened
            if member.isfile()
        }
    expected = source.files(PROJECT)
    assert {name for name in files if source.is_source(name)} == set(expected) | source.GENERATED
    assert {name: data for name, data in files.items() if name in expected} == expected
    assert not [name for name in files if name.endswith((".so", ".o", ".a", ".pyc", ".whl"))]


@pytest.mark.slow
def test_its_wheel_holds_what_it_should_and_runs(installed: Installed, tmp_path: Path) -> None:
    marks = (
        "debug information",
        "a build path",
        "expected at most",
    )  # of a wheel that is not stripped
    assert [
        fault for fault in contents.faults(installed.wheel) if not any(m in fault for m in marks)
    ] == []
    assert contents.embedded_source(installed.wheel) == source.digest(source.files(PROJECT).items())
    done = subprocess.run(
        [sys.executable, "-W", "error", WHEELS / "smoke.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed.folder)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(installed.folder / "pylstm")


def test_the_workflow_and_the_recipes_name_the_same_programs() -> None:
    workflow = (PROJECT / ".github" / "workflows" / "release.yml").read_text()
    for program in ("wheels/build.py", "wheels/test.py", "SHA256SUMS", "cibuildwheel"):
        assert program in workflow
