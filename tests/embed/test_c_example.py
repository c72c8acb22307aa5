"""examples/embed_c, built and run: the events of `pylstm run`, the posteriors of Python."""

from __future__ import annotations

import dataclasses
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import pylstm
from tests.core_builds import ROOT, example, link, run, tool
from tests.embed.c_programs import KEYWORDS, MODELS, events, valgrind

pytestmark = pytest.mark.slow

RECORDINGS = [MODELS / "demo.wav", *sorted((ROOT / "examples" / "audio").glob("*.flac"))]


@pytest.fixture
def listen() -> Path:
    return example("embed_c", "listen", "plain")


def as_wav(recording: Path, folder: Path) -> Path:
    pcm, rate = soundfile.read(recording, dtype="int16")
    path = folder / f"{recording.stem}.wav"
    soundfile.write(path, pcm, rate, subtype="PCM_16")
    return path


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_the_events_of_pylstm_run(listen: Path, recording: Path, tmp_path: Path) -> None:
    heard = run(listen, KEYWORDS, as_wav(recording, tmp_path)).splitlines()
    assert heard == events(recording)
    assert bool(heard) == (recording.stem != "slt_running")


def test_the_posteriors_of_python_and_of_the_reference(
    listen: Path, tmp_path: Path, isa: str
) -> None:
    """C and Python: the same bits. The slow NumPy in float64: 1e-5, measured 9.2e-7."""
    wav, rows = MODELS / "demo.wav", tmp_path / "rows.f32"
    run(listen, KEYWORDS, wav, rows, PYLSTM_ISA=isa)
    model = pylstm.load("keywords")
    assert model.isa == isa
    pcm, _ = soundfile.read(wav, dtype="int16")
    in_c = np.fromfile(rows, "f4").reshape(-1, model.n_outputs)
    np.testing.assert_array_equal(in_c, model.run(pcm))
    features = model.features
    assert features is not None
    settings = {field.name: getattr(features, field.name) for field in dataclasses.fields(features)}  # type: ignore[arg-type]
    layers = [layer.config() | {"weights": layer.weights} for layer in model.layers]
    reference = pylstm.reference.model(pcm, {"kind": features.kind, **settings}, layers)
    np.testing.assert_allclose(in_c, reference, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_quantised_models(listen: Path, precision: str, tmp_path: Path) -> None:
    model = pylstm.load("keywords").quantize(precision)
    model.save(tmp_path / "small.safetensors")
    run(listen, tmp_path / "small.safetensors", MODELS / "demo.wav", tmp_path / "rows.f32")
    pcm, _ = soundfile.read(MODELS / "demo.wav", dtype="int16")
    in_c = np.fromfile(tmp_path / "rows.f32", "f4").reshape(-1, model.n_outputs)
    np.testing.assert_array_equal(in_c, model.run(pcm))


def wav(
    fmt: bytes, data: bytes = bytes(4000), before: bytes = b"", size: int | None = None
) -> bytes:
    chunks = before + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    chunks += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def kind(tag: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16) -> bytes:
    width = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits)


