"""Make the recordings that ship as examples and test data, and say what is in them.

Usage::

    python make_examples.py AUDIO_FOLDER DEMO_WAV

The recordings are 16 kHz, mono, 16 bits, with pink noise 30 dB below the speech, as in a quiet
room.  Beside them goes ``manifest.json``: for every file the voice, the text and the keywords with
the seconds at which they are spoken.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import soundfile
from evaluate import Tape
from synthesise import lines
from synthesisers import SAMPLE_RATE, Espeak, Flite

# Name, voice, and what is said; the pauses between the pieces are in seconds.
RECORDINGS = (
    ("slt_keywords", "slt", ("yes", "no", "up", "stop", "go"), 0.7),
    ("awb_keywords", "awb", ("left", "right", "on", "off", "down", "stop"), 0.6),
    ("slt_running", "slt", (0, 3, 17), 0.3),
    ("espeak_keywords", "en-us+m8", ("go", "left", "up", "right", "no", "yes"), 0.6),
)
DEMO = (
    "demo", "slt",
    ("Computer,", "stop", "go", "It rained all week,", "left", "right", "no"), 0.3,
)  # fmt: skip


def record(voice: str, pieces: tuple[str | int, ...], pause: float) -> tuple[Tape, list[str]]:
    """Say pieces, with pauses between them; a number is a line of the evaluation sentences."""
    sentences = lines("evaluation_sentences.txt")
    flite, tape, said = Flite(), Tape(), []
    espeak = Espeak() if voice.startswith("en") else None
    for piece in pieces:
        text = sentences[piece] if isinstance(piece, int) else piece
        spoken = espeak.speak(voice, text, 150, 50, 50) if espeak else flite.speak(
            voice, text, 1.0, 1.0
        )  # fmt: skip
        if spoken is None:
            raise RuntimeError(f"{voice}: cannot say {text!r}")
        tape.add(spoken[0], spoken[1], pause)
        said.append(text)
    return tape, said


def main() -> None:
    """Write all recordings and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audio", type=Path, help="where the examples go")
    parser.add_argument("demo", type=Path, help="the recording that `pylstm demo` plays")
    options = parser.parse_args()
    options.audio.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name, voice, pieces, pause in (*RECORDINGS, DEMO):
        tape, said = record(voice, pieces, pause)
        path = options.demo if name == "demo" else options.audio / f"{name}.flac"
        soundfile.write(path, tape.samples(30.0), SAMPLE_RATE, subtype="PCM_16")
        manifest[path.name] = {
            "synthesiser": "espeak-ng" if voice.startswith("en") else "flite",
            "voice": voice,
            "seconds": round(tape.seconds, 3),
            "text": said,
            "keywords": [
                {"label": word, "start": round(start, 3), "end": round(end, 3)}
                for word, start, end in tape.words
            ],
        }
        print(f"{path.name}: {tape.seconds:.1f} s, {path.stat().st_size} bytes")
    text = json.dumps(manifest, indent=1) + "\n"
    (options.audio / "manifest.json").write_text(text, encoding="utf-8")
    spoken = "".join(
        "{start} {end} {label}\n".format(**word) for word in manifest[options.demo.name]["keywords"]
    )
    options.demo.with_suffix(".txt").write_text(spoken, encoding="utf-8")  # what `demo` shows


if __name__ == "__main__":
    main()
