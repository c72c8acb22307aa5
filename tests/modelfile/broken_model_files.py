"""Model files made by hand that break a single rule each: a table, rule -> files."""

from __future__ import annotations

import struct

from tests.modelfile.handmade_model_files import (
    FORMAT,
    MAX_HEADER,
    MAX_METADATA,
    MAX_TENSORS,
    MAX_TEXT,
    container,
    minimal_model,
    model,
    record,
)

GOOD = minimal_model()
HEADER, DATA = GOOD[8:-8], GOOD[-8:]
TWO = [record("a"), record("b", offsets="[8,16]")]
TOO_MANY = [
    record(f"t{index}", '"F16"', "[1]", f"[{2 * index},{2 * index + 2}]")
    for index in range(MAX_TENSORS + 1)
]
NO_INTEGERS = ["2.0", "2e0", "2E0", "-1", "-0", "+2", "02", "00", '"2"', "true", "null", "NaN"]
NO_INTEGERS += ["Infinity", "[2]", "9007199254740993", "18446744073709551618", "", ".5"]
NOT_UTF8 = {
    "a continuation alone": b"\x80",
    "an overlong NUL": b"\xc0\x80",
    "an overlong letter": b"\xc1\x81",
    "overlong in three": b"\xe0\x9f\xbf",
    "overlong in four": b"\xf0\x8f\xbf\xbf",
    "a high surrogate": b"\xed\xa0\x80",
    "a low surrogate": b"\xed\xbf\xbf",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "a byte that begins nothing": b"\xf5\x80\x80\x80",
    "0xff": b"\xff",
    "two bytes, the second missing": b"\xc3",
    "three bytes, the third missing": b"\xe2\x82",
    "four bytes, the fourth missing": b"\xf0\x9f\x98",
    "three bytes, the third wrong": b"\xe2\x82\xc0",
    "four bytes, the third wrong": b"\xf0\x9f\x20\x80",
}


def note(text: str | bytes) -> bytes:
    """A sound file but for the text of a note."""
    text = text.encode() if isinstance(text, str) else text
    return container(b'{"__metadata__":{' + FORMAT.encode() + b',"a":"' + text + b'"}}')


def values(dtype: str, content: bytes, count: int) -> bytes:
    """A sound file but for the values of its tensor."""
    offsets = f"[0,{len(content)}]"
    return model(record("w", f'"{dtype}"', f"[{count}]", offsets), data=content)


