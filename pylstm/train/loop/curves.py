"""Learning curves: the figures of every epoch in files, while a training runs."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Any

from pylstm.arguments import flag
from pylstm.train.loop.report import Report
from pylstm.train.settings_repr import SettingsRepr
from pylstm.whole_writes import write

__all__ = ["Curves", "EventFiles"]

_COLUMNS = (
    "epoch",
    "step",
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "lr",
    "norm",
    "seconds",
)
_WHOLE = ("epoch", "step")
# Each panel of the plot: what it shows, and on which scale.
_PANELS = (
    ("loss", ("loss", "validation_loss"), "linear"),
    ("accuracy", ("accuracy", "validation_accuracy"), "linear"),
    ("learning rate", ("lr",), "log"),
)
_NAMES = {"loss": "training", "accuracy": "training", "lr": "learning rate"}


class Curves(SettingsRepr):
    """A callback of `fit` that writes the figures of every epoch into a folder.

    ``curves.csv`` has a row for each epoch: epoch, step, loss, accuracy, validation_loss,
    validation_accuracy, lr, norm, seconds, as `Report` describes them; a field is empty where there
    is no such figure. ``curves.png`` shows loss, accuracy and learning rate over epochs. Both are
    replaced after every epoch, all or nothing. A training that is resumed continues them; one that
    begins anew, with epoch 1, begins them anew.

    Parameters
    ----------
    folder : path
        Is made if it does not exist.
    plot : bool
        Whether ``curves.png`` is written, which needs matplotlib.

    Raises
    ------
    ImportError
        matplotlib is missing; the message names the extra that has it.
    OSError
        The folder cannot be made, or `curves.csv` there cannot be read.
    ValueError
        There is a `curves.csv` that this class has not written.

    Examples
    --------
    >>> import tempfile, numpy as np, pylstm
    >>> from pathlib import Path
    >>> from pylstm import train
    >>> xs = [np.zeros((5, 3), np.float32)] * 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = train.fit(
    ...         [pylstm.LSTM(3, 4, seed=0), pylstm.Dense(4, 2, "softmax", seed=1)],
    ...         train.Arrays(xs, [0, 1]),
    ...         loss=train.CrossEntropy(per="sequence"),
    ...         optimiser=train.Adam(),
    ...         epochs=2,
    ...         callbacks=[train.Curves(folder, plot=False)],
    ...     )
    ...     print(Path(folder, "curves.csv").read_text().splitlines()[0])
    epoch,step,loss,accuracy,validation_loss,validation_accuracy,lr,norm,seconds
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        plot: bool = True,
    ) -> None:
        self.folder = Path(folder)
        self.plot = flag("plot", plot)
        if self.plot:
            _figure_class()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._rows = _read(self.folder / "curves.csv")

    def __call__(self, report: Report) -> None:
        """Writes the files after an epoch; see `fit`."""
        if report.kind != "epoch":
            return
        row = {name: getattr(report, name) for name in _COLUMNS}
        # Rows of a former training, or of epochs that are done again.
        self._rows = [*(r for r in self._rows if r["epoch"] < report.epoch), row]
        write(self.folder / "curves.csv", _as_text(self._rows).encode())
        if self.plot:
            write(self.folder / "curves.png", _as_picture(self._rows))


def _as_text(rows: Sequence[dict[str, Any]]) -> str:
    """A row for each epoch, with all digits."""
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: "" if value is None else repr(value) for name, value in row.items()})
    return text.getvalue()


def _read(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier training, which a resumed one continues."""
    try:
        text = path.read_text("utf-8")
        table = csv.DictReader(io.StringIO(text))
        if tuple(table.fieldnames or ()) != _COLUMNS:
            raise ValueError
        return [
            {n: None if row[n] == "" else (int if n in _WHOLE else float)(row[n]) for n in _COLUMNS}
            for row in table
        ]
    except FileNotFoundError:
        return []
    except (TypeError, ValueError, csv.Error):
        raise ValueError(
            f"{path} is no table of learning curves; expected another folder, or the one of an"
            " earlier training"
        ) from None


# --- the plot -------------------------------------------------------------------------------------


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            'the plot of learning curves needs matplotlib; pip install "pylstm[plot]"'
        ) from None
    return Figure


def _as_picture(rows: Sequence[dict[str, Any]]) -> bytes:
    """The curves as PNG. A figure without pyplot: no window, no state of the process."""
    figure = _figure_class()(figsize=(6, 8), layout="constrained")
    panels = figure.subplots(len(_PANELS), sharex=True)
    epochs = [row["epoch"] for row in rows]
    for panel, (title, names, scale) in zip(panels, _PANELS, strict=True):
        for name in names:
            values = [math.nan if row[name] is None else row[name] for row in rows]
            if any(map(math.isfinite, values)):
                panel.plot(epochs, values, ".-", label=_NAMES.get(name, "validation"))
        if len(panel.lines) > 1:
            panel.legend()
        if scale == "log" and any(row["lr"] > 0 for row in rows):
            panel.set_yscale("log")
        panel.set_ylabel(title)
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("epoch")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    return picture.getvalue()


# --- TensorBoard ----------------------------------------------------------------------------------


class EventFiles(SettingsRepr):
    """A callback of `fit` that writes the figures of every epoch as event files of TensorBoard.

    Each figure of `Report` is a scalar of its own name, at the number of the epoch. Each training
    writes a file of its own into the folder, and its figures are there after each epoch.

    Parameters
    ----------
    folder : path
        Is made if it does not exist.

    Raises
    ------
    ImportError
        The package tensorboard is missing.
    OSError
        The folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise ImportError(
                "event files of TensorBoard need tensorboard; pip install tensorboard"
            ) from None
        self._event, self._summary = Event, Summary
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventFileWriter(os.fspath(folder))

    def __call__(self, report: Report) -> None:
        """Writes the figures after an epoch; see `fit`."""
        if report.kind != "epoch":
            return
        found = {name: getattr(report, name) for name in _COLUMNS if name != "epoch"}
        values = [
            self._summary.Value(tag=name, simple_value=value)
            for name, value in found.items()
            if value is not None
        ]
        summary = self._summary(value=values)
        self._writer.add_event(self._event(wall_time=time(), step=report.epoch, summary=summary))
        self._writer.flush()
