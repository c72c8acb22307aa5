"""The tools that build and check wheels, at requirements.txt's versions, in an environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
WORK = PROJECT / "build" / "wheels"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def run(*command: object, **settings: object) -> str:
    """What a command prints; its failure is this program's."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **settings
    )  # type: ignore[call-overload]
    if done.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise SystemExit(f"failed ({done.returncode}): {shown}\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def environment() -> Path:
    """The Python of the environment; made at the first call and when the requirements change."""
    folder = WORK / f"tools-{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    stamp = folder / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        print(f"making {folder.relative_to(PROJECT)} from wheels/requirements.txt", flush=True)
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS)
        stamp.write_bytes(REQUIREMENTS.read_bytes())
    return python
