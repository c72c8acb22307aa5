"""``pylstm convert``: a model of another framework as a model file."""

from __future__ import annotations

from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
import typer

from pylstm.arguments import listing, number_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.foreign_model import (
    conversion_of,
    located,
    published_conversion,
    refuse_both_directions,
)
from pylstm.cli.console.named_recordings import names_in
from pylstm.cli.console.output import fact, note
from pylstm.cli.console.written_settings import kind_and_settings
from pylstm.convert import Conversion
from pylstm.convert.audio_self_check import largest_difference_of_audio
from pylstm.convert.self_check import TOLERANCE, largest_difference, steady_difference
from pylstm.features import KINDS, Features
from pylstm.layers.weights import n_parameters
from pylstm.model import Model
from pylstm.model_files import SUFFIX

__all__ = ["convert"]

# What runs files of an ending.
_RUNS = {
    ".onnx": "onnxruntime",
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".tar", ".safetensors"), "torch"),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), "keras"),
}

_NEVER = (".json", ".aidax")

# What is compared.
FRAMES, SECONDS = 400, 10

FEATURES_EXAMPLE = "mfcc,preset=kaldi,n_mfcc=13"
DECISION_EXAMPLE = "words,threshold=0.6"


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="An .onnx, .keras, .h5 or .hdf5 file, RTNeural's .json or .aidax, or PyTorch's"
            " weights (.pt, .pth, .ckpt, .tar, .safetensors). Or a published network, by its file"
            " or its name: silero-vad, dtln-1, dtln-2, nsnet2, resemblyzer.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL", help="The model file to write.")
    ],
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PREFIX[=ACTIVATION]",
            help="Of PyTorch's weights: how the names of a layer begin, and what follows it."
            " Repeat it for each layer, in their order.",
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SIZES",
            help="Of an ONNX file: the shape of an input, with None along time, such as"
            " x=1,None,40. May be repeated.",
        ),
    ] = None,
    constant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER",
            help="Of an ONNX file: an input that stays what it is, such as sr=16000. May be"
            " repeated.",
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="KIND[,NAME=VALUE]...",
            help=f"The features that the model takes, such as {FEATURES_EXAMPLE}. Default: frames"
            " come from your program.",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            metavar="HZ",
            help="The sample rate of the features, or which network of a published file is meant.",
        ),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="What the outputs stand for, in order.")
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option(
            metavar="KIND[,NAME=VALUE]...",
            help=f"How posteriors become events, such as {DECISION_EXAMPLE}. Labels of"
            " background are written as background=A|B.",
        ),
    ] = None,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Compare with the framework itself, where it is installed. Default: yes, unless"
            " that runs a program in the file (TorchScript).",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the model file.")] = False,
) -> None:
    """Make a model file of one of another framework.

    What cannot be expressed is named, and nothing is written. With the framework at hand, source
    and result run side by side over random frames; the largest difference is printed. The file of a
    published network is known by what is in it, and gets its features and its decision; --layer,
    --shape, --constant or --features say that it is to be taken as any other file.
    """
    if output.suffix != SUFFIX:
        raise CliError(f"--output is {output}; expected a file name that ends in {SUFFIX}", USAGE)
    if output.exists() and not force:
        raise CliError(f"{output} is there already; --force replaces it", USAGE)
    source, conversion = located(source), None
    if not (layer or shape or constant):
        conversion = published_conversion(source, rate)
        if conversion is not None and features is not None:
            raise CliError(
                f"--features is {features}; expected none for {source}, a published network that"
                " brings its own, or takes frames of its own: --shape and --constant say that it is"
                " to be taken as any other file",
                USAGE,
            )
    if output.exists() and source.exists() and output.samefile(source):
        raise CliError(f"--output is {output}, the source; expected another file", USAGE)
    found = conversion.features if conversion else _features(features, rate)
    names, told = _labels(labels), _decision(decision)
    if conversion is None:
        conversion = conversion_of(source, layer or [], shape or [], constant or [])
    refuse_both_directions(source, conversion)
    settings: Any = told or conversion.decision
    if check and conversion.run_source is None:
        raise CliError(f"--check: {_not_run(source)}; expected something that runs it", USAGE)
    if check is None and conversion.runs_code:
        difference = "not looked at: --check would run the program in the file"
    elif check is False:
        difference = "not looked at (--no-check)"
    else:
        difference = _difference(conversion, source)
    try:
        made = Model(found, conversion.layers, names or conversion.labels, decision=settings)
        made.save(output)
    except OSError as error:
        raise CliError(f"cannot write {output}: {error.strerror or error}") from None
    except (TypeError, ValueError) as error:
        raise CliError(f"{source}: {error}") from None
    for text in conversion.notes:
        note(text)
    print(made.summary())
    fact("parameters", f"{sum(n_parameters(one.shapes) for one in made.layers):,}")
    if made.sample_rate is not None and made.latency is not None:
        fact("latency", number_of(made.latency, "sample"))
    fact("cost", _cost(made))
    fact("difference", difference)
    fact("written", output)


