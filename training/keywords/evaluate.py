"""Measure the keyword model on the voices that it never heard, through the engine.

Usage::

    python evaluate.py tune MODEL CACHE          # the decision, from the validation split
    python evaluate.py measure MODEL [--json F]  # the held-out voices slt and awb
    python evaluate.py trade MODEL               # them with other thresholds: hits and false alarms

All feed audio to the engine as a microphone would, in chunks of 100 ms, one stream for minutes.
A keyword counts as heard if its event comes between the start of the word and half a second after
its end.  A false alarm is any event in running speech that has no keyword.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mix import HOP_LENGTH, Mixer
from synthesise import LABELS, lines
from synthesisers import KEYWORDS, SAMPLE_RATE, Flite

import pylstm
from pylstm.decisions import Detector, Event

HELD_OUT = ("slt", "awb")
CHUNK = 1600
GRACE = 0.5  # seconds after the end of a word
CONDITIONS = {"clean": None, "20 dB": 20.0, "10 dB": 10.0}


@dataclass
class Tape:
    """A recording under construction, with the words on it."""

    pieces: list[np.ndarray] = field(default_factory=list)
    words: list[tuple[str, float, float]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, pcm: np.ndarray, words: list[tuple[str, float, float]], pause: float) -> None:
        """Append samples with their words, then a pause."""
        self.words += [(w, self.seconds + s, self.seconds + e) for w, s, e in words]
        self.pieces += [pcm.astype(np.int16), np.zeros(int(pause * SAMPLE_RATE), np.int16)]
        self.seconds += sum(len(piece) for piece in self.pieces[-2:]) / SAMPLE_RATE

    def samples(self, ratio: float | None) -> np.ndarray:
        """All samples as int16, with pink noise at so many decibels below the speech."""
        speech = np.concatenate(self.pieces).astype(np.float64)
        if ratio is None:
            return speech.astype(np.int16)
        draw = np.random.default_rng(len(speech))
        spectrum = np.fft.rfft(draw.standard_normal(len(speech)))
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(len(speech), 1 / SAMPLE_RATE), 20.0))
        noise = np.fft.irfft(spectrum, len(speech))
        active = speech[np.abs(speech) > 100]
        noise *= np.sqrt(np.mean(active**2) / np.mean(noise**2)) * 10.0 ** (-ratio / 20)
        return np.clip(np.round(speech + noise), -32768, 32767).astype(np.int16)


def posteriors_of(model: pylstm.Model, pcm: np.ndarray) -> np.ndarray:
    """Stream samples through the engine, chunk by chunk."""
    stream = model.stream()
    rows = [stream.push(pcm[i : i + CHUNK]) for i in range(0, len(pcm), CHUNK)]
    return np.concatenate([*rows, stream.flush()])


def match(
    events: list[Event], words: list[tuple[str, float, float]]
) -> tuple[list[str | None], list[Event]]:
    """For every word what was heard (None: nothing), and the events that belong to no word."""
    heard: list[str | None] = [None] * len(words)
    extra = []
    for event in events:
        near = [i for i, (_, s, e) in enumerate(words) if s <= event.time <= e + GRACE]
        right = [i for i in near if words[i][0] == event.label and heard[i] != event.label]
        if right:
            heard[right[0]] = event.label
        elif near and heard[near[-1]] is None:
            heard[near[-1]] = event.label
        else:
            extra.append(event)
    return heard, extra


def word_tapes(voice: str) -> dict[str, Tape]:
    """The keywords of one voice: alone, in sentences between pauses, and in fluent sentences."""
    carriers = lines("evaluation_carriers.txt")
    tapes = {"isolated": Tape(), "between pauses": Tape(), "fluent": Tape()}
    flite = Flite()
    plan = [("isolated", "{}", s) for s in (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2)]
    plan += [("between pauses", text, s) for text in carriers[:5] for s in (0.85, 1.0, 1.2)]
    plan += [("fluent", text, s) for text in carriers[5:] for s in (0.85, 1.0, 1.2)]
    for place, text, stretch in plan:
        for keyword in KEYWORDS:
            spoken = flite.speak(voice, text.format(keyword), stretch, 1.0)
            if spoken is None:
                raise RuntimeError(f"{voice}: {keyword!r} not found among the phones of {text!r}")
            tapes[place].add(spoken[0], spoken[1], pause=0.5)
    return tapes


def running_tape(voice: str) -> Tape:
    """Minutes of sentences without any keyword."""
    tape, flite = Tape(), Flite()
    for index, sentence in enumerate(lines("evaluation_sentences.txt")):
        stretch = (1.0, 0.9, 1.1)[index % 3]
        tape.add(flite.speak(voice, sentence, stretch, 1.0)[0], [], pause=0.2)
    return tape


def measure(model: pylstm.Model) -> dict:
    """Words heard, confusions and false alarms of each held-out voice and condition."""
    figures: dict = {}
    for voice in HELD_OUT:
        tapes, running = word_tapes(voice), running_tape(voice)
        for condition, ratio in CONDITIONS.items():
            result: dict = {"words": {}, "confusions": {}}
            for place, tape in tapes.items():
                events = Detector.for_model(model).push(posteriors_of(model, tape.samples(ratio)))
                heard, extra = match(events, tape.words)
                counts = {keyword: [0, 0] for keyword in KEYWORDS}
                confused: Counter[str] = Counter()
                for (word, _, _), label in zip(tape.words, heard, strict=True):
                    counts[word][0] += label == word
                    counts[word][1] += 1
                    if label != word:
                        confused[f"{word} as {label or 'nothing'}"] += 1
                result["words"][place] = counts
                result["confusions"][place] = dict(confused.most_common())
                result.setdefault("extra events", {})[place] = len(extra)
            events = Detector.for_model(model).push(posteriors_of(model, running.samples(ratio)))
            result["minutes"] = running.seconds / 60
            result["false alarms"] = dict(Counter(event.label for event in events).most_common())
            result["false alarm times"] = [round(event.time, 2) for event in events]
            figures.setdefault(voice, {})[condition] = result
    return figures


def trade(model: pylstm.Model) -> str:
    """Words heard, both voices together, and false alarms for a range of thresholds, as Markdown.

    Two models are compared where they give the same number of false alarms.
    """
    smoothing = Detector.for_model(model).smoothing_frames
    heard_of: dict[tuple, list] = {}
    alarms_of: dict[tuple, int] = {}
    minutes = 0.0
    thresholds = [round(0.05 * step, 2) for step in range(9, 20)]
    for voice in HELD_OUT:
        tapes, running = word_tapes(voice), running_tape(voice)
        minutes += running.seconds / 60
        for condition, ratio in CONDITIONS.items():
            spoken = {place: posteriors_of(model, t.samples(ratio)) for place, t in tapes.items()}
            quiet = posteriors_of(model, running.samples(ratio))
            for threshold in thresholds:
                detector = Detector(LABELS, threshold, smoothing, refractory_frames=25)
                for place, tape in tapes.items():
                    detector.reset()
                    labels, _ = match(detector.push(spoken[place]), tape.words)
                    right = [h == w for h, (w, _, _) in zip(labels, tape.words, strict=True)]
                    key = threshold, condition, "fluent" if place == "fluent" else "words"
                    heard_of.setdefault(key, []).extend(right)
                detector.reset()
                alarms = len(detector.push(quiet))
                alarms_of[threshold, condition] = alarms_of.get((threshold, condition), 0) + alarms
    rows = [
        f"Smoothing over {smoothing} frames; words alone and between pauses / fluent, %; false"
        f" alarms in {minutes:.1f} min.",
        "",
        "| threshold | "
        + " | ".join(f"{name} | alarms" for name in CONDITIONS)
        + " | all alarms |",
        "|---|" + "---|" * (2 * len(CONDITIONS) + 1),
    ]
    for threshold in thresholds:
        cells = [f"{threshold:.2f}"]
        for condition in CONDITIONS:
            shares = [100 * np.mean(heard_of[threshold, condition, p]) for p in ("words", "fluent")]
            cells += [f"{shares[0]:.1f} / {shares[1]:.1f}", f"{alarms_of[threshold, condition]}"]
        cells.append(f"{sum(alarms_of[threshold, condition] for condition in CONDITIONS)}")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def tables(figures: dict) -> str:
    """The figures as Markdown."""
    rows = ["| voice | noise | isolated | between pauses | both | fluent | false alarms a minute |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip

    def percent(*counts: dict[str, list[int]]) -> str:
        pairs = [pair for count in counts for pair in count.values()]
        return f"{100 * sum(h for h, _ in pairs) / sum(n for _, n in pairs):.1f} %"

    for voice, conditions in figures.items():
        for condition, result in conditions.items():
            words = result["words"]
            alone, paused = words["isolated"], words["between pauses"]
            alarms = sum(result["false alarms"].values())
            rows.append(
                f"| {voice} | {condition} | {percent(alone)} | {percent(paused)} "
                f"| {percent(alone, paused)} | {percent(words['fluent'])} "
                f"| {alarms / result['minutes']:.2f} ({alarms} in {result['minutes']:.1f}) |"
            )
    rows += ["", "| voice | noise | " + " | ".join(KEYWORDS) + " |", "|---|---|" + "---|" * 10]
    for voice, conditions in figures.items():
        for condition, result in conditions.items():
            cells = []
            for keyword in KEYWORDS:
                both = [result["words"][place][keyword] for place in ("isolated", "between pauses")]
                cells.append(f"{sum(h for h, _ in both)}/{sum(n for _, n in both)}")
            rows.append(f"| {voice} | {condition} | " + " | ".join(cells) + " |")
    rows.append("")
    for voice, conditions in figures.items():
        for condition, result in conditions.items():
            for place, confused in result["confusions"].items():
                rows.append(f"- {voice}, {condition}, {place}: {confused}, "
                            f"{result['extra events'][place]} extra events")  # fmt: skip
            rows.append(f"- {voice}, {condition}, false alarms: {result['false alarms']}")
    return "\n".join(rows)


def mixed_stream(
    model: pylstm.Model, mixer: Mixer, sequences: int, running: bool
) -> tuple[np.ndarray, list[tuple[str, float, float, bool]], float]:
    """Posteriors of many mixed sequences, their words (the last says: clear) and their minutes."""
    stream, rows, words, position = model.stream(), [], [], 0
    hop_seconds = HOP_LENGTH / SAMPLE_RATE
    for _ in range(sequences):
        samples, labels, weights = mixer.sequence(running=running)
        rows.append(stream.push(samples))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], labels * (labels > 1), [0]])))
        for start, end in itertools.pairwise(edges):
            if labels[start] > 1:
                # From half a word before the frames to be named, to as long after them.
                first, last = (position + start) * hop_seconds, (position + end) * hop_seconds
                words.append((LABELS[labels[start]], first - 0.25, last - 0.2, weights[start] == 1))
        position += len(labels)
    return np.concatenate([*rows, stream.flush()]), words, position * hop_seconds / 60


def tune(model: pylstm.Model, cache: Path, sequences: int, most_alarms: float) -> dict[str, float]:
    """The settings that hear most keywords of the validation split with few false alarms."""
    mixer = Mixer(cache, "validation", 7)
    posteriors, words, _ = mixed_stream(model, mixer, sequences, running=False)
    running, _, minutes = mixed_stream(model, mixer, sequences, running=True)
    clear = np.array([word[3] for word in words])
    timed = [word[:3] for word in words]
    best: tuple[float, dict[str, float]] | None = None
    for smoothing, threshold in itertools.product((6, 9, 12, 15), np.arange(0.3, 0.96, 0.05)):
        detector = Detector(LABELS, float(threshold), smoothing, refractory_frames=25)
        heard, extra = match(detector.push(posteriors), timed)
        right = np.array([h == w for h, (w, _, _) in zip(heard, timed, strict=True)])
        wrong = sum(h not in (None, w) for h, (w, _, _) in zip(heard, timed, strict=True))
        detector.reset()
        alarms = len(detector.push(running)) / minutes
        print(f"smoothing {smoothing}, threshold {threshold:.2f}: heard {right[clear].mean():.3f} "
              f"(fluent {right[~clear].mean():.3f}), as another {wrong}, "
              f"beside a word {len(extra)}, false alarms a minute {alarms:.2f}")  # fmt: skip
        score = right[clear].mean() - 10.0 * max(0.0, alarms - most_alarms)
        if best is None or score > best[0]:
            best = (score, {"threshold": round(float(threshold), 2), "smoothing_frames": smoothing})
    return best[1]


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True)
    tuning = steps.add_parser("tune")
    tuning.add_argument("model", type=Path)
    tuning.add_argument("cache", type=Path)
    tuning.add_argument("--sequences", type=int, default=240)
    tuning.add_argument("--most-alarms", type=float, default=1.0, help="a minute")
    trading = steps.add_parser("trade")
    trading.add_argument("model", type=Path)
    measuring = steps.add_parser("measure")
    measuring.add_argument("model", type=Path)
    measuring.add_argument("--json", type=Path)
    options = parser.parse_args()
    model = pylstm.load(str(options.model))
    if options.step == "tune":
        chosen = tune(model, options.cache, options.sequences, options.most_alarms)
        (options.cache / "decision.json").write_text(json.dumps(chosen, indent=1))
        print(chosen)
    elif options.step == "trade":
        print(trade(model))
    else:
        figures = measure(model)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))
        print(tables(figures))


if __name__ == "__main__":
    main()
