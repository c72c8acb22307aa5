"""The commands: what they print, in which form, and that it is true."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from typer.testing import CliRunner, Result

import pylstm
from pylstm.audio import AudioFile
from pylstm.cli import app
from pylstm.cli.console.event_report import TextReport
from pylstm.cli.console.listening import ListeningSummary
from tests.tone_model import DETECTOR, LABELS, tone_model, two_tones, write


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tones.safetensors"
    tone_model().save(path)
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> Result:
    result = invoke(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (0, False), result.output
    return result


def events_of(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()[:-1]]


def test_run_prints_events_and_figures(model, tmp_path):
    result = succeed("run", write(tmp_path / "a.wav"), "--model", model)
    lines = result.stdout.splitlines()
    assert [re.sub(r"\d\.\d\d$", "score", line) for line in lines[:2]] == [
        "  0.52 s  low   score",
        "  1.22 s  high  score",
    ]
    assert lines[2:4] == ["", "audio             2.00 s"]
    assert re.fullmatch(
        r"processing        \d+\.\d{3} s  \(reading the file: \d+\.\d{3} s\)", lines[4]
    )
    assert re.match(r"real-time factor  \d", lines[5])
    assert len(lines) == 6
    assert result.stderr == ""  # nothing was changed: nothing to say
    assert "\x1b" not in result.output


@pytest.mark.parametrize("report", ["early", "final"])
def test_the_events_are_those_of_the_library(model, tmp_path, report):
    loaded = pylstm.load(model)
    listener = loaded.listener(report=report)
    expected = listener.push(two_tones()) + listener.flush()
    path = write(tmp_path / "a.wav", subtype="FLOAT")
    found = events_of(succeed("run", path, "--model", model, "--json", "--report", report))
    assert [event["label"] for event in found] == ["low", "high"]
    assert found == [
        {
            "time": round(e.time, 6),
            "label": e.label,
            "score": round(e.score, 6),
            "onset": round(e.onset, 6),
            "offset": round(e.offset, 6),
            "kind": "word",
            "file": str(path),
        }
        for e in expected
    ]


def test_json_is_one_object_a_line_and_ends_with_a_summary(model, tmp_path):
    result = succeed("run", write(tmp_path / "a.wav", 8000), "--model", model, "--json")
    *events, summary = map(json.loads, result.stdout.splitlines())
    expected = ["time", "label", "score", "onset", "offset", "kind", "file"]
    assert all(list(event) == expected for event in events)
    assert list(summary) == [
        "audio_seconds",
        "processing_seconds",
        "reading_seconds",
        "real_time_factor",
        "frames",
        "events",
        "file",
    ]
    assert (summary["audio_seconds"], summary["frames"], summary["events"]) == (2.0, 201, 2)
    ratio = summary["processing_seconds"] / summary["audio_seconds"]
    assert summary["real_time_factor"] == pytest.approx(ratio, rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_format_rate_and_number_of_channels(model, tmp_path, suffix, rate, channels):
    path = write(tmp_path / f"a.{suffix}", rate, channels)
    result = succeed("run", path, "--model", model, "--json")
    events = events_of(result)
    assert [event["label"] for event in events] == ["low", "high"]
    assert [event["time"] for event in events] == pytest.approx([0.52, 1.22], abs=0.06)
    notes = []
    if channels == 2:
        notes.append("note: mixed 2 channels down to mono")
    if rate != 16000:
        notes.append(f"note: resampled from {rate} Hz to 16000 Hz")
    assert result.stderr.splitlines() == notes


@pytest.mark.law_chunk
@pytest.mark.parametrize("rate", [16000, 44100])
def test_the_cut_changes_nothing(model, tmp_path, rate):
    path, table = write(tmp_path / "a.wav", rate), tmp_path / "rows.csv"
    seen = set()
    for chunk_ms in ("0.0625", "1", "7", "10", "1000", "60000"):
        result = succeed(
            "run", path, "--model", model, "--chunk-ms", chunk_ms, "--json", "--csv", table
        )
        seen.add((tuple(result.stdout.splitlines()[:-1]), table.read_bytes()))
    assert len(seen) == 1
    assert len(seen.pop()[0]) == 2


def test_csv_holds_every_posterior_exactly(model, tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("older and longer\n" * 9999)
    path = write(tmp_path / "a.wav", subtype="FLOAT")
    succeed("run", path, "--model", model, "--csv", table)
    with open(table, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["time", *LABELS]
    values = np.array([row[1:] for row in rows], np.float32)
    np.testing.assert_array_equal(values, pylstm.load(model).run(two_tones()))
    assert [row[0] for row in rows] == [f"{0.01 * frame:.6f}" for frame in range(len(rows))]


def test_nothing_heard(model, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(1600, np.float32), 16000)
    result = succeed("run", tmp_path / "silence.wav", "--model", model)
    assert result.stdout.startswith("nothing heard\n\naudio             0.10 s\n")


def test_one_sample_is_audio(model, tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(1, np.float32), 16000)
    summary = succeed("run", tmp_path / "short.wav", "--model", model, "--json").stdout
    assert json.loads(summary)["frames"] == len(pylstm.load(model).run(np.zeros(1, np.float32)))


def test_mp3_that_is_cut_off_is_said(model, tmp_path):
    if "MP3" not in soundfile.available_formats():
        pytest.skip("this libsndfile has no MP3: 1.1 or later runs this")
    path = write(tmp_path / "a.mp3", seconds=5.0)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with AudioFile(path, 16000) as audio:
        assert audio.shortfall is not None  # nothing is read yet
    result = succeed("run", path, "--model", model)
    assert re.search(
        r"^note: cut off: \d\.\d\d s of the 5\.\d\d s that it declares$", result.stderr, re.M
    )


@pytest.mark.law_chunk
@pytest.mark.parametrize("rate", [1000, 1777, 8000, 11025, 44100, 192000])
@pytest.mark.parametrize("size", [1, 160, 4093, 10**9])
def test_blocks_and_chunks_give_what_the_whole_gives(tmp_path, rate, size):
    count = 30 if rate < 8000 else rate
    whole = np.random.default_rng(0).uniform(-1, 1, (count, 3)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", whole, rate, "FLOAT")
    mono = whole.mean(axis=1, dtype=np.float64).astype(np.float32)
    with AudioFile(tmp_path / "a.wav", 16000) as audio:
        chunks = list(audio.chunks(size))
        assert audio.shortfall is None
        assert audio.seconds == audio.seconds_read == count / rate
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}
    expected = soxr.resample(mono, rate, 16000)
    np.testing.assert_allclose(np.concatenate(chunks), expected, atol=1e-5)


def test_info_for_people(model):
    lines = succeed("info", model).stdout.splitlines()
    assert lines[0] == f"model         {model}  ({model.stat().st_size:,} bytes)"
    assert lines[1] == "features      logmel: 4 values every 10 ms, audio at 16000 Hz"
    for line in (
        "layers        lstm: input_size=4 hidden_size=4 num_layers=1 bias=True, 160 parameters",
        "              dense: input_size=4 output_size=3 activation=softmax bias=True, "
        "15 parameters",
        "parameters    175",
        "outputs       3",
        "labels        silence, low, high",
        "latency       12.5 ms (200 samples)",
        f"runs on       {pylstm.show_config()['isa']['used']}",
        "decision      words: one label at a time, where its average reaches the threshold; given"
        " when they are decided",
        "              threshold=0.7 smoothing_frames=5 refractory_frames=20 min_frames=1",
        "              background=silence",
        "info          detector.threshold = 0.7",
        "              detector.background = silence",
    ):
        assert line in lines


def test_info_says_how_weights_are_kept(tmp_path):
    conv = pylstm.Conv(40, 4, 3, padding="causal", positions=40, kernel_positions=3, seed=0)
    layers = {
        "conv": conv,
        "pool": pylstm.Pool(152, "mean", 2),
        "lstm": pylstm.LSTM(152, 6, seed=0),
    }
    layers["head"] = pylstm.Dense(6, 2, "softmax", seed=0)
    model = pylstm.Model(pylstm.LogMel(n_mels=40), layers)
    for precision in ("float32", "bf16", "int8"):
        made = model if precision == "float32" else model.quantize(precision)
        path = tmp_path / f"{precision}.safetensors"
        made.save(path)
        facts = json.loads(succeed("info", path, "--json").stdout)
        assert facts["precision"] == [precision]
        assert [layer.get("precision") for layer in facts["layers"]] == [
            precision, None, precision, precision,
        ]  # fmt: skip
        # The same network: what int8 keeps beside the weights is none of its parameters.
        assert facts["parameters"] == 4 * 9 + 4 + 4 * 6 * (152 + 6 + 2) + 2 * 6 + 2 == 3894
        lines = succeed("info", path).stdout.splitlines()
        said = "" if precision == "float32" else f" in {precision}"
        assert f"parameters    3,894{said}" in lines
        assert (
            "layers        conv: input_size=40 output_channels=4 kernel_size=3 padding=(2, 0)"
            f" positions=40 kernel_positions=3, 40 parameters{said}"
        ) in lines
        table = made.summary().splitlines()
        assert ("14 int8" in table[5], "14 bf16" in table[5]) == (
            precision == "int8",
            precision == "bf16",
        )


def test_info_says_what_is_no_probability(tmp_path):
    layers = [pylstm.LSTM(13, 4, seed=0), pylstm.Dense(4, 2, seed=0)]
    pylstm.Model(pylstm.MFCC(), layers, labels=["a", "b"]).save(tmp_path / "a.safetensors")
    result = succeed("info", tmp_path / "a.safetensors")
    assert result.stderr.startswith("note: the rows of layers[1] can leave 0 to 1; expected")
    assert len(result.stderr.splitlines()) == 1
    assert not any("background" in line for line in result.stdout.splitlines())


def test_info_for_programs(model):
    facts = json.loads(succeed("info", model, "--json").stdout)
    assert facts["size_bytes"] == model.stat().st_size
    assert (facts["parameters"], facts["n_outputs"], facts["labels"]) == (175, 3, list(LABELS))
    assert (facts["latency_samples"], facts["latency_ms"]) == (200, 12.5)
    assert facts["features"]["kind"] == "logmel"
    assert facts["features"]["normalize"] is False
    assert [layer["kind"] for layer in facts["layers"]] == ["lstm", "dense"]
    assert facts["info"] == DETECTOR
    assert facts["decision"] == {
        "kind": "words",
        "threshold": 0.7,
        "smoothing_frames": 5,
        "refractory_frames": 20,
        "min_frames": 1,
        "exclusive": True,
        "report": "early",
        "background": ["silence"],
    }


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ({"threshold": {"low": 0.25}}, "threshold=silence: 0.5, low: 0.25, high: 0.5 smoothing_"),
        ({"kind": "segments", "label": "low"}, "segments of 'low': from when to when; given once"),
        ({"kind": "segments", "label": "low", "max_speech": 9.0}, "max_speech=9 "),
        ({"kind": "segments", "label": "low"}, "max_speech=none "),
        ({"kind": "symbols"}, "symbols: the best output of each row, without 'silence'; given on"),
    ],
)
def test_info_of_decisions(tmp_path, decision, words):
    path = tmp_path / "m.safetensors"
    tone_model(info={}, decision=decision).save(path)
    assert words in succeed("info", path).stdout
    shown = json.loads(succeed("info", path, "--json").stdout)["decision"]
    in_force = dict(pylstm.load(path).listener().decision)
    assert shown.keys() == in_force.keys()
    assert shown["kind"] == in_force["kind"]


def test_info_of_a_model_that_decides_on_nothing(tmp_path):
    path = tmp_path / "m.safetensors"
    tone_model(labels=None, info={}).save(path)
    assert "decision      none: " in succeed("info", path).stdout
    assert (
        "kind is missing"
        in json.loads(succeed("info", path, "--json").stdout)["decision"]["problem"]
    )


def test_info_without_features_labels_and_info(tmp_path):
    path = tmp_path / "frames.safetensors"
    pylstm.Model(None, [pylstm.Dense(7, 2, seed=0)]).save(path)
    text = succeed("info", path).stdout
    assert "features      none: takes frames of 7 values\n" in text
    assert "labels        none\n" in text
    assert "latency" not in text
    facts = json.loads(succeed("info", path, "--json").stdout)
    assert (facts["features"], facts["labels"], facts["latency_ms"]) == (None, None, None)


def test_text_from_a_model_cannot_steer_a_terminal(tmp_path):
    path = tmp_path / "hostile.safetensors"
    labels = ("silence", "\x1b[2Jlow\n[red]", "grün")
    tone_model(labels=labels, info={**DETECTOR, "note": "a\rb\u202e"}).save(path)
    shown = succeed("info", path).stdout
    assert r"silence, \x1b[2Jlow\n[red], grün" in shown
    assert r"note = a\rb\u202e" in shown
    heard = succeed("run", write(tmp_path / "a.wav"), "--model", path).stdout.splitlines()
    assert heard[0].startswith(r"  0.52 s  \x1b[2Jlow\n[red]  ")
    assert heard[1].startswith("  1.22 s  grün               ")


@pytest.fixture
def bundle(tmp_path, monkeypatch, model):
    """A package folder of our own in place of pylstm's, for the demo."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "keywords.safetensors").write_bytes(model.read_bytes())
    monkeypatch.setattr("pylstm.model_files._FOLDER", folder)
    monkeypatch.setattr("pylstm.cli.demo.files", lambda package: tmp_path)
    return folder


