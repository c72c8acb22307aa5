"""pylstm train, eval and run on transcripts: what is trained, judged and heard is the same."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
import soundfile

import pylstm
from pylstm.decisions import prefix_beam_search
from pylstm.evaluation.label_error_rate import label_error_rate
from pylstm.train.data.recordings import BLANK, Recordings
from tests import training_on_tones
from tests.cli import transcripts_of_tones
from tests.cli.transcripts_of_tones import QUICK, heard_by_run, string_of_tones
from tests.training_on_tones import invoke, refuse, succeed

data, trained = training_on_tones.data, training_on_tones.trained  # fixtures
manifest, hearing = transcripts_of_tones.manifest, transcripts_of_tones.hearing


def facts_of(*arguments: object) -> dict:
    return json.loads(succeed("eval", *arguments, "--json").stdout)


def write_text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# --- training -------------------------------------------------------------------------------------


def test_what_training_says(hearing) -> None:
    _, result = hearing
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"units         high \d+, low \d+", lines[1])
    judged = re.fullmatch(
        r"label errors  (\d+\.\d) %: \d+ of \d+ words on the validation, epoch (\d+)", lines[4]
    )
    assert judged
    rates = re.findall(
        r"^epoch +(\d+) of 16  label error rate on the validation ([\d.]+) %$", result.stderr, re.M
    )
    assert [int(epoch) for epoch, _ in rates] == list(range(1, 17))
    assert dict(rates)[judged[2]] == judged[1]


def test_the_file_says_all_that_hearing_takes(hearing) -> None:
    model = pylstm.load(hearing[0])
    assert model.labels == (BLANK, "high", "low")
    assert dict(model.decision) == {"kind": "symbols", "blank": BLANK}
    assert model.info["training.units"] == "words"
    assert model.listener().decision["blank"] == BLANK


@pytest.mark.slow
def test_a_training_that_goes_on_is_the_same(hearing, manifest, tmp_path) -> None:
    path = tmp_path / "a.safetensors"
    half = [*QUICK, "--units", "words"]
    half[half.index("--epochs") + 1] = 15
    succeed("train", manifest, "-o", path, *half)
    succeed("train", manifest, "-o", path, *QUICK, "--units", "words", "--resume")
    assert pylstm.load(path).labels == pylstm.load(hearing[0]).labels


@pytest.mark.slow
def test_characters_are_the_units_where_nothing_else_is_said(manifest, tmp_path) -> None:
    path, options = tmp_path / "a.safetensors", [*QUICK, "--augment", "--epochs", 1]
    result = succeed("train", manifest, "-o", path, *options, "--validation", 0)
    assert "on the training itself, as there is no validation, epoch 1" in result.stdout
    assert "units         ' ' " in result.stdout
    model = pylstm.load(path)
    assert model.labels == (BLANK, " ", "g", "h", "i", "l", "o", "w")
    assert facts_of(path, manifest)["greedy"]["length"] > facts_of(path, manifest)["recordings"]


# --- judging --------------------------------------------------------------------------------------


def test_the_rate_is_that_of_what_run_prints(hearing, tmp_path) -> None:
    """On recordings that are harder than those of the training, so that there are errors."""
    path, _ = hearing
    rows, said, heard = ["path,transcript"], [], []
    for i, names in enumerate((["low"], ["high", "high"], ["low", "high", "low"], ["high"] * 4)):
        audio = string_of_tones(names, 7000 + 10 * i)
        if i:
            audio = audio[:: i + 1]  # faster and higher
        soundfile.write(tmp_path / f"{i}.wav", audio, 16000)
        rows.append(f"{i}.wav,{' '.join(names)}")
        said.append(tuple(names))
        heard.append(heard_by_run(path, tmp_path / f"{i}.wav"))
    facts = facts_of(path, write_text(tmp_path / "m.csv", "\n".join(rows)))
    wanted = label_error_rate(said, heard)
    assert wanted.errors > 0
    found = facts["greedy"]
    assert found["label_error_rate"] == pytest.approx(wanted.rate, abs=1e-6)
    kinds = ("substitutions", "insertions", "deletions", "length")
    assert tuple(found[kind] for kind in kinds) == wanted
    right = sum(one == other for one, other in zip(said, heard, strict=True))
    assert found["recordings_right"] == right
    worst = {one["recording"]: tuple(one["heard"]) for one in facts["worst"]}
    assert worst == {str(tmp_path / f"{i}.wav"): heard[i] for i in range(4) if heard[i] != said[i]}
    errors = [one["errors"] for one in facts["worst"]]
    assert errors == sorted(errors, reverse=True)


def test_run_prints_the_transcript_too(hearing, tmp_path) -> None:
    soundfile.write(tmp_path / "a.wav", string_of_tones(["low", "high", "high"], 5), 16000)
    text = succeed("run", tmp_path / "a.wav", "--model", hearing[0]).stdout
    heard = heard_by_run(hearing[0], tmp_path / "a.wav")
    assert f"\ntranscript: {' '.join(heard)}\n" in text


def test_the_beam_is_that_of_prefix_beam_search(hearing, manifest) -> None:
    path, _ = hearing
    model = pylstm.load(path)
    recordings = Recordings.from_manifest(manifest, units="words")
    found = [
        prefix_beam_search(model.run(item.samples(16000)), model.labels, beam_width=3)[0].labels
        for item in recordings.items
    ]
    wanted = label_error_rate([item.transcript for item in recordings.items], found)
    facts = facts_of(path, manifest, "--beam", 3)
    assert facts["beam"]["width"] == 3
    assert facts["beam"]["label_error_rate"] == pytest.approx(wanted.rate, abs=1e-6)
    assert facts_of(path, manifest)["beam"] is None


def test_eval_for_people(hearing, tmp_path) -> None:
    soundfile.write(tmp_path / "0.wav", string_of_tones(["low"], 3), 16000)
    text = "path,transcript\n0.wav,high high high high high\n"
    said = write_text(tmp_path / "m.csv", text)
    lines = succeed("eval", hearing[0], said, "--beam", 2).stdout.splitlines()
    assert lines[1] == f"data          {said}: 1 recording, 0 s"
    assert re.fullmatch(
        r"label errors  \d+\.0 %: \d of 5 words; \d sub.*, \d del.*, \d ins.*", lines[2]
    )
    assert lines[3] == " " * 14 + "0 of 1 recording without an error"
    assert lines[4].startswith("beam of 2     ")
    assert lines[7] == "most errors in"
    assert re.fullmatch(r".*0\.wav: \d errors in 5", lines[8])
    assert lines[9] == "  said   high high high high high"
    assert lines[10].startswith("  heard  ")


def test_the_validation_is_that_of_the_training(hearing, manifest) -> None:
    path, result = hearing
    facts = facts_of(path, manifest, "--split", "validation")
    said = re.search(r"label errors  ([\d.]+) %: \d+ of (\d+)", result.stdout)
    assert said is not None
    assert facts["greedy"]["length"] == int(said[2])
    assert 100 * facts["greedy"]["label_error_rate"] == pytest.approx(float(said[1]), abs=0.06)


def test_recordings_in_which_nothing_is_said(hearing, tmp_path) -> None:
    soundfile.write(tmp_path / "a.wav", string_of_tones([], 1), 16000)
    rows = '{"path": "a.wav", "transcript": []}'
    both = f'{rows}\n{{"path": "b.wav", "transcript": ["low"]}}'
    soundfile.write(tmp_path / "b.wav", string_of_tones(["low"], 2), 16000)
    facts = facts_of(hearing[0], write_text(tmp_path / "m.jsonl", both))
    assert (facts["recordings"], facts["greedy"]["length"]) == (2, 1)
    message = r".*n\.jsonl: has only empty transcripts; expected units"
    refuse(1, message, "eval", hearing[0], write_text(tmp_path / "n.jsonl", rows))
    empty = write_text(tmp_path / "e.csv", "path,transcript\na.wav,\n")
    message = r".*e\.csv: line 2: has neither a label nor a transcript; expected one of them"
    refuse(1, message, "train", empty, "-o", tmp_path / "x.safetensors", *QUICK)


# --- what does not go together --------------------------------------------------------------------


def test_units_that_the_model_does_not_know(hearing, manifest, tmp_path) -> None:
    odd = write_text(manifest.parent / "odd.csv", "path,transcript\n0.wav,low mid\n1.wav,top low\n")
    message = (
        r".*odd\.csv has the unit 'mid' \(.*0\.wav\), and 'top'; expected units of the model:"
        r" 'high', 'low'; --units .*"
    )
    refuse(1, message, "eval", hearing[0], odd)
    message = r".*said\.csv has the unit .*; --units says what transcripts are cut into"
    refuse(1, message, "eval", hearing[0], manifest, "--units", "characters")


def test_what_does_not_go_together(hearing, trained, manifest, data, tmp_path) -> None:
    words, symbols = trained[0], hearing[0]
    refuse(1, ".* decides on words and .* has transcripts; .*", "eval", words, manifest)
    refuse(1, ".* decides on symbols and .* has labels; .*", "eval", symbols, data)
    refuse(2, "--beam is 3 and .* has labels; .*", "eval", words, data, "--beam", 3)
    refuse(2, "--units is words and .* has labels; .*", "eval", words, data, "--units", "words")
    refuse(2, "--figures is .*", "eval", symbols, manifest, "--figures", tmp_path / "figures")
    refuse(
        1, "training.units of .* is 'phones'; .*", "eval", _with_units(symbols, tmp_path), manifest
    )
    assert invoke("eval", symbols, manifest, "--beam", 0).exit_code == 2
    output = tmp_path / "a.safetensors"
    refuse(
        2, "--units is words and .* has labels; .*", "train", data, "-o", output, "--units", "words"
    )


def _with_units(path: Path, folder: Path) -> Path:
    other = folder / "phones.safetensors"
    model = pylstm.load(path)
    model.with_info({**model.info, "training.units": "phones"}).save(other)
    return other


def test_recordings_with_too_few_rows_are_named_before_training(manifest, tmp_path) -> None:
    """A row of the network is three frames: there may be enough frames and too few rows."""
    rows = manifest.read_text() + "\nshort.wav," + " ".join(["low"] * 12)
    soundfile.write(manifest.parent / "short.wav", string_of_tones(["low", "low"], 4), 16000)
    long = write_text(manifest.parent / "long.csv", rows)
    output = tmp_path / "a.safetensors"
    seconds = soundfile.info(manifest.parent / "short.wav").duration
    n_rows = math.ceil((1 + int(seconds * 100)) / 3)
    assert n_rows < 23
    message = (
        rf".*long\.csv: .*short\.wav has {seconds:.3f} s, {n_rows} rows; expected 23 rows or more"
        r" for its 12 units"
    )
    refuse(1, message, "train", long, "-o", output, "--units", "words", *QUICK)
    assert not output.exists()
