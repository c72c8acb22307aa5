"""Model files made by hand: their parts, and sound files at the edges of the rules.

Nothing here uses a safetensors library, because most files made of these parts are ones that no
library would write. Headers are put together as text so that a case can say exactly what stands in
them.
"""

from __future__ import annotations

import json
import struct

from tests.model_file_checksum import rechecked

MAX_FILE = 256 << 20
MAX_HEADER = 1 << 20
MAX_TENSORS = 1024
MAX_METADATA = 2048
MAX_TEXT = 4096

FORMAT = '"pylstm.format":"1"'


def container(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """The three parts of a file; length is what the file says about its header."""
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def record(
    name: str = "w", dtype: str = '"F32"', shape: str = "[2]", offsets: str = "[0,8]"
) -> str:
    """A tensor's entry in the header. All but the name is JSON text."""
    return f'"{name}":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}'


def model(*records: str, metadata: str = FORMAT, data: bytes = bytes(8)) -> bytes:
    """A file with these tensor entries (one of two zeros where none is given) and metadata."""
    entries = ['"__metadata__":{' + metadata + "}", *(records or [record()])]
    return container("{" + ",".join(entries) + "}", data)


def minimal_model() -> bytes:
    """The smallest sound file with a tensor."""
    return model()


def four_kilobyte_model() -> bytes:
    """About 4 KB with everything that a file may hold: each dtype, ranks 1 to 4, escapes, notes."""
    tensors = [
        ("layers.0.weight_ih", "F32", [16, 8]),
        ("layers.0.weight_hh", "F64", [16, 4]),
        ("layers.0.bias_ih", "F16", [16]),
        ("layers.0.bias_hh", "BF16", [2, 2, 2, 2]),
        ("layers.1.weight", "F32", [20, 4, 8]),
    ]
    width = {"F32": 4, "F64": 8, "F16": 2, "BF16": 2}
    header: dict[str, object] = {
        "__metadata__": {
            "pylstm.format": "1",
            "features.kind": "mfcc",
            "features.hop_length": "160",
            "features.fmin": "2.5e1",
            "features.center": "true",
            "labels.0": "ja \u00fc \u20ac \U0001f600",
            "info.note": 'a "note"\n',
        }
    }
    data = b""
    for name, dtype, shape in tensors:
        count = 1
        for size in shape:
            count *= size
        begin = len(data)
        # Bytes that count upwards but never have all exponent bits set: finite in each dtype.
        data += bytes(index * 7 % 60 for index in range(count * width[dtype]))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header, separators=(",", ":"))
    text = text.replace('"features.kind"', '"features\\u002ekind"').replace("\\u20ac", "\u20ac")
    return container(text + "   ", data)


def accepted() -> list[tuple[str, bytes]]:
    """Sound files at the edges of the rules: (what is special, content)."""
    long_name, text = "n" * 128, "x" * MAX_TEXT
    shuffled = [record("b", offsets="[8,16]"), record("c", offsets="[16,24]"), record("a")]
    many = [
        record(f"t{index}", '"F16"', "[1]", f"[{2 * index},{2 * index + 2}]")
        for index in range(MAX_TENSORS)
    ]
    keys = [f'"info.{index}":""' for index in range(MAX_METADATA - 1)]
    whole = '{"__metadata__":{' + FORMAT + "}}"
    checked = f'{FORMAT},"info.a":"\\u001f\u00fc","pylstm.checksum":"crc32:00000000"'
    return [
        ("a checksum", rechecked(model(record(), metadata=checked))),
        (
            "a checksum in another spelling",
            rechecked(model(record("\\u0077"), metadata=checked.replace(",", "\t,\n"))),
        ),
        ("minimal", minimal_model()),
        ("four kilobytes", four_kilobyte_model()),
        ("no tensors", container(whole)),
        ("spaces behind the header", container(whole + " " * 7)),
        ("longest header", container(whole + " " * (MAX_HEADER - len(whole)))),
        ("white space inside", container('{ "__metadata__" :\n{\r"pylstm.format"\t: "1" } }')),
        (
            "metadata last",
            container("{" + record() + ',"__metadata__":{' + FORMAT + "}}", bytes(8)),
        ),
        ("tensors in any order", model(*shuffled, data=bytes(24))),
        (
            "odd offsets",
            model(
                record("a", '"F16"', "[1]", "[0,2]"), record("b", offsets="[2,10]"), data=bytes(10)
            ),
        ),
        ("fields in any order", model('"w":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"}')),
        ("longest tensor name", model(record(long_name))),
        ("longest metadata key", model(metadata=f'{FORMAT},"{long_name}":""')),
        ("longest text", model(metadata=f'{FORMAT},"info.a":"{text}"')),
        (
            "longest text in escapes",
            model(metadata=FORMAT + ',"info.a":"' + "\\u0078" * MAX_TEXT + '"'),
        ),
        ("most tensors", model(*many, data=bytes(2 * MAX_TENSORS))),
        ("most metadata", model(metadata=",".join([FORMAT, *keys]))),
        ("escaped names", model(record("\\u0077"), metadata='"pylstm\\u002Eformat":"\\u0031"')),
        ("escaped name of the metadata", container('{"\\u005f_metadata__":{' + FORMAT + "}}")),
        (
            "every escape",
            model(metadata=FORMAT + r',"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\uFFFF"'),
        ),
        (
            "edges of UTF-8",
            model(
                metadata=FORMAT
                + ',"a":"\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"'
            ),
        ),
        (
            "edges of UTF-8 in escapes",
            model(
                metadata=FORMAT
                + r',"a":"\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\uaAfF"'
                + r',"b":"\ud800\udc00\udbff\udfff"'
            ),
        ),
        (
            "brackets behind escapes",
            model(metadata=FORMAT + r',"a":"\\","b":"[[[[[","c":"\"[[[[[","d":"\n[[[[[\\"'),
        ),
        ("brackets in a string", model(metadata=FORMAT + ',"a":"[[[[[[{{{{\\"[[[[[\\\\"')),
        (
            "largest dimension",
            model(record(shape="[65536]", offsets="[0,262144]"), data=bytes(262144)),
        ),
        ("rank 4", model(record(shape="[1,2,1,1]"))),
        (
            "largest float64",
            model(record(dtype='"F64"', shape="[1]"), data=struct.pack("<Q", 0x47EFFFFFEFFFFFFF)),
        ),
    ]
