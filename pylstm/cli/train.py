"""``pylstm train``: a model from labelled recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylstm.arguments import number_of
from pylstm.cli.console import training_options as options
from pylstm.cli.console.errors import INTERRUPTED, USAGE, CliError
from pylstm.cli.console.extras import TRAINING, require
from pylstm.cli.console.former_options import renamed
from pylstm.cli.console.learning_curves import learning_curves
from pylstm.cli.console.learning_plan import LearningPlan
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
from pylstm.cli.console.network_plan import NetworkPlan
from pylstm.cli.console.output import fact, note
from pylstm.cli.console.training_plan import TrainingPlan, needs_background_examples
from pylstm.layers.weights import n_parameters
from pylstm.model_files import SUFFIX

if TYPE_CHECKING:
    from pylstm.cli.console.word_training import WordTraining
    from pylstm.model import Model
    from pylstm.train.data.feature_cache import FeatureCache
    from pylstm.train.data.negatives import Negatives
    from pylstm.train.data.recordings import Recordings, Split
    from pylstm.train.loop.fitted import Fitted

__all__ = ["train"]


def train(
    data: DataArgument,
    output: options.Output = Path("model.safetensors"),
    epochs: options.Epochs = 30,
    arch: options.ArchOption = None,
    hidden: options.Hidden = None,
    layers: options.Layers = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    schedule: options.Schedule = options.ScheduleKind.COSINE,
    class_weights: options.WeightsOfLabels = options.ClassWeights.NONE,
    validation: options.Validation = 0.1,
    patience: options.Patience = None,
    features: options.FeaturesOption = None,
    n_mfcc: options.NMfcc = None,
    n_mels: options.NMels = None,
    dropout: options.Dropout = None,
    base: options.Base = None,
    freeze: options.Freeze = False,
    sample_rate: options.SampleRate = None,
    labels: options.Labels = None,
    others: options.Others = None,
    clips: ClipsOption = False,
    background: options.Background = "background",
    background_examples: options.BackgroundExamples = None,
    augment: options.Augment = True,
    spec_augment: options.SpecAugment = True,
    mask_frames: options.MaskFrames = None,
    mask_values: options.MaskValues = None,
    noise: options.Noise = None,
    negatives: options.NegativesOption = None,
    false_alarms: options.FalseAlarms = 1.0,
    targets: options.TargetsOption = None,
    seed: options.Seed = 0,
    threads: options.Threads = None,
    cache: options.Cache = None,
    curves: options.CurvesFolder = None,
    tensorboard: options.TensorBoard = None,
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
    network = NetworkPlan.of(
        arch=arch,
        hidden=hidden,
        layers=layers,
        features=features,
        n_mfcc=n_mfcc,
        n_mels=n_mels,
        dropout=dropout,
        sample_rate=sample_rate,
        seed=seed,
        base=base,
        freeze=freeze,
    )
    learning = LearningPlan.of(
        network,
        learning_rate=learning_rate,
        schedule=schedule,
        class_weights=class_weights,
        augment=augment,
        spec_augment=spec_augment,
        mask_frames=mask_frames,
        mask_values=mask_values,
    )
    require("training", TRAINING)
    callbacks = learning_curves(curves, tensorboard)
    frames = _cache(cache)
    others = others or None
    recordings = recordings_at(
        data,
        labels=names_in(labels),
        others=others,
        clips=clips,
        background=background,
        subfolders=subfolders,
        skip_missing=skip_missing,
        skip_unreadable=skip_unreadable,
        one_label=bool(negatives),
    )
    words = _are_words(recordings, targets, negatives)
    noises = _noises(recordings, noise, augment, skip_unreadable)
    with data_errors():
        split = recordings.split(validation, 0.0, seed)
    if words and background_examples is False:
        raise CliError(
            "--no-background-examples is given and labels stand for words; expected --targets"
            " sounds, because running audio has noise and silence between words",
            USAGE,
        )
    add_examples = background_examples is not False and needs_background_examples(recordings)
    if add_examples and background in recordings.labels:
        raise CliError(
            f"--background is {background}, a label of recordings; expected another, or"
            " --no-background-examples",
            USAGE,
        )
    plan = TrainingPlan(
        network=network,
        epochs=epochs,
        batch_size=batch_size or _batch_size(split, words),
        learning=learning,
        validation=validation,
        seed=seed,
        threads=threads or min(8, os.cpu_count() or 1),
        augment=augment,
        noises=noises,
        patience=patience,
        cache=frames,
        others=others,
        silence_label=background if add_examples else None,
        words=words,
        negatives=_negatives(negatives or [], words, validation, seed, skip_unreadable),
        false_alarms=false_alarms,
    )
    _print_data(recordings, split, plan)
    model = plan.model(recordings, split)
    count = sum(n_parameters(layer.shapes) for layer in model.layers)
    outputs = number_of(model.n_outputs, "output")
    fact("model", f"{network}, {outputs}, {number_of(count, 'parameter')}")
    if force and not resume:
        checkpoint.unlink(missing_ok=True)
    data_of_words = plan.word_training(model, recordings, split) if words else None
    return _train(plan, model, split, output, checkpoint, resume, callbacks, data_of_words)


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
    return (*recordings.noises, *_audio_below(folder, skip_unreadable))


def _batch_size(split: Split, words: bool) -> int:
    """Rows of running audio, of 8 s each; or recordings, fewer of a small set."""
    return 16 if words else min(32, max(4, len(split.training) // 16))


def _are_words(
    recordings: Recordings, targets: options.Targets | None, negatives: list[Path] | None
) -> bool:
    """Whether labels stand for words in running audio."""
    if targets is None:
        words = recordings.per == "sequence"
    else:
        words = targets is options.Targets.WORDS
    if negatives and not words:
        raise CliError(
            "--negatives is given and labels stand for sounds; expected --targets words", USAGE
        )
    return words


def _negatives(
    folders: list[Path], words: bool, validation: float, seed: int, skip_unreadable: bool
) -> Negatives:
    """Recordings without the words, to learn from and to judge by."""
    from pylstm.train.data.negatives import Negatives

    paths = [path for folder in folders for path in _audio_below(folder, skip_unreadable)]
    if words and not paths:
        note(
            "there is nothing to learn negatives from: the model will report words in other speech,"
            " and nobody can say how often; --negatives FOLDER takes recordings without the words"
        )
    return Negatives.split(paths, validation, seed)


def _audio_below(folder: Path, skip_unreadable: bool) -> list[str]:
    """The recordings in a folder and below it; notes what is passed over."""
    from pylstm.train.data.noise_folder import read_noise_folder

    try:
        with data_errors():
            paths, notes = read_noise_folder(folder, skip_unreadable)
    except OSError as error:
        raise CliError(f"cannot read {folder}: {error.strerror or error}") from None
    for said in notes:
        note(said.text)
    return paths


def _print_data(recordings: Recordings, split: Split, plan: TrainingPlan) -> None:
    """What the model is trained on."""
    fact("recordings", f"{len(recordings)}, {duration(recordings.seconds)} in all")
    labels = ", ".join(
        f"{label} (the rest)" if label == recordings.background else f"{label} {n}"
        for label, n in recordings.counts().items()
    )
    if plan.silence_label is not None:
        labels += f"; {plan.silence_label}: noise and silence are added"
    fact("labels", labels)
    parts = [f"{len(split.training)} to learn from", f"{len(split.validation)} to judge by"]
    if len(split.testing):
        parts.append(f"{len(split.testing)} left for pylstm eval")
    fact("split", ", ".join(parts))
    others = sum(n for rate, n in recordings.rates().items() if rate != plan.network.sample_rate)
    if others:
        those = f"{others} of {number_of(len(recordings), 'recording')}"
        note(f"{those} {'is' if others == 1 else 'are'} resampled to {plan.network.sample_rate} Hz")
    mixed = sum(item.header.channels > 1 for item in recordings.items)
    if mixed:
        those = f"{mixed} of {number_of(len(recordings), 'recording')}"
        note(f"{those} {'is' if mixed == 1 else 'are'} mixed down to mono")


# --- after ----------------------------------------------------------------------------------------


def _train(
    plan: TrainingPlan,
    model: Any,
    split: Split,
    output: Path,
    checkpoint: Path,
    resume: bool,
    callbacks: Sequence[Any],
    words: WordTraining | None,
) -> int:
    """Trains the model and saves it, also after an interruption or a divergence."""
    from pylstm.train.loop.fitted import DivergedError

    try:
        with data_errors():
            fitted = plan.fit(model, split, checkpoint, resume, callbacks, words)
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
    if words is None:
        _save(fitted, output)
        _print_result(fitted, output)
    else:
        model, found = words.tuned(fitted, plan.false_alarms)
        _save(fitted, output, model)
        _print_result(fitted, output)
        if found is not None:
            words.print_result(found)
    if fitted.stopped == "interrupted":
        epochs = number_of(plan.epochs, "epoch")
        note(f"interrupted after {len(fitted.history)} of {epochs}; --resume continues")
        return INTERRUPTED
    return 0


def _save(fitted: Fitted, output: Path, tuned: Model | None = None) -> None:
    """Writes the model, with the results of its training in its info."""
    began = fitted.model if tuned is None else tuned
    best = fitted.history[fitted.best_epoch - 1]
    info = {**began.info, "training.epoch": str(fitted.best_epoch)}
    if best["validation_accuracy"] is not None:
        info["training.validation_accuracy"] = f"{best['validation_accuracy']:.4f}"
    try:
        began.with_info(info).save(output)
    except OSError as error:
        raise CliError(f"cannot write {output}: {error.strerror or error}") from None


def _print_result(fitted: Fitted, output: Path) -> None:
    best = fitted.history[fitted.best_epoch - 1]
    judged, where = best["validation_accuracy"], "on the validation"
    if judged is None:
        judged, where = best["accuracy"], "on the training itself, as there is no validation"
    fact("accuracy", f"{100 * judged:.1f} % {where}, epoch {fitted.best_epoch}")
    fact("file", f"{output}  ({output.stat().st_size:,} bytes)")
    fact("hear it", f"pylstm run AUDIO --model {output}")
