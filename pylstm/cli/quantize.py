"""``pylstm quantize``: a model with fewer bytes a weight, and what it loses by that."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from pylstm.arguments import number_of
from pylstm.cli.console.audio_progress import audio_progress
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.evaluated_recordings import recordings_for
from pylstm.cli.console.extras import EVALUATION, require
from pylstm.cli.console.named_model import ModelArgument, NamedModel
from pylstm.cli.console.named_recordings import (
    ClipsOption,
    SkipMissingOption,
    SkipUnreadableOption,
    SubfoldersOption,
    data_errors,
)
from pylstm.cli.console.output import JsonOption, fact
from pylstm.model_files import SUFFIX

if TYPE_CHECKING:
    from pylstm.model import Model
    from pylstm.train.data.recordings import Recordings

__all__ = ["quantize"]


class Precision(StrEnum):
    """What weights become."""

    INT8 = "int8"
    BF16 = "bf16"


def quantize(
    model: ModelArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The model file, .safetensors.")
    ],
    to: Annotated[
        Precision, typer.Option(help="Bytes with a scale for each row, or half of a float32.")
    ] = Precision.INT8,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Labelled recordings, as for pylstm eval, to compare both models on.",
        ),
    ] = None,
    others: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="The model's label for folders of other names."),
    ] = None,
    clips: ClipsOption = False,
    subfolders: SubfoldersOption = None,
    skip_missing: SkipMissingOption = False,
    skip_unreadable: SkipUnreadableOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    json: JsonOption = False,
) -> None:
    """Write a model with fewer bytes a weight.

    It is for devices where memory is what a model waits for.

    Weight matrices become bf16 or int8; biases and states stay float32. With --data it says what
    that costs: the posteriors of each frame, and the accuracy as pylstm eval counts it.
    """
    if output.suffix != SUFFIX:
        raise CliError(f"--output is {output}; expected a file name that ends in {SUFFIX}", USAGE)
    if not output.parent.is_dir():
        raise CliError(f"cannot write {output}: No such file or directory")
    named = NamedModel.load(model)
    if output.exists() and not force:
        raise CliError(f"{output} exists already; --force replaces it", USAGE)
    if data is None and others is not None:
        raise CliError("--others is given without --data; expected both", USAGE)
    if not any(layer.has_matrices for layer in named.model.layers):
        raise CliError(f"{model} has no weight matrices; expected a model with weights to quantise")
    try:
        quantised = named.model.quantize(to.value)
    except ValueError as error:
        raise CliError(f"cannot quantise {model}: {error}") from None
    facts: dict[str, Any] = {"model": model, "file": str(output), "to": to.value}
    if data is not None:
        require("evaluation", EVALUATION)
        if named.model.features is None or named.model.labels is None:
            raise CliError(f"{model} has no features or no labels; --data expects both")
        recordings = recordings_for(
            named.model,
            data,
            others,
            clips=clips,
            subfolders=subfolders,
            skip_missing=skip_missing,
            skip_unreadable=skip_unreadable,
        )
        facts |= _compared(named.model, quantised, recordings)
    try:
        quantised.save(output)
    except OSError as error:
        raise CliError(f"cannot write {output}: {error.strerror or error}") from None
    facts["bytes_before"], facts["bytes"] = named.size, output.stat().st_size
    if json:
        print(json_module.dumps(facts))
        return
    _print(facts)


def _compared(before: Model, after: Model, recordings: Recordings) -> dict[str, Any]:
    """How far posteriors are apart, and how often each of the two models is right."""
    from pylstm.evaluation.label_evaluation import evaluate_labels

    found = []
    try:
        with data_errors(recordings), audio_progress(2 * recordings.seconds) as show:
            found.append(evaluate_labels(before, recordings, show))
            half = partial(_second_half, show, recordings.seconds)
            found.append(evaluate_labels(after, recordings, half))
            largest, mean = _apart(before, after, recordings)
    except ValueError as error:  # the model lacks a label
        raise CliError(f"{error}; --others names the model's label for all others") from None
    return {
        "recordings": len(recordings),
        "largest_difference": largest,
        "mean_difference": mean,
        "accuracy_before": float(found[0].accuracy),
        "accuracy": float(found[1].accuracy),
        "judged": len(found[0].targets),
    }


def _second_half(show: Callable[[float], None], before: float, seconds: float) -> None:
    """Progress of the second model, after that of the first."""
    show(before + seconds)


def _apart(before: Model, after: Model, recordings: Recordings) -> tuple[float, float]:
    """The largest and the mean difference between posteriors, over all rows of all recordings."""
    largest, whole, count = 0.0, 0.0, 0
    features: Any = before.features
    source = recordings.source(features, 1, shuffle=False, bucket=False, resample=True)
    for batch in source.batches(0, 0):
        frames = np.ascontiguousarray(batch.x[:, 0])
        one, other = (model.stream().push_frames(frames) for model in (before, after))
        difference = np.abs(one - other)
        if difference.size:
            largest = max(largest, float(difference.max()))
        whole += float(difference.sum(dtype=np.float64))
        count += difference.size
    return largest, whole / max(1, count)


def _print(facts: dict[str, Any]) -> None:
    """The results for people."""
    fact("model", f"{facts['model']}, weights as {facts['to']}")
    sizes = f"{facts['bytes']:,} bytes; {facts['bytes_before']:,} before"
    fact("file", f"{facts['file']}  ({sizes})")
    if "accuracy" in facts:
        largest, mean = facts["largest_difference"], facts["mean_difference"]
        fact("posteriors", f"differ by {largest:.2g} at most, {mean:.2g} on average")
        now, then = 100 * facts["accuracy"], 100 * facts["accuracy_before"]
        fact("accuracy", f"{now:.2f} %; {then:.2f} % before ({number_of(facts['judged'], 'case')})")
