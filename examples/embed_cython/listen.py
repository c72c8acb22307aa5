"""Prints the words of a recording: python listen.py RECORDING.wav [MODEL].

The recording is mono, 16 bit, at the model's rate.
"""

import array
import sys
import wave
from pathlib import Path

from spotter import Spotter

import pylstm


def main(recording: str, model: str | None = None) -> None:
    bundled = Path(pylstm.__file__).parent / "models" / "keywords.safetensors"
    spotter = Spotter(Path(model or bundled).read_bytes())
    with wave.open(recording) as audio:
        found = (audio.getnchannels(), audio.getsampwidth(), audio.getframerate())
        expected = (1, 2, spotter.sample_rate)
        if found != expected:
            raise SystemExit(f"{recording}: {found} channels, bytes, Hz; expected {expected}")
        samples = array.array("h", audio.readframes(audio.getnframes()))
    before = None
    for frame, (output, posterior) in enumerate(spotter.loudest(samples)):
        label = spotter.label(output)
        if posterior > 0.5 and label != before:
            print(f"frame {frame:5d}  {label:10s} {posterior:.2f}")
            before = label


if __name__ == "__main__":
    main(*sys.argv[1:])
