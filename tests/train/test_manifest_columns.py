"""Manifests as programs write them: other columns, orders and marks; and names of files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylstm.train.data.errors import RecordingsError
from pylstm.train.data.manifest_table import COLUMNS
from pylstm.train.data.recordings import Recordings
from tests.train.recording_sets import folders

ROWS = [("a.wav", "yes", "me", "training"), ("b.wav", "no", "you", "validation")]
NAMES = ("path", "label", "speaker", "split")
SPARE = ["age", "gender", "sentence", "up_votes", "duration", "locale", "path2", "Etikett", "ü"]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return folders(tmp_path_factory.mktemp("set"), ["a.wav", "b.wav"])


def read(path: Path, data: str | bytes) -> tuple[Recordings, list[str]]:
    """The recordings of a manifest, and what was warned of."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        recordings = Recordings.from_manifest(path)
    return recordings, [str(warning.message) for warning in said]


@given(
    spare=st.lists(st.sampled_from(SPARE), unique=True, max_size=4),
    order=st.randoms(use_true_random=False),
    case=st.sampled_from([str, str.upper, str.title, lambda name: f" {name} "]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    blank=st.sampled_from(["", "{end}", "  {end}", ",{end}", ",,,{end}"]),
    more=st.sampled_from(["", ",", ",,"]),
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_table_says_does_not_depend_on_how(
    root, spare, order, case, end, mark, quoting, blank, more
):
    expected, said = read(root / "plain.csv", "\n".join(map(",".join, [NAMES, *ROWS])))
    assert said == []
    columns = [*NAMES, *spare]
    order.shuffle(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=more + end)
    writer.writerow([case(name) if name in NAMES else name for name in columns])
    for row in ROWS:
        values = dict(zip(NAMES, row, strict=True))
        writer.writerow([values.get(name, 'x, "y"') for name in columns])
        text.write(blank.format(end=end))
    found, said = read(root / "other.csv", mark + text.getvalue())
    assert found.items == expected.items
    unused = [repr(name) for name in columns if name not in NAMES]
    assert len(said) == len(found.notes) == bool(unused)
    for note in said:
        assert re.fullmatch(r".*other\.csv: columns? (.*) (is|are) not used", note)
        assert note.split(": column")[1].count("'") == 2 * len(unused)
        assert all(name in note for name in unused)
    lines = []
    for row in ROWS:
        values = dict(zip(NAMES, row, strict=True))
        fields = {name: values.get(name, [1, None]) for name in columns}
        lines.append(json.dumps({case(n) if n in NAMES else n: v for n, v in fields.items()}))
    found, said = read(root / "other.jsonl", mark + (end + end).join(lines))
    assert found.items == expected.items
    assert len(said) == bool(unused)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_appears_twice(root, column):
    message = f"line 1: column '{column}' appears twice"
    for twin in (column, column.upper(), f"{column} "):
        with pytest.raises(RecordingsError, match=message):
            read(root / "m.csv", f"{column},{twin},more\n1,1,1\n")
    with pytest.raises(RecordingsError, match=message):
        read(root / "m.jsonl", json.dumps({"path": "a.wav", column: 1, column.title(): 1}))


def test_columns_that_are_not_used_may_appear_twice(root):
    found, [said] = read(root / "m.csv", "x,path,x,label,\n1,a.wav,2,yes,\n,b.wav,,no,3\n")
    assert said.endswith("m.csv: column 'x' is not used")
    assert found.labels == ("no", "yes")


@pytest.mark.parametrize(("wrong", "right"), [("speeker", "speaker"), ("Splitt", "split")])
def test_a_slip_of_the_pen_is_named(root, wrong, right):
    _, [said] = read(root / "m.csv", f"path,label,{wrong}\na.wav,yes,1\nb.wav,no,2\n")
    assert said.endswith(f"column '{wrong}' (did you mean '{right}'?) is not used")


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_other_separators_are_named(root, mark, word):
    message = f"the columns are path{re.escape(mark)}label, separated by {word}; expected commas"
    with pytest.raises(RecordingsError, match=message):
        read(root / "m.csv", f"path{mark}label\na.wav{mark}yes\n")


def test_the_columns_that_there_are_stand_in_the_error(root):
    with pytest.raises(RecordingsError, match="'path' is missing; the columns are file, label"):
        read(root / "m.csv", "file,label\na.wav,yes\n")


def test_lines_of_jsonl_may_have_different_columns(root):
    lines = [{"path": "a.wav", "label": "yes", "x": 1}, {"label": "no", "y": 1, "path": "b.wav"}]
    _, [said] = read(root / "m.jsonl", "\n".join(map(json.dumps, lines)))
    assert said.endswith("columns 'x', 'y' are not used")


# --- names of files -------------------------------------------------------------------------------


def test_paths_from_other_systems_and_shells(tmp_path, monkeypatch):
    root = folders(tmp_path / "set", ["yes/a.wav", "no/b.wav"])
    monkeypatch.setenv("HOME", str(root))
    ways = {
        "yes/a.wav": "relative",
        "yes\\\\a.wav": "of Windows",
        "./yes/../yes//a.wav": "not simplified",
        "~/yes/a.wav": "of the home folder",
        str(root / "yes" / "a.wav"): "absolute",
    }
    for way in ways:
        way = way.replace("\\\\", "\\")
        found, said = read(root / "m.csv", f"path,label\n{way},yes\nno/b.wav,no\n")
        assert (found.items[0].path, found.items[0].speaker) == (f"{root}/yes/a.wav", "yes/a.wav")
        assert said == []


@pytest.mark.skipif(os.name == "nt", reason="names with these marks need Linux or macOS")
def test_a_name_means_itself_first(tmp_path):
    root = folders(tmp_path / "set", ["yes\\a.wav", "yes/a.wav", "~/b.wav"])
    found, _ = read(root / "m.csv", "path,label\nyes\\a.wav,yes\n~/b.wav,no\n")
    assert [item.path for item in found.items] == [f"{root}/yes\\a.wav", f"{root}/~/b.wav"]


def test_one_file_by_two_names_is_one(tmp_path):
    root = folders(tmp_path / "set", ["yes/a.wav", "no/b.wav"])
    with pytest.raises(RecordingsError, match="line 3: duplicates line 2"):
        read(root / "m.csv", "path,label\nyes/a.wav,yes\nyes\\a.wav,yes\nno/b.wav,no\n")


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on Linux")
def test_names_that_are_not_utf8(tmp_path):
    root = folders(tmp_path, ["yes/a.wav", "no/b.wav"])
    try:
        os.rename(os.fsencode(root / "yes" / "a.wav"), os.fsencode(root) + b"/yes/gr\xfc.wav")
    except OSError:
        pytest.skip("this file system refuses such names: Linux runs this")
    place = os.fsdecode(b"yes/gr\xfc.wav")
    table = b"path,label\nyes/gr\xfc.wav,yes\nno/b.wav,no\n"
    lines = [{"path": place, "label": "yes"}, {"path": "no/b.wav", "label": "no"}]
    for name, data in (("m.csv", table), ("m.jsonl", "\n".join(map(json.dumps, lines)))):
        found, said = read(root / name, data)
        assert said == []
        assert [item.speaker for item in found.items] == [place, "no/b.wav"]
        assert len(found.items[0].samples(16000)) == 1600
    # What is not a name of a file is text.
    with pytest.raises(RecordingsError, match=r"line 3: label is 'n\\udcf6'; expected UTF-8"):
        read(root / "m.csv", table.replace(b",no", b",n\xf6"))