SOUND = wav(kind())
ODD = b"note" + struct.pack("<I", 3) + b"abc\0"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not a WAV file"),
        (SOUND[:11], "is not a WAV file"),
        (b"RIFX" + SOUND[4:], "is not a WAV file"),
        (SOUND[:30], "is cut or damaged"),
        (SOUND[:36], "has no samples"),
        (wav(kind(bits=24)), "does not hold integers of 16 bits"),
        (wav(kind(tag=3)), "does not hold integers of 16 bits"),
        (wav(kind(channels=2)), "has more than one channel"),
        (wav(kind(rate=8000)), "has another sample rate than the model"),
        (wav(kind()[:14]), "is cut or damaged"),
        (SOUND[:12] + SOUND[36:], "has samples before it says of what kind"),
        (wav(kind(), before=b"note" + struct.pack("<I", 0xFFFFFFF0)), "is cut or damaged"),
        (SOUND, None),
        (wav(kind(), before=ODD), None),
        (wav(kind() + bytes(2)), None),
        (wav(kind(0xFFFE) + bytes(24)), None),
        (wav(kind(), size=0xFFFFFFFF), None),  # what programs write that do not know the length yet
        (wav(kind(), bytes(4001)), None),
        (wav(kind(), b""), None),
    ],
)
def test_wav_files_of_all_kinds(
    listen: Path, content: bytes, complaint: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    ran = subprocess.run(
        [listen, KEYWORDS, path, tmp_path / "rows"], capture_output=True, text=True
    )
    if complaint is None:
        assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", "")
        n = (content[-4000:] == bytes(4000)) * 2000
        rows = (tmp_path / "rows").stat().st_size // 48
        assert rows == (1 + n // 160 if n else 0)
    else:
        assert ran.returncode == 1
        assert complaint in ran.stderr


def test_complaints_of_the_program(listen: Path, tmp_path: Path) -> None:
    def complaint(*arguments: object) -> str:
        ran = subprocess.run([listen, *map(str, arguments)], capture_output=True, text=True)
        assert ran.returncode == 1
        assert len(ran.stderr.splitlines()) == 1
        return ran.stderr

    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "broken").write_bytes(KEYWORDS.read_bytes()[:5000])
    plain = pylstm.Model(pylstm.MFCC(), [pylstm.Dense(13, 2, seed=0)])
    plain.save(tmp_path / "plain.safetensors")
    sound = MODELS / "demo.wav"
    assert "usage" in complaint()
    assert "cannot be read" in complaint(tmp_path / "none", sound)
    assert "cannot be read" in complaint(tmp_path / "empty", sound)
    assert ": [" in complaint(tmp_path / "broken", sound)
    assert "cannot be opened" in complaint(KEYWORDS, tmp_path / "none")
    assert "cannot be written" in complaint(KEYWORDS, sound, tmp_path / "no" / "rows")
    assert "kind is missing" in complaint(tmp_path / "plain.safetensors", sound)


MAIN = """
#include <stdlib.h>

static size_t from_standard_input(int16_t *pcm, size_t n) {
    return fread(pcm, sizeof *pcm, n, stdin);
}

int main(int argc, char **argv) {
    static unsigned char bytes[1 << 20];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    pylstm_model *model;
    if (!file || pylstm_model_create(bytes, fread(bytes, 1, sizeof bytes, file), &model, NULL))
        return 1;
    return hear_words(model, from_standard_input);
}
"""


def test_the_program_of_the_page_hears_what_python_hears(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text()
    (function,) = re.findall(r"```c\n([^`]*int hear_words\([^`]*)```", page)
    (tmp_path / "words.c").write_text(function + MAIN)
    program = link(tmp_path / "words", "plain", [tmp_path / "words.c"])
    pcm, _ = soundfile.read(MODELS / "demo.wav", dtype="int16")
    ran = subprocess.run([program, KEYWORDS], input=pcm.tobytes(), capture_output=True, check=True)
    heard = pylstm.load("keywords").listener(threshold=0.5).push(pcm)
    assert len(heard) >= 5
    lines = [f"{event.label} from {event.onset:.2f} to {event.offset:.2f} s" for event in heard]
    assert ran.stdout.decode().splitlines() == lines


@pytest.mark.builds
def test_under_valgrind(listen: Path, tmp_path: Path) -> None:
    tool("valgrind")
    expected = run(listen, KEYWORDS, MODELS / "demo.wav")
    assert valgrind(listen, KEYWORDS, MODELS / "demo.wav", tmp_path / "rows") == expected


@pytest.mark.builds
def test_under_sanitizers(listen: Path) -> None:
    arguments = (KEYWORDS, MODELS / "demo.wav")
    assert run(example("embed_c", "listen", "sanitized"), *arguments) == run(listen, *arguments)


def test_speech_has_the_lines_of_the_command_line(listen: Path) -> None:
    """Where it starts and where it ends, as early as that is likely."""
    model, audio = MODELS / "vad.safetensors", MODELS / "demo.wav"
    shown = run(sys.executable, "-m", "pylstm", "run", audio, "--model", model)
    assert run(listen, model, audio) == shown.partition("\n\n")[0] + "\n"
