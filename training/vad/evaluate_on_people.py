"""Measure speech detectors on people and noises that training did not hear, through the engine.

Usage::

    python evaluate_on_people.py tune SPEECH MODEL        # chooses the decision, writes it to MODEL
    python evaluate_on_people.py measure SPEECH MODEL... [--json FILE]

`measure` reads ``read/dev`` of SPEECH (see ``people.py``), with pauses between the utterances, over
noises of the testing side at several ratios; then scenes of people and noises of the testing side,
with rooms, telephones and several talkers; then each noise alone. The labels come from the energy
of the clean recordings. Every model hears the same.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
from energy_labels import HOP_LENGTH, energies, speech_frames
from material import SAMPLE_RATE
from people import UNHEARD, Noise, Pools, Utterance, files_in, side_of_noise
from scenes import scene

import pylstm
from pylstm.evaluation.metrics import roc_auc
from pylstm.evaluation.recordings_without_speech import FalseSpeech, speech_in_none

RATIOS = (20.0, 10.0, 5.0, 0.0)
# Each noise at each ratio covers every so many-th utterance, others each time.
SHARE = 4
SCENES = 120
CHUNK = 1600
COST = 2.0


def reading(spoken: list[Utterance], draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Utterances, each as loud as the others, with pauses between them; and the loud frames."""
    samples, loud = [], []
    for one in spoken:
        count = len(one.loud)
        pause = int(draw.uniform(50, 250))
        heard = one.samples[: count * HOP_LENGTH].reshape(count, HOP_LENGTH)
        level = np.sqrt(np.mean(heard[one.loud] ** 2))
        samples += [heard.reshape(-1) / level, np.zeros(pause * HOP_LENGTH, np.float32)]
        loud += [one.loud, np.zeros(pause, bool)]
    return np.concatenate(samples), np.concatenate(loud)


def tape(files: list[Noise], length: int, draw: np.random.Generator) -> np.ndarray:
    """Noises of one kind one after the other, each of root mean square 1."""
    parts, position = [], 0
    while position < length:
        samples = files[draw.integers(len(files))].samples
        parts.append(samples / (np.sqrt(np.mean(samples**2)) + 1e-9))
        position += len(samples)
    return np.concatenate(parts)[:length]


