"""Measure the speech detector on voices and noises that it never heard, through the engine.

Usage::

    python evaluate.py tune MODEL CLIPS       # chooses the detector's numbers, writes them to MODEL
    python evaluate.py measure MODEL [--plot PNG] [--json FILE]

`measure` lets flite's slt and awb read sentences with pauses between, covers them with the noises
of ``unheard.py``, pushes all of it into one stream, 100 ms at a time, and compares the posterior of
speech with the times of speech, frame by frame.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import train
import unheard
from material import SAMPLE_RATE, Flite, lines
from mix import BEGINS, ENDS, HOP_LENGTH, LABELS, Mixer, Spans, frame_targets, speech_level
from noises import music

import pylstm
from pylstm.decisions import Detector
from pylstm.evaluation.metrics import det_curve, roc_auc

HELD_OUT = ("slt", "awb")
RATIOS = (20.0, 10.0, 5.0, 0.0, -5.0)
CHUNK = 1600
LATE = 0.5  # an utterance counts as noticed if its event comes within so many seconds
ALONE = 600.0  # seconds of each noise without any speech


@dataclass
class Reading:
    """One voice that reads sentences, with pauses between them.

    Attributes
    ----------
    samples : array, shape (n,), float64
        Full scale is 1.
    spans : list of (start, end)
        When there is speech, seconds.
    labels, weights : array, shape (T,)
        See `frame_targets`.
    """

    samples: np.ndarray
    spans: Spans
    labels: np.ndarray
    weights: np.ndarray

    @classmethod
    def by(cls, voice: str, texts: list[str]) -> Reading:
        """Let a flite voice read."""
        draw, flite = np.random.default_rng(len(texts)), Flite()
        pieces, spans, position = [], [], 0
        for index, text in enumerate(texts):
            spoken = flite.speak(voice, text, (1.0, 0.85, 1.2)[index % 3], 1.0)
            if spoken is None:
                raise RuntimeError(f"{voice}: cannot say {text!r}")
            pcm, _, speech = spoken
            start = position / SAMPLE_RATE
            spans += [(start + s, start + e) for s, e in speech]
            pause = np.zeros(int(draw.uniform(0.3, 3.5) * SAMPLE_RATE))
            pieces += [pcm / 32768, pause]
            position += len(pcm) + len(pause)
        samples = np.concatenate(pieces)
        return cls(samples, spans, *frame_targets(spans, len(samples) // HOP_LENGTH))

    def in_noise(self, noise: np.ndarray | None, ratio: float) -> np.ndarray:
        """Samples with noise so many decibels below the speech; float32, peak -3 dBFS at most."""
        heard = self.samples
        if noise is not None:
            level = speech_level(self.samples, self.spans)
            heard = heard + noise * (level * 10.0 ** (-ratio / 20))
        return (heard * min(1.0, 0.7 / np.max(np.abs(heard)))).astype(np.float32)


def posteriors_of(model: pylstm.Model, samples: np.ndarray) -> np.ndarray:
    """Stream samples through the engine, chunk by chunk."""
    stream = model.stream()
    rows = [stream.push(samples[i : i + CHUNK]) for i in range(0, len(samples), CHUNK)]
    return np.concatenate([*rows, stream.flush()])


def energies(samples: np.ndarray) -> np.ndarray:
    """What a detector without a model has: the energy of 25 ms around each frame, dB."""
    squares = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centres = np.arange(len(samples) // HOP_LENGTH) * HOP_LENGTH
    sums = squares[np.minimum(centres + 200, len(samples))] - squares[np.maximum(centres - 200, 0)]
    return 10 * np.log10(sums + 1e-9)


def utterances(spans: Spans, pause: float = 0.3) -> Spans:
    """Spans that belong together: those with shorter pauses between them joined."""
    joined: Spans = []
    for start, end in spans:
        if joined and start - joined[-1][1] < pause:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def noticed(times: list[float], spans: Spans) -> tuple[int, int]:
    """How many utterances an event begins, and how many events lie outside of all of them."""
    spoken = utterances(spans)
    hits = sum(any(s - 0.05 <= time <= s + LATE for time in times) for s, _ in spoken)
    outside = sum(not any(s - 0.05 <= time <= e + 0.15 for s, e in spoken) for time in times)
    return hits, outside


def scored(model: pylstm.Model, samples: np.ndarray, reading: Reading) -> dict:
    """Figures of one voice in one noise; with the scores of the frames that count."""
    rows = posteriors_of(model, samples)
    counts = reading.weights > 0
    truth = reading.labels[counts] == LABELS.index("speech")
    scores = rows[: len(counts), LABELS.index("speech")][counts].astype(np.float64)
    events = [event.time for event in Detector.for_model(model).push(rows)]
    hits, outside = noticed(events, reading.spans)
    minutes = float(np.sum(~truth)) * HOP_LENGTH / SAMPLE_RATE / 60
    return {
        "auc": roc_auc(scores, truth),
        "energy auc": roc_auc(energies(samples)[counts], truth),
        "speech frames heard": float(np.mean(scores[truth] >= 0.5)),
        "other frames heard": float(np.mean(scores[~truth] >= 0.5)),
        "utterances noticed": hits / len(utterances(reading.spans)),
        "false events a minute": outside / minutes,
        "scores": scores,
        "truth": truth,
    }


def measure(model: pylstm.Model) -> dict:
    """Figures by voice, noise and ratio; all scores of a ratio as a curve; each noise alone."""
    texts = lines("evaluation_sentences.txt")
    readings = {voice: Reading.by(voice, texts) for voice in HELD_OUT}
    figures: dict = {"voices": {}, "curves": {}, "alone": alone(model, readings)}
    for voice, reading in readings.items():
        pooled: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        found = figures["voices"][voice] = {}
        for kind in ("none", *unheard.NOISES):
            noise = None
            if kind != "none":
                noise = unheard.tape(kind, len(reading.samples), HELD_OUT.index(voice))
            for ratio in RATIOS if kind != "none" else (np.inf,):
                result = scored(model, reading.in_noise(noise, ratio), reading)
                name = "clean" if kind == "none" else f"{ratio:g} dB"
                pooled.setdefault(name, []).append((result.pop("scores"), result.pop("truth")))
                found.setdefault(name, {})[kind] = result
        for name, parts in pooled.items():
            scores, truth = (np.concatenate(column) for column in zip(*parts, strict=True))
            curve = det_curve(scores, truth)
            # A thousand points are a smooth line.
            places = np.unique(np.linspace(0, len(curve.misses) - 1, 1000).astype(int))
            figures["curves"][f"{voice}, {name}"] = {
                "auc": roc_auc(scores, truth),
                "false alarms": curve.false_alarms[places].tolist(),
                "hits": (1 - curve.misses[places]).tolist(),
            }
    return figures


def alone(model: pylstm.Model, readings: dict[str, Reading]) -> dict:
    """How often each noise is taken for speech where nobody speaks; and babble."""
    length = int(ALONE * SAMPLE_RATE)
    sounds = {kind: unheard.tape(kind, length, 99) for kind in unheard.NOISES}
    melodies = [music(np.random.default_rng([99, k]), length // 30) for k in range(30)]
    melodies = [melody / np.sqrt(np.mean(melody**2)) for melody in melodies]
    sounds["music (a kind of training)"] = np.concatenate(melodies)
    sounds["babble of five voices"] = babble(*readings.values(), length)
    figures = {}
    for kind, sound in sounds.items():
        sound = sound * (0.05 / np.sqrt(np.mean(sound**2)))
        rows = posteriors_of(model, np.clip(sound, -1, 1).astype(np.float32))
        events = Detector.for_model(model).push(rows)
        figures[kind] = {
            "frames heard": float(np.mean(rows[:, LABELS.index("speech")] >= 0.5)),
            "events a minute": len(events) / (ALONE / 60),
        }
    return figures


def babble(first: Reading, second: Reading, length: int) -> np.ndarray:
    """Two voices, three and two times over, from other places."""
    sound = np.zeros(length)
    for k, reading in enumerate((first, second, first, second, first)):
        part = np.roll(reading.samples / np.std(reading.samples), 40 * k * SAMPLE_RATE)
        sound += np.resize(part, length)
    return sound


def tables(figures: dict) -> str:
    """The figures as Markdown."""
    names = ["clean", *(f"{ratio:g} dB" for ratio in RATIOS)]
    rows = ["| voice | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for voice in figures["voices"]:
        aucs = [figures["curves"][f"{voice}, {name}"]["auc"] for name in names]
        rows.append(f"| {voice} | " + " | ".join(f"{auc:.4f}" for auc in aucs) + " |")
    for title, key in (("AUC", "auc"), ("AUC of energy alone", "energy auc")):
        rows += ["", title, "", "| voice | noise | " + " | ".join(names[1:]) + " |",
                 "|---|---|" + "---|" * len(RATIOS)]  # fmt: skip
        for voice, found in figures["voices"].items():
            for kind in unheard.NOISES:
                cells = [f"{found[name][kind][key]:.3f}" for name in names[1:]]
                rows.append(f"| {voice} | {kind} | " + " | ".join(cells) + " |")
    keys = ("speech frames heard", "other frames heard", "utterances noticed",
            "false events a minute", "energy auc")  # fmt: skip
    rows += ["", "| voice | noise | " + " | ".join(keys) + " |", "|---|---|" + "---|" * len(keys)]
    for voice, found in figures["voices"].items():
        for name in names:
            means = [np.mean([result[key] for result in found[name].values()]) for key in keys]
            cells = [f"{100 * mean:.1f} %" for mean in means[:3]]
            cells += [f"{means[3]:.2f}", f"{means[4]:.3f}"]
            rows.append(f"| {voice} | {name} | " + " | ".join(cells) + " |")
    rows += ["", "| alone | frames heard | events a minute |", "|---|---|---|"]
    for kind, result in figures["alone"].items():
        rows.append(
            f"| {kind} | {100 * result['frames heard']:.1f} % | {result['events a minute']:.1f} |"
        )
    return "\n".join(rows)


def plot(figures: dict, path: Path) -> None:
    """Hits over false alarms, all noises together, a line a ratio and a panel a voice."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(HELD_OUT), figsize=(9, 4.2), sharey=True)
    names = ["clean", *(f"{ratio:g} dB" for ratio in RATIOS)]
    colours = pyplot.colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    for panel, voice in zip(panels, HELD_OUT, strict=True):
        for name, colour in zip(names, colours, strict=True):
            curve = figures["curves"][f"{voice}, {name}"]
            panel.plot(
                curve["false alarms"], curve["hits"], color=colour,
                label=f"{name}, area {curve['auc']:.3f}",
            )  # fmt: skip
        panel.set(
            title=f"voice {voice}", xscale="log", xlim=(1e-3, 1), ylim=(0, 1.01),
            xlabel="other frames taken for speech",
        )  # fmt: skip
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8, loc="lower right")
    panels[0].set_ylabel("speech frames found")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def tune(model: pylstm.Model, clips: Path, sequences: int) -> dict[str, str]:
    """The detector that notices most utterances of the validation split with few false events.

    The voices are those of validation, the noises those of training.
    """
    mixer = Mixer(clips, "validation", 7)
    stream, rows, labels = model.stream(), [], []
    for _ in range(sequences):
        samples, label, weight = mixer.sequence(10.0)
        rows.append(stream.push(samples))
        # A pause that counts for nothing is no pause here.
        labels.append(np.where(weight > 0, label, 1))
    posteriors, spoken = np.concatenate([*rows, stream.flush()]), np.concatenate(labels)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], spoken, [0]])))
    hop = HOP_LENGTH / SAMPLE_RATE
    spans = [(s * hop - BEGINS[0], e * hop - ENDS[1]) for s, e in edges.reshape(-1, 2)]
    spans = [(s, e) for s, e in spans if e - s > 0.1]
    minutes = float(np.sum(spoken == 0)) * hop / 60
    total = len(utterances(spans))
    best: tuple[float, dict[str, str]] | None = None
    for smoothing, threshold in itertools.product((5, 10, 15, 20, 30), np.arange(0.4, 0.96, 0.1)):
        chosen = train.DETECTOR | {
            "detector.threshold": f"{threshold:.1f}",
            "detector.smoothing_frames": str(smoothing),
        }
        detector = Detector.for_model(with_detector(model, chosen))
        hits, outside = noticed([event.time for event in detector.push(posteriors)], spans)
        print(f"smoothing {smoothing:2}, threshold {threshold:.1f}: noticed {hits / total:.3f}, "
              f"false events a minute of pauses {outside / minutes:.2f}")  # fmt: skip
        # One false event more a minute of pauses is worth three more utterances of a hundred.
        score = hits / total - 0.03 * outside / minutes
        if best is None or score > best[0]:
            best = score, chosen
    assert best is not None
    return best[1]


def with_detector(model: pylstm.Model, detector: dict[str, str]) -> pylstm.Model:
    """The same model with other numbers of its detector."""
    return model.with_info({**model.info, **detector})


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    tuning = steps.add_parser("tune")
    tuning.add_argument("model", type=Path)
    tuning.add_argument("clips", type=Path, help="folder that synthesise.py wrote")
    tuning.add_argument("--sequences", type=int, default=360)
    measuring = steps.add_parser("measure")
    measuring.add_argument("model", type=Path)
    measuring.add_argument("--plot", type=Path)
    measuring.add_argument("--json", type=Path)
    options = parser.parse_args()
    model = pylstm.load(options.model)
    if options.step == "tune":
        chosen = tune(model, options.clips, options.sequences)
        with_detector(model, chosen).save(options.model)
        print(chosen)
        return
    figures = measure(model)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if options.plot:
        plot(figures, options.plot)
    print(tables(figures))


if __name__ == "__main__":
    main()
