"""Segments and events of Silero VAD, converted, are those of its own functions on its own
probabilities."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pylstm
from pylstm.convert import Conversion, from_published
from tests.published_files import fetched, recording, silero_path

Array = NDArray[np.float32]

every_rate = pytest.mark.parametrize("rate", [16000, 8000])

FASTER = {"threshold": 0.3, "min_silence": 0.5, "pad": 0.2, "min_speech": 0.0}
PROBABILITIES: dict[int, Array] = {}
"""Of `speech`, by ONNX Runtime, by sample rate."""

THEIRS = {
    "threshold": 0.3,
    "min_silence_duration_ms": 500,
    "speech_pad_ms": 200,
    "min_speech_duration_ms": 0,
}


def speech(rate: int) -> Array:
    """The bundled recording twice, with noise between."""
    pcm = recording()
    noise = 0.003 * np.random.default_rng(0).standard_normal(20000)
    whole = np.concatenate([pcm, noise, 0.3 * pcm, noise[:7001]]).astype(np.float32)
    return whole[:: 16000 // rate].copy()


@pytest.fixture(scope="module")
def functions(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The package's functions on probabilities: its file of them, and nothing else of it."""
    torch = pytest.importorskip("torch", reason="the oracle uses it: pip install torch")
    pytest.importorskip("packaging", reason="the oracle uses it: pip install packaging")
    pytest.importorskip("onnxruntime", reason="it runs the network: pip install onnx onnxruntime")
    pytest.importorskip("onnx", reason="it reads the network: pip install onnx onnxruntime")
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("silero") / "utils_vad.py"
    path.write_bytes(fetched(packages, "silero-vad==6.2.3", "silero_vad/utils_vad.py"))
    spec = importlib.util.spec_from_file_location("silero_utils_vad", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Told:
    """Stands for the network: gives the probabilities that ONNX Runtime has computed."""

    def __init__(self, probabilities: Array) -> None:
        self.probabilities = probabilities
        self.reset_states()

    def reset_states(self) -> None:
        self.rest = iter(self.probabilities.ravel())

    def __call__(self, chunk: Any, rate: int) -> Any:
        return next(self.rest)


@pytest.fixture(scope="module")
def converted(packages: Path) -> dict[int, Conversion]:
    pytest.importorskip("onnx", reason="it reads the network: pip install onnx onnxruntime")
    path = silero_path(packages, "silero_vad.onnx")
    return {rate: from_published(path, rate) for rate in (16000, 8000)}


def told(found: Conversion, rate: int) -> Told:
    """The probabilities of the recording, computed once."""
    if rate not in PROBABILITIES:
        assert found.run_source is not None
        PROBABILITIES[rate] = found.run_source(speech(rate))
    return Told(PROBABILITIES[rate])


def model_of(found: Conversion) -> pylstm.Model:
    return pylstm.Model(found.features, found.layers, found.labels, decision=found.decision)


def in_samples(seconds: float, rate: int) -> int:
    return int(seconds * rate + 1e-6)


@pytest.mark.law_framework_exact
@every_rate
@pytest.mark.parametrize(("ours", "theirs"), [({}, {}), (FASTER, THEIRS)])
def test_segments_of_a_recording(
    functions: Any,
    converted: dict[int, Conversion],
    rate: int,
    ours: dict[str, float],
    theirs: dict[str, float],
) -> None:
    found, pcm = converted[rate], speech(rate)
    expected = functions.get_speech_timestamps(pcm, told(found, rate), sampling_rate=rate, **theirs)
    assert len(expected) > 3
    segments = pylstm.speech_segments(pcm, rate, model=model_of(found), **ours)  # type: ignore[arg-type]
    assert [[in_samples(t, rate) for t in one] for one in segments] == [
        [one["start"], one["end"]] for one in expected
    ]


@pytest.mark.law_framework_exact
@every_rate
def test_a_listener_gives_the_segments_as_they_end(
    functions: Any, converted: dict[int, Conversion], rate: int
) -> None:
    """By the settings of the model alone."""
    found, pcm = converted[rate], speech(rate)
    expected = functions.get_speech_timestamps(pcm, told(found, rate), sampling_rate=rate)
    listener, events = model_of(found).listener(), []
    for start in range(0, len(pcm), 1237):
        events += listener.push(pcm[start : start + 1237])
    events += listener.flush()
    ends = [event for event in events if event.kind == "end"]
    assert [[in_samples(e.onset, rate), in_samples(e.offset, rate)] for e in ends] == [
        [one["start"], one["end"]] for one in expected
    ]


@pytest.mark.law_framework_exact
@every_rate
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        (
            {"threshold": 0.6, "min_silence": 0.3, "pad": 0.1},
            {"threshold": 0.6, "min_silence_duration_ms": 300, "speech_pad_ms": 100},
        ),
    ],
)
def test_early_events_are_those_of_its_iterator(
    functions: Any,
    converted: dict[int, Conversion],
    rate: int,
    ours: dict[str, float],
    theirs: dict[str, float],
) -> None:
    """Chunk for chunk, with the sample of each start and end."""
    found, pcm = converted[rate], speech(rate)
    chunk = rate * 4 // 125
    pcm = pcm[: len(pcm) // chunk * chunk]
    iterator = functions.VADIterator(told(found, rate), sampling_rate=rate, **theirs)
    listener = model_of(found).listener(report="early", min_speech=0.0, **ours)  # type: ignore[arg-type]
    expected, events = [], []
    for place, start in enumerate(range(0, len(pcm), chunk)):
        part = pcm[start : start + chunk]
        expected += [(place, *one) for one in (iterator(part) or {}).items()]
        for event in listener.push(part):
            time = event.onset if event.kind == "start" else event.offset
            events.append((place, event.kind, in_samples(time, rate)))
    assert len(expected) > 6
    assert events == expected


def test_the_decision_is_written_with_the_model(
    converted: dict[int, Conversion], tmp_path: Path
) -> None:
    path = tmp_path / "vad.safetensors"
    model_of(converted[16000]).save(path)
    settings = pylstm.load(path).listener().decision
    assert (settings["kind"], settings["report"], settings["label"]) == (
        "segments",
        "final",
        "speech",
    )
    lengths = {name: settings[name] for name in ("min_speech", "min_silence", "pad")}
    assert lengths == {"min_speech": 0.25, "min_silence": 0.1, "pad": 0.03}
    assert (settings["threshold"], settings["neg_threshold"]) == (0.5, 0.35)
    assert settings["max_speech"] == float("inf")
