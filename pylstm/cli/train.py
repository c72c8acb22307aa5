"""``pylstm train``: a model from labelled recordings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylstm.arguments import number_of
from pylstm.cli.console import training_options as options
from pylstm.cli.console.errors import INTERRUPTED, USAGE, CliError
from pylstm.cli.console.extras import TRAINING, require
from pylstm.cli.console.former_options import renamed
from pylstm.cli.console.named_recordings import (
    ClipsOption,
    DataArgument,
    SkipMissingOption,
    SkipUnreadableOption,
    SubfoldersOption,
    data_errors,
    duration,
    names_in,
    recordings_at,
)
from pylstm.cli.console.output import fact, note
from pylstm.cli.console.training_plan import TrainingPlan, needs_background_examples
from pylstm.cli.console.transcript_training import TranscriptPlan
from pylstm.cli.console.transcript_units import TranscriptUnits, check_units, unit_counts
from pylstm.layers.weights import n_parameters
from pylstm.model_files import SUFFIX

if TYPE_CHECKING:
    from pylstm.train.data.feature_cache import FeatureCache
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.loop.fitted import Fitted

__all__ = ["train"]


def train(
    data: DataArgument,
    output: options.Output = Path("model.safetensors"),
    epochs: options.Epochs = 30,
    hidden: options.Hidden = 64,
    layers: options.Layers = 2,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = 0.003,
    validation: options.Validation = 0.1,
    patience: options.Patience = None,
    n_mfcc: options.NMfcc = 13,
    sample_rate: options.SampleRate = 16000,
    labels: options.Labels = None,
    others: options.Others = None,
    clips: ClipsOption = False,
    units: options.Units = None,
    background: options.Background = "background",
    background_examples: options.BackgroundExamples = None,
    augment: options.Augment = True,
    noise: options.Noise = None,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    cache: options.Cache = None,
    subfolders: SubfoldersOption = None,
    skip_missing: SkipMissingOption = False,
    skip_unreadable: SkipUnreadableOption = False,
    resume: options.Resume = False,
    force: options.Force = False,
    quiet: options.Quiet = None,
) -> int:
    """Train a model on labelled recordings.

    Use the model with: pylstm run AUDIO --model FILE. A checkpoint beside it is written after every
    epoch, so Ctrl-C loses nothing: --resume, with the same options, continues. With more --epochs
    it trains a finished model further.
    """
    checkpoint = _checkpoint_path(output, resume, force)
    if patience is not None and validation == 0:
        raise CliError("--validation is 0; expected above 0, as --patience is given", USAGE)
    if not background:
        raise CliError("--background is empty; expected a label", USAGE)
    background_examples = renamed("--background-examples", background_examples, "--quiet", quiet)
    require("training", TRAINING)
    frames = _cache(cache)
    others = others or None
    recordings = recordings_at(
        data,
        labels=names_in(labels),
        others=others,
        clips=clips,
        background=background,
        units=(units or TranscriptUnits.CHARACTERS).value,
        subfolders=subfolders,
        skip_missing=skip_missing,
        skip_unreadable=skip_unreadable,
    )
    check_units(units, recordings)
    noises = _noises(recordings, noise, augment, skip_unreadable)
    with data_errors():
        split = recordings.split(validation, 0.0, seed)
    add_examples = background_examples is not False and needs_background_examples(recordings)
    if add_examples and background in recordings.labels:
        raise CliError(
            f"--background is {background}, a label of recordings; expected another, or"
            " --no-background-examples",
            USAGE,
        )
    plan = TrainingPlan(
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
        cache=frames,
        others=others,
        silence_label=background if add_examples else None,
    )
    if recordings.per == "transcript":
        plan = TranscriptPlan.of(plan, units or TranscriptUnits.CHARACTERS)
    _print_data(recordings, split, plan)
    model = plan.model(recordings, split)
    count = sum(n_parameters(layer.shapes) for layer in model.layers)
    outputs = number_of(model.n_outputs, "output")
    network = f"{n_mfcc} MFCC, {layers} x LSTM {hidden}, {outputs}"
    fact("model", f"{network}, {number_of(count, 'parameter')}")
    if force and not resume:
        checkpoint.unlink(missing_ok=True)
    return _train(plan, model, split, output, checkpoint, resume)


# --- before ---------------------------------------------------------------------------------------


def _checkpoint_path(output: Path, resume: bool, force: bool) -> Path:
    """The path of the checkpoint; existing files are only replaced if the user asks for it."""
    if output.suffix != SUFFIX:
        raise CliError(f"--output is {output}; expected a file name that ends in {SUFFIX}", USAGE)
    if not output.parent.is_dir():
        raise CliError(f"cannot write {output}: No such file or directory")
    checkpoint = output.with_suffix(".checkpoint")
    for path in (output, checkpoint):  # before training, or its results would be lost
        if path.is_dir():
            raise CliError(f"cannot write {path}: Is a directory")
        if path.exists() and not path.is_file():
            raise CliError(f"cannot write {path}: it is not a regular file")
    if resume and not checkpoint.exists():
        raise CliError(
            f"--resume: {checkpoint} does not exist; expected the checkpoint of {output}"
        )
    if resume or force:
        return checkpoint
    for path, what in (
        (output, "exists already"),
        (checkpoint, "is the checkpoint of an unfinished training"),
    ):
        if path.exists():
            raise CliError(f"{path} {what}; --resume continues it, --force starts anew", USAGE)
    return checkpoint


def _cache(folder: Path | None) -> FeatureCache | None:
    """The folder that keeps computed frames."""
    from pylstm.train.data.feature_cache import FeatureCache

    try:
        return FeatureCache.of(folder)
    except NotADirectoryError:
        raise CliError(f"--cache is {folder}; expected a folder", USAGE) from None
    except OSError as error:
        raise CliError(f"cannot write {folder}: {error.strerror or error}") from None


def _noises(
    recordings: Recordings, folder: Path | None, augment: bool, skip_unreadable: bool
) -> tuple[str, ...]:
    """Files of noise: those of the recordings, and those in the folder that --noise names."""
    if folder is None:
        return recordings.noises
    if not augment:
        raise CliError("--noise is given with --no-augment; expected one of them", USAGE)
    from pylstm.train.data.noise_folder import read_noise_folder

    try:
        with data_errors():
            paths, notes = read_noise_folder(folder, skip_unreadable)
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror or error}") from None
    for said in notes:
        note(said.text)
    return (*recordings.noises, *paths)


def _print_data(recordings: Recordings, split: Split, plan: TrainingPlan) -> None:
    """What the model is trained on."""
    fact("recordings", f"{len(recordings)}, {duration(recordings.seconds)} in all")
    labels = ", ".join(
        f"{label} (the rest)" if label == recordings.background else f"{label} {n}"
        for label, n in recordings.counts().items()
    )
    if recordings.per == "transcript":
        labels = unit_counts(recordings)
    if plan.silence_label is not None:
        labels += f"; {plan.silence_label}: noise and silence are added"
    fact("units" if recordings.per == "transcript" else "labels", labels)
    parts = [f"{len(split.training)} to learn from", f"{len(split.validation)} to judge by"]
    if len(split.testing):
        parts.append(f"{len(split.testing)} left for pylstm eval")
    fact("split", ", ".join(parts))
    others = sum(n for rate, n in recordings.rates().items() if rate != plan.sample_rate)
    if others:
        those = f"{others} of {number_of(len(recordings), 'recording')}"
        note(f"{those} {'is' if others == 1 else 'are'} resampled to {plan.sample_rate} Hz")
    mixed = sum(item.header.channels > 1 for item in recordings.items)
    if mixed:
        those = f"{mixed} of {number_of(len(recordings), 'recording')}"
        note(f"{those} {'is' if mixed == 1 else 'are'} mixed down to mono")


# --- after ----------------------------------------------------------------------------------------


def _train(
    plan: TrainingPlan, model: Any, split: Split, output: Path, checkpoint: Path, resume: bool
) -> int:
    """Trains the model and saves it, also after an interruption or a divergence."""
    from pylstm.train.loop.fitted import DivergedError

    try:
        with data_errors():
            fitted = plan.fit(model, split, checkpoint, resume)
    except DivergedError as error:
        kept = "there is no earlier epoch to save"
        if error.fitted.best_epoch:
            _save(error.fitted, output)
            kept = f"{output} has the model of epoch {error.fitted.best_epoch}"
        raise CliError(f"{error}; {kept}") from None
    except CliError as error:  # a file that has been removed meanwhile, or is too short
        more = f"; --resume continues from {checkpoint}" if checkpoint.exists() else ""
        raise CliError(f"{error}{more}") from None
    except ValueError as error:  # a checkpoint of another training
        raise CliError(str(error)) from None
    except OSError as error:  # it names the temporary file
        more = f"; --resume continues from {checkpoint}" if checkpoint.exists() else ""
        raise CliError(f"cannot write {checkpoint}: {error.strerror or error}{more}") from None
    if not fitted.best_epoch:  # interrupted
        if not resume:
            checkpoint.unlink(missing_ok=True)
        note("interrupted before the end of the first epoch: nothing is saved")
        return INTERRUPTED
    _save(fitted, output)
    fact(*plan.result(fitted, split))
    fact("file", f"{output}  ({output.stat().st_size:,} bytes)")
    fact("hear it", f"pylstm run AUDIO --model {output}")
    if fitted.stopped == "interrupted":
        epochs = number_of(plan.epochs, "epoch")
        note(f"interrupted after {len(fitted.history)} of {epochs}; --resume continues")
        return INTERRUPTED
    return 0


def _save(fitted: Fitted, output: Path) -> None:
    """Writes the model, with the results of its training in its info."""
    began = fitted.model
    best = fitted.history[fitted.best_epoch - 1]
    info = {**began.info, "training.epoch": str(fitted.best_epoch)}
    if best["validation_accuracy"] is not None:
        info["training.validation_accuracy"] = f"{best['validation_accuracy']:.4f}"
    try:
        began.with_info(info).save(output)
    except OSError as error:
        raise CliError(f"cannot write {output}: {error.strerror or error}") from None
