"""The reader of model files (src/modelfile/) without the Python extension.

The core's sources are compiled into a small library here, so that a failure points at the reader
and at nothing else.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core_builds import SOURCE, compiler
from tests.modelfile.handmade_model_files import MAX_TEXT

# Its room, and the one below.
READER = [
    path for room in ("modelfile", "platform") for path in sorted((SOURCE / room).glob("*.c"))
]
DTYPES = ["F32", "F64", "F16", "BF16", "I8"]  # in the order of pylstm_dtype
ANY_FLOAT = len(DTYPES)


class Refused(Exception):
    """A file was refused: by which rule, and in which words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        found = re.match(r"\[([a-z0-9-]+)\] [ -~]+$", message)
        assert found, message
        assert status == 3, status  # PYLSTM_BAD_MODEL
        self.rule = found[1]
        self.message = message


class Why(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 400)]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char * 129),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_int),
        ("shape", ctypes.c_int64 * 4),
        ("count", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
    ]


PROBE = """
#include <stddef.h>
#include "modelfile/configuration.h"
size_t probe_size(int what) { return what ? sizeof(pylstm_tensor) : sizeof(pylstm_model_file); }
int probe_count(const pylstm_model_file *file, int what) {
    return what ? file->container.n_tensors : file->container.n_metadata;
}
"""


class ModelFile:
    """One opened file, as the C functions show it."""

    def __init__(self, content: bytes, size: int | None = None, shift: int = 0) -> None:
        self.library = reader()
        # The bytes lie at any alignment that a test wants, and stay as long as this object.
        self.memory = ctypes.create_string_buffer(bytes(shift) + content, shift + len(content) + 1)
        self.file = ctypes.create_string_buffer(self.library.probe_size(0))
        address = ctypes.c_void_p(ctypes.addressof(self.memory) + shift)
        self.call("model_file_open", address, ctypes.c_size_t(size or len(content)))

    def call(self, name: str, *arguments: Any) -> None:
        why = Why()
        function = getattr(self.library, "pylstm_" + name)
        status = function(self.file, *arguments, ctypes.byref(why))
        assert function(self.file, *arguments, None) == status  # nobody has to ask why
        if status:
            assert why.status == status
            raise Refused(status, why.message.decode("ascii"))

    @property
    def metadata(self) -> dict[str, str]:
        found = {}
        key, value = ctypes.create_string_buffer(129), ctypes.create_string_buffer(MAX_TEXT + 1)
        for index in range(self.library.probe_count(self.file, 0)):
            self.library.pylstm_safetensors_metadata(self.file, index, key, value)
            found[key.value.decode()] = value.value.decode()
        return found

    def tensor_at(self, index: int) -> Tensor:
        tensor = Tensor()
        self.library.pylstm_safetensors_tensor(self.file, index, ctypes.byref(tensor))
        return tensor

    @property
    def tensors(self) -> dict[str, tuple[str, list[int], bytes]]:
        """As the safetensors library gives them: dtype, shape, bytes."""
        found = {}
        for index in range(self.library.probe_count(self.file, 1)):
            tensor = self.tensor_at(index)
            size = tensor.count * (4, 8, 2, 2, 1)[tensor.dtype]
            content = ctypes.string_at(tensor.data, size) if size else b""
            shape = list(tensor.shape[: tensor.rank])
            found[tensor.name.decode()] = (DTYPES[tensor.dtype], shape, content)
        return found

    def values(self, index: int) -> np.ndarray:
        """A tensor's values as the bits of float32."""
        tensor = self.tensor_at(index)
        out = np.full(tensor.count + 1, 0x55555555, np.uint32)
        self.library.pylstm_tensor_read(ctypes.byref(tensor), out.ctypes.data_as(ctypes.c_void_p))
        assert out[-1] == 0x55555555
        return out[:-1]

    def tensor(self, name: str, *shape: int) -> Tensor:
        tensor = Tensor()
        sizes = (ctypes.c_int64 * len(shape))(*shape)
        expected = ANY_FLOAT, len(shape), sizes
        self.call("model_file_tensor", name.encode(), *expected, ctypes.byref(tensor))
        return tensor

    def integer(self, key: str, low: int = -(2**31), high: int = 2**31 - 1) -> int:
        value = ctypes.c_int(12345)
        limits = ctypes.c_int64(low), ctypes.c_int64(high)
        self.checked("integer", key, value, *limits)
        return value.value

    def number(self, key: str, low: float = -1e308, high: float = 1e308) -> float:
        value = ctypes.c_double(12345)
        self.checked("number", key, value, ctypes.c_double(low), ctypes.c_double(high))
        return value.value

    def boolean(self, key: str) -> int:
        value = ctypes.c_int(12345)
        self.checked("boolean", key, value)
        return value.value

    def choice(self, key: str, *choices: str) -> int:
        value = ctypes.c_int(12345)
        ends = (ctypes.c_char_p * (len(choices) + 1))(*[text.encode() for text in choices])
        self.checked("choice", key, value, ends)
        return value.value

    def checked(self, name: str, key: str, value: Any, *arguments: Any) -> None:
        """A getter that fails has changed nothing."""
        try:
            self.call("config_" + name, key.encode(), *arguments, ctypes.byref(value))
        except Refused:
            assert value.value == 12345
            raise

    def text(self, key: str, capacity: int = MAX_TEXT + 1) -> str:
        out = ctypes.create_string_buffer(b"#" * capacity, capacity + 1)
        self.call("config_text", key.encode(), out, ctypes.c_size_t(capacity))
        return out.value.decode()

    def has(self, key: str) -> bool:
        return bool(self.library.pylstm_config_has(self.file, key.encode()))

    def finish(self) -> None:
        self.call("model_file_finish")


@functools.cache
def reader() -> ctypes.CDLL:
    """The reader as a library, made once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="pylstm-model-file-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "probe.c").write_text(PROBE)
    target = folder / "modelfile.so"
    sources = map(str, READER)
    subprocess.run(
        [*compiler(), "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared"]
        + ["-fPIC", "-I", str(SOURCE), "-o", str(target), str(folder / "probe.c"), *sources],
        check=True,
    )
    loaded = ctypes.CDLL(str(target))
    loaded.probe_size.restype = ctypes.c_size_t
    loaded.pylstm_safetensors_metadata.restype = ctypes.c_size_t
    loaded.pylstm_safetensors_tensor.restype = None
    loaded.pylstm_tensor_read.restype = None
    assert loaded.probe_size(1) == ctypes.sizeof(Tensor)
    assert loaded.probe_size(0) < 32 << 10  # it has to fit on a thread's stack
    return loaded


def refusal(content: bytes, shift: int = 0) -> Refused | None:
    try:
        ModelFile(content, shift=shift)
    except Refused as refused:
        return refused
    return None


def rule_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.rule
