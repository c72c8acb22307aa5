"""The comparison of cells on long lags: its tasks, what its gradients mean, that it runs."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from gradient_reach import carried, state_gradients  # noqa: E402
from long_lag_tasks import (  # noqa: E402
    SYMBOLS,
    Adding,
    EmbeddedReber,
    TemporalOrder,
    followers,
    reber,
)
from why_lstm import CONTENDERS, VARIANTS, Contender, Plan, network, run, train  # noqa: E402

pytestmark = pytest.mark.slow

seeds = st.integers(0, 2**32 - 1)

# The grammar once more, as a regular expression.
LATER = "(XT*VP)*(S|XT*VV)"
REBER = re.compile(f"B(TS*X{LATER}|PT*V(P{LATER}|V))E")


def rng(seed):
    return np.random.default_rng(seed)


# --- tasks ----------------------------------------------------------------------------------------


@given(seed=seeds, frames=st.integers(10, 70), size=st.integers(1, 20))
def test_the_sum_of_the_two_marked_numbers(seed, frames, size):
    x, lengths, targets, _ = Adding(frames).draw(rng(seed), size)
    assert x.shape == (frames, size, 2)
    assert lengths is None
    assert x.dtype == targets.dtype == np.float32
    values, marks = x[:, :, 0], x[:, :, 1]
    assert ((values >= 0) & (values < 1)).all()
    assert np.isin(marks, (0, 1)).all()
    np.testing.assert_allclose((values * marks).sum(axis=0), targets[:, 0], rtol=1e-6)
    for k in range(size):
        first, second = marks[:, k].nonzero()[0]
        assert first < frames // 10 <= second < frames // 2


def test_whoever_always_says_one_is_wrong_by_a_sixth():
    task = Adding(10)
    batch = task.draw(rng(0), 20_000)
    assert task.error(np.ones((10, 20_000, 1), np.float32), batch) == pytest.approx(
        1 / 6, abs=0.005
    )


@given(seed=seeds, frames=st.integers(20, 70), size=st.integers(1, 20))
def test_the_class_is_the_order_of_x_and_y(seed, frames, size):
    x, lengths, targets, _ = TemporalOrder(frames).draw(rng(seed), size)
    for k, length in enumerate(lengths):
        assert frames <= length <= frames + frames // 10
        assert (x[:length, k].sum(axis=1) == 1).all()
        assert not x[length:, k].any()
        string = "".join(TemporalOrder.symbols[code] for code in x[:length, k].argmax(axis=1))
        assert re.fullmatch("E[abcd]*[XY][abcd]*[XY][abcd]*B", string)
        assert ["XX", "XY", "YX", "YY"][targets[k]] == re.sub("[^XY]", "", string)


@given(seed=seeds)
def test_the_grammar_accepts_its_strings(seed):
    string = reber(rng(seed))
    assert REBER.fullmatch(string)
    for kind in "TP":
        whole = f"B{kind}{string}{kind}E"
        may = followers(whole)
        assert len(may) == len(whole)
        assert all(symbol in then for symbol, then in zip(whole[1:], may, strict=False))
        assert may[-3:] == [kind, "E", ""]


@given(seed=seeds, data=st.data())
@settings(max_examples=200)
def test_a_changed_symbol_is_no_string_unless_the_grammar_says_so(seed, data):
    string = f"BT{reber(rng(seed))}TE"
    place = data.draw(st.integers(0, len(string) - 1))
    changed = string[:place] + data.draw(st.sampled_from(SYMBOLS)) + string[place + 1 :]
    if re.fullmatch(f"BT{REBER.pattern}TE|BP{REBER.pattern}PE", changed):
        followers(changed)
    else:
        with pytest.raises(ValueError, match="no string of the"):
            followers(changed)


def test_what_may_follow_is_all_that_ever_does():
    draw, seen, said = rng(0), {}, {}
    for _ in range(3000):
        kind = "TP"[draw.integers(2)]
        string = f"B{kind}{reber(draw)}{kind}E"
        for place, may in enumerate(followers(string)[:-1]):
            seen.setdefault(string[: place + 1], set()).add(string[place + 1])
            said[string[: place + 1]] = set(may)
    often = {prefix for prefix in seen if len(prefix) <= 7}
    assert len(often) > 30
    for prefix in often:
        assert seen[prefix] == said[prefix]


@pytest.mark.parametrize(
    "string", ["", "B", "BT", "BTE", "BTTE", "BTBTXSETP", "BTBTXSEPE", "XTBTXSETE"]
)
def test_what_is_no_string_of_the_embedded_grammar(string):
    with pytest.raises(ValueError, match="no string of the"):
        followers(string)


@given(seed=seeds, size=st.integers(1, 10))
def test_reber_strings_ask_for_the_next_symbol(seed, size):
    task = EmbeddedReber()
    batch = task.draw(rng(seed), size)
    for k, length in enumerate(batch.lengths):
        assert not batch.x[length:, k].any()
        codes = [*batch.x[:length, k].argmax(axis=1), batch.targets[length - 1, k]]
        string = "".join(SYMBOLS[code] for code in codes)
        assert re.fullmatch(f"BT{REBER.pattern}TE|BP{REBER.pattern}PE", string)
        assert (codes[1:] == batch.targets[:length, k]).all()
    assert task.error(batch.legal.astype(np.float32), batch) == 0
    # Without memory, T and P are as likely before the last symbol: wrong in every string.
    forgetful = batch.legal.astype(np.float32)
    for k, length in enumerate(batch.lengths):
        forgetful[length - 2, k, [SYMBOLS.index("T"), SYMBOLS.index("P")]] = 1
    assert task.error(forgetful, batch) == 1


@pytest.mark.parametrize(("task", "least"), [(Adding, 10), (TemporalOrder, 20)])
def test_too_few_frames(task, least):
    with pytest.raises(ValueError, match=f"frames is {least - 1}; expected {least} or more"):
        task(least - 1)


# --- networks and gradients -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "task", [Adding(10), TemporalOrder(20), EmbeddedReber()], ids=lambda task: type(task).__name__
)
def test_all_cells_have_about_as_many_parameters(task):
    counts = [network(task, c, 0).parameters.size for c in (*CONTENDERS, *VARIANTS)]
    assert max(counts) < 1.12 * min(counts)


def test_a_start_that_is_not_known():
    with pytest.raises(ValueError, match="start is 'warm'"):
        network(Adding(10), Contender("LSTM", "warm"), 0)


@pytest.mark.parametrize("contender", [*CONTENDERS[:3], *VARIANTS], ids=str)
def test_gradients_at_a_frame_are_those_of_the_rest_run_from_there(contender):
    pytest.importorskip("scipy", reason="for training: pip install 'pylstm[train]'")
    task = Adding(20)
    net, batch = network(task, contender, 0), task.draw(rng(0), 3)
    found = state_gradients(net, task, batch)
    assert found["h"].shape[:2] == (20, 3)
    for t in (1, 7, 19):  # the state after frame t
        _, state, _ = net.forward(batch.x[:t])
        outputs, _, tape = net.forward(batch.x[t:], state=state, training=True)
        _, d_state = net.backward(tape, task.loss(outputs, batch.targets).gradient)
        parts = d_state[0] if contender.cell == "LSTM" else (d_state[0],)
        for name, expected in zip("hc", parts, strict=False):
            scale = np.abs(expected).max()
            np.testing.assert_allclose(
                found[name][t - 1], expected[0], rtol=1e-4, atol=1e-5 * scale
            )
    outputs, _, _ = net.forward(batch.x)
    error = outputs[-1] - batch.targets
    np.testing.assert_allclose(
        found["h"][-1], 2 / 3 * error * net.names["1.weight"], rtol=1e-5, atol=1e-7
    )


def test_without_weights_from_h_the_cell_carries_everything():
    pytest.importorskip("scipy", reason="for training: pip install 'pylstm[train]'")
    task = Adding(20)
    net, batch = network(task, CONTENDERS[0], 0), task.draw(rng(0), 3)
    net.names["0.weight_hh_l0"][...] = 0
    found = state_gradients(net, task, batch)
    np.testing.assert_allclose(found["c"], carried(net, found["c"], batch), rtol=1e-4, atol=1e-9)
    assert not found["h"][:-1].any()


def test_without_a_forget_gate_the_carousel_is_constant():
    pytest.importorskip("scipy", reason="for training: pip install 'pylstm[train]'")
    task = Adding(20)
    net, batch = network(task, VARIANTS[0], 0), task.draw(rng(0), 3)
    d_c = state_gradients(net, task, batch)["c"]
    assert (carried(net, d_c, batch) == d_c[-1]).all()


# --- the whole ------------------------------------------------------------------------------------


def test_an_lstm_learns_to_add():
    pytest.importorskip("scipy", reason="for training: pip install 'pylstm[train]'")
    _, found = train(Adding(30), CONTENDERS[0], 0, Plan(steps=1500, fresh=500))
    assert found["solved"]
    assert found["error"] < 0.01
    assert found["steps"] < 1500  # it ends when it can


@pytest.fixture(scope="module")
def results():
    pytest.importorskip("scipy", reason="for training: pip install 'pylstm[train]'")
    plan = Plan(
        adding={10: 2, 20: 1}, seeds=1, order_frames=20, steps=4, check=2, fresh=30, studied=20
    )
    return run(plan, say=lambda text, flush: None)


def test_a_tiny_run(results):
    assert len(results["runs"]) == len(CONTENDERS) * (2 + 1 + 1 + 1)
    assert len(results["variants"]) == len(VARIANTS)
    assert {len(found["curve"]) for found in results["runs"]} == {2}
    for found in [*results["reach"]["before"], *results["reach"]["after"]]:
        assert len(found["h"]) == len(found["frame"]) == 20
        assert found["h"][-1] == 1


def test_results_are_written(results, tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    from why_lstm_page import BEGIN, END, write

    (tmp_path / "why-lstm.md").write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    written = write(results, tmp_path)
    assert sorted(path.name for path in written) == [
        "why-lstm-gates.png",
        "why-lstm-gradient.png",
        "why-lstm-loss.png",
        "why-lstm.json",
        "why-lstm.md",
    ]
    assert json.loads((tmp_path / "why-lstm.json").read_text())["runs"][0]["cell"] == "LSTM"
    text = (tmp_path / "why-lstm.md").read_text()
    assert text.startswith("Before.")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert len(re.findall(r"\| RNN 6\d, orthogonal \| 0.001 \| \d of \d \|", text)) == 4
    (tmp_path / "why-lstm.md").write_text("no tables")
    with pytest.raises(ValueError, match="once each"):
        write(results, tmp_path)


def test_what_the_page_claims():
    """Those in docs/ are of the full plan: T = 500 is solved by the LSTM and not by the RNN."""
    published = json.loads((ROOT / "docs" / "why-lstm.json").read_text(encoding="utf-8"))
    for cell, seeds_solved in (("LSTM", {0, 1, 2}), ("RNN", set())):
        found = [
            run
            for run in published["runs"]
            if run["task"] == "adding, T = 500" and run["cell"] == cell
        ]
        assert {run["seed"] for run in found} == {0, 1, 2}
        assert {run["seed"] for run in found if run["error"] < 0.01} == seeds_solved
