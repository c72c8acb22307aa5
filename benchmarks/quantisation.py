"""What weights of fewer bytes cost and gain: ``python -m benchmarks quantisation`` writes the page.

Accuracy does not depend on the load of the machine: the same kernels give the same page everywhere,
except for the times.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib.resources import files

import numpy as np
import soundfile
from numpy.typing import NDArray

import pylstm
from benchmarks import core, machine
from benchmarks.contest import FULL, QUICK, Contender, Effort, contest
from benchmarks.report import aligned, figure
from benchmarks.speech import frames

PAGE = core.ROOT / "docs" / "quantisation.md"
PRECISIONS = ("bf16", "int8")
SHAPES = ((40, 128), (40, 256))
STACKS = ((40, 128, 1), (40, 256, 2))
N_FRAMES = 1000
NOISE_DB = 20.0

Array = NDArray[np.float32]

PROSE = """# Quantisation

`Model.quantize("bf16")` and `Model.quantize("int8")` give the same model with fewer bytes per
weight. A step of an LSTM spends most of its time waiting for its weights, so it is faster with
fewer bytes. Quantised models are saved, loaded, streamed and pooled like others.

| | float32 | bf16 | int8 |
|---|---|---|---|
| a weight | 4 bytes | 2 bytes: the upper half of the float32, rounded to nearest | 1 byte, and \
one float32 scale a row, whose largest magnitude becomes 127 |
| frame that goes into a product | float32 | rounded to bf16 | bytes: its largest magnitude \
becomes 127 |
| h that goes into a product | float32 | rounded to bf16 | bytes: 1 becomes 127 |
| sums of products | float32 | float32 | whole numbers, exact, then scaled to float32 |
| biases, h and c as they are kept, the cell's update, activations | float32 | float32 | float32 |

The state of a stream is never rounded to fewer bits; only the values that are multiplied by weights
are. All kernels that fuse multiplication and addition (AVX2, AVX-512 in all its kinds, NEON) give
the same bits for the same quantised model, and so do streams in a pool and audio cut in any way.

