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
from pylstm.cli.console.trained_file import checkpoint_path, save_trained
from pylstm.cli.console.training_audio import negatives_in, noises_for
from pylstm.cli.console.training_plan import TrainingPlan, needs_background_examples
from pylstm.cli.console.transcript_training import TranscriptPlan
from pylstm.cli.console.transcript_units import TranscriptUnits, check_units, unit_counts
from pylstm.cli.console.word_training import WordPlan
from pylstm.layers.weights import n_parameters

if TYPE_CHECKING:
    from pylstm.train.data.feature_cache import FeatureCache
    from pylstm.train.data.recordings import Recordings, Split

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
    units: options.Units = None,
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
    checkpoint = checkpoint_path(output, resume, force)
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
        words=_stand_for_words(data, clips, targets),
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
        units=(units or TranscriptUnits.CHARACTERS).value,
        subfolders=subfolders,
        skip_missing=skip_missing,
        skip_unreadable=skip_unreadable,
        one_label=bool(negatives),
    )
    check_units(units, recordings)
    words = _are_words(recordings, targets, negatives)
    noises = noises_for(recordings, noise, augment, skip_unreadable)
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
    )
    if recordings.per == "transcript":
        plan = TranscriptPlan.of(plan, units or TranscriptUnits.CHARACTERS)
    elif words:
        sides = negatives_in(negatives or [], validation, seed, skip_unreadable)
        plan = WordPlan.of(plan, sides, false_alarms)
    _print_data(recordings, split, plan)
    model = plan.model(recordings, split)
    count = sum(n_parameters(layer.shapes) for layer in model.layers)
    outputs = number_of(model.n_outputs, "output")
    fact("model", f"{network}, {outputs}, {number_of(count, 'parameter')}")
    if force and not resume:
        checkpoint.unlink(missing_ok=True)
    return _train(plan, model, split, output, checkpoint, resume, callbacks)


# --- before ---------------------------------------------------------------------------------------


def _cache(folder: Path | None) -> FeatureCache | None:
    """The folder that keeps computed frames."""
    from pylstm.train.data.feature_cache import FeatureCache

    try:
        return FeatureCache.of(folder)
    except NotADirectoryError:
        raise CliError(f"--cache is {folder}; expected a folder", USAGE) from None
    except OSError as error:
        raise CliError(f"cannot write {folder}: {error.strerror or error}") from None


def _batch_size(split: Split, words: bool) -> int:
    """Rows of running audio, of 8 s each; or recordings, fewer of a small set."""
    return 16 if words else min(32, max(4, len(split.training) // 16))


def _stand_for_words(data: Path, clips: bool, targets: options.Targets | None) -> bool:
    """Whether labels stand for words, as far as that can be said before recordings are read."""
    if targets is None:
        return data.is_dir() or clips
    return targets is options.Targets.WORDS


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
) -> int:
    """Trains the model and saves it, also after an interruption or a divergence."""
    from pylstm.train.loop.fitted import DivergedError

    try:
        with data_errors():
            fitted = plan.fit(model, split, checkpoint, resume, callbacks)
    except DivergedError as error:
        kept = "there is no earlier epoch to save"
        if error.fitted.best_epoch:
            save_trained(error.fitted.model, error.fitted, output)
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
    with data_errors():
        finished, facts = plan.finished(fitted, split)
    save_trained(finished, fitted, output)
    for name, value in facts:
        fact(name, value)
    fact("file", f"{output}  ({output.stat().st_size:,} bytes)")
    fact("hear it", f"pylstm run AUDIO --model {output}")
    if fitted.stopped == "interrupted":
        epochs = number_of(plan.epochs, "epoch")
        note(f"interrupted after {len(fitted.history)} of {epochs}; --resume continues")
        return INTERRUPTED
    return 0
