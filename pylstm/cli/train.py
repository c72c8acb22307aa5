"""``pylstm train``: a model from recordings and what is to be heard in them."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pylstm.cli.console.errors import INTERRUPTED, USAGE, CliError, one_line
from pylstm.cli.console.recordings import (
    data_errors,
    minutes,
    names_in,
    needs_training_extra,
    recordings_at,
)
from pylstm.cli.console.report import note
from pylstm.cli.console.training_plan import Plan, needs_quiet
from pylstm.model_files import SUFFIX

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.loop.fitted import Fitted

__all__ = ["train"]

# Where the second column begins.
_COLUMN = 14


def _number(least: float, most: float = math.inf) -> Any:
    """A check of an option: more than `least`, at most `most`."""

    def check(value: float | None) -> float | None:
        if value is not None and not least < value <= most:  # NaN, too
            raise typer.BadParameter(f"{value:g}; expected above {least:g}, at most {most:g}")
        return value

    return check


def train(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A folder with a folder of audio for each label, or a manifest."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The model, .safetensors.")
    ] = Path("model.safetensors"),
    epochs: Annotated[
        int, typer.Option(min=1, metavar="N", help="How often all is gone through.")
    ] = 30,
    hidden: Annotated[
        int, typer.Option(min=1, max=16384, metavar="N", help="Units of an LSTM layer.")
    ] = 64,
    layers: Annotated[int, typer.Option(min=1, max=128, metavar="N", help="LSTM layers.")] = 2,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Recordings a step; else 32, fewer of a small set."),
    ] = None,
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="The highest one.", callback=_number(0, 10))
    ] = 0.003,
    validation: Annotated[
        float,
        typer.Option(min=0, max=0.9, metavar="SHARE", help="Share of the speakers to judge by."),
    ] = 0.1,
    patience: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="End after so many epochs that were not better."),
    ] = None,
    n_mfcc: Annotated[
        int, typer.Option(min=1, max=128, metavar="N", help="Coefficients a frame.")
    ] = 13,
    sample_rate: Annotated[
        int, typer.Option(min=1000, max=192000, metavar="HZ", help="Hz; other audio is resampled.")
    ] = 16000,
    labels: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Folders to take; else all.")
    ] = None,
    others: Annotated[
        str | None, typer.Option(metavar="LABEL", help="One label for all other folders.")
    ] = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="Manifest: cut out what has times; else hear it inside.")
    ] = False,
    background: Annotated[
        str, typer.Option(metavar="LABEL", help="The label of frames, or recordings, of nothing.")
    ] = "background",
    quiet: Annotated[
        bool, typer.Option(help="Add noise and silence as background, if no label is silence.")
    ] = True,
    augment: Annotated[
        bool, typer.Option(help="Learn from varied recordings: speed, place, loudness, noise.")
    ] = True,
    noise: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Audio of noise, to be mixed in.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Decides all that is left to chance.")
    ] = 0,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=256, metavar="N", help="Processors to use; else all, up to 8."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep computed frames there.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was interrupted.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the model and its checkpoint.")
    ] = False,
) -> int:
    """Train a model from recordings.

    The model can be heard at once: pylstm run AUDIO --model FILE. Beside it lies a checkpoint,
    written after every epoch: Ctrl-C loses nothing, and --resume, with the same options, goes on.
    More --epochs train a finished model further.
    """
    checkpoint = _checkpoint(output, resume, force)
    if patience is not None and validation == 0:
        raise CliError("--patience waits for a validation, and --validation is 0", USAGE)
    if not background:
        raise CliError("--background is empty; expected a label", USAGE)
    needs_training_extra()
    if not others:
        others = None
    recordings = recordings_at(
        data, labels=names_in(labels), others=others, clips=clips, background=background
    )
    noises = _noises(recordings, noise, augment)
    with data_errors():
        split = recordings.split(validation, 0.0, seed)
    plan = Plan(
        hidden=hidden,
        layers=layers,
        epochs=epochs,
        batch_size=batch_size or min(32, max(4, len(split.training) // 16)),
        learning_rate=learning_rate,
        validation=validation,
        n_mfcc=n_mfcc,
        sample_rate=sample_rate,
        seed=seed,
        threads=threads or min(8, os.cpu_count() or 1),
        augment=augment,
        noises=noises,
        patience=patience,
        cache=cache,
        others=others,
        quiet=background if quiet and needs_quiet(recordings) else None,
    )
    if plan.quiet in recordings.labels:
        raise CliError(f"--background {background} is a label of recordings already", USAGE)
    _say_found(recordings, split, plan)
    model = plan.model(recordings, split)
    count = sum(weight.size for layer in model.layers for weight in layer.weights.values())
    _say(
        "model",
        f"{n_mfcc} MFCC, {layers} x LSTM {hidden}, {model.n_outputs} outputs, {count:,} parameters",
    )
    if force and not resume:
        checkpoint.unlink(missing_ok=True)
    return _train(plan, model, split, output, checkpoint, resume)


# --- before ---------------------------------------------------------------------------------------


def _checkpoint(output: Path, resume: bool, force: bool) -> Path:
    """The file of the checkpoint; nothing that is there is replaced without being told."""
    if output.suffix != SUFFIX:
        raise CliError(f"--output {output} does not end in {SUFFIX}", USAGE)
    if not output.parent.is_dir():
        raise CliError(f"cannot write {output}: No such file or directory")
    checkpoint = output.with_suffix(".checkpoint")
    for path in (output, checkpoint):  # what is learnt must find its place
        if path.is_dir():
            raise CliError(f"cannot write {path}: Is a directory")
    if resume and not checkpoint.exists():
        raise CliError(
            f"--resume: {checkpoint} is not there, no training of {output} to go on with"
        )
    if resume or force:
        return checkpoint
    for path, what in (
        (output, "is there already"),
        (checkpoint, "is the checkpoint of a training that was not finished"),
    ):
        if path.exists():
            raise CliError(f"{path} {what}: --resume goes on with it, --force begins anew", USAGE)
    return checkpoint


def _noises(recordings: Recordings, folder: Path | None, augment: bool) -> tuple[str, ...]:
    """Files of noise: what came with the recordings, and what --noise names."""
    if folder is None:
        return recordings.noises
    if not augment:
        raise CliError("--noise is mixed in by augmentation, and --no-augment forbids it", USAGE)
    from pylstm.audio.header import Header

    try:
        paths = [str(p) for p in sorted(folder.iterdir()) if p.name[0] != "." and p.is_file()]
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror or error}") from None
    if not paths:
        raise CliError(f"{folder} holds no files; expected audio of noise")
    with data_errors():
        for path in paths:
            Header.of(path)
    return (*recordings.noises, *paths)


def _say_found(recordings: Recordings, split: Split, plan: Plan) -> None:
    """What there is to learn from."""
    _say("recordings", f"{len(recordings)}, {minutes(recordings.seconds)} in all")
    counts = recordings.counts()
    unmarked = recordings.background
    _say(
        "labels",
        ", ".join(
            f"{label} (the rest)" if label == unmarked else f"{label} {n}"
            for label, n in counts.items()
        )
        + ("" if plan.quiet is None else f"; {plan.quiet}: noise and silence are added"),
    )
    parts = [f"{len(split.training)} to learn from", f"{len(split.validation)} to judge by"]
    if len(split.testing):
        parts.append(f"{len(split.testing)} left for pylstm eval")
    _say("split", ", ".join(parts))
    others = sum(n for rate, n in recordings.rates().items() if rate != plan.sample_rate)
    if others:
        note(f"{others} of {len(recordings)} recordings are resampled to {plan.sample_rate} Hz")
    mixed = sum(item.header.channels > 1 for item in recordings.items)
    if mixed:
        note(f"{mixed} of {len(recordings)} recordings are mixed down to mono")


# --- after ----------------------------------------------------------------------------------------


def _train(
    plan: Plan, model: Any, split: Split, output: Path, checkpoint: Path, resume: bool
) -> int:
    """Trains, and keeps what there is whatever happens."""
    from pylstm.train.loop.fitted import DivergedError

    try:
        with data_errors():
            fitted = plan.fit(model, split, checkpoint, resume)
    except DivergedError as error:
        kept = "nothing was learnt before"
        if error.fitted.best_epoch:
            _save(error.fitted, output)
            kept = f"{output} has the model of epoch {error.fitted.best_epoch}"
        raise CliError(f"{error}; {kept}") from None
    except CliError as error:  # a file that has gone meanwhile, or is too short
        more = f"; --resume goes on from {checkpoint}" if checkpoint.exists() else ""
        raise CliError(f"{error}{more}") from None
    except ValueError as error:  # a checkpoint of another training
        raise CliError(str(error)) from None
    except OSError as error:  # what it names is a file beside the checkpoint, which is gone again
        more = f"; --resume goes on from {checkpoint}" if checkpoint.exists() else ""
        raise CliError(f"cannot write {checkpoint}: {error.strerror or error}{more}") from None
    if not fitted.best_epoch:  # interrupted
        if not resume:
            checkpoint.unlink(missing_ok=True)
        note("interrupted before an epoch was finished: nothing is saved")
        return INTERRUPTED
    _save(fitted, output)
    _say_result(fitted, output)
    if fitted.stopped == "interrupted":
        note(f"interrupted after {len(fitted.history)} of {plan.epochs} epochs; --resume goes on")
        return INTERRUPTED
    return 0


def _save(fitted: Fitted, output: Path) -> None:
    """Writes the model, with what its training came to."""
    from pylstm.model import Model

    began = fitted.model
    best = fitted.history[fitted.best_epoch - 1]
    info = {**began.info, "training.epoch": str(fitted.best_epoch)}
    if best["validation_accuracy"] is not None:
        info["training.validation_accuracy"] = f"{best['validation_accuracy']:.4f}"
    model = Model(began.features, began.layers, began.labels, info)
    try:
        model.save(output)
    except OSError as error:
        raise CliError(f"cannot write {output}: {error.strerror or error}") from None


def _say_result(fitted: Fitted, output: Path) -> None:
    best = fitted.history[fitted.best_epoch - 1]
    judged, where = best["validation_accuracy"], "on the validation"
    if judged is None:
        judged, where = best["accuracy"], "on the training itself, as there is no validation"
    _say("accuracy", f"{100 * judged:.1f} % {where}, epoch {fitted.best_epoch}")
    _say("file", f"{output}  ({output.stat().st_size:,} bytes)")
    _say("hear it", f"pylstm run AUDIO --model {output}")


def _say(heading: str, text: str) -> None:
    print(one_line(f"{heading:<{_COLUMN}}{text}"), flush=True)