BROKEN: dict[str, dict[str, bytes]] = {
    "size": {
        "empty": b"",
        "seven bytes": GOOD[:7],
    },
    "header-length": {
        "zero": container(b"", length=0),
        "one": container(b"{", length=1),
        "one more than there is": container(HEADER, length=len(HEADER) + 1),
        "nothing behind it": GOOD[:8],
        "wraps around when 8 is added": container(HEADER, DATA, 2**64 - 8),
        "largest": container(HEADER, DATA, 2**64 - 1),
        "negative as 32 bits": container(HEADER, DATA, 2**31),
        "above 1 MiB": container(HEADER + b" " * (MAX_HEADER + 1 - len(HEADER)), DATA),
    },
    "header-start": {
        "space before the brace": container(b" " + HEADER, DATA),
        "a list": container("[]"),
    },
    "header-end": {
        "a line end behind the brace": container(HEADER + b"\n", DATA),
        "a NUL behind the brace": container(HEADER + b"  \0", DATA),
        "a second object": container(HEADER + b"{}", DATA),
    },
    "nesting": {
        "five deep in a record": model(record(shape="[[[1]]]")),
        "very deep": container("{" + '"a":' + "[" * 100_000),
        "very deep behind a string": container('{"a\\"b":' + '{"a":' * 100_000),
    },
    "json": {
        "nothing behind the brace": container("{ "),
        "no closing brace": container(HEADER[:-1] + b" ", DATA),
        "comma before the brace": container(HEADER[:-1] + b",}", DATA),
        "comma before the first name": container(b"{," + HEADER[1:], DATA),
        "no comma between names": container(HEADER.replace(b'},"w"', b'} "w"'), DATA),
        "no colon in metadata": model(metadata='"pylstm.format" "1"'),
        "comma at the end of metadata": model(metadata=FORMAT + ","),
        "no colon in a record": container(HEADER.replace(b'dtype":', b'dtype" '), DATA),
        "no colon behind a tensor name": container(HEADER.replace(b'"w":', b'"w" '), DATA),
        "no colon behind __metadata__": container(HEADER.replace(b'ta__":', b'ta__" '), DATA),
        "comma at the end of a record": model(
            '"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],}'
        ),
        "a record that ends with ]": model('"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]]'),
        "two numbers without a comma": model(record(shape="[2 1]")),
        "two offsets without a comma": model(record(offsets="[0 8]")),
        "offsets end with a brace": model(record(offsets="[0,8}")),
        "a name that is no string": container("{w:1}"),
        "a field name that is no string": model("\"w\":{'dtype':1}"),
        "a string without an end": container('{"__metadata__'),
        "a value without an end": container('{"__metadata__":{"pylstm.format":"1'),
        "a string that ends in a backslash": container('{"a\\"'),
        "a string that ends in an escape": container('{"a\\u0041'),
        "a string that ends in two bytes": container('{"a\u00e9'),
        "a number without an end": container('{"w":{"shape":[1'),
        "a number that goes on in the data": container('{"w":{"shape":[1', b".0]"),
        "a closing brace in the data": container("{ ", b"}"),
        "a comment": container(HEADER[:-1] + b"/**/}", DATA),
        "a NUL between tokens": container(HEADER[:-1] + b"\0}", DATA),
        "a form feed between tokens": container(HEADER[:-1] + b"\f}", DATA),
        "a byte order mark within": container(HEADER[:1] + b"\xef\xbb\xbf" + HEADER[1:], DATA),
        **{  # a sound number, but then something else
            f"shape {number}": model(record(shape=f"[{number}]"))
            for number in ("2_0", "2x", "2-", "2 0")
        },
    },
    "control-character": {
        "line end in a value": note("a\nb"),
        "NUL in a value": note("a\0b"),
        "the last one": note("\x1f"),
        "tab in a key": model(metadata=FORMAT + ',"a\t":""'),
    },
    "escape": {
        "unknown": note("\\x41"),
        "capital": note("\\N"),
        "NUL as a name": note("\\0"),
        "a raw NUL behind the backslash": note("\\\0"),
        "NUL in digits": note("\\u0000"),
        "NUL in a key": model(metadata=FORMAT + ',"info.a\\u0000b":""'),
        "three digits": note("\\u041 "),
        "digits with a sign": note("\\u+041"),
        "capital u": note("\\U0041"),
        "no room for the digits": container('{"a\\u00'),
        "digits run into the quote": note("\\u00"),
        "ends at its backslash": container('{"a\\'),
        "high surrogate alone": note("\\ud83d"),
        "high surrogate before text": note("\\ud83d      "),
        "high surrogate before another escape": note("\\ud83d\\n0000"),
        "two high surrogates": note("\\ud83d\\ud83d"),
        "high surrogate before a letter": note("\\ud83d\\u0041"),
        "high surrogate, its low one raw": note("\\ud83d-ude00"),
        "high surrogate, its low one without a u": note("\\ud83d\\nde00"),
        "two low surrogates": note("\\ude00\\ude00"),
        "low surrogate alone": note("\\ude00"),
        "last low surrogate": note("\\udfff"),
        "high surrogate above the range": note("\\ud83d\\ue000"),
        "surrogate cut by the end": container('{"a\\ud83d\\'),
    },
    "duplicate-key": {
        "tensor": model(record("a"), record("b", offsets="[8,16]"), record("a"), data=bytes(16)),
        "tensor, one name escaped": model(
            record("ab"), record("\\u0061b", offsets="[8,16]"), data=bytes(16)
        ),
        "metadata": model(metadata=FORMAT + ',"a":"","b":"","a":""'),
        "metadata, one name escaped": model(metadata=FORMAT + ',"pylstm\\u002eformat":"1"'),
        "__metadata__": container('{"__metadata__":{' + FORMAT + '},"__metadata__":{}}'),
        "__metadata__, escaped": container(
            '{"__metadata__":{' + FORMAT + '},"\\u005f_metadata__":{}}'
        ),
        "dtype": model('"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}'),
        "shape": model('"w":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}'),
        "offsets": model(
            '"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}'
        ),
    },
    "tensor-record": {
        "a number": container('{"w":1}'),
        "null": container('{"w":null}'),
        "a list": container('{"w":[]}'),
        "empty": model('"w":{}'),
        "no dtype": model('"w":{"shape":[2],"data_offsets":[0,8]}'),
        "no shape": model('"w":{"dtype":"F32","data_offsets":[0,8]}'),
        "no offsets": model('"w":{"dtype":"F32","shape":[2]}'),
        "one field more": model('"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}'),
        "a field with a long name": model('"w":{"data_offsets_and_more":[0,8]}'),
        "capitals": model('"w":{"Dtype":"F32"}'),
        "dtype is a number": model(record(dtype="32")),
        "shape is a number": model(record(shape="2")),
        "shape is null": model(record(shape="null")),
        "offsets are an object": model(record(offsets="{}")),
    },
    "metadata": {
        "a string": container('{"__metadata__":"1"}'),
        "null": container('{"__metadata__":null}'),
        "value is a number": model(metadata='"pylstm.format":1'),
        "value is null": model(metadata='"pylstm.format":null'),
        "value is an object": model(metadata=FORMAT + ',"a":{}'),
        "value is NaN": model(metadata=FORMAT + ',"a":NaN'),
    },
    "metadata-key": {
        "empty": model(metadata=FORMAT + ',"":""'),
        "129 bytes": model(metadata=FORMAT + ',"' + "n" * 129 + '":""'),
        "a space": model(metadata=FORMAT + ',"info.a b":""'),
        "a dash": model(metadata=FORMAT + ',"a-b":""'),
        "a letter beyond ASCII": model(metadata=FORMAT + ',"\u00e9":""'),
        "an escaped line end": model(metadata=FORMAT + ',"a\\nb":""'),
    },
    "metadata-count": {
        "2049": model(metadata=",".join([FORMAT] + [f'"i{i}":""' for i in range(MAX_METADATA)])),
    },
    "metadata-length": {
        "4097 bytes": note("x" * (MAX_TEXT + 1)),
        "4097 bytes unescaped": note("\\u00e9" * (MAX_TEXT // 2) + "x"),
    },
    "tensor-name": {
        "empty": model(record("")),
        "129 bytes": model(record("n" * 129)),
        "a path": model(record("../x")),
        "an escaped slash": model(record("a\\/b")),
        "a letter beyond ASCII": model(record("\u00e9")),
        "a terminal's escape sequence": model(record("\\u001b[2J")),
    },
    "dtype": {
        "I64": model(record(dtype='"I64"', shape="[1]")),
        "small letters": model(record(dtype='"f32"')),
        "one letter more": model(record(dtype='"F32 "')),
        "one letter less": model(record(dtype='"F3"')),
        "empty": model(record(dtype='""')),
        "long": model(record(dtype='"' + "F32" * 99 + '"')),
    },
    "rank": {
        "no dimension": model(record(shape="[]", offsets="[0,4]"), data=bytes(4)),
        "five": model(record(shape="[1,1,1,1,2]")),
        "100,000": model(record(shape="[" + "1," * 99_999 + "2]")),
    },
    "dimension": {
        "zero": model(record(shape="[0]", offsets="[0,0]"), data=b""),
        "65537": model(record(shape="[65537]", offsets="[0,262148]"), data=bytes(262148)),
        "2 ** 32 + 2": model(record(shape="[4294967298]")),
        "2 ** 53": model(record(shape="[9007199254740992]")),
    },
    "tensor-size": {
        "the product is 2 ** 64": model(record(shape="[65536,65536,65536,65536]", offsets="[0,0]")),
        "the product wraps to the right size": model(record(shape="[65536,65536,65536,32768]")),
        "one value too many": model(record(shape="[3]")),
        "one byte too many": model(record(shape="[2]", offsets="[0,9]"), data=bytes(9)),
        "of another dtype": model(record(dtype='"F16"')),
        "empty": model(record("w"), record("v", shape="[2]", offsets="[8,8]")),
    },
    "data-offsets": {
        "end before begin": model(record(offsets="[8,0]")),
        "none": model(record(offsets="[]")),
        "one": model(record(offsets="[8]")),
        "three": model(record(offsets="[0,8,8]")),
        "behind the file": model(record(shape="[3]", offsets="[0,12]")),
        "all behind the file": model(record(offsets="[8,16]")),
        "far behind the file": model(record(offsets="[9007199254740984,9007199254740992]")),
        "data is cut": GOOD[:-1],
    },
    "tensor-layout": {
        "does not begin at 0": model(record(offsets="[4,12]"), data=bytes(12)),
        "gap": model(record("a"), record("b", offsets="[12,20]"), data=bytes(20)),
        "overlap": model(record("a"), record("b", offsets="[4,12]"), data=bytes(12)),
        "the same place twice": model(record("a"), record("b")),
        "one byte behind the last": GOOD + b"\0",
        "no tensors but data": container('{"__metadata__":{' + FORMAT + "}}", b"\0"),
        "overlap in another order": model(
            *reversed(TWO), record("c", offsets="[4,12]"), data=bytes(16)
        ),
    },
    "not-finite": {
        "NaN": values("F32", struct.pack("<ff", 0, float("nan")), 2),
        "infinity": values("F32", struct.pack("<f", float("inf")), 1),
        "negative infinity": values("F64", struct.pack("<d", float("-inf")), 1),
        "signalling NaN": values("F64", struct.pack("<Q", 0x7FF0000000000001), 1),
        "NaN in half precision": values("F16", struct.pack("<e", float("nan")), 1),
        "infinity in half precision": values("F16", struct.pack("<e", float("inf")), 1),
        "infinity in bfloat16": values("BF16", b"\x80\x7f", 1),
        "NaN in bfloat16": values("BF16", b"\0\0\xff\xff", 2),
        "in the last tensor": model(*TWO, data=bytes(12) + b"\0\0\x80\xff"),
    },
    "float32-range": {
        "1e39": values("F64", struct.pack("<d", -1e39), 1),
        "rounds to infinity": values("F64", struct.pack("<Q", 0x47EFFFFFF0000000), 1),
    },
    "format": {
        "no metadata": container("{" + record() + "}", bytes(8)),
        "nothing at all": container("{}"),
        "no such key": model(metadata='"format":"pt"'),
        "a later one": model(metadata='"pylstm.format":"3"'),
        "none": model(metadata='"pylstm.format":"0"'),
        "a space behind it": model(metadata='"pylstm.format":"1 "'),
        "empty": model(metadata='"pylstm.format":""'),
    },
    "checksum": {
        "of something else": model(metadata=FORMAT + ',"pylstm.checksum":"crc32:00000000"'),
        "of an unknown kind": model(metadata=FORMAT + ',"pylstm.checksum":"md5:0"'),
        "empty": model(metadata=FORMAT + ',"pylstm.checksum":""'),
    },
    "tensor-count": {"1025": model(*TOO_MANY, data=bytes(2 * MAX_TENSORS + 2))},
    "integer": {
        **{f"shape {number}": model(record(shape=f"[1,{number}]")) for number in NO_INTEGERS},
        **{f"begin {number}": model(record(offsets=f"[{number},8]")) for number in NO_INTEGERS},
        **{f"end {number}": model(record(offsets=f"[0,{number}]")) for number in NO_INTEGERS},
    },
    "utf-8": {
        **{f"{what} in a value": note(text) for what, text in NOT_UTF8.items()},
        "between tokens": container(HEADER[:-1] + b"\xff}", DATA),
        "behind the brace": container(HEADER + b"\xff", DATA),
        "cut by the end of the header": container(b'{"a":"\xe2\x82', b"\xac"),
    },
}


def cases() -> list[tuple[str, str, bytes]]:
    """The table, a file a row: (rule, what is wrong, content)."""
    return [
        (rule, what, content) for rule, files in BROKEN.items() for what, content in files.items()
    ]


def corpus() -> list[tuple[str, bytes]]:
    """Every broken file with the rule that it breaks."""
    return [(rule, content) for rule, _, content in cases()]
