"""What libmpg123 prints on the error stream about MP3 files, kept from the users of a program.

It writes there from C about tags that it does not know, a cut end, bytes between two songs; nothing
can switch that off through libsndfile. What matters of it, the reader says itself.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

__all__ = ["hidden", "hide_decoder_messages"]

_ERROR_STREAM = 2
_BEGINNINGS = (b"Note: ", b"Warning: ", b"[src/libmpg123/", b"[libmpg123/")

_one_at_a_time = threading.Lock()
_wanted = False


def hide_decoder_messages() -> None:
    """Hides them from now on: for programs, since the error stream belongs to the whole process."""
    global _wanted
    _wanted = True


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Hides what the decoder prints inside of this block, if `hide_decoder_messages` was called.

    Meanwhile the error stream of the process leads into a file. What other threads write there
    follows after the block: nothing but the decoder's lines is lost. One thread at a time is
    inside.
    """
    if not _wanted:
        yield
        return
    with _one_at_a_time, contextlib.ExitStack() as stack:
        try:
            kept = stack.enter_context(tempfile.TemporaryFile())
            stream = os.dup(_ERROR_STREAM)
        except OSError:  # no place for the file, or the error stream is closed
            yield
            return
        stack.callback(os.close, stream)
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(kept.fileno(), _ERROR_STREAM)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()  # what other threads have written meanwhile: into the file, too
            os.dup2(stream, _ERROR_STREAM)
            kept.seek(0)
            lines = kept.read().splitlines(keepends=True)
            if others := b"".join(line for line in lines if not line.startswith(_BEGINNINGS)):
                os.write(_ERROR_STREAM, others)