def test_demo(bundle):
    write(bundle / "demo.wav")
    (bundle / "demo.txt").write_text("0.5 0.8 low\n1.2 1.5 high\n")
    text = succeed("demo").stdout
    assert text.startswith(
        "The model 'keywords' listens to demo.wav, 10 ms at a time.\n"
        "It knows: low, high\n"
        "Spoken:   low (0.50-0.80 s), high (1.20-1.50 s)\n"
        "\nHeard:\n"
        "  0.52 s  low   "
    )
    assert "\naudio             2.00 s\n" in text


def test_demo_without_a_list(bundle):
    write(bundle / "demo.wav", 44100, 2)
    result = succeed("demo")
    assert "Spoken" not in result.stdout
    assert "  1.22 s  high  " in result.stdout


@pytest.mark.parametrize("line", ["0.5 low", "a b low", "nan 1 low"])
def test_demo_with_a_broken_list(bundle, line):
    write(bundle / "demo.wav")
    (bundle / "demo.txt").write_text(f"0 1 low\n{line}\n")
    result = invoke("demo")
    assert result.exit_code == 1
    assert result.stderr.startswith("pylstm: demo.txt, line 2 is ")


def test_demo_without_a_recording(bundle):
    result = invoke("demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "pylstm: the bundled recording demo.wav is missing from this installation\n"
    )


def test_demo_as_bundled():
    folder = Path(pylstm.__file__).parent / "models"
    if not (folder / "keywords.safetensors").exists() or not (folder / "demo.wav").exists():
        pytest.skip("no model is bundled: a checkout or a wheel runs this")
    assert re.search(r"^ +\d+\.\d\d s  \w+ +\d\.\d\d$", succeed("demo").stdout, re.M)


def test_figures_of_a_slow_machine(capsys):
    TextReport(["yes"]).summary(ListeningSummary(2.0, 3.0, 0.5, 201, 1))
    assert capsys.readouterr().out.endswith("real-time factor  1.5\n")


def test_help_and_version():
    assert succeed("--version").stdout == f"pylstm {pylstm.__version__}\n"
    assert re.search(
        r"demo .*\n *run .*\n *segments .*\n *mic .*\n *train .*\n *eval .*\n *tune .*\n"
        r" *quantize .*\n *info ",
        succeed("--help").stdout,
    )
    for command in ("demo", "run", "segments", "train", "eval", "tune", "quantize", "info"):
        assert f"Usage: pylstm {command}" in succeed(command, "--help").stdout
    nothing = invoke()
    assert nothing.exit_code == 2
    assert "Usage: pylstm" in nothing.output
