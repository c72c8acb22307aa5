"""``pylstm bench``: what it measures, says and leaves as it was. No test of how long that takes."""

from __future__ import annotations

import json
import os
import re

import pytest
from typer.testing import CliRunner, Result

import pylstm
from pylstm.cli import app
from pylstm.cli import bench as module
from pylstm.cli.bench import REFERENCE, ROWS, SLOW

SUPPORTED = pylstm.show_config()["isa"]["supported"]
ISA = {"used": "avx2", "built": ["avx2", "scalar"], "supported": ["avx2", "scalar"]}


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bench", *arguments])


@pytest.fixture(scope="module")
def facts() -> dict:
    result = invoke("--seconds", "0.01", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_instruction_set_is_measured(facts):
    assert [(f["isa"], f["name"]) for f in facts["figures"]] == [
        (isa, row) for isa in SUPPORTED for row in ROWS
    ]
    assert all(figure["microseconds"] > 0 for figure in facts["figures"])
    assert facts["isa"] == pylstm.show_config()["isa"]
    assert facts["pylstm"] == pylstm.__version__


def test_ratios_are_to_the_reference(facts):
    for figure in facts["figures"]:
        if figure["isa"] in REFERENCE:
            reference = REFERENCE[figure["isa"]][list(ROWS).index(figure["name"])]
            assert figure["reference"] == reference
            expected = figure["microseconds"] / reference
            assert figure["ratio"] == pytest.approx(expected, rel=1e-2, abs=1e-3)
        else:
            assert figure["reference"] is figure["ratio"] is None


def test_every_reference_has_all_rows():
    assert "scalar" in REFERENCE  # what every machine can be held against
    for values in REFERENCE.values():
        assert len(values) == len(ROWS)
        assert min(values) > 0


def test_people_get_a_table_and_a_verdict():
    result = invoke("--seconds", "0.01")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"pylstm {pylstm.__version__}, runs on ")
    assert lines[1] == f"reference: {module.REFERENCE_MACHINE}"
    assert [line.split()[0] for line in lines if line.endswith("yours / reference")] == SUPPORTED
    steps = [line for line in lines if line.startswith("  LSTM step 40 to 128  ")]
    assert len(steps) == len(SUPPORTED)
    assert re.search(r" \d+(\.\d\d)? µs +\d+(\.\d\d)? µs +\d+\.\d\d$", steps[-1])  # scalar
    assert re.match(r"as expected$|slow: \d", lines[-1])


def test_what_is_measured_is_made_where_its_instruction_set_is_forced(monkeypatch):
    def made_here():
        used = float(SUPPORTED.index(pylstm.show_config()["isa"]["used"]))
        return [lambda seconds: (used, 2.0)]

    monkeypatch.setattr(module, "_turns", made_here)
    found = module._measured(SUPPORTED, 1.0)
    assert found == {name: (place, 2.0) for place, name in enumerate(SUPPORTED)}


@pytest.mark.parametrize("before", [None, "scalar"])
def test_the_environment_is_as_it_was(monkeypatch, before):
    if before is None:
        monkeypatch.delenv("PYLSTM_ISA", raising=False)
    else:
        monkeypatch.setenv("PYLSTM_ISA", before)
    with module._forced(SUPPORTED[0]):
        assert pylstm.Model(pylstm.MFCC(), []).isa == SUPPORTED[0]
    assert os.environ.get("PYLSTM_ISA") == before
    with pytest.raises(RuntimeError), module._forced(SUPPORTED[0]):
        raise RuntimeError
    assert os.environ.get("PYLSTM_ISA") == before


def judged(factor: float, isa: dict = ISA, row: str | None = None) -> dict:
    """The judgement on figures that are so many times the reference, in one row or in all."""
    measured = {}
    for name in isa["supported"]:
        values = zip(ROWS, REFERENCE[name], strict=True)
        measured[name] = tuple(v * (factor if row in (None, r) else 1) for r, v in values)
    return module._judged(isa, measured)


def test_figures_near_the_reference_are_as_expected():
    assert judged(1.0)["verdict"] == "as expected"
    assert judged(0.3)["verdict"] == "as expected"
    assert judged(SLOW * 0.99)["verdict"] == "as expected"


def test_one_slow_kernel_is_enough():
    verdict = judged(7.04, row="step_int8")["verdict"]
    assert verdict.startswith("slow: 7.0 times the reference (LSTM step 40 to 128, int8, ")
    assert "debug build" in verdict


def test_a_disturbed_percentile_is_no_slow_build():
    assert judged(100.0, row="hop_p99")["verdict"] == "as expected"


def test_an_unknown_instruction_set_has_no_reference():
    isa = {"used": "rvv", "built": ["rvv"], "supported": ["rvv"]}
    facts = module._judged(isa, {"rvv": tuple(range(1, len(ROWS) + 1))})
    assert facts["verdict"].startswith("no reference values")
    assert all("None" not in line for line in module._lines(facts))


def test_slower_kernels_than_possible_are_warned_of(monkeypatch):
    monkeypatch.setenv("PYLSTM_ISA", "scalar")
    assert judged(1.0)["warnings"] == []
    facts = judged(1.0, ISA | {"used": "scalar"})
    assert facts["warnings"] == [
        "models run on scalar kernels, this machine supports avx2: PYLSTM_ISA is 'scalar'",
        "models run on scalar kernels: plain C, several times slower than vectors",
    ]
    assert f"warning: {facts['warnings'][0]}" in list(module._lines(facts))


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "3601"])
def test_a_time_that_makes_no_sense_is_refused(seconds):
    result = invoke("--seconds", seconds)
    assert result.exit_code == 2
    assert re.fullmatch(r"pylstm: --seconds is \S+; expected more than 0 .*\n", result.stderr)


def test_an_instruction_set_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setenv("PYLSTM_ISA", "mmx")
    result = invoke("--seconds", "0.01")
    assert result.exit_code == 1
    assert re.fullmatch(r"pylstm: PYLSTM_ISA is 'mmx'.*\n", result.stderr)
