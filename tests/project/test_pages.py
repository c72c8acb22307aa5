"""README and the pages of docs/ as a new user reads them: what they say to type works.

Commands of ``docs/embedding.md`` are run by ``tests/embed``; what needs an index of packages or a
speech synthesiser is run by ``.ci/run``, or by hand.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pylstm

PROJECT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/*/*.md", "wheels/*.md", "tests/README.md")
    for path in PROJECT.glob(pattern)
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def name_of(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


README = PROJECT / "README.md"
STREAMING, RECORDING, FROM_TORCH = blocks(README, "python")


# --- what README's programs do --------------------------------------------------------------------


def test_the_first_program_prints_what_the_page_shows() -> None:
    pytest.importorskip("soundfile", reason="it reads the recording: pip install 'pylstm[cli]'")
    where = README.read_text().partition("```python")[0].splitlines()[-2]
    folder = re.findall(r"in the folder `(\w+)`", where)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STREAMING],
        cwd=PROJECT / folder[0],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = next(text for text in blocks(README, "") if " s  " in text)
    assert done.stdout == shown


def test_it_has_as_many_lines_as_its_heading_says() -> None:
    lines = [line for line in STREAMING.splitlines() if line and not line.startswith("import ")]
    claimed = re.findall(r"^## Streaming in (\d+) lines$", README.read_text(), re.M)
    assert len(lines) <= int(claimed[0])


def test_the_second_program_hears_what_the_first_one_hears(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("soundfile", reason="it reads the recording: pip install 'pylstm[cli]'")
    monkeypatch.chdir(PROJECT / "examples")
    names: dict[str, Any] = {}
    exec(STREAMING, names)
    heard = capsys.readouterr().out.splitlines()
    exec(RECORDING, names)
    assert [f"{e.time:6.2f} s  {e.label}  {e.score:.2f}" for e in names["words"]] == heard
    seconds = len(names["audio"]) / names["sr"]
    assert names["speech"]
    assert all(0 <= start < end <= seconds for start, end in names["speech"])


def test_the_programs_on_decisions_run() -> None:
    names: dict[str, Any] = {}
    for program in blocks(PROJECT / "docs" / "decisions.md", "python"):
        if "sounddevice" not in program:  # needs a microphone
            exec(program, names)


def test_the_programs_on_graphs_print_what_the_page_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = BLOCK.findall((PROJECT / "docs" / "graphs.md").read_text())
    assert [language for language, _ in found] == ["python", ""] * 4
    for (_, program), (_, shown) in zip(found[::2], found[1::2], strict=True):
        exec(program, {"pylstm": pylstm})
        assert capsys.readouterr().out == shown


def test_the_third_program_makes_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="it is PyTorch's: pip install 'pylstm[torch]'")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    net = SimpleNamespace(lstm=torch.nn.LSTM(13, 8), head=torch.nn.Linear(8, 2))
    exec(FROM_TORCH, {"pylstm": pylstm, "net": net})
    model = pylstm.load(tmp_path / "words.safetensors")
    x = np.random.default_rng(0).standard_normal((50, 13)).astype(np.float32)
    with torch.no_grad():
        expected = torch.softmax(net.head(net.lstm(torch.from_numpy(x))[0]), -1).numpy()
    assert np.abs(model.stream().push_frames(x) - expected).max() < 1e-6


def test_the_program_on_open_gates_runs() -> None:
    (program,) = blocks(PROJECT / "docs" / "why-lstm.md", "python")
    pytest.importorskip("scipy", reason="for training: pip install 'pylstm[train]'")
    names: dict[str, object] = {}
    exec(program, names)
    bias = names["network"].names["0.bias_ih_l0"]  # type: ignore[attr-defined]
    assert (bias[:64] < 0).all()
    assert (bias[64:128] > 0).all()


@pytest.mark.parametrize("page", [pytest.param(p, id=name_of(p)) for p in PAGES])
def test_python_on_a_page_is_python(page: Path) -> None:
    for program in blocks(page, "python"):
        ast.parse(program)


# --- what to type ---------------------------------------------------------------------------------


def commands(page: Path) -> Iterator[tuple[Path, str]]:
    """The lines of its blocks without a language, of what is indented like one, and what stands in
    backticks, each with the folder that ``cd`` went to in its block."""
    text = page.read_text()
    for block in blocks(page, ""):
        folder = PROJECT
        for line in block.splitlines():
            if found := re.match(r"cd (\S+)", line):
                folder = PROJECT / found[1]
            yield folder, line
    for line in text.splitlines():
        if line.startswith("    ") and not line.strip().startswith(("|", "*", "-")):
            yield PROJECT, line.strip()
    yield from ((PROJECT, one) for one in re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("page", [pytest.param(p, id=name_of(p)) for p in PAGES])
def test_options_of_the_command_line_exist(page: Path) -> None:
    typer = pytest.importorskip("typer", reason="the command line: pip install 'pylstm[cli]'")
    from pylstm.cli import app

    known = {
        name: {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
        for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    }
    wrong = []
    for _, line in commands(page):
        for name, rest in re.findall(r"(?:^|&& |\$ )pylstm ([a-z]+)\b([^#]*)", line):
            if name not in known:
                wrong.append(line)
            flags = re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", rest)
            wrong += [f"{flag}: {line}" for flag in flags if flag not in known.get(name, ())]
    assert wrong == []


@pytest.mark.parametrize("page", [pytest.param(p, id=name_of(p)) for p in PAGES])
def test_modules_programs_and_targets_exist(page: Path) -> None:
    wrong = []
    for folder, line in commands(page):
        for module in re.findall(r"python\S* -m ([\w.]+)", line):
            if module.split(".")[0] in ("venv", "pip", "pytest", "build"):
                continue
            if importlib.util.find_spec(module) is None:
                wrong.append(line)
        for target in re.findall(r"(?:^|&& |`)make ([a-z-]+)(?![\w/.=])", line):
            if not re.search(rf"^{target}:", (folder / "Makefile").read_text(), re.M):
                wrong.append(line)
        for other in re.findall(r"make -C (\S+)", line):
            if not (PROJECT / other / "Makefile").is_file():
                wrong.append(line)
    assert wrong == []


SOURCES = [
    path
    for pattern in ("*.md", "*/*.md", "*/*/*.md", "pylstm/**/*.py", "pylstm/*.p*x*")
    for path in sorted(PROJECT.glob(pattern))
    if "build" not in path.parts
]


@pytest.mark.parametrize("path", [pytest.param(p, id=name_of(p)) for p in SOURCES])
def test_extras_exist(path: Path) -> None:
    named = re.findall(r"(?:pylstm|\.)(?:\\?)\[([a-z,]+)\\?\]", path.read_text())
    assert {extra for one in named for extra in one.split(",")} <= EXTRAS.keys()


@pytest.mark.parametrize("page", [pytest.param(p, id=name_of(p)) for p in PAGES])
def test_pylstm_comes_from_the_clone_or_a_wheel(page: Path) -> None:
    """No index has it. Once it is there, an extra can be asked for by the package's name."""
    if page.name == "CHANGELOG.md":
        return
    there = False
    for line in page.read_text().splitlines():
        if re.match(r"pip install .*--no-index .*--find-links wheels pylstm", line):
            there = True
        if re.search(r"pip install (?!.*--find-links)[^&`]*\bpylstm\b", line):
            assert there, line


# --- sentences ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", [pytest.param(p, id=name_of(p)) for p in SOURCES if p.suffix == ".md"]
)
def test_no_sentence_has_its_subject_in_the_lines_above_it(page: Path) -> None:
    """Behind a block of code a sentence begins: it does not go on from the code."""
    behind = re.split(r"^```\w*\n.*?^```$", page.read_text(), flags=re.S | re.M)[1:]
    first = [text.strip().partition("\n")[0] for text in behind]
    assert [line for line in first if re.match(r"[a-z]|This (?!page)[a-z]+s\b", line)] == []


def test_no_summary_of_a_command_is_cut_off() -> None:
    pytest.importorskip("typer", reason="the command line: pip install 'pylstm[cli]'")
    done = subprocess.run(
        [sys.executable, "-m", "pylstm", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80", "TERMINAL_WIDTH": "80"},
    )
    assert done.returncode == 0
    summaries = done.stdout.partition("Commands:")[2].splitlines()
    assert len(summaries) > 7
    assert [line for line in summaries if line.endswith("...")] == []
