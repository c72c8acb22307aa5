"""JSON documents with weights: flags, nested lists, and files that are none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pylstm.convert.json_document import Entry, array_of, read_document


def nested(deep: int) -> Any:
    value: Any = 1.0
    for _ in range(deep):
        value = [value]
    return value


@pytest.mark.parametrize(("given", "found"), [(1, True), (0, False), (True, True), (False, False)])
def test_flags_may_be_numbers(given: Any, found: bool) -> None:
    assert Entry("it", {"scale": given}).one_of("scale", (True, False)) is found


@pytest.mark.parametrize("given", [2, -1, 1.0, "1", None, [1]])
def test_other_numbers_are_no_flags(given: Any) -> None:
    with pytest.raises(ValueError, match=r"'scale' of it is .*; expected True, False"):
        Entry("it", {"scale": given}).one_of("scale", (True, False))


def test_a_number_that_is_asked_for_is_no_flag() -> None:
    assert Entry("it", {"skip": 1}).one_of("skip", (0, 1)) == 1
    with pytest.raises(ValueError, match="'skip' of it is True; expected 0, 1"):
        Entry("it", {"skip": True}).one_of("skip", (0, 1))


@pytest.mark.parametrize("deep", [9, 65, 899, 5000])
def test_lists_without_end_are_refused(deep: int) -> None:
    assert array_of(nested(8), "weights").shape == (1,) * 8
    message = "weights has lists in lists, more than 8 deep; expected at most that"
    with pytest.raises(ValueError, match=message):
        array_of(nested(deep), "weights")


def test_what_is_too_deep_to_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'k' of it is lists in lists, .*; expected 0"):
        Entry("it", {"k": nested(20_000)}).one_of("k", (0,))


def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)  # it takes no room on the disk
    expected = f"{str(path)!r} of {(1 << 30) + 1} bytes; expected at most {1 << 30}"
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_document(path)
