"""How many files, and so connections, a process may have open."""

from __future__ import annotations


def allow_open_files(n: int) -> None:
    """Raises the limit of this process to `n`, as far as the system lets it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < n:
        wanted = n if hard == resource.RLIM_INFINITY else min(n, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
