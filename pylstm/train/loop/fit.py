"""Trains a network: the function that users call, and the checks of its arguments."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from pylstm.arguments import count, flag, number
from pylstm.layers.graph import Layers
from pylstm.model import Model
from pylstm.train.data.source import Source
from pylstm.train.loop.checkpoint import Checkpoint
from pylstm.train.loop.fitted import DivergedError, Fitted
from pylstm.train.loop.interrupts import Interrupts
from pylstm.train.loop.loss_check import check_loss
from pylstm.train.loop.progress import shown
from pylstm.train.loop.training_identity import identity_of
from pylstm.train.loop.training_loop import Callback, TrainingLoop
from pylstm.train.losses.head_losses import HeadLosses
from pylstm.train.losses.loss import Loss
from pylstm.train.network import Network
from pylstm.train.optimisers import Optimiser
from pylstm.train.schedules import Constant, Schedule

__all__ = ["DivergedError", "Fitted", "fit"]


def fit(
    model_or_layers: Model | Layers | Network,
    training: Source,
    validation: Source | None = None,
    *,
    loss: Loss | HeadLosses,
    optimiser: Optimiser,
    schedule: Schedule | None = None,
    epochs: int,
    max_norm: float | None = 1.0,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    seed: int = 0,
    threads: int | None = None,
    frozen: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
) -> Fitted:
    r"""Trains a network.

    For every batch of every epoch, with the weights w, the gradient g of the mean loss of the
    batch, and the learning rate η · factor of optimiser and schedule:

    .. math::

        g &= \nabla_w L(network_w(x), targets) \\
        g &\leftarrow g \cdot \min(1, max\_norm / \lVert g \rVert) \\
        w &\leftarrow optimiser(w, g, η \cdot factor(step, epoch))

    Parameters
    ----------
    model_or_layers : Model, sequence or mapping of layers, or Network
        What is trained; a mapping is a graph, as `Model` takes it. Models and layers are not
        changed; a network is trained in place.
    training : source
        The batches: `Arrays`, `Truncated`, ``Recordings.source(...)``, or anything with
        ``batches(epoch, seed)`` and ``n_batches``. Epochs are counted from 0 here.
    validation : source, optional
        The batches of its epoch 0 are evaluated after every epoch; the weights of the epoch with
        the lowest loss on them are kept.
    loss : loss or HeadLosses
        Called with outputs, targets, lengths and weights: `CrossEntropy`, `CTC`, `MSE`, ... Losses
        that compute softmax or sigmoid themselves get the outputs before these, `MSE` those of a
        stream. A graph with several heads takes `HeadLosses`, a loss for each.
    optimiser : optimiser
        `SGD`, `Adam`, `AdamW`, ... Continues from its current state.
    schedule : schedule, optional
        The factor of the learning rate. None: 1.
    epochs : int
        Passes over the training data; with `resume`, including those done before.
    max_norm : float or None
        Longer gradients are scaled down to this norm. None: never.
    patience : int, optional
        Stops after this many epochs in a row without a lower validation loss.
    checkpoint : path, optional
        A file that is written before the first epoch and after every epoch, all or nothing. An
        existing file is replaced only when the training resumes from it.
    resume : bool
        Whether to continue from `checkpoint`. The results are then bit for bit those of a training
        that was never interrupted, if data and `threads` are the same; the weights that
        `model_or_layers` has do not matter. Needs safetensors.
    seed : int
        Random seed of the order of the data, augmentation and dropout. Initial weights do not
        depend on it: layers have a seed of their own.
    threads : int, optional
        Threads that share a batch. Another number may change the last bits of the results. None:
        the network's own setting; 1 for models and layers.
    frozen : sequence of str, optional
        The names of layers that keep their weights, as in ``network.names``: "0" is the first.
        None: the network's own setting; for models and layers all learn.
    callbacks : sequence of callables
        Called with a `Report` after every batch and every epoch; returning ``"stop"`` ends the
        training.
    progress : bool, optional
        True: a bar on stderr, or a line for each epoch if that is not a terminal. None: only on a
        terminal. False: nothing.

    Returns
    -------
    Fitted
        With the weights of the epoch with the lowest validation loss; without a validation, the
        current weights. Ctrl-C stops the training after the current step, and ``stopped`` is then
        ``"interrupted"``. The checkpoint holds the last finished epoch: resuming repeats the epoch
        that was interrupted.

    Raises
    ------
    DivergedError
        Loss, gradient or weights are NaN or infinite; the message names epoch and batch. Its
        attribute ``fitted`` has the results before that; the checkpoint is unchanged.
    FileExistsError, FileNotFoundError
        A checkpoint would be overwritten, or there is none to resume from.
    ValueError, TypeError
        Arguments contradict each other, or a checkpoint is damaged or of another training. A loss
        that takes logits would get probabilities.

    Warns
    -----
    UserWarning
        The outputs are not what the loss takes, but it can be trained: logits within bounds, or
        another activation at the end than the one that the loss computes.

    Notes
    -----
    The loss of an epoch is the mean over its batches, weighted by their predictions (or by the sum
    of their weights). Batches in which no target counts take no step; they carry the state on.
    """
    epochs, seed = count("epochs", epochs, 1), count("seed", seed, 0)
    resume = flag("resume", resume)
    if progress is not None:
        progress = flag("progress", progress)
    if patience is not None:
        patience = count("patience", patience, 1)
        if validation is None:
            raise ValueError(f"patience is {patience} and validation is None; expected both")
    if max_norm is not None and not number("max_norm", max_norm) > 0:
        raise ValueError(f"max_norm is {max_norm!r}; expected above 0, or None")
    if resume and checkpoint is None:
        raise ValueError("checkpoint is None and resume is True; expected the file to resume from")
    for name, source in (("training", training), ("validation", validation)):
        if source is not None and not hasattr(source, "batches"):
            raise TypeError(f"{name} is {type(source).__name__}; expected a source, see Arrays")
    for place, callback in enumerate(callbacks):
        if not callable(callback):
            raise TypeError(
                f"callbacks[{place}] is {type(callback).__name__}; expected something to call"
            )
    schedule = Constant() if schedule is None else schedule
    network = _network(model_or_layers)
    model = model_or_layers if isinstance(model_or_layers, Model) else None
    if isinstance(network, Network):
        check_loss(loss, network, model)
    elif isinstance(loss, HeadLosses):
        raise TypeError(f"loss is HeadLosses; expected another for {type(network).__name__}")
    if threads is not None:
        network.threads = count("threads", threads, 1)
    if frozen is not None:
        network.frozen = frozen
    identity = identity_of(
        network, model, loss, optimiser, schedule, seed, max_norm, training, validation
    )
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and resume:
        start = _resumed(path, network, identity, optimiser, schedule)
    elif path is not None and path.exists():
        raise FileExistsError(
            f"{path} exists already; expected a new file (resume=True continues its training)"
        )
    else:
        start = Checkpoint(identity, network.parameters.copy(), {}, {}, [])
    with Interrupts() as interrupts, shown(progress) as show:
        loop = TrainingLoop(
            network=network,
            model=model,
            training=training,
            validation=validation,
            loss=loss,
            optimiser=optimiser,
            schedule=schedule,
            checkpoint=start,
            epochs=epochs,
            max_norm=max_norm,
            patience=patience,
            path=path,
            seed=seed,
            callbacks=tuple(callbacks),
            interrupts=interrupts,
            show=show,
        )
        return loop.run(resumed=resume)


def _resumed(
    path: Path,
    network: Network,
    identity: dict[str, str],
    optimiser: Optimiser,
    schedule: Schedule,
) -> Checkpoint:
    """A checkpoint whose weights and states are now those of network, optimiser and schedule."""
    checkpoint = Checkpoint.read(path, network, identity)
    try:
        optimiser.restore(checkpoint.optimiser)
        schedule.restore(checkpoint.schedule)
    except (TypeError, ValueError) as error:
        raise ValueError(f"cannot resume from {path}: {error}") from None
    network.parameters[:] = checkpoint.parameters
    return checkpoint


def _network(model_or_layers: Model | Layers | Network) -> Network:
    if hasattr(model_or_layers, "forward") and hasattr(model_or_layers, "parameters"):
        return cast(Network, model_or_layers)  # or something that can do the same
    if isinstance(model_or_layers, Model):
        return Network(model_or_layers.nodes)
    if inspect.isroutine(model_or_layers):
        name = model_or_layers.__name__
        raise TypeError(
            f"model_or_layers is the method {name}; expected what it gives: call it, {name}()"
        )
    if isinstance(model_or_layers, Sequence | Mapping) and not isinstance(model_or_layers, str):
        return Network(model_or_layers)
    raise TypeError(
        f"model_or_layers is {type(model_or_layers).__name__};"
        " expected a Model, a sequence or a mapping of layers, or a Network"
    )
