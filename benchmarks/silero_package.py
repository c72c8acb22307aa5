"""Silero VAD as its own package runs it: the files, the networks, the functions on them."""

from __future__ import annotations

import importlib.util
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import peer

Array = NDArray[np.float32]

MODULE = "silero_vad"
NETWORKS = {
    "silero_vad.onnx": (16000, 8000),
    "silero_vad_16k_op15.onnx": (16000,),
    "silero_vad_16k_sequence.onnx": (16000,),
    "silero_vad_op18_ifless.onnx": (16000, 8000),
    "silero_vad.jit": (16000, 8000),
}
"""Its files, and the sample rates that they have a network for."""


class SileroPackage:
    """The package where it is installed, or a folder with what is in it; it is not imported."""

    def __init__(self, folder: Path | None) -> None:
        if folder is None:
            found = importlib.util.find_spec(MODULE)
            places = [] if found is None else list(found.submodule_search_locations or ())
            if not places:
                raise SystemExit(
                    "silero-vad is not here; expected it installed (pip install --no-deps"
                    " silero-vad), or --silero FOLDER with its files"
                )
            folder = Path(places[0])
        self.folder = folder
        for library in ("torch", "onnxruntime", "packaging"):
            if peer(library) is None:
                raise SystemExit(f"{library} is missing; expected what runs the other side")

    def file(self, name: str) -> Path:
        return self.folder / "data" / name

    @cached_property
    def functions(self) -> Any:
        """Its decisions, and what runs its networks."""
        return _module(self.folder / "utils_vad.py", "silero_vad.utils_vad")

    def probabilities(self, name: str, pcm: Array, rate: int) -> Array:
        """What a file of it gives, run by its own framework and its own code: (chunks,)."""
        import torch

        path = str(self.file(name))
        if "sequence" in name:
            spec = _module(self.folder / "sequence_vad.py", "silero_vad.sequence_vad")
            found: Array = spec.SileroVADSequence(path).audio_forward(pcm, rate)
            return found
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the rates of a file, and of TorchScript's age
            if name.endswith(".jit"):
                network = self.functions.init_jit_model(path)
            else:
                network = self.functions.OnnxWrapper(path, force_onnx_cpu=True)
        with torch.no_grad():
            rows: Array = network.audio_forward(torch.from_numpy(pcm)[None], sr=rate).numpy()
        return rows.ravel()

    def segments(self, probabilities: Array, n: int, rate: int) -> list[tuple[int, int]]:
        """What ``get_speech_timestamps`` makes of the probabilities of n samples."""
        found = self.functions.get_speech_timestamps_from_probs(
            probabilities.tolist(), sampling_rate=rate, audio_length_samples=n
        )
        return [(one["start"], one["end"]) for one in found]

    def chunk_by_chunk(self, name: str, rate: int) -> ChunkByChunk:
        return ChunkByChunk(self.file(name), rate)


class ChunkByChunk:
    """A call of ONNX Runtime for each chunk with its context, on one thread, as lean as Python can
    be."""

    def __init__(self, path: Path, rate: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._run = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        ).run
        self._feed: dict[str, Any] = {"sr": np.array(rate, np.int64)}
        self.begin()

    def begin(self) -> None:
        self._feed["state"] = np.zeros((2, 1, 128), np.float32)

    def __call__(self, chunk: Array) -> Array:
        """The probability of a chunk (1, context + new)."""
        self._feed["input"] = chunk
        y: Array
        y, self._feed["state"] = self._run(None, self._feed)
        return y


def _module(path: Path, name: str) -> Any:
    """A file of the package by itself; what it imports of the package comes with it."""
    import sys

    if name in sys.modules:
        return sys.modules[name]
    if "sequence" in name:
        _module(path.parent / "utils_vad.py", "silero_vad.utils_vad")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
