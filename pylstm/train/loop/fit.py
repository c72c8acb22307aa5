"""The training loop: batches through a network, gradients into its weights, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pylstm.arguments import count, flag, number
from pylstm.layers import Layer
from pylstm.model import Model
from pylstm.train.data.batches import Source
from pylstm.train.loop.checkpoint import Checkpoint
from pylstm.train.loop.epochs import Callback, Loop
from pylstm.train.loop.fitted import DivergedError, Fitted
from pylstm.train.loop.interrupts import Interrupts
from pylstm.train.loop.progress import shown
from pylstm.train.loop.training_identity import identity_of
from pylstm.train.network import Network
from pylstm.train.schedules import Constant

__all__ = ["DivergedError", "Fitted", "fit"]


def fit(
    model_or_layers: Model | Sequence[Layer] | Any,
    training: Source,
    validation: Source | None = None,
    *,
    loss: Any,
    optimiser: Any,
    schedule: Any = None,
    epochs: int,
    max_norm: float | None = 1.0,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    seed: int = 0,
    threads: int | None = None,
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
    model_or_layers : Model, sequence of layers, or Network
        What is trained. Models and layers are left as they are; a network is trained itself.
    training : source
        The batches: `Arrays`, `Truncated`, ``Recordings.source(...)``, or anything with
        ``batches(epoch, seed)`` and ``n_batches``. Epochs are counted from 0 here.
    validation : source, optional
        Batches to judge by, after every epoch, those of its epoch 0. The weights of the epoch with
        the lowest loss on them are kept.
    loss : loss
        Called with outputs, targets, lengths and weights: `CrossEntropy`, `CTC`, `MSE`, ...
    optimiser : optimiser
        `SGD`, `Adam`, `AdamW`, ... Its state goes on from where it is.
    schedule : schedule, optional
        What the learning rate is multiplied with. None: 1.
    epochs : int
        How often all batches are gone through; with `resume` those that were done before count.
    max_norm : float or None
        Longer gradients are shortened to this norm. None: never.
    patience : int, optional
        Ends the training when so many epochs in a row were not better than the best on the
        validation.
    checkpoint : path, optional
        A file that is written before the first epoch and after every one, whole or not at all.
        What stands there is replaced only by resuming from it.
    resume : bool
        Whether to go on from `checkpoint`. The results are then those of a training that was never
        interrupted, to the last bit, if data and `threads` are the same; the weights that
        `model_or_layers` came with do not matter.
    seed : int
        Decides the order of the data, augmentation and dropout, with the numbers of epoch and
        batch. It does not draw initial weights: layers have a seed of their own.
    threads : int, optional
        Threads that share a batch. Another number may change the last bits of the results. None:
        what a network is set to; 1 for models and layers.
    callbacks : sequence of callables
        Called with a `Report` after every batch and every epoch. One that returns ``"stop"`` ends
        the training.
    progress : bool, optional
        True: a bar on stderr, or a line for each epoch if that is no terminal. None: only on a
        terminal. False: nothing.

    Returns
    -------
    Fitted
        With the weights of the best epoch on the validation; without a validation those of now.
        Ctrl-C ends a training after the step that it is in, and returns what there is: ``stopped``
        is then ``"interrupted"``. The checkpoint is that of the end of the last whole epoch, and
        resuming repeats the epoch that was broken off.

    Raises
    ------
    DivergedError
        Loss, gradient or weights are NaN or infinite; the message names epoch and batch, its
        attribute ``fitted`` has what there was before, and the checkpoint is as it was.
    FileExistsError, FileNotFoundError
        There is a checkpoint that would be overwritten, or none to resume from.
    ValueError, TypeError
        Arguments that do not go together; a checkpoint that is damaged or of another training.

    Notes
    -----
    The loss of an epoch is the mean over its batches, each counting by its predictions (or by the
    sum of their weights). Batches in which nothing counts take no step; state is carried through
    them.
    """
    epochs = count("epochs", epochs, 1)
    seed = count("seed", seed, 0)
    resume = flag("resume", resume)
    if patience is not None:
        patience = count("patience", patience, 1)
        if validation is None:
            raise ValueError(
                "patience is given and validation is not: there is nothing to wait for"
            )
    if max_norm is not None and not number("max_norm", max_norm) > 0:
        raise ValueError(f"max_norm is {max_norm!r}; expected above 0, or None")
    if progress is not None:
        progress = flag("progress", progress)
    if resume and checkpoint is None:
        raise ValueError("resume is True and checkpoint is None; expected the file to resume from")
    for name, source in (("training", training), ("validation", validation)):
        if source is not None and not hasattr(source, "batches"):
            raise TypeError(f"{name} is {type(source).__name__}; expected a source, see Arrays")
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"callbacks hold {type(callback).__name__}; expected callables")
    schedule = Constant() if schedule is None else schedule
    network = _network(model_or_layers)
    if threads is not None:
        network.threads = count("threads", threads, 1)
    model = model_or_layers if isinstance(model_or_layers, Model) else None
    identity = identity_of(
        network, model, loss, optimiser, schedule, seed, max_norm, training, validation
    )
    standing = Checkpoint(identity, network.parameters.copy(), {}, {}, [])
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and resume:
        standing = Checkpoint.read(path, network, identity)
        try:
            optimiser.restore(standing.optimiser)
            schedule.restore(standing.schedule)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is no checkpoint that can be resumed: {error}") from None
        network.parameters[:] = standing.parameters
    elif path is not None and path.exists():
        raise FileExistsError(
            f"{path} is there already: resume=True goes on from it; delete it to begin anew"
        )
    with Interrupts() as interrupts, shown(progress) as show:
        loop = Loop(
            network=network,
            model=model,
            training=training,
            validation=validation,
            loss=loss,
            optimiser=optimiser,
            schedule=schedule,
            standing=standing,
            epochs=epochs,
            max_norm=max_norm,
            patience=patience,
            path=path,
            seed=seed,
            callbacks=tuple(callbacks),
            interrupts=interrupts,
            show=show,
        )
        return loop.run(begun=resume)


def _network(model_or_layers: Any) -> Any:
    if hasattr(model_or_layers, "forward") and hasattr(model_or_layers, "parameters"):
        return model_or_layers
    if isinstance(model_or_layers, Model):
        return Network(model_or_layers.layers)
    if isinstance(model_or_layers, Sequence) and not isinstance(model_or_layers, str):
        return Network(model_or_layers)
    raise TypeError(
        f"model_or_layers is {type(model_or_layers).__name__}:"
        " expected a Model, a sequence of layers, or a Network"
    )
