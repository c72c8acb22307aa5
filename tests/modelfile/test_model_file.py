"""The reader of model files (src/modelfile/): its rules, and the safetensors library beside it."""

from __future__ import annotations

import ctypes
import json
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core_builds import FLAGS, SOURCE, runs_here
from tests.modelfile.broken_model_files import cases, corpus
from tests.modelfile.fuzz import driver, files
from tests.modelfile.handmade_model_files import (
    MAX_FILE,
    accepted,
    container,
    four_kilobyte_model,
    minimal_model,
)
from tests.modelfile.model_file_reader import (
    READER,
    ModelFile,
    Refused,
    Why,
    reader,
    refusal,
    rule_of,
)

safetensors = pytest.importorskip("safetensors", reason="the oracle: pip install 'pylstm[test]'")
safetensors_numpy = pytest.importorskip("safetensors.numpy", reason="pip install 'pylstm[test]'")

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


def assert_same_as_safetensors(opened: ModelFile, content: bytes) -> None:
    expected = {
        name: (view["dtype"], view["shape"], bytes(view["data"]))
        for name, view in safetensors.deserialize(content)
    }
    assert opened.tensors == expected
    length = struct.unpack("<Q", content[:8])[0]
    assert opened.metadata == json.loads(content[8 : 8 + length])["__metadata__"]


# --- the container's rules ---------------------------------------------------------------------


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    ("rule", "content"),
    [pytest.param(rule, content, id=f"{rule}: {what}") for rule, what, content in cases()],
)
def test_a_file_that_breaks_a_rule_is_refused_by_that_rule(rule: str, content: bytes) -> None:
    refused = refusal(content)
    assert refused is not None, "it was accepted"
    assert refused.rule == rule, refused.message
    assert refusal(content, shift=3) is not None


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize(
    "content", [pytest.param(content, id=what) for what, content in accepted()]
)
def test_a_file_at_the_edge_of_the_rules_opens(content: bytes) -> None:
    for shift in range(4):
        assert_same_as_safetensors(ModelFile(content, shift=shift), content)


@pytest.mark.law_nothing_hostile_loads
def test_each_rule_of_the_source_has_a_file_that_breaks_it() -> None:
    source = "".join(path.read_text() for path in READER)
    rules = set(re.findall(r'"\[([a-z0-9-]+)\] ', source))
    assert rules == {rule for rule, _ in corpus()} | GETTER_RULES


@pytest.mark.law_nothing_hostile_loads
def test_the_page_has_the_rules_of_the_source() -> None:
    source = "".join(path.read_text() for path in sorted(SOURCE.rglob("*.[ch]")))
    rules = set(re.findall(r'"\[([a-z0-9-]+)\] ', source))
    page = (SOURCE.parent / "docs" / "model-file.md").read_text()
    assert set(re.findall(r"`\[([a-z0-9-]+)\]`", page)) == rules


@pytest.mark.law_nothing_hostile_loads
def test_a_file_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(Refused, match=r"^\[size\] the file has 268435457 bytes; .* 268435456$"):
        ModelFile(minimal_model(), size=MAX_FILE + 1)
    # One byte less is allowed, so another rule speaks: of this file only 8 bytes are looked at.
    assert rule_of(lambda: ModelFile(bytes(8), size=MAX_FILE)) == "header-length"


def test_a_missing_argument_is_an_error_of_the_caller() -> None:
    library = reader()
    why = Why()
    file = ctypes.create_string_buffer(library.probe_size(0))
    size = ctypes.c_size_t(100)
    assert library.pylstm_model_file_open(file, None, size, ctypes.byref(why)) == 1
    assert library.pylstm_model_file_open(None, b"", size, ctypes.byref(why)) == 1
    assert why.status == 1


def test_messages_say_what_came_and_what_was_expected() -> None:
    found = {refusal(content).message for _, content in corpus()}  # type: ignore[union-attr]
    for expected in [
        "[size] the file has 0 bytes; expected 8 to 268435456",
        "[dtype] tensor 'w' has dtype 'I64'; expected F32, F64, F16, BF16 or I8",
        "[tensor-size] tensor 'w' has 8 bytes; expected 12 by its shape and dtype",
        "[data-offsets] tensor 'w' ends at byte 8 of the data, but the file has only 7: is it cut?",
        "[tensor-layout] tensor 'b' begins at byte 12 of the data; expected 8, where the one before"
        " ends",
        "[tensor-name] a tensor name is '?[2J'; expected 1 to 128 of the characters A-Z a-z 0-9 _"
        " .",
        "[not-finite] value 1 of tensor 'w' is NaN or infinite",
        "[dimension] tensor 'w' has a dimension of 65537; expected 1 to 65536",
        "[json] byte 2 of the header is where it ends; expected a string",
    ]:
        assert expected in found


def test_weights_of_another_program_are_named_as_such() -> None:
    content = safetensors_numpy.save({"weight": np.zeros(3, np.float32)}, {"format": "pt"})
    refused = refusal(content)
    assert refused is not None
    assert refused.message.startswith("[format] this is a safetensors file but not a pylstm model")


# --- cut and damaged files ---------------------------------------------------------------------


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.parametrize("content", [minimal_model(), four_kilobyte_model()])
def test_each_prefix_is_refused(content: bytes) -> None:
    assert refusal(content) is None
    for size in range(len(content)):
        assert refusal(content[:size]) is not None, size


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.slow
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


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(saved_models())
def test_what_the_safetensors_library_writes_is_accepted(content: bytes) -> None:
    assert_same_as_safetensors(ModelFile(content), content)


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.slow
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


# --- under the sanitizers ----------------------------------------------------------------------


@pytest.mark.law_nothing_hostile_loads
@pytest.mark.slow
@pytest.mark.builds
def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    if not runs_here(FLAGS["sanitized"].split(), tmp_path):
        pytest.skip(
            f"programs built with {FLAGS['sanitized']} do not run here; gcc or clang does it"
        )
    program = driver(tmp_path)
    small, large = ([str(path) for path in paths] for paths in files(tmp_path))
    for arguments in (["100", "1", *small], ["2", "2", *large]):
        ran = subprocess.run([str(program), *arguments], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert re.fullmatch(r"[1-9]\d* opened, [1-9]\d* refused\n", ran.stdout)