def scores_of(model: pylstm.Model, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of speech, and the times of the rows, of one stream."""
    listener = model.listener()
    label = listener.decision["label"]
    column = model.labels.index(label) if model.labels else int(label)
    rows = []
    for start in range(0, len(samples), CHUNK):
        _, given = listener.push(samples[start : start + CHUNK], posteriors=True)
        rows.append(given)
    rows.append(listener.flush(posteriors=True)[1])
    scores = np.concatenate(rows)[:, column].astype(np.float64)
    return scores, model.row_times(len(scores))


def at_times(frames: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What frames of 10 ms have at the times of rows."""
    places = np.round(times * SAMPLE_RATE / HOP_LENGTH).astype(int)
    return frames[np.minimum(places, len(frames) - 1)]


def measure(speech: Path, names: list[str]) -> dict:
    """All figures, by model."""
    models = {name: pylstm.load(name) for name in names}
    pools = Pools(speech, None, "testing")
    spoken = [one for said in pools.speakers["read"] for one in said]
    figures: dict = {name: {} for name in [*names, "energy"]}
    pooled: dict = {name: {} for name in figures}
    cases = [("clean", np.inf), *itertools.product(pools.noises, RATIOS)]
    for case, (kind, ratio) in enumerate(cases):
        draw = np.random.default_rng(case)
        samples, loud = reading(spoken[case % SHARE :: SHARE], draw)
        if kind == "clean":
            heard = samples + draw.normal(0, 10.0 ** (-50 / 20), len(samples))
        else:
            heard = samples + tape(pools.noises[kind], len(samples), draw) * 10.0 ** (-ratio / 20)
        heard = (heard * (0.5 / np.max(np.abs(heard)))).astype(np.float32)
        truth = speech_frames(loud)
        for name in figures:
            if name == "energy":
                scores, own = energies(heard), truth
            else:
                scores, times = scores_of(models[name], heard)
                own = at_times(truth, times)
            where = "clean" if kind == "clean" else f"{kind}, {ratio:g} dB"
            figures[name][where] = roc_auc(scores, own)
            group = "clean" if kind == "clean" else f"all, {ratio:g} dB"
            pooled[name].setdefault(group, []).append((scores, own))
    for name, groups in pooled.items():
        for group, parts in groups.items():
            scores, own = (np.concatenate(column) for column in zip(*parts, strict=True))
            figures[name][group] = roc_auc(scores, own)
    drawn = [scene(pools, np.random.default_rng([9, k]), 10.0) for k in range(SCENES)]
    for name, model in models.items():
        figures[name]["scenes"] = scenes_auc(model, drawn)
        figures[name]["noise"] = false_speech(model, speech)
    return figures


def scenes_auc(model: pylstm.Model, drawn: list) -> float:
    """The area under the curve of the frames of scenes that count."""
    kept = []
    for samples, labels, weights in drawn:
        scores, times = scores_of(model, samples)
        counts = at_times(weights, times) > 0
        kept.append((scores[counts], at_times(labels, times)[counts] == 1))
    return roc_auc(*(np.concatenate(column) for column in zip(*kept, strict=True)))


def false_speech(model: pylstm.Model, speech: Path) -> dict[str, tuple[float, float]]:
    """Share of frames and false starts an hour, by kind of noise, of files of the testing side."""
    paths = [path for path in files_in(speech / "noise") if side_of_noise(path) == "testing"]
    by_kind: dict[str, FalseSpeech] = {}
    for path, one in zip(paths, speech_in_none(model, paths), strict=True):
        kind = path.parent.name
        by_kind[kind] = by_kind.get(kind, FalseSpeech()) + one
    by_kind["all"] = sum(by_kind.values(), start=FalseSpeech())
    return {kind: (one.share, one.starts_an_hour) for kind, one in by_kind.items()}


def tables(figures: dict) -> str:
    """The figures as Markdown."""
    names = list(figures)
    rows = ["| read speech | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for where in figures["energy"]:
        cells = [f"{figures[name][where]:.3f}" for name in names]
        rows.append(f"| {where} | " + " | ".join(cells) + " |")
    models = names[:-1]
    cells = [f"{figures[name]['scenes']:.3f}" for name in models]
    rows.append("| scenes | " + " | ".join(cells) + " | |")
    rows += ["", "| noise alone: frames, false starts an hour | " + " | ".join(models) + " |",
             "|---|" + "---|" * len(models)]  # fmt: skip
    for kind in figures[models[0]]["noise"]:
        title = f"{kind} (a kind never heard)" if kind in UNHEARD else kind
        cells = [
            f"{100 * share:.1f} %, {starts:.0f}"
            for share, starts in (figures[name]["noise"][kind] for name in models)
        ]
        rows.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def tune(speech: Path, path: Path) -> dict:
    """The decision with the best F1 of frames on scenes of the validation side.

    A frame wrongly taken for speech counts as `COST` missed ones: where a detector listens all day,
    there is more noise without anybody than in these scenes.
    """
    model, pools = pylstm.load(path), Pools(speech, None, "validation")
    drawn = [scene(pools, np.random.default_rng([8, k]), 10.0) for k in range(SCENES)]
    parts = []
    for samples, labels, weights in drawn:
        scores, times = scores_of(model, samples)
        parts.append((scores, at_times(labels, times) == 1, at_times(weights, times) > 0))
    raw, truth, counts = (np.concatenate(column) for column in zip(*parts, strict=True))
    hop = model.hop_length / model.sample_rate
    best: tuple[float, dict] | None = None
    grid = itertools.product(
        (0.4, 0.5, 0.6, 0.7, 0.8), (0.1, 0.2, 0.3), (1, 5, 10), (0.1, 0.2), (0.2, 0.3), (0.0, 0.03)
    )
    for threshold, lower, smoothing, min_speech, min_silence, pad in grid:
        settings = {
            "threshold": threshold, "neg_threshold": round(threshold - lower, 2),
            "min_speech": min_speech, "min_silence": min_silence, "pad": pad,
        }  # fmt: skip
        scores = np.convolve(raw, np.full(smoothing, 1 / smoothing))[: len(raw)]
        inside = np.zeros(len(truth), bool)
        for start, end in pylstm.segments_from_probabilities(scores, hop=hop, **settings):
            inside[round(start / hop) : round(end / hop)] = True
        hits = np.sum(inside & truth & counts)
        false = np.sum(inside & ~truth & counts)
        missed = np.sum(~inside & truth & counts)
        score = 2 * hits / (2 * hits + COST * false + missed)
        if best is None or score > best[0]:
            best = score, settings | {"smoothing_frames": smoothing}
            print(f"score {score:.4f}: {best[1]}", flush=True)
    assert best is not None
    return best[1]


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    tuning = steps.add_parser("tune")
    tuning.add_argument("speech", type=Path)
    tuning.add_argument("model", type=Path)
    measuring = steps.add_parser("measure")
    measuring.add_argument("speech", type=Path)
    measuring.add_argument("models", nargs="+")
    measuring.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.step == "tune":
        settings = tune(options.speech, options.model)
        model = pylstm.load(options.model)
        decision = {"kind": "segments", "label": "speech", **settings}
        pylstm.Model(
            model.features, list(model.layers), list(model.labels), dict(model.info), decision
        ).save(options.model)
        return
    figures = measure(options.speech, options.models)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    print(tables(figures))


if __name__ == "__main__":
    main()
