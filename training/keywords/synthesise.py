"""Synthesise the speech that the keyword model learns from.

Every clip is 16 kHz mono int16 with the times of its keywords and of its speech, by espeak-ng,
flite's voices rms, kal and kal16, or SVOX Pico (`synthesisers.py`).  The voices slt and awb are
kept for evaluation and are never asked for here.

The clips of one split go into two files in the cache folder: ``<split>.pcm.npy`` (all samples in
one row) and ``<split>.json`` (one record a clip).  The same seed and splits give the same clips.

Usage: ``python synthesise.py CACHE [--split training|validation] [--scale 1.0]``
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from synthesisers import KEYWORDS, SAMPLE_RATE, Espeak, Flite, Pico, to_int16

LABELS = ("silence", "unknown", *KEYWORDS)
TEXT = Path(__file__).parent / "text"

# Other ways to say them, which flite takes as phones: "off" and "on" with one vowel or with two,
# northern and Scottish vowels, a longer and a shorter "r ay t".
PRONUNCIATIONS = {
    "yes": ("y eh s", "y ae s"), "no": ("n ow", "n ax ow"), "up": ("ah p", "uh p", "ax p"),
    "down": ("d aw n", "d ah uw n", "d ae w n", "d ah w n"), "left": ("l eh f t", "l ae f t"),
    "right": ("r ay t", "r ah iy t", "r aa iy t"), "on": ("aa n", "ao n"), "off": ("ao f", "aa f"),
    "stop": ("s t aa p", "s t ao p"), "go": ("g ow", "g ax ow"),
}  # fmt: skip

ACCENTS = ("en", "en-us", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp",
           "en-gb-x-gbcwmd", "en-029", "en-us-nyc")  # fmt: skip
# Variants that still sound like a person; the effects (Demonic, robots, whispers) are left out.
VARIANTS = ("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2",
            "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Mike", "Nguyen", "Storm",
            "adam", "anika", "announcer", "antonio", "aunty", "belinda", "benjamin", "boris",
            "caleb", "david", "ed", "edward", "f1", "f2", "f3", "f4", "grandma", "grandpa",
            "gustave", "iven", "iven2", "iven3", "john", "klatt", "klatt2", "klatt3", "klatt5",
            "m1", "m2", "m3", "m4", "m5", "m6", "m7", "marcelo", "max", "miguel", "norbert",
            "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph",
            "steph2", "travis", "victor", "zac")  # fmt: skip
# Pico says so much of what the others say: two voices, of which one hears when they repeat.
PICO_SHARE = 0.3
VALIDATION_VARIANTS = ("f5", "m8", "klatt4", "Michael", "linda", "michel", "edward2", "steph3")


@dataclass
class Clip:
    """One utterance: where its samples lie in the row of samples, and what is spoken when."""

    voice: str
    kind: str
    text: str
    words: list[tuple[str, float, float]] = field(default_factory=list)
    speech: list[tuple[float, float]] = field(default_factory=list)
    offset: int = 0
    length: int = 0


def lines(name: str) -> list[str]:
    """The lines of a text file of this folder, without comments."""
    content = (TEXT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in content if line.strip() and not line.startswith("#")]


def texts(split: str, draw: random.Random, scale: float) -> Iterator[tuple[str, str]]:
    """What to say: pairs of kind and text, each to be said by a voice drawn anew."""
    words = sorted({word for line in lines("words.txt") for word in line.split()})
    sentences = lines(f"{split}_sentences.txt")
    told = lines("keyword_sentences.txt")
    told = told[::6] if split == "validation" else [s for i, s in enumerate(told) if i % 6]
    carriers = lines("carriers.txt")
    share = scale * (0.06 if split == "validation" else 1.0)

    def times(count: float) -> range:
        return range(max(1, round(count * share)))

    for keyword in KEYWORDS:
        for _ in times(560):
            yield "keyword", draw.choice((keyword, keyword + ".", keyword + "!", keyword + "?"))
    for _ in times(3400):
        carrier = draw.choice(carriers)
        while "{}" in carrier:
            carrier = carrier.replace("{}", draw.choice(KEYWORDS), 1)
        yield "sentence", carrier
    for _ in times(900):
        yield "sentence", draw.choice(told)
    for _ in times(3000):
        yield "word", draw.choice(words)
    for _ in times(700):
        yield "word", pseudo_word(draw)
    for _ in times(2000):
        yield "running", draw.choice(sentences)
    for _ in times(3000):
        chosen = [draw.choice(words) for _ in range(draw.randint(3, 10))]
        yield "row", " ".join(chosen) + "."


def contexts(split: str, draw: random.Random, scale: float) -> Iterator[tuple[str, str]]:
    """Keywords between other words, to be cut out: a synthesiser says a word alone in one way."""
    words = sorted({word for line in lines("words.txt") for word in line.split()})
    count = max(1, round(320 * scale * (0.06 if split == "validation" else 1.0)))
    for keyword in KEYWORDS:
        for _ in range(count):
            a, b = draw.choice(words), draw.choice(words)
            forms = (f"{a} {b} {keyword}.", f"{a} {keyword}.", f"{a} {keyword}, {b}.",
                     f"{keyword}, {a} {b}.", f"{keyword} {a}.", f"{a} {keyword} {b}?")  # fmt: skip
            yield "context", draw.choice(forms)


def pronounced(split: str, draw: random.Random, scale: float) -> Iterator[list[tuple[str, str]]]:
    """One to three keywords with pauses between, each pronounced one way or another."""
    for _ in range(max(1, round(1500 * scale * (0.06 if split == "validation" else 1.0)))):
        said = [draw.choice(KEYWORDS) for _ in range(draw.choice((1, 1, 2, 3)))]
        yield [(word, draw.choice(PRONUNCIATIONS[word])) for word in said]


def pseudo_word(draw: random.Random) -> str:
    """A word of two or three made-up syllables: more phone sequences than the lists hold."""
    onsets = "b br c ch d dr f fl g gr h j k l m n p pl r s sh sl sn sp st str t th tr v w y z"
    middles = "a e i o u ee oo ai ou oa ar er or igh ow"
    ends = "b d f g k l m n nd ng p r rk s sh st t th x z"
    count = draw.randint(2, 3)
    return "".join(
        draw.choice(onsets.split()) + draw.choice(middles.split())
        + (draw.choice(ends.split()) if draw.random() < 0.6 else "")
        for _ in range(count)
    )  # fmt: skip


def synthesise(
    split: str, seed: int, scale: float, flite: Flite, espeak: Espeak, pico: Pico
) -> tuple[list[Clip], np.ndarray]:
    """All clips of one split and their samples in one row."""
    variants = VALIDATION_VARIANTS if split == "validation" else VARIANTS
    clips: list[Clip] = []
    row: list[np.ndarray] = []

    def keep(trimmed_clip: tuple[Clip, np.ndarray]) -> None:
        clip, pcm = trimmed_clip
        clip.offset = clips[-1].offset + clips[-1].length if clips else 0
        clips.append(clip)
        row.append(pcm)

    for source in (texts, contexts):
        draw = random.Random(f"{split} {seed} {source.__name__}")
        for kind, text in source(split, draw, scale):
            choice = draw.random()
            if choice < 0.45:
                voice = draw.choice(ACCENTS)
                if draw.random() < 0.93:
                    voice += "+" + draw.choice(variants)
                spoken = espeak.speak(
                    voice, text, draw.randint(105, 230), draw.randint(15, 90), draw.randint(20, 80)
                )
            else:
                voice = "rms" if choice < 0.80 else "kal16" if choice < 0.95 else "kal"
                stretch, shift = draw.uniform(0.75, 1.4), 2.0 ** draw.uniform(-0.35, 0.85)
                spoken = flite.speak(voice, text, stretch, shift)
            if spoken is None or not spoken[2] or not np.any(spoken[0]):
                continue
            keep(trimmed(draw, voice, kind, text, *spoken))
    draw = random.Random(f"{split} {seed} pronounced")
    for said in pronounced(split, draw, scale):
        voice = draw.choice(("rms", "rms", "kal16"))
        stretch, shift = draw.uniform(0.75, 1.4), 2.0 ** draw.uniform(-0.35, 0.85)
        text = " ".join(word for word, _ in said)
        keep(trimmed(draw, voice, "keyword", text, *flite.pronounce(voice, said, stretch, shift)))
    for source in (texts, contexts):
        draw = random.Random(f"{split} {seed} pico {source.__name__}")
        for kind, text in source(split, draw, PICO_SHARE * scale):
            language = draw.choice(pico.LANGUAGES)
            spoken = pico.speak(language, text, draw.randint(75, 140), draw.randint(55, 130))
            if spoken is not None and spoken[2]:
                keep(trimmed(draw, f"pico {language}", kind, text, *spoken))
    return clips, np.concatenate(row)


def trimmed(
    draw: random.Random,
    voice: str,
    kind: str,
    text: str,
    pcm: np.ndarray,
    words: list[tuple[str, float, float]],
    speech: list[tuple[float, float]],
) -> tuple[Clip, np.ndarray]:
    """A clip with some silence around its speech, or with its keyword alone."""
    cut = kind == "context"
    if cut:
        kind, speech = "keyword", [words[0][1:]]
    # Little around the speech, for the pauses between clips are drawn when they are mixed; but half
    # of the clips keep some of the silence that their voice gives, with a floor of its own.
    before, after = 0.04, 0.06
    if not cut and draw.random() < 0.5:
        before, after = draw.uniform(0.04, 0.3), draw.uniform(0.06, 0.4)
    first = max(0, int((speech[0][0] - before) * SAMPLE_RATE))
    last = min(len(pcm), int((speech[-1][1] + after) * SAMPLE_RATE))
    pcm = pcm[first:last]
    if cut:
        # What else is spoken there fades away.
        fade = np.arange(len(pcm)) + 0.5
        fade = np.minimum(1.0, np.minimum(fade / 640, fade[::-1] / 960)) ** 2
        pcm = to_int16(pcm * fade)
    shift = first / SAMPLE_RATE
    return Clip(
        voice, kind, text,
        [(w, round(s - shift, 4), round(e - shift, 4)) for w, s, e in words],
        [(round(s - shift, 4), round(e - shift, 4)) for s, e in speech],
        length=len(pcm),
    ), pcm  # fmt: skip


def main() -> None:
    """Write both splits, or one, into a cache folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("--split", choices=("training", "validation"), action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="fewer or more clips")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    # One of each: espeak-ng hangs when a process initialises it twice.
    flite, espeak, pico = Flite(), Espeak(), Pico()
    for split in options.split or ("training", "validation"):
        clips, row = synthesise(split, options.seed, options.scale, flite, espeak, pico)
        np.save(options.cache / f"{split}.pcm.npy", row)
        records = json.dumps([asdict(clip) for clip in clips])
        (options.cache / f"{split}.json").write_text(records, encoding="utf-8")
        print(f"{split}: {len(clips)} clips, {len(row) / SAMPLE_RATE / 60:.1f} minutes")


if __name__ == "__main__":
    main()
