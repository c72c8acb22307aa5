"""The checksum of model files: no damage loads, and what other programs write does."""

from __future__ import annotations

import copy
import json
import pickle
import random
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pylstm
from tests.model_file_checksum import ENTRY, checksum_of, rechecked, without_checksum
from tests.modelfile.handmade_model_files import FORMAT, container, model, record
from tests.modelfile.model_file_reader import refusal
from tests.small_models import NOTES, small_model, with_notes

pytestmark = pytest.mark.law_nothing_hostile_loads

safetensors_numpy = pytest.importorskip("safetensors.numpy", reason="pip install 'pylstm[test]'")
PAGE = Path(__file__).parents[2] / "docs" / "model-file.md"


def four_kilobytes() -> pylstm.Model:
    """Names that are not ASCII, control characters, quotes, and every dtype that pylstm writes."""
    layers = [
        pylstm.LSTM(4, 6, num_layers=2, seed=0),
        pylstm.LSTM(6, 5, seed=1).quantize("int8"),
        pylstm.Dense(5, 3, "softmax", seed=2).quantize("bf16"),
    ]
    features = pylstm.LogMel(n_mels=4, mean=np.zeros(4), std=np.ones(4))
    labels = ['"später"', "\x1b\x1f\t\n", "\U0001f600 \u202e"]
    return pylstm.Model(features, layers, labels, {**NOTES, "x": "\\u001F \x0b"})


WHOLE = four_kilobytes().to_bytes()


def loads(data: bytes) -> bool:
    try:
        pylstm.Model.from_bytes(data)
    except pylstm.ModelFileError:
        return False
    return True


def test_a_model_file_of_four_kilobytes() -> None:
    assert 3500 < len(WHOLE) < 6000
    assert loads(WHOLE)
    assert len(ENTRY.findall(WHOLE)) == 1
    assert rechecked(WHOLE) == WHOLE