def _features(text: str | None, rate: int | None) -> Features | None:
    """What ``--features`` says."""
    if text is None:
        if rate is not None:
            raise CliError("--rate is given without --features; expected both", USAGE)
        return None
    name, settings = kind_and_settings("--features", text, FEATURES_EXAMPLE)
    kind = KINDS.get(name)
    if kind is None:
        raise CliError(f"--features has the kind {name!r}; expected {listing(KINDS)}", USAGE)
    if rate is not None:
        settings["sr"] = rate
    make: Any = kind
    if "preset" in settings:
        make = getattr(kind, "preset", None)
        if make is None:
            raise CliError(f"--features: {name} has no presets", USAGE)
        settings["name"] = settings.pop("preset")
    try:
        made: Features = make(**settings)
    except TypeError as error:
        known = ", ".join(name for name in signature(kind).parameters if name != "name")
        raise CliError(f"--features: {error}; {name} has {known}", USAGE) from None
    except ValueError as error:
        raise CliError(f"--features: {error}", USAGE) from None
    return made


def _labels(text: str | None) -> list[str] | None:
    """What ``--labels`` says."""
    names = names_in(text)
    if names is not None and (not names or len(set(names)) < len(names)):
        raise CliError(f"--labels is {text!r}; expected names that differ, as in noise,yes", USAGE)
    return names


def _decision(text: str | None) -> dict[str, Any] | None:
    """What ``--decision`` says."""
    if text is None:
        return None
    kind, rest = kind_and_settings("--decision", text, DECISION_EXAMPLE)
    if "kind" in rest:
        raise CliError(f"--decision has kind={rest['kind']}; expected the kind first alone", USAGE)
    if isinstance(rest.get("background"), str):
        rest["background"] = rest["background"].split("|")
    return {"kind": kind, **rest}


def _not_run(source: Path) -> str:
    """Why there is nothing to compare with."""
    suffix = source.suffix.lower()
    if suffix in _NEVER:
        return "RTNeural has no interface to Python"
    needed = _RUNS.get(suffix)
    if needed is None or find_spec(needed) is not None:
        return "nothing here runs the source"
    return f"pip install {needed}, which runs the source"


def _difference(conversion: Conversion, source: Path) -> str:
    """What the comparison says."""
    if conversion.run_source is None:
        return f"not looked at: {_not_run(source)}"
    over = number_of(FRAMES, "random frame")
    try:
        if conversion.features is None:
            found = largest_difference(conversion.layers, conversion.run_source, FRAMES)
        else:
            over = f"{SECONDS} s of audio"
            model = Model(conversion.features, conversion.layers)
            found = largest_difference_of_audio(model, conversion.run_source, SECONDS)
    except ValueError as error:
        raise CliError(f"{source}: {error}; nothing was written") from None
    if not found <= TOLERANCE:
        steady = None
        if conversion.features is None:
            steady = steady_difference(conversion.layers, conversion.run_source, FRAMES)
        if steady is not None and steady.difference <= TOLERANCE:
            return (
                f"{steady.difference:.2g} from the source, at most, over the first"
                f" {number_of(steady.rows, 'row')}; this network enlarges roundings, so that later"
                f" rows differ by up to {found:.2g}"
            )
        raise CliError(
            f"{source}: what was made of it differs by {found:.2g} from the source over {over};"
            f" expected {TOLERANCE:g} at most, so nothing was written (--no-check writes it"
            " nevertheless)"
        )
    return f"{found:.2g} from the source, at most, over {over} in random cuts"


def _cost(model: Model) -> str:
    """The time that a second of audio, or a frame, takes on this machine."""
    rng, stream = np.random.default_rng(0), model.stream()
    if model.sample_rate is None:
        frames = rng.standard_normal((500, model.n_features)).astype(np.float32)
        begin = process_time()
        stream.push_frames(frames)
        return f"{(process_time() - begin) / len(frames) * 1e6:.2g} µs a frame on this machine"
    noise = (0.1 * rng.standard_normal(4 * model.sample_rate)).astype(np.float32)
    begin = process_time()
    stream.push(noise)
    spent = (process_time() - begin) / 4
    carried = number_of(round(1 / max(spent, 1e-6)), "stream")
    return f"{1e3 * spent:.2g} ms a second of audio on this machine ({carried} a core)"
