"""Labels, notes and names that attack a spreadsheet or a terminal do nothing there."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import threading
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.cli.console.posteriors_file import column_name
from tests.tone_model import DETECTOR, tone_model, write

ATTACKS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "a\r\n=1,2",
    " =1",
    "＝1+1",
    "a;=1+1",
    "a; +1",
    "a;'=1",
    'a";"=1',
    '"=1"',
    "'=1",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202eevil\u2066",
    "a\u2028b",
    "\x7f",
    "\\x1b",
    "\\",
    "yes, no",
]


def cells(label: str, delimiter: str) -> list[str]:
    """What a spreadsheet finds that divides cells so; it may not know quotes of other cells."""
    [row] = csv.reader([f"time,{_line(label)}"], delimiter=delimiter)
    return row


def _line(label: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow([column_name(label)])
    return text.getvalue()


def label_of(name: str) -> str:
    """The label of a column, from its name."""
    name = name.removeprefix("'").replace('"', '\\"')
    return ast.literal_eval(f'"{name}"')


def is_harmless(cell: str) -> bool:
    return cell.isprintable() and unicodedata.normalize("NFKC", cell).lstrip()[:1] not in set(
        "=+-@"
    )


@pytest.mark.parametrize("label", ATTACKS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_no_cell_is_a_formula(label: str, delimiter: str) -> None:
    assert all(map(is_harmless, cells(label, delimiter)))


@given(st.text(st.sampled_from("=+-@;,'\" \t\r\n\\\x1b\u202eax1＝|")))
def test_every_label_comes_back_and_none_is_a_formula(label: str) -> None:
    assert label_of(column_name(label)) == label
    for delimiter in ",;\t":
        assert all(map(is_harmless, cells(label, delimiter)))


@pytest.mark.parametrize(
    "label", ["yes", "später", "on/off", "yes, no", "a b", "c++", "日本語", "7", ""]
)
def test_common_labels_stay_as_they_are(label: str) -> None:
    assert column_name(label) == label


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module", params=range(len(ATTACKS)))
def attack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A model whose label and notes attack, beside a recording."""
    label = ATTACKS[request.param]
    path = tmp_path_factory.mktemp("attack") / "tones.safetensors"
    notes = DETECTOR | {"author": label, "license": f"free\n{label}"}
    tone_model(labels=("silence", label, "high"), info=notes).save(path)
    write(path.with_name("a.wav"))
    return path, label


def assert_harmless_on_a_terminal(text: str) -> None:
    assert all(line.isprintable() for line in text.split("\n")), text


def test_nothing_reaches_a_terminal(attack: tuple[Path, str]) -> None:
    path, _ = attack
    for arguments in (("run", path.with_name("a.wav"), "--model", path), ("info", path)):
        result = invoke(*arguments)
        assert_harmless_on_a_terminal(result.stdout)
        assert_harmless_on_a_terminal(result.stderr)


def test_json_is_exact(attack: tuple[Path, str]) -> None:
    path, label = attack
    told = invoke("info", path, "--json").stdout
    assert_harmless_on_a_terminal(told)
    assert json.loads(told)["labels"] == ["silence", label, "high"]
    assert json.loads(told)["info"]["author"] == label
    told = invoke("run", path.with_name("a.wav"), "--model", path, "--json").stdout
    assert_harmless_on_a_terminal(told)
    assert json.loads(told.splitlines()[0])["label"] == label


def test_a_table_has_a_harmless_head_and_exact_numbers(attack: tuple[Path, str]) -> None:
    path, label = attack
    table = path.with_name("rows.csv")
    invoke("run", path.with_name("a.wav"), "--model", path, "--csv", table)
    with table.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert [label_of(name) for name in head] == ["time", "silence", label, "high"]
    assert all(map(is_harmless, head))
    assert table.read_bytes().count(b"\n") == len(rows) + 1
    assert len(rows) == 201


@pytest.mark.skipif(
    os.name != "posix", reason="only POSIX has named pipes: Linux or macOS runs this"
)
def test_a_table_for_a_pipe_and_for_a_link(tmp_path: Path) -> None:
    path = tmp_path / "tones.safetensors"
    tone_model().save(path)
    audio = write(tmp_path / "a.wav")
    invoke("run", audio, "--model", path, "--csv", tmp_path / "plain.csv")
    plain = (tmp_path / "plain.csv").read_bytes()
    pipe, link = tmp_path / "pipe", tmp_path / "link.csv"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    invoke("run", audio, "--model", path, "--csv", pipe)
    reader.join()
    assert heard == [plain]
    (tmp_path / "store").mkdir()
    link.symlink_to("store/rows.csv")
    invoke("run", audio, "--model", path, "--csv", link)
    assert link.is_symlink()
    assert (tmp_path / "store" / "rows.csv").read_bytes() == plain


def test_the_comments_of_exported_c(attack: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = attack
    invoke("export", path, "--c", tmp_path / "m.c")
    for name in ("m.c", "m.h"):
        text = (tmp_path / name).read_text()
        assert_harmless_on_a_terminal(text)
        assert text.isascii()


def test_messages_of_the_engine(attack: tuple[Path, str]) -> None:
    path, label = attack
    model = pylstm.load(path)
    for wrong in ({"background": [label, label]}, {"background": [f"{label}?"]}):
        with pytest.raises(ValueError) as told:  # noqa: PT011
            pylstm.Detector(
                model.labels, threshold=0.5, smoothing_frames=1, refractory_frames=0,
                hop_seconds=0.01, **wrong,
            )  # fmt: skip
        assert_harmless_on_a_terminal(str(told.value))
