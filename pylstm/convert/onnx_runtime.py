"""ONNX Runtime as what files are compared with: it logs and sends nothing, and leaves no files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["RuntimeSession"]

# Telemetry of ONNX Runtime (1.32) begins with its import, and writes into the home directory.
_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"

_FATAL = 4


class RuntimeSession:
    """A file in ONNX Runtime, on one core.

    Parameters
    ----------
    file : bytes or str
        What stands in it, or its path.

    Raises
    ------
    ValueError
        ONNX Runtime does not take the file.
    ImportError
        onnxruntime is not installed.
    """

    def __init__(self, file: bytes | str) -> None:
        self._runtime = _onnxruntime()
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL
        self._options = self._runtime.RunOptions()
        self._options.log_severity_level = _FATAL
        with self._named():
            self.session: Any = self._runtime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )

    def run(self, outputs: Sequence[str], feed: Mapping[str, Any]) -> list[Any]:
        """The values of outputs.

        Raises
        ------
        ValueError
            ONNX Runtime does not run the file.
        """
        with self._named():
            found: list[Any] = self.session.run(list(outputs), dict(feed), self._options)
        return found

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Says in words of this package what ONNX Runtime raises."""
        try:
            yield
        except Exception as error:  # its classes have no common one
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ValueError(
                f"ONNX Runtime {self._runtime.__version__} does not run the file ({reason[:200]});"
                " expected a file that it runs, or no comparison"
            ) from error


def _onnxruntime() -> Any:
    """The package, imported without telemetry unless the environment asks for it."""
    if "onnxruntime" in sys.modules or _NO_TELEMETRY in os.environ:
        import onnxruntime

        return onnxruntime
    os.environ[_NO_TELEMETRY] = "1"
    try:
        import onnxruntime
    finally:
        del os.environ[_NO_TELEMETRY]
    return onnxruntime
