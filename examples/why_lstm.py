"""Why LSTM: plain RNN, GRU and LSTM on tasks with long lags, and how far back gradients reach.

From the root of the repository (``pip install -e ".[train,plot]"``):

    python examples/why_lstm.py            all of docs/why-lstm.md: numbers, tables, plots; minutes
    python examples/why_lstm.py --quick    short lags and one seed; prints only; a minute

Everything is drawn from seeds: the same machine and versions give the same numbers.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# Before NumPy starts: BLAS threads do not help products of this size, --threads does.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from gradient_reach import gates_of, reach
from long_lag_tasks import Adding, EmbeddedReber, Task, TemporalOrder
from numpy.typing import NDArray

import pylstm
from pylstm.train import Network
from pylstm.train.optimisers import Adam, clip_global_norm

Array = NDArray[np.float32]

BAR = 0.01
"""The error on fresh sequences below which a task is solved."""
BATCH = 20
MAX_NORM = 1.0


@dataclass(frozen=True)
class Contender:
    """A cell, how it begins and how fast it learns."""

    cell: str
    start: str
    lr: float = 0.01


# What is compared on every task. Each cell begins with a memory as long as the task: gates that
# keep (LSTM, GRU) or a recurrent matrix that neither shrinks nor stretches (RNN). The RNN has two
# attempts, because large steps are known to hurt it.
CONTENDERS = (
    Contender("LSTM", "chrono"),
    Contender("GRU", "chrono"),
    Contender("RNN", "orthogonal"),
    Contender("RNN", "orthogonal", 0.001),
)
# Variants that are tried on one task, with one seed, to see what helps.
VARIANTS = (
    Contender("LSTM", "constant carousel"),
    Contender("LSTM", "PyTorch's draw"),
    Contender("GRU", "PyTorch's draw"),
    Contender("RNN", "PyTorch's draw", 0.001),
    Contender("RNN", "identity, ReLU", 0.0001),
)


@dataclass(frozen=True)
class Plan:
    """The amount of work of a run."""

    adding: dict[int, int] = field(default_factory=lambda: {100: 3, 500: 3, 1000: 3})
    """Frames of the adding problem -> number of seeds."""
    seeds: int = 3
    """Number of seeds of the other tasks."""
    order_frames: int = 100
    steps: int = 2000
    check: int = 50
    """Steps between two looks at the validation sequences."""
    fresh: int = 1000
    """Sequences of the final test."""
    studied: int = 500
    """The adding problem with so many frames gets the variants and the study of gradients."""


QUICK = Plan(adding={100: 1, 200: 1}, seeds=1, steps=1000, fresh=500, studied=100)


# --- one run --------------------------------------------------------------------------------------


def hidden_size(cell: str, n_inputs: int) -> int:
    """The multiple of four at which a cell has about as many weights as an LSTM of 32."""

    def weights(cell: str, size: int) -> int:
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[cell]
        return gates * size * (n_inputs + size + 2)

    wanted = weights("LSTM", 32)
    return min(range(4, 129, 4), key=lambda size: abs(weights(cell, size) - wanted))


def network(task: Task, contender: Contender, seed: int, threads: int = 1) -> Network:
    """An untrained network: one recurrent layer, one dense layer without activation.

    Weights are PyTorch's draw; then, by `contender.start`:

    - chrono (Tallec, Ollivier 2018): the biases of what keeps, the LSTM's forget gate and the GRU's
      update gate, become log u with u from U(1, lag - 1), so that the units forget over times from
      a few frames to the lag; those of the LSTM's input gate become their negatives.
    - constant carousel: as the LSTM of 1997, which had no forget gate: a bias of 20 makes f = 1
      exactly, in float32, and no gradient moves it. Input gates begin as with chrono.
    - orthogonal (Saxe et al. 2014): the recurrent matrix is an orthogonal one.
    - identity, ReLU (Le et al. 2015): the recurrent matrix is the identity, biases are 0, input
      weights tiny.
    """
    rng = np.random.default_rng([seed, 1])
    size = hidden_size(contender.cell, task.n_inputs)
    kind: Any = getattr(pylstm, contender.cell)
    options = {"nonlinearity": "relu"} if "ReLU" in contender.start else {}
    layers = [
        kind(task.n_inputs, size, seed=seed, **options),
        pylstm.Dense(size, task.n_outputs, seed=seed),
    ]
    made = Network(layers, threads=threads)
    w_ih, w_hh = made.names["0.weight_ih_l0"], made.names["0.weight_hh_l0"]
    b_ih, b_hh = made.names["0.bias_ih_l0"], made.names["0.bias_hh_l0"]
    if contender.start in ("chrono", "constant carousel"):
        # Rows are the gates i, f, g, o of the LSTM and r, z, n of the GRU: f and z keep.
        memory = np.log(rng.uniform(1, task.lag - 1, size))
        b_ih[size : 2 * size], b_hh[size : 2 * size] = memory, 0
        if contender.cell == "LSTM":
            b_ih[:size], b_hh[:size] = -memory, 0
        if contender.start == "constant carousel":
            b_ih[size : 2 * size] = 20
    elif contender.start == "orthogonal":
        q, r = np.linalg.qr(rng.standard_normal((size, size)))
        w_hh[...] = q * np.sign(np.diag(r))
    elif contender.start == "identity, ReLU":
        w_hh[...], b_ih[...], b_hh[...] = np.eye(size), 0, 0
        w_ih[...] = 0.001 * rng.standard_normal(w_ih.shape)
    elif contender.start != "PyTorch's draw":
        raise ValueError(f"start is {contender.start!r}: see the docstring for what is known")
    return made


def judge(net: Network, task: Task, seed: int, size: int) -> tuple[float, float]:
    """Loss and error on fresh sequences, the same for the same seed."""
    rng, sums, done = np.random.default_rng([seed, 2]), np.zeros(2), 0
    while done < size:
        count = min(100, size - done)
        batch = task.draw(rng, count)
        outputs, _, _ = net.forward(batch.x, batch.lengths)
        loss = task.loss(outputs, batch.targets, batch.lengths).value
        sums += count * np.array([loss, task.error(outputs, batch)])
        done += count
    loss, error = sums / size
    return float(loss), float(error)


def train(
    task: Task, contender: Contender, seed: int, plan: Plan, threads: int = 1
) -> tuple[Network, dict[str, Any]]:
    """Trains one network for at most `plan.steps` steps and returns the results.

    Training ends early at the second look in a row at which the error on 200 validation sequences
    is below a fifth of `BAR`. The error that is reported is that on `plan.fresh` other sequences.
    """
    net = network(task, contender, seed, threads)
    optimiser = Adam(lr=contender.lr)
    rng = np.random.default_rng([seed, 3])
    began, curve, good = time.process_time(), [], 0
    for step in range(1, plan.steps + 1):
        batch = task.draw(rng, BATCH)
        outputs, _, tape = net.forward(batch.x, batch.lengths, training=True)
        result = task.loss(outputs, batch.targets, batch.lengths)
        net.backward(tape, result.gradient)
        clip_global_norm(net.gradients, MAX_NORM)
        optimiser.step(net.parameters, net.gradients)
        if step % plan.check == 0:
            loss, error = judge(net, task, 1000, 200)
            curve.append((step, loss, error))
            good = good + 1 if error < BAR / 5 else 0
            if good == 2:
                break
    loss, error = judge(net, task, 2000 + seed, plan.fresh)
    return net, {
        "task": task.name,
        **asdict(contender),
        "seed": seed,
        "hidden_size": hidden_size(contender.cell, task.n_inputs),
        "parameters": net.parameters.size,
        "steps": step,
        "loss": loss,
        "error": error,
        "solved": error < BAR,
        "seconds": round(time.process_time() - began, 1),
        "curve": curve,
    }


# --- everything -----------------------------------------------------------------------------------


def run(plan: Plan, threads: int = 1, say: Any = print) -> dict[str, Any]:
    """Trains every contender on every task and measures the gradients. The result can be written as
    JSON."""
    began, cpu = time.perf_counter(), time.process_time()
    tasks: list[tuple[Task, int]] = [(Adding(t), n) for t, n in plan.adding.items()]
    tasks += [(TemporalOrder(plan.order_frames), plan.seeds), (EmbeddedReber(), plan.seeds)]
    studied = Adding(plan.studied)
    runs, variants, trained = [], [], {}
    for task, seeds in tasks:
        for contender in CONTENDERS:
            for seed in range(seeds):
                net, found = train(task, contender, seed, plan, threads)
                runs.append(found)
                say(line(found), flush=True)
                if task.name == studied.name and seed == 0:
                    trained[contender] = net, found["error"]
    for contender in VARIANTS:
        net, found = train(studied, contender, 0, plan, threads)
        trained[contender] = net, found["error"]
        variants.append(found)
        say(line(found), flush=True)

    batch = studied.draw(np.random.default_rng(4), BATCH)
    before = [*CONTENDERS[:3], *VARIANTS[1:4]]
    better = min(CONTENDERS[2:], key=lambda contender: trained[contender][1])
    after = [*CONTENDERS[:2], better, *VARIANTS[1:4]]
    return {
        "command": "python examples/why_lstm.py" + (" --quick" if plan == QUICK else ""),
        "pylstm": pylstm.__version__,
        "numpy": np.__version__,
        "plan": asdict(plan),
        "batch": BATCH,
        "max_norm": MAX_NORM,
        "bar": BAR,
        "tasks": [
            {"name": t.name, "lag": t.lag, "chance": t.chance, "error": t.error_name}
            for t, _ in tasks
        ],
        "runs": runs,
        "variants": variants,
        "studied": studied.name,
        "reach": {
            "before": [
                {"cell": c.cell, "start": c.start, **reach(network(studied, c, 0), studied, batch)}
                for c in before
            ],
            "after": [
                {"cell": c.cell, "start": c.start, **reach(trained[c][0], studied, batch)}
                for c in after
            ],
        },
        "gates": gates_of(trained[CONTENDERS[0]][0], batch),
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }


def line(found: dict[str, Any]) -> str:
    """A run in a line."""
    return (
        f"{found['task']:24}  {found['cell']:4} {found['start']:18} lr {found['lr']:<6}"
        f" seed {found['seed']}  {'solved' if found['solved'] else 'not solved':10}"
        f"  error {found['error']:.4f}  {found['steps']:5,} steps  {found['seconds']:6.1f} s"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short lags, one seed: a minute")
    parser.add_argument("--threads", type=int, default=1, help="threads that share a batch")
    parser.add_argument(
        "--out", type=Path, help="folder for results (default: docs; with --quick: nowhere)"
    )
    asked = parser.parse_args()
    out = asked.out or (None if asked.quick else Path(__file__).parent.parent / "docs")
    if out is not None:  # a missing matplotlib is reported before minutes of training, not after
        from why_lstm_page import write
    results = run(QUICK if asked.quick else Plan(), asked.threads)
    print(f"{results['seconds']:.0f} s ({results['cpu_seconds']:.0f} s of processor time)")
    if out is not None:
        write(results, out)


if __name__ == "__main__":
    main()
