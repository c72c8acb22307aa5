"""How much memory a process can still have, asked before much of it is taken.

Linux and macOS grant more memory than there is, and end a process when it uses what was granted. So
a size that a caller has mistyped has to be compared with what is free before the first byte is
touched.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["check_free", "free_bytes", "in_words"]

# Below this nobody asks: it takes longer than taking the memory.
_MUCH = 16 << 20


def free_bytes() -> int | None:
    """What this process can still have, in bytes; None where the system does not say.

    On Linux the least of: what the kernel calls available, with free swap; what the limits of the
    control groups (of a container, for instance) leave; what ``ulimit -v`` leaves. Elsewhere on
    POSIX all of the machine's memory. Windows refuses by itself what it cannot grant.
    """
    known = [_available(), *_left_in_groups(Path("/")), _left_of_address_space()]
    found = [left for left in known if left is not None]
    return max(min(found), 0) if found else _physical()


def check_free(what: str, needed: int, expected: str = "less", each: int = 0) -> None:
    """MemoryError if something that is about to be made does not fit into what is free.

    A tenth of it is left, so that the process can go on.

    Parameters
    ----------
    what : str
        As in "n is 1000000000".
    needed : int
        Bytes.
    expected : str
        What to ask for instead.
    each : int
        Bytes of one, where many are made: the message then says how many fit.
    """
    if needed < _MUCH:
        return
    free = free_bytes()
    if free is None or needed <= (usable := free // 10 * 9):
        return
    if each:
        expected = f"at most {usable // each}"
    raise MemoryError(
        f"{what}, which takes {in_words(needed)}, and {in_words(usable)} of memory can be used;"
        f" expected {expected}"
    )


def in_words(n_bytes: int) -> str:
    """A number of bytes, as "57.3 GB"."""
    for power, unit in ((18, "EB"), (15, "PB"), (12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        if n_bytes >= 10**power:
            return f"{n_bytes / 10**power:.1f} {unit}"
    return f"{n_bytes} B"


def _available() -> int | None:
    """Of the whole machine, by the kernel's estimate."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return 1024 * (kilobytes["MemAvailable"] + kilobytes["SwapFree"])
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _left_in_groups(root: Path) -> list[int]:
    """Of the limits of this process's control groups and of those around them, either version."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, limit, usage = "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            top, limit = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
            usage = "memory.usage_in_bytes"
        else:
            continue
        folder = Path(path.lstrip("/"))
        # In a container the path may be that outside of it: then only the top is there.
        for group in {root / top / folder, *(root / top / f for f in folder.parents), root / top}:
            try:
                most, used = ((group / name).read_text().strip() for name in (limit, usage))
                left.append(int(most) - int(used) + _reclaimable(group))
            except (OSError, ValueError):  # no such group, or no limit: "max"
                continue
    return left


def _reclaimable(group: Path) -> int:
    """Pages of files that the kernel drops before a group reaches its limit."""
    lines = (group / "memory.stat").read_text().splitlines()
    counts = dict(line.split() for line in lines if len(line.split()) == 2)
    return int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))


def _left_of_address_space() -> int | None:
    """Of what ``ulimit -v`` allows."""
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return most - pages * resource.getpagesize()
    except (ImportError, OSError, ValueError, IndexError):
        return None


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
