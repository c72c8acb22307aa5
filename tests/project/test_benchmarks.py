"""The machinery of the benchmarks: contests, reports, the C driver. Nothing here is a timing."""

import dataclasses
import json

import numpy as np
import pytest

import pylstm
from benchmarks import core, distribution, machine, report
from benchmarks.__main__ import PROGRAMS, QUESTIONS, main
from benchmarks.contest import Contender, Effort, WrongAnswerError, calls, contest
from benchmarks.result import Curves, Result, Table

EFFORT = Effort(rounds=3, turn=0.0, minutes=0.001)
HERE = core.missing()
needs_core = pytest.mark.skipif(HERE is not None, reason=str(HERE))


def fake(name, seconds, answer=None):
    return Contender(
        name, lambda count: seconds * count, None if answer is None else lambda: np.array(answer)
    )


def test_a_contest_gives_the_time_of_one_call_and_ratios():
    times = contest([fake("a", 2e-3), fake("b", 6e-3)], EFFORT, tolerance=0)
    assert times["a"].fastest == times["a"].median == pytest.approx(2e-3)
    table = Table("t", "", "µs", reference="a")
    table.add("row", times)
    assert table.rows["row"]["b"]["ratio"] == pytest.approx(3)
    assert "ratio" not in table.rows["row"]["a"]


def test_contenders_take_turns_in_rotating_order():
    order = []

    def lap(name):
        def timed(count):
            order.append(name)
            return 1.0 * count

        return timed

    contest([Contender(name, lap(name)) for name in "abc"], EFFORT, tolerance=0)
    assert "".join(order[3:]) == "abc" + "bca" + "cab"  # the first three find the counts


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([1.0, 2.2], "differ by 0.2"),
        ([1.0], "shape"),
        ([1.0, np.nan], "NaN"),
    ],
)
def test_contenders_who_disagree_are_not_timed(wrong, message):
    contenders = [fake("a", 1, [1.0, 2.0]), fake("other definition", 1), fake("b", 1, wrong)]
    with pytest.raises(WrongAnswerError, match=message):
        contest(contenders, EFFORT, tolerance=0.1)


def test_calls_counts_only_the_timed_ones():
    seen = []
    assert calls(lambda: seen.append(0))(16) > 0
    assert len(seen) == 16 + 3


def test_percentiles_are_observed_values_with_enough_beyond_them():
    times = np.arange(1, 1001, dtype=float)
    assert distribution.percentiles(times) == {"p50": 501, "p99": 991, "max": 1000}
    x, share = distribution.survival(times, points=4)
    assert x[0] == 1
    assert x[-1] == 1000
    assert share == [1, 0.1, 0.01, 0.001]


def example():
    table = Table("Steps", "shape", "µs", reference="us")
    table.put("13 → 32", "us", 0.702)
    table.put("13 → 32", "them", 1261.3, ratio=24.41)
    table.put("40 → 64", "us", 15.5)
    curves = Curves("steps.png", "Steps", "x", "y", {"us": ([1, 2], [3, 4])})
    result = Result("How long?", [table], ["A note."], [curves])
    return report.document({"cores": "2"}, ["0.1", "0.2"], "python -m benchmarks", {"q": result})


@pytest.mark.slow
def test_a_report_goes_between_the_markers_and_nothing_else_changes(tmp_path):
    run = json.loads(json.dumps(example()))
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write(run, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n" + report.BEGIN)
    assert text.endswith(report.END + "\nafter\n")
    assert "old" not in text
    assert "| 13 → 32 | 0.702 | 1,261 (24.4×) |" in text
    assert "| 40 → 64 |  15.5 |               |" in text
    assert "* A note." in text
    report.write(run, tmp_path)
    assert page.read_text(encoding="utf-8") == text


def test_a_page_without_markers_is_left_alone(tmp_path):
    (tmp_path / "performance.md").write_text("somebody's", encoding="utf-8")
    with pytest.raises(ValueError, match="markers"):
        report.write(example(), tmp_path)
    assert (tmp_path / "performance.md").read_text(encoding="utf-8") == "somebody's"


def test_a_run_survives_json(tmp_path):
    run = example()
    report.save(run, tmp_path / "run.json")
    assert report.load(tmp_path / "run.json") == json.loads(json.dumps(run))
    (tmp_path / "run.json").write_text('{"format": 0}', encoding="utf-8")
    with pytest.raises(ValueError, match="format"):
        report.load(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1261.3, "1,261"),
        (24.41, "24.4"),
        (0.7021, "0.702"),
        (3.2, "3.20"),
        (0.0318, "0.0318"),
        (0, "0"),
    ],
)
def test_figures_have_three_digits(value, text):
    assert report.figure(value) == text


def test_the_facts_of_a_machine_do_not_tell_whose_it_is():
    import getpass
    import platform

    facts = machine.facts()
    assert facts["pylstm"].startswith(pylstm.__version__)
    told = " ".join(facts.values())
    for secret in (platform.node(), str(core.ROOT)):
        assert not secret or secret not in told
    assert getpass.getuser() not in told.split()


def test_an_unknown_question_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "expected lstm_step" in capsys.readouterr().err


def test_every_question_is_a_file():
    for name in (*QUESTIONS, *PROGRAMS):
        assert (core.ROOT / "benchmarks" / f"{name}.py").is_file()


@pytest.mark.slow
@needs_core
@pytest.mark.builds
def test_the_c_level_gives_the_rows_of_python():
    features = pylstm.MFCC(sr=16000, center=False)
    model = pylstm.Model(features, [pylstm.LSTM(13, 8, seed=0)])
    y = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    with core.Core(model, audio=y) as c:
        assert c.isa == model.isa
        assert c.ask("hop 160 10") > 0
        assert c.ask("whole 2") > 0
        assert c.ask("streams 3") == 0
        assert c.ask("hop 160 10") > 0
        assert c.ask("batch 160 10") > 0
        assert np.array_equal(c.outputs(), model.run(y))
        record = c.latency(160, 50)
        assert record.shape == (50, 3)
        assert record[:, :2].min() > 0
    frames = np.random.default_rng(1).standard_normal((20, 13)).astype(np.float32)
    bare = pylstm.Model(None, model.layers)
    with core.Core(bare, frames=frames) as c:
        assert min(c.ask("step 5"), c.ask("sequence 5"), c.ask("read 512 5")) > 0
        assert np.array_equal(c.outputs(), bare.stream().push_frames(frames))
        c.ask("streams 3")
        assert c.ask("batch 0 5") > 0
    with core.Core(bare, frames=frames, isa="scalar") as c:
        assert c.isa == "scalar"


@pytest.mark.slow
@needs_core
def test_a_question_that_needs_no_peer_can_be_asked():
    from benchmarks import weight_reading

    result = weight_reading.run(EFFORT)
    assert set(result.tables[0].rows) == {"13 → 32", "40 → 64", "40 → 128", "40 → 256", "80 → 512"}
    assert report.question(dataclasses.asdict(result))
