"""The reader of model files (src/modelfile.c): its rules, and the safetensors library beside it.

The core's sources are compiled into a small library here, without the Python extension, so that a
failure points at the reader and at nothing else.
"""

from __future__ import annotations

import ctypes
import json
import locale
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_file_corpus import (
    FORMAT,
    MAX_FILE,
    MAX_TEXT,
    accepted,
    cases,
    container,
    corpus,
    four_kilobyte_model,
    minimal_model,
    model,
    record,
)

safetensors = pytest.importorskip("safetensors", reason="the oracle of these tests")
safetensors_numpy = pytest.importorskip("safetensors.numpy")

SOURCE = Path(__file__).parent.parent / "src"
READER = ["json.c", "safetensors.c", "modelfile.c", "error.c"]
DTYPES = ["F32", "F64", "F16", "BF16", "I8"]
# What only the getters can find, because it depends on what is asked for.
GETTER_RULES = {
    "missing-key",
    "missing-tensor",
    "tensor-shape",
    "tensor-dtype",
    "unused-key",
    "unused-tensor",
    "value",
}


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
#include "modelfile.h"
size_t probe_size(int what) { return what ? sizeof(pylstm_tensor) : sizeof(pylstm_modelfile); }
int probe_count(const pylstm_modelfile *file, int what) {
    return what ? file->n_tensors : file->n_metadata;
}
"""


class ModelFile:
    """One opened file, as the C functions show it."""

    library: ctypes.CDLL

    def __init__(self, content: bytes, size: int | None = None, shift: int = 0) -> None:
        # The bytes lie at any alignment that a test wants, and stay as long as this object.
        self.memory = ctypes.create_string_buffer(bytes(shift) + content, shift + len(content) + 1)
        self.file = ctypes.create_string_buffer(self.library.probe_size(0))
        address = ctypes.addressof(self.memory) + shift
        self.call("open", ctypes.c_void_p(address), ctypes.c_size_t(size or len(content)))

    def call(self, name: str, *arguments: Any) -> None:
        why = Why()
        function = getattr(self.library, "pylstm_modelfile_" + name)
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
            self.library.pylstm_modelfile_metadata_at(self.file, index, key, value)
            found[key.value.decode()] = value.value.decode()
        return found

    def tensor_at(self, index: int) -> Tensor:
        tensor = Tensor()
        self.library.pylstm_modelfile_tensor_at(self.file, index, ctypes.byref(tensor))
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
        self.call("tensor", name.encode(), None, len(shape), sizes, ctypes.byref(tensor))
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
            self.call(name, key.encode(), *arguments, ctypes.byref(value))
        except Refused:
            assert value.value == 12345
            raise

    def text(self, key: str, capacity: int = MAX_TEXT + 1) -> str:
        out = ctypes.create_string_buffer(b"#" * capacity, capacity + 1)
        self.call("text", key.encode(), out, ctypes.c_size_t(capacity))
        return out.value.decode()

    def has(self, key: str) -> bool:
        return bool(self.library.pylstm_modelfile_has(self.file, key.encode()))

    def finish(self) -> None:
        self.call("finish")


@pytest.fixture(scope="session")
def compiler() -> str:
    found = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not found:
        pytest.skip("no C compiler: set CC")
    return found


@pytest.fixture(scope="session", autouse=True)
def library(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("model_file")
    (folder / "probe.c").write_text(PROBE)
    target = folder / "modelfile.so"
    sources = [str(SOURCE / name) for name in READER]
    subprocess.run(
        [*compiler.split(), "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared"]
        + ["-fPIC", "-I", str(SOURCE), "-o", str(target), str(folder / "probe.c"), *sources],
        check=True,
    )
    loaded = ctypes.CDLL(str(target))
    loaded.probe_size.restype = ctypes.c_size_t
    loaded.pylstm_modelfile_metadata_at.restype = None
    loaded.pylstm_modelfile_tensor_at.restype = None
    loaded.pylstm_tensor_read.restype = None
    assert loaded.probe_size(1) == ctypes.sizeof(Tensor)
    assert loaded.probe_size(0) < 32 << 10  # it has to fit on a thread's stack
    ModelFile.library = loaded
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


def assert_same_as_safetensors(opened: ModelFile, content: bytes) -> None:
    expected = {
        name: (view["dtype"], view["shape"], bytes(view["data"]))
        for name, view in safetensors.deserialize(content)
    }
    assert opened.tensors == expected
    length = struct.unpack("<Q", content[:8])[0]
    assert opened.metadata == json.loads(content[8 : 8 + length])["__metadata__"]


def with_values(dtype: str, values: np.ndarray) -> bytes:
    content = values.tobytes()
    rows = -(-len(values) // 65536)
    offsets = f"[0,{len(content)}]"
    shape = f"[{rows},{len(values) // rows}]"
    return model(record("w", f'"{dtype}"', shape, offsets), data=content)


def metadata_of(**pairs: str) -> ModelFile:
    extra = ",".join(json.dumps(key) + ":" + json.dumps(text) for key, text in pairs.items())
    return ModelFile(container("{" + '"__metadata__":{' + FORMAT + "," + extra + "}}"))


# --- the container's rules ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "content"),
    [pytest.param(rule, content, id=f"{rule}: {what}") for rule, what, content in cases()],
)
def test_a_file_that_breaks_a_rule_is_refused_by_that_rule(rule: str, content: bytes) -> None:
    refused = refusal(content)
    assert refused is not None, "it was accepted"
    assert refused.rule == rule, refused.message
    assert refusal(content, shift=3) is not None


@pytest.mark.parametrize(
    "content", [pytest.param(content, id=what) for what, content in accepted()]
)
def test_a_file_at_the_edge_of_the_rules_opens(content: bytes) -> None:
    for shift in range(4):
        assert_same_as_safetensors(ModelFile(content, shift=shift), content)


def test_each_rule_of_the_source_has_a_file_that_breaks_it() -> None:
    source = "".join((SOURCE / name).read_text() for name in READER)
    rules = set(re.findall(r'"\[([a-z0-9-]+)\] ', source))
    assert rules == {rule for rule, _ in corpus()} | GETTER_RULES
    page = (SOURCE.parent / "docs" / "model-file.md").read_text()
    assert set(re.findall(r"^\| `\[([a-z0-9-]+)\]`", page, re.M)) == rules


def test_a_file_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(Refused, match=r"^\[size\] the file has 268435457 bytes; .* 268435456$"):
        ModelFile(minimal_model(), size=MAX_FILE + 1)
    # One byte less is allowed, so another rule speaks: of this file only 8 bytes are looked at.
    assert rule_of(lambda: ModelFile(bytes(8), size=MAX_FILE)) == "header-length"


def test_a_missing_argument_is_an_error_of_the_caller(library: ctypes.CDLL) -> None:
    why = Why()
    file = ctypes.create_string_buffer(library.probe_size(0))
    size = ctypes.c_size_t(100)
    assert library.pylstm_modelfile_open(file, None, size, ctypes.byref(why)) == 1
    assert library.pylstm_modelfile_open(None, b"", size, ctypes.byref(why)) == 1
    assert why.status == 1


def test_messages_say_what_came_and_what_was_expected() -> None:
    found = {refusal(content).message for _, content in corpus()}  # type: ignore[union-attr]
    for expected in [
        "[size] the file has 0 bytes; expected 8 to 268435456",
        "[dtype] tensor 'w' has dtype 'I64'; expected F32, F64, F16, BF16 or I8",
        "[tensor-size] tensor 'w' occupies 8 bytes; its shape and dtype call for 12",
        "[data-offsets] tensor 'w' ends at byte 8 of the data, but the file has only 7: is it cut?",
        "[tensor-layout] tensor 'b' begins at byte 12 of the data; expected 8, where the one before"
        " ends",
        "[tensor-name] the tensor name '?[2J' is not 1 to 128 of the characters A-Z a-z 0-9 _ .",
        "[not-finite] value 1 of tensor 'w' is NaN or infinite",
        "[dimension] tensor 'w' has a dimension of 65537; expected 1 to 65536",
        "[json] expected a string at byte 2 of the header, found: the end of the header",
    ]:
        assert expected in found


def test_weights_of_another_program_are_named_as_such() -> None:
    content = safetensors_numpy.save({"weight": np.zeros(3, np.float32)}, {"format": "pt"})
    refused = refusal(content)
    assert refused is not None
    assert refused.message.startswith("[format] this is a safetensors file but not a pylstm model")


# --- cut and damaged files ---------------------------------------------------------------------


@pytest.mark.parametrize("content", [minimal_model(), four_kilobyte_model()])
def test_each_prefix_is_refused(content: bytes) -> None:
    assert refusal(content) is None
    for size in range(len(content)):
        assert refusal(content[:size]) is not None, size


def test_a_flipped_bit_is_refused_or_reads_as_the_safetensors_library_reads_it() -> None:
    content = bytearray(four_kilobyte_model())
    n_opened = n_refused = 0
    for bit in range(len(content) * 8):
        content[bit // 8] ^= 1 << bit % 8
        changed = bytes(content)
        try:
            opened = ModelFile(changed)
        except Refused:
            n_refused += 1
        else:
            n_opened += 1
            assert_same_as_safetensors(opened, changed)
        content[bit // 8] ^= 1 << bit % 8
    assert n_opened > 1000
    assert n_refused > 1000


# --- beside the safetensors library ------------------------------------------------------------

NAMES = st.text("abcXYZ019_.", min_size=1, max_size=20).filter(lambda name: name != "__metadata__")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4)
FINITE = {np.float32: 32, np.float64: 32, np.float16: 16}  # float64 that a float32 can hold


@st.composite
def saved_models(draw: st.DrawFn) -> bytes:
    tensors = {}
    for name in draw(st.lists(NAMES, max_size=6, unique=True)):
        dtype = draw(st.sampled_from(list(FINITE)))
        shape = draw(SHAPES)
        value = draw(st.floats(width=FINITE[dtype], allow_nan=False, allow_infinity=False))
        tensors[name] = np.full(shape, value, dtype)
    metadata = draw(st.dictionaries(NAMES, TEXTS, max_size=6))
    return safetensors_numpy.save(tensors, {**metadata, "pylstm.format": "1"})


@settings(deadline=None, max_examples=200)
@given(saved_models())
def test_what_the_safetensors_library_writes_is_accepted(content: bytes) -> None:
    assert_same_as_safetensors(ModelFile(content), content)


@settings(deadline=None, max_examples=500)
@given(st.data())
def test_what_is_accepted_reads_as_the_safetensors_library_reads_it(data: st.DataObject) -> None:
    content = data.draw(st.one_of(saved_models(), st.sampled_from([c for _, c in accepted()[:3]])))
    length = struct.unpack("<Q", content[:8])[0]
    header, values = content[8 : 8 + length], content[8 + length :]
    tokens = ["{", "}", "[", "]", '"', ",", ":", "0", "1", "-", ".", "e", "\\", "\\u0041", "\\/"]
    tokens += [" ", "\n", "\t", "null", "true", '"a":"b",', '"shape":[1],', "F16", "_", "\u00e9"]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(1, len(header)))
        kept = at + data.draw(st.integers(0, 2))
        token = data.draw(st.sampled_from(["", *tokens])).encode()
        header = header[:at] + token + header[kept:]
    changed = container(header, values)
    if refusal(changed) is None:
        assert_same_as_safetensors(ModelFile(changed), changed)


# --- values of tensors -------------------------------------------------------------------------


def test_each_finite_float16_converts_exactly() -> None:
    values = np.arange(65536, dtype=np.uint16).view(np.float16)
    values = values[np.isfinite(values)]
    opened = ModelFile(with_values("F16", values), shift=1)
    np.testing.assert_array_equal(opened.values(0), values.astype(np.float32).view(np.uint32))


def test_each_finite_bfloat16_converts_exactly() -> None:
    values = np.arange(65536, dtype=np.uint16)
    values = values[values & 0x7F80 != 0x7F80]
    opened = ModelFile(with_values("BF16", values), shift=1)
    np.testing.assert_array_equal(opened.values(0), values.astype(np.uint32) << 16)


def test_float32_stays_as_it_is() -> None:
    values = np.random.default_rng(1).integers(0, 2**32, 60_000, np.uint32)
    values = values[values & 0x7F800000 != 0x7F800000]
    values = np.concatenate([values, np.array([0, 0x80000000, 1, 0x7FFFFF, 0x7F7FFFFF], "u4")])
    opened = ModelFile(with_values("F32", values), shift=1)
    np.testing.assert_array_equal(opened.values(0), values)


def test_float64_rounds_as_numpy_rounds() -> None:
    random = np.random.default_rng(2)
    # Around each float32 of a wide choice: itself, the middle to the next one, and beside both.
    narrow = random.integers(0, 0x7F7FFFFF, 5_000, np.uint32)
    narrow = np.concatenate([narrow, np.arange(2_000), 0x7FFFFF + np.arange(-500, 500)])
    narrow = narrow.astype(np.uint32)
    below = narrow.view(np.float32).astype(np.float64)
    above = (narrow + np.uint32(1)).view(np.float32).astype(np.float64)
    middle = (below + above) / 2
    values = [below, middle, np.nextafter(middle, 0), np.nextafter(middle, np.inf)]
    values += [np.nextafter(below, 0), np.nextafter(below, np.inf)]
    smallest = np.array([0.0, 5e-324, 1e-310, 2.0**-150, 2.0**-149, 2.0**-151, 2.0**-1022])
    values += [smallest, np.nextafter(smallest, 1), 2.0 ** random.uniform(-160, 127, 5_000)]
    largest = struct.unpack("<d", struct.pack("<Q", 0x47EFFFFFEFFFFFFF))[0]
    values += [np.array([largest])]
    positive = np.concatenate(values)
    everything = np.concatenate([positive, -positive])
    with np.errstate(all="ignore"):
        expected = everything.astype(np.float32).view(np.uint32)
    opened = ModelFile(with_values("F64", everything), shift=3)
    np.testing.assert_array_equal(opened.values(0), expected)


# --- configuration values ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("2147483647", 2**31 - 1)]
    + [("-2147483648", -(2**31)), ("1000000", 1_000_000)],
)
def test_integer(text: str, value: int) -> None:
    assert metadata_of(a=text).integer("a") == value


@pytest.mark.parametrize(
    "text",
    ["", "-", "+1", "01", "-01", "00", "1 ", " 1", "1.0", "1e3", "0x10", "1_000", "\u0661", "true"]
    + ["2147483648", "-2147483649", "9223372036854775808", "-18446744073709551615", "9" * 4000]
    + ["--1", "1-", "1\n", "\u00b9"],
)
def test_not_an_integer(text: str) -> None:
    assert rule_of(metadata_of(a=text).integer, "a") == "value"


def test_integer_range() -> None:
    file = metadata_of(a="160", b="-5")
    assert file.integer("a", 160, 160) == 160
    assert file.integer("b", -5, -5) == -5
    assert rule_of(file.integer, "a", 161, 200) == "value"
    assert rule_of(file.integer, "a", 0, 159) == "value"
    with pytest.raises(Refused, match=r"^\[value\] 'a' is '160'; .* whole number from 1 to 64$"):
        file.integer("a", 1, 64)
    wide = metadata_of(a="2147483648")  # would not fit, whatever the range says
    assert rule_of(wide.integer, "a", -(2**63), 2**63 - 1) == "value"


NUMBERS = ["0", "-0", "1", "-1.5", "0.1", "1e3", "1E+3", "1e-3", "-0.0", "2.5e1", "123.456e-7"]
NUMBERS += ["1" + "0" * 300, "0." + "0" * 320 + "1", "1e-400", "1e-99999999999999999999", "0e99999"]
NUMBERS += ["9007199254740993", "1.7976931348623157e307", "5e-324", "2.4703282292062328e-324"]
NUMBERS += ["0." + "3" * 4000, "1" + "0" * 4000 + "e-4000", "8.41e21", "9.5367431640625e-7"]


@pytest.mark.parametrize("text", NUMBERS)
def test_number(text: str) -> None:
    value = metadata_of(a=text).number("a")
    assert struct.pack("<d", value) == struct.pack("<d", float(text))


@pytest.mark.parametrize(
    "text",
    ["", "-", ".5", "5.", "+1", "01", "1e", "1e+", "1.e3", "1,5", "0x1p3", "inf", "nan", "NaN"]
    + ["-inf", "Infinity", " 1", "1 ", "1\n", "1f", "1e5.0", "1_0", "1d3", "--1", "1e999", "-1e309"]
    + ["1e99999999999999999999", "1.0.0", "1.-5", "1e--5", "\uff11"],
)
def test_not_a_number(text: str) -> None:
    assert rule_of(metadata_of(a=text).number, "a") == "value"


def test_a_number_is_never_infinite() -> None:
    assert rule_of(metadata_of(a="1e999").number, "a", -np.inf, np.inf) == "value"
    assert rule_of(metadata_of(a="-1e999").number, "a", -np.inf, np.inf) == "value"


@settings(deadline=None, max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 1e308))
def test_each_number_that_python_writes_comes_back(value: float) -> None:
    for text in (repr(value), f"{value:.30e}", f"{value:.12f}"):
        found = metadata_of(a=text).number("a")
        assert struct.pack("<d", found) == struct.pack("<d", float(text))


def test_number_range() -> None:
    file = metadata_of(a="0.5")
    assert file.number("a", 0.5, 0.5) == 0.5
    assert rule_of(file.number, "a", 0.51, 1) == "value"
    assert rule_of(file.number, "a", 0, 0.49) == "value"
    with pytest.raises(Refused, match=r"^\[value\] 'a' is '0.5'; .* number from 1 to 22050$"):
        file.number("a", 1, 22050)


@pytest.fixture
def decimal_comma() -> Iterator[None]:
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "fr_FR", "de_DE", "German"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        break
    else:
        pytest.skip("no locale with a decimal comma is installed")
    yield
    locale.setlocale(locale.LC_NUMERIC, before)


def test_numbers_do_not_depend_on_the_locale(decimal_comma: None) -> None:
    assert metadata_of(a="0.5").number("a") == 0.5
    assert rule_of(metadata_of(a="0,5").number, "a") == "value"


def test_boolean() -> None:
    file = metadata_of(a="true", b="false", c="True", d="1", e="", f="true ")
    assert (file.boolean("a"), file.boolean("b")) == (1, 0)
    assert [rule_of(file.boolean, key) for key in "cdef"] == ["value"] * 4


def test_choice() -> None:
    file = metadata_of(a="mfcc", b="mf", c="\u00e9\n")
    assert file.choice("a", "log_mel", "mfcc") == 1
    assert rule_of(file.choice, "b", "log_mel", "mfcc") == "value"
    assert rule_of(file.choice, "a") == "value"
    with pytest.raises(Refused, match=r"^\[value\] 'c' is '\?\?\?'; expected one of: mfcc, a$"):
        file.choice("c", "mfcc", "a")
    with pytest.raises(Refused, match=r": long_name_of_an_option_10, .*_option_14, \.\.\.$"):
        file.choice("a", *[f"long_name_of_an_option_{number}" for number in range(10, 50)])


def test_text() -> None:
    file = metadata_of(a="links \u00fc", b="")
    assert file.text("a") == "links \u00fc"
    assert file.text("a", 9) == "links \u00fc"
    assert rule_of(file.text, "a", 8) == "value"
    assert rule_of(file.text, "a", 0) == "value"
    assert file.text("b", 1) == ""


def test_has_marks_nothing() -> None:
    file = metadata_of(a="1")
    keys = ["a", "pylstm.format", "b", "", "a" * 500]
    assert [file.has(key) for key in keys] == [True, True, False, False, False]
    assert rule_of(file.finish) == "unused-key"


def test_the_first_key_is_found_like_any_other() -> None:
    file = ModelFile(model(metadata='"a":"5",' + FORMAT))
    assert file.integer("a") == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a ~\x7f\x1f\u00e9", "a ~????"), ("x" * 44, "x" * 44), ("x" * 45, "x" * 44 + "...")],
)
def test_messages_show_text_of_the_file_as_printable_characters(text: str, shown: str) -> None:
    with pytest.raises(Refused, match=re.escape(f"[value] 'a' is '{shown}'; expected")):
        metadata_of(a=text).integer("a")


def test_missing_key() -> None:
    file = metadata_of(a="1")
    for call in (file.integer, file.number, file.boolean, file.choice, file.text):
        assert rule_of(call, "b") == "missing-key"


# --- nothing missing, nothing left over --------------------------------------------------------


def test_tensor() -> None:
    file = ModelFile(model(record("w", '"F16"', "[2,3]", "[0,12]"), data=bytes(range(12))))
    tensor = file.tensor("w", 2, 3)
    assert (tensor.name, tensor.dtype, tensor.rank, tensor.count) == (b"w", 2, 2, 6)
    assert list(tensor.shape) == [2, 3, 0, 0]
    assert ctypes.string_at(tensor.data, 12) == bytes(range(12))
    for shape in [(3, 2), (6,), (2, 3, 1), (2, 4), (2,), ()]:
        assert rule_of(file.tensor, "w", *shape) == "tensor-shape"
    with pytest.raises(Refused, match=r"tensor 'w' has shape \(2, 3\); .* calls for \(7, 3\)$"):
        file.tensor("w", 7, 3)
    assert rule_of(file.tensor, "v", 2, 3) == "missing-tensor"
    assert rule_of(file.tensor, "w" * 300, 2, 3) == "missing-tensor"


def test_what_was_asked_for_is_all_there_is() -> None:
    metadata = FORMAT + ',"features.kind":"mfcc","info.author":"x"'
    file = ModelFile(model(metadata=metadata))
    with pytest.raises(Refused, match=r"^\[unused-key\] .* 'features.kind'"):
        file.finish()
    file.text("features.kind")
    with pytest.raises(Refused, match=r"^\[unused-tensor\] .* 'w'$"):
        file.finish()
    file.tensor("w", 2)
    file.finish()


def test_a_getter_that_fails_marks_nothing() -> None:
    file = metadata_of(a="x")
    for call in (file.integer, file.number, file.boolean, file.choice):
        assert rule_of(call, "a") == "value"
    assert rule_of(file.text, "a", 1) == "value"
    assert rule_of(file.finish) == "unused-key"
    file = ModelFile(minimal_model())
    assert rule_of(file.tensor, "w", 3) == "tensor-shape"
    assert rule_of(file.finish) == "unused-tensor"


def test_notes_begin_with_info_and_a_dot() -> None:
    metadata_of(**{"info.": "a", "info.x.y": "b"}).finish()
    for key in ("info", "infox", "information.x", "Info.x", "x.info.y"):
        assert rule_of(metadata_of(**{key: ""}).finish) == "unused-key"


def test_each_of_many_names_is_found() -> None:
    by_name = dict(accepted())
    file = ModelFile(by_name["most tensors"])
    for index in range(1024):
        file.tensor(f"t{index}", 1)
    file.finish()
    file = ModelFile(by_name["most metadata"])
    keys = [f"info.{index}" for index in range(2047)]
    assert all(file.has(key) for key in keys)
    assert not file.has("info.2047")
    assert list(file.metadata) == ["pylstm.format", *keys]  # in file order


# --- under the sanitizers ----------------------------------------------------------------------


def test_sanitizers_find_nothing(compiler: str, tmp_path: Path) -> None:
    driver = tmp_path / "fuzz_modelfile"
    flags = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
    flags += ["-fno-sanitize-recover=all"]
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    built = subprocess.run([*compiler.split(), *flags, "-o", str(driver), str(probe)])
    if built.returncode or subprocess.run([str(driver)]).returncode:
        pytest.skip("this compiler has no working address and undefined-behaviour sanitizers")
    sources = [Path(__file__).with_name("fuzz_modelfile.c"), *(SOURCE / name for name in READER)]
    subprocess.run([*compiler.split(), *flags, "-o", str(driver), *map(str, sources)], check=True)
    small, large = [], []
    for index, content in enumerate([content for _, content in [*accepted(), *corpus()]]):
        file = tmp_path / f"{index}.safetensors"
        file.write_bytes(content)
        (small if len(content) <= 8192 else large).append(str(file))
    for arguments in (["100", "1", *small], ["2", "2", *large]):
        ran = subprocess.run([str(driver), *arguments], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert re.fullmatch(r"[1-9]\d* opened, [1-9]\d* refused\n", ran.stdout)
