"""Model files made by hand that break a single rule each."""

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


def cases() -> list[tuple[str, str, bytes]]:
    """Files that break one rule: (rule, what is wrong, content)."""
    good = minimal_model()
    header, data = good[8:-8], good[-8:]
    double = [record("a"), record("b", offsets="[8,16]")]
    f32, f64, f16 = ("<f", "<d", "<e")

    def note(text: str | bytes) -> bytes:
        """A sound file but for the text of a note."""
        text = text.encode() if isinstance(text, str) else text
        return container(b'{"__metadata__":{' + FORMAT.encode() + b',"a":"' + text + b'"}}')

    def values(dtype: str, content: bytes, count: int) -> bytes:
        offsets = f"[0,{len(content)}]"
        return model(record("w", f'"{dtype}"', f"[{count}]", offsets), data=content)

    found: list[tuple[str, str, bytes]] = [
        ("size", "empty", b""),
        ("size", "seven bytes", good[:7]),
        ("header-length", "zero", container(b"", length=0)),
        ("header-length", "one", container(b"{", length=1)),
        ("header-length", "one more than there is", container(header, length=len(header) + 1)),
        ("header-length", "nothing behind it", good[:8]),
        ("header-length", "wraps around when 8 is added", container(header, data, 2**64 - 8)),
        ("header-length", "largest", container(header, data, 2**64 - 1)),
        ("header-length", "negative as 32 bits", container(header, data, 2**31)),
        (
            "header-length",
            "above 1 MiB",
            container(header + b" " * (MAX_HEADER + 1 - len(header)), data),
        ),
        ("header-start", "space before the brace", container(b" " + header, data)),
        ("header-start", "a list", container("[]")),
        ("header-end", "a line end behind the brace", container(header + b"\n", data)),
        ("header-end", "a NUL behind the brace", container(header + b"  \0", data)),
        ("header-end", "a second object", container(header + b"{}", data)),
        ("nesting", "five deep in a record", model(record(shape="[[[1]]]"))),
        ("nesting", "very deep", container("{" + '"a":' + "[" * 100_000)),
        ("nesting", "very deep behind a string", container('{"a\\"b":' + '{"a":' * 100_000)),
        ("json", "nothing behind the brace", container("{ ")),
        ("json", "no closing brace", container(header[:-1] + b" ", data)),
        ("json", "comma before the brace", container(header[:-1] + b",}", data)),
        ("json", "comma before the first name", container(b"{," + header[1:], data)),
        ("json", "no comma between names", container(header.replace(b'},"w"', b'} "w"'), data)),
        ("json", "no colon in metadata", model(metadata='"pylstm.format" "1"')),
        ("json", "comma at the end of metadata", model(metadata=FORMAT + ",")),
        ("json", "no colon in a record", container(header.replace(b'dtype":', b'dtype" '), data)),
        (
            "json",
            "no colon behind a tensor name",
            container(header.replace(b'"w":', b'"w" '), data),
        ),
        (
            "json",
            "no colon behind __metadata__",
            container(header.replace(b'ta__":', b'ta__" '), data),
        ),
        (
            "json",
            "comma at the end of a record",
            model('"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],}'),
        ),
        (
            "json",
            "a record that ends with ]",
            model('"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]]'),
        ),
        ("json", "two numbers without a comma", model(record(shape="[2 1]"))),
        ("json", "two offsets without a comma", model(record(offsets="[0 8]"))),
        ("json", "offsets end with a brace", model(record(offsets="[0,8}"))),
        ("json", "a name that is no string", container("{w:1}")),
        ("json", "a field name that is no string", model("\"w\":{'dtype':1}")),
        ("json", "a string without an end", container('{"__metadata__')),
        ("json", "a value without an end", container('{"__metadata__":{"pylstm.format":"1')),
        ("json", "a string that ends in a backslash", container('{"a\\"')),
        ("json", "a string that ends in an escape", container('{"a\\u0041')),
        ("json", "a string that ends in two bytes", container('{"a\u00e9')),
        ("json", "a number without an end", container('{"w":{"shape":[1')),
        ("json", "a number that goes on in the data", container('{"w":{"shape":[1', b".0]")),
        ("json", "a closing brace in the data", container("{ ", b"}")),
        ("json", "a comment", container(header[:-1] + b"/**/}", data)),
        ("json", "a NUL between tokens", container(header[:-1] + b"\0}", data)),
        ("json", "a form feed between tokens", container(header[:-1] + b"\f}", data)),
        (
            "json",
            "a byte order mark within",
            container(header[:1] + b"\xef\xbb\xbf" + header[1:], data),
        ),
        ("control-character", "line end in a value", note("a\nb")),
        ("control-character", "NUL in a value", note("a\0b")),
        ("control-character", "the last one", note("\x1f")),
        ("control-character", "tab in a key", model(metadata=FORMAT + ',"a\t":""')),
        ("escape", "unknown", note("\\x41")),
        ("escape", "capital", note("\\N")),
        ("escape", "NUL as a name", note("\\0")),
        ("escape", "a raw NUL behind the backslash", note("\\\0")),
        ("escape", "NUL in digits", note("\\u0000")),
        ("escape", "NUL in a key", model(metadata=FORMAT + ',"info.a\\u0000b":""')),
        ("escape", "three digits", note("\\u041 ")),
        ("escape", "digits with a sign", note("\\u+041")),
        ("escape", "capital u", note("\\U0041")),
        ("escape", "no room for the digits", container('{"a\\u00')),
        ("escape", "digits run into the quote", note("\\u00")),
        ("escape", "ends at its backslash", container('{"a\\')),
        ("escape", "high surrogate alone", note("\\ud83d")),
        ("escape", "high surrogate before text", note("\\ud83d      ")),
        ("escape", "high surrogate before another escape", note("\\ud83d\\n0000")),
        ("escape", "two high surrogates", note("\\ud83d\\ud83d")),
        ("escape", "high surrogate before a letter", note("\\ud83d\\u0041")),
        ("escape", "high surrogate, its low one raw", note("\\ud83d-ude00")),
        ("escape", "high surrogate, its low one without a u", note("\\ud83d\\nde00")),
        ("escape", "two low surrogates", note("\\ude00\\ude00")),
        ("escape", "low surrogate alone", note("\\ude00")),
        ("escape", "last low surrogate", note("\\udfff")),
        ("escape", "high surrogate above the range", note("\\ud83d\\ue000")),
        ("escape", "surrogate cut by the end", container('{"a\\ud83d\\')),
        (
            "duplicate-key",
            "tensor",
            model(record("a"), record("b", offsets="[8,16]"), record("a"), data=bytes(16)),
        ),
        (
            "duplicate-key",
            "tensor, one name escaped",
            model(record("ab"), record("\\u0061b", offsets="[8,16]"), data=bytes(16)),
        ),
        ("duplicate-key", "metadata", model(metadata=FORMAT + ',"a":"","b":"","a":""')),
        (
            "duplicate-key",
            "metadata, one name escaped",
            model(metadata=FORMAT + ',"pylstm\\u002eformat":"1"'),
        ),
        (
            "duplicate-key",
            "__metadata__",
            container('{"__metadata__":{' + FORMAT + '},"__metadata__":{}}'),
        ),
        (
            "duplicate-key",
            "__metadata__, escaped",
            container('{"__metadata__":{' + FORMAT + '},"\\u005f_metadata__":{}}'),
        ),
        (
            "duplicate-key",
            "dtype",
            model('"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}'),
        ),
        (
            "duplicate-key",
            "shape",
            model('"w":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}'),
        ),
        (
            "duplicate-key",
            "offsets",
            model('"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}'),
        ),
        ("tensor-record", "a number", container('{"w":1}')),
        ("tensor-record", "null", container('{"w":null}')),
        ("tensor-record", "a list", container('{"w":[]}')),
        ("tensor-record", "empty", model('"w":{}')),
        ("tensor-record", "no dtype", model('"w":{"shape":[2],"data_offsets":[0,8]}')),
        ("tensor-record", "no shape", model('"w":{"dtype":"F32","data_offsets":[0,8]}')),
        ("tensor-record", "no offsets", model('"w":{"dtype":"F32","shape":[2]}')),
        (
            "tensor-record",
            "one field more",
            model('"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}'),
        ),
        ("tensor-record", "a field with a long name", model('"w":{"data_offsets_and_more":[0,8]}')),
        ("tensor-record", "capitals", model('"w":{"Dtype":"F32"}')),
        ("tensor-record", "dtype is a number", model(record(dtype="32"))),
        ("tensor-record", "shape is a number", model(record(shape="2"))),
        ("tensor-record", "shape is null", model(record(shape="null"))),
        ("tensor-record", "offsets are an object", model(record(offsets="{}"))),
        ("metadata", "a string", container('{"__metadata__":"1"}')),
        ("metadata", "null", container('{"__metadata__":null}')),
        ("metadata", "value is a number", model(metadata='"pylstm.format":1')),
        ("metadata", "value is null", model(metadata='"pylstm.format":null')),
        ("metadata", "value is an object", model(metadata=FORMAT + ',"a":{}')),
        ("metadata", "value is NaN", model(metadata=FORMAT + ',"a":NaN')),
        ("metadata-key", "empty", model(metadata=FORMAT + ',"":""')),
        ("metadata-key", "129 bytes", model(metadata=FORMAT + ',"' + "n" * 129 + '":""')),
        ("metadata-key", "a space", model(metadata=FORMAT + ',"info.a b":""')),
        ("metadata-key", "a dash", model(metadata=FORMAT + ',"a-b":""')),
        ("metadata-key", "a letter beyond ASCII", model(metadata=FORMAT + ',"\u00e9":""')),
        ("metadata-key", "an escaped line end", model(metadata=FORMAT + ',"a\\nb":""')),
        (
            "metadata-count",
            "2049",
            model(metadata=",".join([FORMAT] + [f'"i{i}":""' for i in range(MAX_METADATA)])),
        ),
        ("metadata-length", "4097 bytes", note("x" * (MAX_TEXT + 1))),
        ("metadata-length", "4097 bytes unescaped", note("\\u00e9" * (MAX_TEXT // 2) + "x")),
        ("tensor-name", "empty", model(record(""))),
        ("tensor-name", "129 bytes", model(record("n" * 129))),
        ("tensor-name", "a path", model(record("../x"))),
        ("tensor-name", "an escaped slash", model(record("a\\/b"))),
        ("tensor-name", "a letter beyond ASCII", model(record("\u00e9"))),
        ("tensor-name", "a terminal's escape sequence", model(record("\\u001b[2J"))),
        ("dtype", "I64", model(record(dtype='"I64"', shape="[1]"))),
        ("dtype", "small letters", model(record(dtype='"f32"'))),
        ("dtype", "one letter more", model(record(dtype='"F32 "'))),
        ("dtype", "one letter less", model(record(dtype='"F3"'))),
        ("dtype", "empty", model(record(dtype='""'))),
        ("dtype", "long", model(record(dtype='"' + "F32" * 99 + '"'))),
        ("rank", "no dimension", model(record(shape="[]", offsets="[0,4]"), data=bytes(4))),
        ("rank", "five", model(record(shape="[1,1,1,1,2]"))),
        ("rank", "100,000", model(record(shape="[" + "1," * 99_999 + "2]"))),
        ("dimension", "zero", model(record(shape="[0]", offsets="[0,0]"), data=b"")),
        (
            "dimension",
            "65537",
            model(record(shape="[65537]", offsets="[0,262148]"), data=bytes(262148)),
        ),
        ("dimension", "2 ** 32 + 2", model(record(shape="[4294967298]"))),
        ("dimension", "2 ** 53", model(record(shape="[9007199254740992]"))),
        (
            "tensor-size",
            "the product is 2 ** 64",
            model(record(shape="[65536,65536,65536,65536]", offsets="[0,0]")),
        ),
        (
            "tensor-size",
            "the product wraps to the right size",
            model(record(shape="[65536,65536,65536,32768]")),
        ),
        ("tensor-size", "one value too many", model(record(shape="[3]"))),
        (
            "tensor-size",
            "one byte too many",
            model(record(shape="[2]", offsets="[0,9]"), data=bytes(9)),
        ),
        ("tensor-size", "of another dtype", model(record(dtype='"F16"'))),
        ("tensor-size", "empty", model(record("w"), record("v", shape="[2]", offsets="[8,8]"))),
        ("data-offsets", "end before begin", model(record(offsets="[8,0]"))),
        ("data-offsets", "none", model(record(offsets="[]"))),
        ("data-offsets", "one", model(record(offsets="[8]"))),
        ("data-offsets", "three", model(record(offsets="[0,8,8]"))),
        ("data-offsets", "behind the file", model(record(shape="[3]", offsets="[0,12]"))),
        ("data-offsets", "all behind the file", model(record(offsets="[8,16]"))),
        (
            "data-offsets",
            "far behind the file",
            model(record(offsets="[9007199254740984,9007199254740992]")),
        ),
        ("data-offsets", "data is cut", good[:-1]),
        ("tensor-layout", "does not begin at 0", model(record(offsets="[4,12]"), data=bytes(12))),
        (
            "tensor-layout",
            "gap",
            model(record("a"), record("b", offsets="[12,20]"), data=bytes(20)),
        ),
        (
            "tensor-layout",
            "overlap",
            model(record("a"), record("b", offsets="[4,12]"), data=bytes(12)),
        ),
        ("tensor-layout", "the same place twice", model(record("a"), record("b"))),
        ("tensor-layout", "one byte behind the last", good + b"\0"),
        (
            "tensor-layout",
            "no tensors but data",
            container('{"__metadata__":{' + FORMAT + "}}", b"\0"),
        ),
        (
            "tensor-layout",
            "overlap in another order",
            model(*reversed(double), record("c", offsets="[4,12]"), data=bytes(16)),
        ),
        ("not-finite", "NaN", values("F32", struct.pack("<ff", 0, float("nan")), 2)),
        ("not-finite", "infinity", values("F32", struct.pack(f32, float("inf")), 1)),
        ("not-finite", "negative infinity", values("F64", struct.pack(f64, float("-inf")), 1)),
        ("not-finite", "signalling NaN", values("F64", struct.pack("<Q", 0x7FF0000000000001), 1)),
        ("not-finite", "NaN in half precision", values("F16", struct.pack(f16, float("nan")), 1)),
        (
            "not-finite",
            "infinity in half precision",
            values("F16", struct.pack(f16, float("inf")), 1),
        ),
        ("not-finite", "infinity in bfloat16", values("BF16", b"\x80\x7f", 1)),
        ("not-finite", "NaN in bfloat16", values("BF16", b"\0\0\xff\xff", 2)),
        ("not-finite", "in the last tensor", model(*double, data=bytes(12) + b"\0\0\x80\xff")),
        ("float32-range", "1e39", values("F64", struct.pack(f64, -1e39), 1)),
        (
            "float32-range",
            "rounds to infinity",
            values("F64", struct.pack("<Q", 0x47EFFFFFF0000000), 1),
        ),
        ("format", "no metadata", container("{" + record() + "}", bytes(8))),
        ("format", "nothing at all", container("{}")),
        ("format", "no such key", model(metadata='"format":"pt"')),
        ("format", "a later one", model(metadata='"pylstm.format":"2"')),
        ("format", "a space behind it", model(metadata='"pylstm.format":"1 "')),
        ("format", "empty", model(metadata='"pylstm.format":""')),
    ]
    too_many = [
        record(f"t{index}", '"F16"', "[1]", f"[{2 * index},{2 * index + 2}]")
        for index in range(MAX_TENSORS + 1)
    ]
    found.append(("tensor-count", "1025", model(*too_many, data=bytes(2 * MAX_TENSORS + 2))))
    for number in (
        "2.0",
        "2e0",
        "2E0",
        "-1",
        "-0",
        "+2",
        "02",
        "00",
        '"2"',
        "true",
        "null",
        "NaN",
        "Infinity",
        "[2]",
        "9007199254740993",
        "18446744073709551618",
        "",
        ".5",
    ):
        found.append(("integer", f"shape {number}", model(record(shape=f"[1,{number}]"))))
        found.append(("integer", f"begin {number}", model(record(offsets=f"[{number},8]"))))
        found.append(("integer", f"end {number}", model(record(offsets=f"[0,{number}]"))))
    for number in ("2_0", "2x", "2-", "2 0"):  # a sound number, but then something else
        found.append(("json", f"shape {number}", model(record(shape=f"[{number}]"))))
    not_utf8 = {
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
    for what, text in not_utf8.items():
        found.append(("utf-8", f"{what} in a value", note(text)))
    found.append(("utf-8", "between tokens", container(header[:-1] + b"\xff}", data)))
    found.append(("utf-8", "behind the brace", container(header + b"\xff", data)))
    found.append(("utf-8", "cut by the end of the header", container(b'{"a":"\xe2\x82', b"\xac")))
    return found


def corpus() -> list[tuple[str, bytes]]:
    """Every broken file with the rule that it breaks."""
    return [(rule, content) for rule, _, content in cases()]
