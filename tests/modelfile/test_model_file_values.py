"""What the reader of model files gives (src/modelfile/): values of tensors and of configuration,
nothing missing and nothing left over."""

from __future__ import annotations

import ctypes
import json
import locale
import re
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.modelfile.handmade_model_files import (
    FORMAT,
    accepted,
    container,
    minimal_model,
    model,
    record,
)
from tests.modelfile.model_file_reader import ModelFile, Refused, rule_of


def with_values(dtype: str, values: np.ndarray) -> bytes:
    content = values.tobytes()
    rows = -(-len(values) // 65536)
    offsets = f"[0,{len(content)}]"
    shape = f"[{rows},{len(values) // rows}]"
    return model(record("w", f'"{dtype}"', shape, offsets), data=content)


def metadata_of(**pairs: str) -> ModelFile:
    extra = ",".join(json.dumps(key) + ":" + json.dumps(text) for key, text in pairs.items())
    return ModelFile(container("{" + '"__metadata__":{' + FORMAT + "," + extra + "}}"))


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


@pytest.mark.law_nothing_hostile_loads
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


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    "text",
    ["", "-", ".5", "5.", "+1", "01", "1e", "1e+", "1.e3", "1,5", "0x1p3", "inf", "nan", "NaN"]
    + ["-inf", "Infinity", " 1", "1 ", "1\n", "1f", "1e5.0", "1_0", "1d3", "--1", "1e999", "-1e309"]
    + ["1e99999999999999999999", "1.0.0", "1.-5", "1e--5", "\uff11"],
)
def test_not_a_number(text: str) -> None:
    assert rule_of(metadata_of(a=text).number, "a") == "value"


@pytest.mark.law_nothing_hostile_loads
def test_a_number_is_never_infinite() -> None:
    assert rule_of(metadata_of(a="1e999").number, "a", -np.inf, np.inf) == "value"
    assert rule_of(metadata_of(a="-1e999").number, "a", -np.inf, np.inf) == "value"


@pytest.mark.slow
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
        pytest.skip("no locale with a decimal comma: install de_DE.UTF-8 to run this")
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
    with pytest.raises(Refused, match=r"tensor 'w' has shape \(2, 3\); expected \(7, 3\)$"):
        file.tensor("w", 7, 3)
    assert rule_of(file.tensor, "v", 2, 3) == "missing-tensor"
    assert rule_of(file.tensor, "w" * 300, 2, 3) == "missing-tensor"


@pytest.mark.law_nothing_hostile_loads
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


@pytest.mark.law_nothing_hostile_loads
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