**Which one?** Use bf16 where outputs should stay close, and int8 where size or speed matters most
and a test on your own recordings shows that it is good enough. On a processor without vectors int8
saves memory, not time. Weights are quantised after training and without data: nothing has to be
calibrated.
"""


def largest(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max())


def mean(a: Array, b: Array) -> float:
    return float(np.abs(a - b).mean(dtype=np.float64))


def small(value: float) -> str:
    """Two significant digits of a difference."""
    return f"{value:.1e}" if value < 1e-3 else f"{value:.2g}"


# --- the bundled model ----------------------------------------------------------------------------


def recordings(rate: int) -> Iterator[tuple[str, Array]]:
    """Every bundled recording, as it is."""
    sources = sorted((core.ROOT / "examples" / "audio").glob("*.flac"))
    demo = files("pylstm") / "models" / "demo.wav"
    for name, source in [*((path.name, path) for path in sources), ("demo.wav", demo)]:
        with source.open("rb") as file:
            samples, found = soundfile.read(file, dtype="float32")
        if found != rate or samples.ndim != 1:
            raise ValueError(f"{name}; expected one channel at {rate} Hz")
        yield name, samples


def noisy(samples: Array) -> Array:
    """With white noise below what is loud in it."""
    speech = samples[np.abs(samples) > 100 / 32768]  # not the pauses
    power = float(np.sqrt(np.mean(np.square(speech, dtype=np.float64))))
    noise = np.random.default_rng(len(samples)).standard_normal(len(samples))
    noise *= power * 10 ** (-NOISE_DB / 20)
    return np.clip(samples + noise, -1, 1).astype(np.float32)


def events(model: pylstm.Model, rows: Array) -> list[tuple[str, float]]:
    """What the detector hears, and when."""
    heard = pylstm.Detector.for_model(model).push(rows)
    return [(event.label, event.time) for event in heard]


def spoken(some: list[tuple[str, float]]) -> str:
    return ", ".join(f"{label} {time:.2f} s" for label, time in some) or "nothing"


def keywords() -> list[str]:
    """The posteriors and events of the bundled model, beside those of the float32 model."""
    model = pylstm.load("keywords")
    assert model.sample_rate is not None
    conditions: dict[str, Callable[[Array], Array]] = {
        "as recorded": lambda samples: samples,
        f"white noise at {NOISE_DB:g} dB": noisy,
    }
    head = ["recording", "", "largest", "mean", "best label changes", "events", "the same"]
    table, notes, moved = [head], [], 0.0
    total: dict[str, list[int]] = {precision: [0, 0, 0, 0] for precision in PRECISIONS}
    quantised = {precision: model.quantize(precision) for precision in PRECISIONS}
    for condition, change in conditions.items():
        for name, samples in recordings(model.sample_rate):
            audio = change(samples)
            exact = model.run(audio)
            expected = events(model, exact)
            for precision in PRECISIONS:
                rows = quantised[precision].run(audio)
                found = events(model, rows)
                changed = int(np.count_nonzero(rows.argmax(1) != exact.argmax(1)))
                same = [label for label, _ in found] == [label for label, _ in expected]
                if same:
                    shifts = [abs(a - b) for (_, a), (_, b) in zip(found, expected, strict=True)]
                    moved = max(moved, *shifts, 0.0)
                else:
                    lost = [event for event in expected if not _near(event, found)]
                    new = [event for event in found if not _near(event, expected)]
                    notes.append(
                        f"* {name}, {condition}, {precision}: no longer heard: {spoken(lost)}; "
                        f"heard instead or in addition: {spoken(new)}."
                    )
                for place, count in enumerate((changed, len(rows), len(expected), not same)):
                    total[precision][place] += int(count)
                table.append(
                    [
                        f"{name}, {condition}",
                        precision,
                        small(largest(rows, exact)),
                        small(mean(rows, exact)),
                        f"{100 * changed / len(rows):.2f} %",
                        str(len(found)),
                        "yes" if same else "no",
                    ]
                )
    return [
        "## The bundled model `keywords`",
        "",
        "Absolute differences of the posteriors from those of the float32 model, the share of "
        "frames whose most likely label is another, and the events that the model's detector "
        "hears: the same words in the same order or not.",
        "",
        aligned(table),
        "",
        *(
            f"* {precision}, all together: another label in {changed:,} of {count:,} frames; "
            f"{differ} of {len(table) // 2} lists of events differ, {known} events in all."
            for precision, (changed, count, known, differ) in total.items()
        ),
        f"* Where the words are the same, the moments lie {1000 * moved:.0f} ms apart at most.",
        *notes,
    ]


def _near(event: tuple[str, float], others: list[tuple[str, float]]) -> bool:
    """Whether the same word was heard within a quarter of a second."""
    return any(event[0] == label and abs(event[1] - time) < 0.25 for label, time in others)


# --- random models --------------------------------------------------------------------------------


def random_models() -> list[str]:
    """h after each of many frames of noise, for weights as they are drawn and for larger ones."""
    table = [["LSTM", "weights", "", "largest", "mean", "mean, last 100 frames"]]
    for input_size, hidden_size, num_layers in STACKS:
        drawn = pylstm.LSTM(input_size, hidden_size, num_layers, seed=0)
        x = frames(N_FRAMES, input_size)
        for factor in (1, 3):
            weights = {name: factor * w for name, w in drawn.weights.items()}
            lstm = pylstm.LSTM(input_size, hidden_size, num_layers, weights=weights)
            exact = pylstm.Model(None, [lstm]).stream().push_frames(x)
            for precision in PRECISIONS:
                model = pylstm.Model(None, [lstm.quantize(precision)])
                h = model.stream().push_frames(x)
                table.append(
                    [
                        f"{input_size} → {hidden_size} × {num_layers}",
                        f"U(±{factor}/√H)",
                        precision,
                        small(largest(h, exact)),
                        small(mean(h, exact)),
                        small(mean(h[-100:], exact[-100:])),
                    ]
                )
    return [
        "## Random models",
        "",
        f"Absolute differences in h of the top layer from that of the float32 model, over "
        f"{N_FRAMES:,} frames of noise of variance 1. Weights of PyTorch's draw, and three times "
        "larger ones. If errors piled up from step to step, the last 100 frames would be worse "
        "than all.",
        "",
        aligned(table),
    ]


def sizes() -> list[str]:
    """Bytes of model files."""
    models = {"`keywords`": pylstm.load("keywords")}
    for input_size, hidden_size, num_layers in STACKS:
        lstm = pylstm.LSTM(input_size, hidden_size, num_layers, seed=0)
        models[f"LSTM {input_size} → {hidden_size} × {num_layers}"] = pylstm.Model(None, [lstm])
    table = [["bytes", "float32", *PRECISIONS]]
    for name, model in models.items():
        variants = [model, *map(model.quantize, PRECISIONS)]
        counts = [len(variant.to_bytes()) for variant in variants]
        table.append([name, *(f"{n:,} ({n / counts[0]:.2f}×)" for n in counts)])
    return ["## Files", "", aligned(table)]


# --- speed ----------------------------------------------------------------------------------------


def steps(effort: Effort) -> list[str]:
    """One step at the C level, on every instruction set of this machine."""
    title = ["## Speed", ""]
    if reason := core.missing():
        return [*title, f"Not measured: {reason}."]
    isas = pylstm.show_config()["isa"]["supported"]
    parts = []
    for input_size, hidden_size in SHAPES:
        model = pylstm.Model(None, [pylstm.LSTM(input_size, hidden_size, seed=0)])
        variants = {"float32": model, **{name: model.quantize(name) for name in PRECISIONS}}
        drivers = {
            (isa, name): core.Core(variant, frames=frames(100, input_size), isa=isa)
            for isa in isas
            for name, variant in variants.items()
        }
        try:
            times = contest(
                [Contender(" ".join(key), c.lap("step")) for key, c in drivers.items()],
                effort,
                tolerance=0,
            )
        finally:
            for c in drivers.values():
                c.close()
        table = [["", *variants, *(f"float32 / {name}" for name in PRECISIONS)]]
        for isa in isas:
            micro = [times[f"{isa} {name}"].fastest * 1e6 for name in variants]
            ratios = [f"{micro[0] / value:.2f}" for value in micro[1:]]
            table.append([isa, *map(figure, micro), *ratios])
        parts += ["", f"**One step, LSTM {input_size} → {hidden_size}, µs**", "", aligned(table)]
    return [
        *title,
        "`pylstm_stream_push_frames` with one frame, one stream, one thread; all in this table "
        f"took turns in one run, and the fastest round counts. {machine.processor()}, "
        f"{machine.caches()}; processes that wanted to run: {machine.load()} on "
        f"{machine.facts()['cores']} cores. The last two columns say how many times faster the "
        "step is. AVX-512 does not imply dot products of bytes or bf16: what a processor has of "
        "them is used (`avx512vnni`, `avx512bf16`).",
        *parts,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks quantisation", description="Writes docs/quantisation.md."
    )
    parser.add_argument("--print", action="store_true", help="show, do not write")
    parser.add_argument("--quick", action="store_true", help="rougher times")
    options = parser.parse_args()
    sections = [keywords(), random_models(), sizes(), steps(QUICK if options.quick else FULL)]
    text = PROSE + "\n" + "\n\n".join("\n".join(lines) for lines in sections)
    text += "\n\nWritten by `python -m benchmarks quantisation`.\n"
    if options.print:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
