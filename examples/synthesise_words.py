"""Make a folder of spoken words to train on, with espeak-ng (Debian: apt install espeak-ng).

    python examples/synthesise_words.py words --negatives negatives
    pylstm train words --negatives negatives -o words.safetensors

One folder a word, as `pylstm train` takes it. Files are named by speaker (an accent and a variant
of espeak-ng), so that none is in training and validation both. The negatives are rows of other
words: without them a model would find its words in everything that is said.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
from pathlib import Path

ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp")
VARIANTS = ("m1", "m3", "m5", "m7", "f1", "f2", "f3", "f4", "f5")
# What the negatives are made of. Short and long, and many that sound like parts of others.
OTHERS = """
about above across after again air all alone along always and animal answer any apple are around
ask away baby back bad ball bank bath beach bed before began behind below better between bicycle
big bird black blood blue boat body bone book both bottle box boy bread bridge bring broken brother
brown build burn bus busy butter buy cake call camera candle car card care carry cat catch chair
change cheap child church city clean clear clock cloud coat coffee cold come cook corner count
country cousin cow cream cross cup cut dance dark daughter day deep different dinner dirty doctor
dog door double dream dress drink drive dry during each ear early earth east easy eat egg eight
elephant empty end enough evening every eye face fall family far farmer fast father feather feed
feel few field fifteen fight fill find finger fire first fish five floor flower fly follow food
foot forest forget fork found four free fresh friday friend from front fruit full funny garden
give glass gold good grass great green ground grow hair half hand happy hard hat have head hear
heart heavy help here high hill history hole home honey horse hospital hot hour house how hundred
hungry husband ice idea if important in island jacket january join journey juice jump just keep
key kind king kitchen knee knife know lady lake language large last late laugh leaf learn leather
leg letter library life line lion listen little live long look lot love low lunch machine make man
many map market matter may meal measure meat meet message metal middle milk minute mirror monday
money month moon more morning mother mountain mouse mouth move much name narrow near neck need
never new next night nine noise north nose nothing number ocean offer office often oil old once
only open orange other out over own page paint paper parent park part pass pay pencil people
pepper person picture piece pink plant plate play please pocket point poor potato present pretty
price proud pull push put quarter question quick quiet rabbit rain read ready red remember rest
rice rich ride ring river road rock room round run sad salt same sand saturday save say school
science sea second see sell send seven shape share sheep ship shirt shoe short shoulder show sick
silver simple since sing sister sit six skin skirt sky sleep slow small smell smile snow soap soft
some son song soon sorry sound soup south speak spend spoon spring square stand star station stay
steel stone store story straight street strong student sugar summer sun sweet swim table take talk
tall taste teacher tell ten than thank that them thick thin thing think third thousand three
through throw thursday ticket time tired together tomorrow tongue tooth top towel town train travel
tree trip trousers true try turn twelve twenty under understand until use vegetable very village
visit voice wait walk wall want warm wash watch water weather week weight well west wet what wheel
when where white who wide wife winter wise with woman wonder wood word work world worry write
wrong year yellow yesterday young zero
"""


def say(text: str, accent: str, variant: str, file: Path, draw: random.Random) -> None:
    """A recording of a text, at a speed and a pitch that are drawn."""
    speed, pitch = draw.randint(120, 210), draw.randint(25, 80)
    subprocess.run(
        ["espeak-ng", "-v", f"{accent}+{variant}", "-s", str(speed), "-p", str(pitch),
         "-w", str(file), text],
        check=True,
    )  # fmt: skip


def main() -> None:
    """Write the folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--words", default="lights,music,window", help="comma between them")
    parser.add_argument("--takes", type=int, default=3, help="recordings of a word by each speaker")
    parser.add_argument("--negatives", type=Path, help="a folder for rows of other words")
    parser.add_argument("--rows", type=int, default=10, help="such rows by each speaker")
    options = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        parser.error("espeak-ng is not installed (Debian: apt install espeak-ng)")
    draw = random.Random(0)
    count = 0
    for word in options.words.split(","):
        folder = options.folder / word
        folder.mkdir(parents=True, exist_ok=True)
        for accent in ACCENTS:
            for variant in VARIANTS:
                for take in range(options.takes):
                    file = folder / f"{accent}-{variant}_nohash_{take}.wav"
                    say(word, accent, variant, file, draw)
                    count += 1
    print(f"{count} recordings in {options.folder}")
    if options.negatives is not None:
        write_negatives(options.negatives, options.words.split(","), options.rows)


def write_negatives(folder: Path, words: list[str], rows: int) -> None:
    """Rows of other words: each speaker says some, with a pause here and there."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    others = [word for word in OTHERS.split() if word not in words]
    count = 0
    for accent in ACCENTS:
        for variant in VARIANTS:
            for row in range(rows):
                said = draw.sample(others, draw.randint(5, 15))
                said = [word + draw.choice((",", ".", "", "", "", "")) for word in said]
                file = folder / f"{accent}-{variant}_nohash_{row}.wav"
                say(" ".join(said), accent, variant, file, draw)
                count += 1
    print(f"{count} recordings in {folder}")


if __name__ == "__main__":
    main()
