"""The facts of the machine that figures depend on; none of them identifies its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

import pylstm
from benchmarks import core

PACKAGES = (
    "numpy",
    "scipy",
    "librosa",
    "kaldi-native-fbank",
    "torch",
    "onnxruntime",
    "onnx",
)


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def processor() -> str:
    """The name of the processor as it gives it."""
    match = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine()


def caches() -> str:
    """Sizes of the caches that one core sees, where the system tells."""
    sizes = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, level = _text(f"{index}/type"), _text(f"{index}/level")
        if kind in ("Data", "Unified"):
            sizes.append(f"L{level} {_text(f'{index}/size')}")
    return ", ".join(sizes) or "unknown"


def governor() -> str:
    """The frequency governor of a core."""
    return _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not told"


def compiler() -> str:
    """The C compiler that built the C level, its version and flags."""
    name = core.compiler()
    if name is None:
        return "none"
    answer = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    lines = answer.stdout.splitlines() or ["unknown"]
    return f"{lines[0]}, {' '.join(core.FLAGS)}"


def load() -> str:
    """Processes that wanted to run in the last minute, beside the cores there are."""
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except OSError:
        return "not told"


def facts() -> dict[str, str]:
    """Name and value of every fact, in the order in which to show them."""
    kernel = re.match(r"[0-9.]+[0-9]", platform.release())  # the rest names the builder
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            installed[package] = "not installed"
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "caches of a core": caches(),
        "governor": governor(),
        "system": f"{platform.system()} {kernel[0] if kernel else ''}, {platform.machine()}",
        "compiler": compiler(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "pylstm": f"{pylstm.__version__}, {pylstm.show_config()['isa']['used']} kernels",
        **installed,
    }