# --- damage -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_flipped_bit_loads() -> None:
    changed = bytearray(WHOLE)
    for bit in range(len(WHOLE) * 8):
        changed[bit // 8] ^= 1 << bit % 8
        assert not loads(bytes(changed)), bit
        changed[bit // 8] ^= 1 << bit % 8


def test_no_part_of_a_file_loads_and_none_with_more() -> None:
    for size in range(len(WHOLE)):
        assert not loads(WHOLE[:size]), size
    for byte in range(256):
        assert not loads(WHOLE + bytes([byte])), byte
    for count in (2, 8, 4096):
        assert not loads(WHOLE + b" " * count)
        assert not loads(WHOLE + bytes(count))


@pytest.mark.slow
def test_no_other_damage_loads() -> None:
    """Two bits, a byte, bytes in each other's place, blocks not written, moved or lost."""
    chance = random.Random(0)
    for _ in range(4000):
        changed = bytearray(WHOLE)
        place, other = (chance.randrange(len(WHOLE)) for _ in range(2))
        size = chance.choice((1, 2, 4, 16, 64, 512))
        match chance.randrange(6):
            case 0:
                changed[place] ^= 1 << chance.randrange(8)
                changed[other] ^= 1 << chance.randrange(8)
            case 1:
                changed[place] = chance.randrange(256)
            case 2:
                changed[place], changed[other] = changed[other], changed[place]
            case 3:
                changed[place : place + size] = bytes(len(changed[place : place + size]))
            case 4:
                changed[place : place + size] = changed[other : other + size]
            case 5:
                del changed[place : place + size]
        assert bytes(changed) == WHOLE or not loads(bytes(changed)), (place, other, size)


def test_a_changed_weight_is_named_as_damage() -> None:
    changed = bytearray(WHOLE)
    changed[-2] ^= 1
    with pytest.raises(pylstm.ModelFileError) as told:
        pylstm.Model.from_bytes(bytes(changed))
    words = (
        "[checksum] 'pylstm.checksum' is 'crc32:N'; expected 'crc32:N', which is that of this"
        " content: the file is damaged; copy it again, or, if a program has changed it on purpose,"
        " remove the entry 'pylstm.checksum' from its metadata (docs/model-file.md shows how)"
    )
    assert re.sub("crc32:[0-9a-f]{8}", "crc32:N", str(told.value)) == words


# --- other programs -----------------------------------------------------------------------------


def page_functions() -> dict[str, Any]:
    """The functions of the page."""
    found: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        exec(code, found)
    return found


def parts(data: bytes) -> tuple[dict[str, str], dict[str, tuple[str, list[int], bytes]]]:
    """Metadata and tensors of a file."""
    (length,) = struct.unpack_from("<Q", data)
    header, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata = header.pop("__metadata__")
    return metadata, {
        name: (of["dtype"], of["shape"], values[slice(*of["data_offsets"])])
        for name, of in header.items()
    }


@pytest.mark.parametrize("data", [WHOLE, small_model().to_bytes(), pylstm.load("vad").to_bytes()])
def test_the_page_says_how_to_compute_it(data: bytes) -> None:
    metadata, tensors = parts(data)
    computed = page_functions()["checksum"](metadata, tensors)
    assert computed == metadata["pylstm.checksum"] == checksum_of(data)


def test_what_the_message_asks_for_works(tmp_path: Path) -> None:
    path = tmp_path / "edited.safetensors"
    path.write_bytes(WHOLE.replace(b"\xc3\xa4", b"\xc3\xb6", 1))  # ä, ö
    with pytest.raises(pylstm.ModelFileError, match=r"remove the entry 'pylstm\.checksum'"):
        pylstm.load(path)
    page_functions()["remove_checksum"](path)
    edited = pylstm.load(path)
    assert edited.labels is not None
    assert edited.labels[0] == '"spöter"'
    edited.save(path)
    assert ENTRY.search(path.read_bytes())
    assert pylstm.load(path).labels == edited.labels


def test_a_file_without_a_checksum_is_taken() -> None:
    data = without_checksum(WHOLE)
    assert not ENTRY.search(data)
    assert pylstm.Model.from_bytes(data).to_bytes() == WHOLE


def test_snapshots_go_to_a_pickled_copy_of_a_model_without_one() -> None:
    """As files of pylstm 0.1 have none."""
    features = pylstm.LogMel(n_mels=4)
    whole = pylstm.Model(features, [pylstm.LSTM(4, 3, seed=0)]).to_bytes()
    (length,) = struct.unpack_from("<Q", whole)
    text = re.sub(rb',"pylstm.checksum":"[^"]*"', b"", whole[8 : 8 + length]).rstrip()
    text += b" " * (-len(text) % 8)  # exactly as that version wrote it
    model = pylstm.Model.from_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        stream = model.stream()
        stream.push(np.zeros(1000, np.float32))
        copied.stream().restore(stream.snapshot())
        assert copied.to_bytes() == model.to_bytes() == whole


def respelt(data: bytes, **options: Any) -> bytes:
    """The same content in another order and spelling."""
    (length,) = struct.unpack_from("<Q", data)
    header, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata = header.pop("__metadata__")
    again, begin = {}, 0
    blocks = []
    for name in sorted(header, reverse=True):
        block = values[slice(*header[name]["data_offsets"])]
        end = begin + len(block)
        again[name] = {**header[name], "data_offsets": [begin, end]}
        blocks.append(block)
        begin = end
    again["__metadata__"] = dict(sorted(metadata.items(), reverse=True))
    text = json.dumps(again, **options).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(blocks)


@pytest.mark.parametrize(
    "options", [{}, {"indent": 2}, {"indent": "\t"}, {"ensure_ascii": False}, {"sort_keys": True}]
)
def test_the_same_content_in_another_spelling_loads(options: dict[str, Any]) -> None:
    data = respelt(WHOLE, **options)
    assert data != WHOLE
    assert parts(pylstm.Model.from_bytes(data).to_bytes()) == parts(WHOLE)


def test_what_the_safetensors_library_writes_again_loads() -> None:
    data = with_notes(small_model(), NOTES).to_bytes()
    metadata, _ = parts(data)
    tensors = safetensors_numpy.load(data)
    again = safetensors_numpy.save(tensors, metadata)
    assert parts(pylstm.Model.from_bytes(again).to_bytes()) == parts(data)
    name = next(iter(tensors))
    tensors[name] = tensors[name] * np.float32(1.5)
    assert not loads(safetensors_numpy.save(tensors, metadata))
    del metadata["pylstm.checksum"]
    assert loads(safetensors_numpy.save(tensors, metadata))


@pytest.mark.slow
def test_no_flipped_bit_of_another_spelling_loads() -> None:
    """Tabs, line ends and escapes for all that is not ASCII."""
    changed = bytearray(respelt(WHOLE, indent="\t"))
    (length,) = struct.unpack_from("<Q", changed)
    for bit in range((8 + length) * 8):
        changed[bit // 8] ^= 1 << bit % 8
        assert not loads(bytes(changed)), bit
        changed[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize(
    ("spelling", "told"),
    [
        (r"\u001B", "capital digit of an escape; expected small ones"),
        (r"\ud83D\ude00", "capital digit of an escape"),
        (r"\\u001B", None),  # a backslash and letters
        (r"\"\u00e9\\", None),
    ],
)
def test_one_spelling_of_an_escape(spelling: str, told: str | None) -> None:
    data = rechecked(
        model(metadata=f'{FORMAT},"pylstm.checksum":"crc32:00000000","info.a":"{spelling}"')
    )
    refused = refusal(data)
    assert (refused is None) == (told is None)
    if refused is not None:
        assert refused.rule == "checksum"
        assert told in refused.message  # type: ignore[operator]
    assert refusal(without_checksum(data)) is None


@pytest.mark.parametrize("space", ["\r", "\r\n", " \r"])
def test_no_carriage_return_between_tokens(space: str) -> None:
    text = f'{{"__metadata__":{{{FORMAT},{space}"pylstm.checksum":"crc32:00000000"}},{record()}}}'
    refused = refusal(rechecked(container(text, bytes(8))))
    assert refused is not None
    assert refused.message.startswith("[checksum] byte ")
    assert refusal(rechecked(container(text.replace("\r", "\t"), bytes(8)))) is None


def test_what_other_checksums_are() -> None:
    expected = checksum_of(WHOLE)
    for other in (
        "",
        "crc32:",
        expected.upper(),
        f"{expected} ",
        expected[6:],
        f"sha256:{expected}",
    ):
        data = model(metadata=f'{FORMAT},"pylstm.checksum":"{other}"')
        refused = refusal(data)
        assert refused is not None
        assert refused.rule == "checksum"
    assert (
        refusal(rechecked(model(metadata=f'{FORMAT},"pylstm.checksum":"crc32:00000000"'))) is None
    )
