"""pylstm: recurrent speech models in real time.

Audio goes in, in chunks of any size; librosa-exact MFCC frames are computed in the engine; a
stateful LSTM steps once per frame; posteriors come out::

     pcm        MFCC / LogMel          LSTM, layer by layer      Dense
    ---->  [ window FFT mel DCT ] -> [ i f g o -> c -> h ] -> [ W h + b, softmax ] ----> rows
    any cut     one frame per hop_length samples, the GIL released            posteriors

>>> import numpy as np, pylstm
>>> layers = [pylstm.LSTM(13, 64, seed=0), pylstm.Dense(64, 3, "softmax", seed=0)]
>>> model = pylstm.Model(pylstm.MFCC(), layers)
>>> stream = model.stream()
>>> for chunk in np.zeros((10, 160), np.float32):      # 10 ms at a time
...     rows = stream.push(chunk)                      # (new frames, 3)
>>> stream.frames, stream.position
(9, 1600)

`MFCC`, `LogMel`, `Spectrum`, `Waveform`, `LSTM` and `Dense` say what a model is; `load` reads one
from a file or takes a bundled one. `Model.listener` gives events, `Model.stream` posteriors;
`find_words` and `speech_segments` take whole recordings; `Intake` takes audio as it arrives.
`pylstm.convert` imports from other frameworks; `pylstm.reference` is the same mathematics in slow,
obvious NumPy.
"""

import typing as _typing
from importlib import import_module as _import_module
from pathlib import Path as _Path

from pylstm.interrupted_imports import interrupts_postponed as _interrupts_postponed

with _interrupts_postponed():
    import numpy as _numpy  # noqa: F401  (where it cannot be loaded, Python says why)

    try:
        from pylstm import _engine
        from pylstm._engine import (
            Listener,
            Listeners,
            ModelFileError,
            Stream,
            StreamBusyError,
            Streams,
        )
    except ImportError as error:
        _package = _Path(__file__).parent
        # The error of a module that the engine needs has that module's name.
        _is_engine = error.name in ("pylstm", "pylstm._engine", "_engine")
        if not (_is_engine and (_package / "_engine.pyx").exists()):
            raise
        _missing = error.name == "pylstm"  # Python's words for it, a circular import, mislead
        raise ImportError(
            f"the engine in {_package} is not built, or not for this Python and these sources;"
            f' expected one that is: pip install -e "{_package.parent}". To use a wheel that is'
            f" installed, start Python in another folder{'' if _missing else f' ({error})'}",
            name=error.name,
        ) from None
    from pylstm.decisions import Detector, Event, segments_from_probabilities
    from pylstm.features import MFCC, LogMel, Spectrum, Waveform
    from pylstm.layers import kinds as _kinds
    from pylstm.layers.kinds import *
    from pylstm.model import Model, load
    from pylstm.speech import find_words, speech_segments

if _typing.TYPE_CHECKING:
    from pylstm import convert, reference, train
    from pylstm.audio.intake import Intake

__all__ = [
    "MFCC",
    "Detector",
    "Event",
    "Intake",
    "Listener",
    "Listeners",
    "LogMel",
    "Model",
    "ModelFileError",
    "Spectrum",
    "Stream",
    "StreamBusyError",
    "Streams",
    "Waveform",
    "convert",
    "find_words",
    "get_include",
    "load",
    "reference",
    "segments_from_probabilities",
    "show_config",
    "speech_segments",
    "train",
]
__all__ += _kinds.__all__

__version__ = _engine.version()


def get_include() -> str:
    """The folder of ``pylstm.h``, for programs that embed the C core.

    Returns
    -------
    str
    """
    package = _Path(__file__).parent
    installed = package / "include"
    return str(installed if installed.is_dir() else package.parent / "src")


class _Isas(_typing.TypedDict):
    """Names of instruction sets: the one in use, and those of the build and of the machine."""

    used: str
    built: list[str]
    supported: list[str]


class _Config(_typing.TypedDict):
    """What `show_config` returns."""

    version: str
    source: str | None
    isa: _Isas


def show_config() -> _Config:
    """Describes this build and the instruction sets that it can use on this machine.

    Returns
    -------
    dict
        ``version``; ``source``: the SHA-256 over the files that an installed wheel was built from
        (``wheels/source.py`` computes it), None where the sources themselves are used; ``isa``: a
        dict with ``used`` (what a model made now would run on; the
        environment variable ``PYLSTM_ISA`` forces one), ``built`` and ``supported`` (names, best
        first).

    Examples
    --------
    >>> "scalar" in show_config()["isa"]["supported"]
    True
    """
    isas = _engine.isas()
    source = _Path(__file__).parent / "source.sha256"
    return {
        "version": __version__,
        "source": source.read_text().strip() if source.exists() else None,
        "isa": {
            "used": _engine.isa(),
            "built": [name for name, (built, _) in isas.items() if built],
            "supported": [name for name, (_, supported) in isas.items() if supported],
        },
    }


if not _typing.TYPE_CHECKING:  # type checkers know all names, and report what is not among them

    def __getattr__(name: str) -> _typing.Any:
        # Rarely needed at run time: loaded when first named.
        if name in ("convert", "reference", "train"):
            with _interrupts_postponed():
                return _import_module(f"pylstm.{name}")
        if name == "Intake":
            with _interrupts_postponed():
                return _import_module("pylstm.audio.intake").Intake
        raise AttributeError(f"module 'pylstm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
