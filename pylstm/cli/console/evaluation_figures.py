"""Figures of an evaluation as PNG files, drawn by matplotlib without a screen."""

from __future__ import annotations

import io
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from pylstm import whole_writes
from pylstm.cli.console.errors import CliError
from pylstm.cli.console.output import one_line

if TYPE_CHECKING:
    from pylstm.evaluation.label_evaluation import LabelEvaluation
    from pylstm.evaluation.metrics import DetCurve
    from pylstm.evaluation.trade_off import TradeOff

__all__ = ["EvaluationFigures"]

# Rates on the axes of a trade-off; rates beyond the edges are drawn at the edge.
_TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
_EDGES = (0.0005, 0.9)
# With more labels the numbers in the cells could not be read.
_MOST_NUMBERS = 25


class EvaluationFigures:
    """Writes figures into a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.

    Raises
    ------
    CliError
        matplotlib is missing, or the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            # Not pyplot, which looks for a screen and keeps every figure.
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError:
            raise CliError('--figures needs matplotlib; pip install "pylstm[plot]"') from None
        self._figure, self._canvas = Figure, FigureCanvasAgg
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CliError(f"cannot write {folder}: {error.strerror or error}") from None

    def draw(self, evaluation: LabelEvaluation) -> list[Path]:
        """Writes ``confusion.png`` and ``det.png``.

        Returns
        -------
        list of Path
            The files that were written; no det.png if no label has a trade-off.

        Raises
        ------
        CliError
            A file cannot be written.
        """
        written = [self._confusion(evaluation)]
        curves = {label: evaluation.det_curve(label) for label in evaluation.labels}
        if any(curve is not None for curve in curves.values()):
            written.append(self._trade_off(curves))
        return written

    def draw_trade_off(self, curve: TradeOff) -> list[Path]:
        """Writes ``trade-off.png``: misses against false alarms an hour of a listener.

        Returns
        -------
        list of Path
            The file; none if there are no words or no audio without words.

        Raises
        ------
        CliError
            The file cannot be written.
        """
        if not curve.hours or not curve.labels:
            return []
        figure = self._figure(figsize=(7, 6), layout="constrained")
        axes = figure.add_subplot()
        # None at all has no place on a logarithmic axis: it stands left of the least that is seen.
        none = curve.least / 2
        for label in (*curve.labels, None):
            style: dict[str, Any] = {"label": "all labels", "color": "black", "linewidth": 2.0}
            if label is not None:
                style = {"label": _name(label), "linewidth": 0.8}
            rates = np.maximum(curve.false_alarms_an_hour(label), none)
            axes.plot(rates, 100 * curve.misses(label), marker=".", markersize=4, **style)
        axes.axvline(curve.least, color="grey", linewidth=0.8, linestyle="dotted")
        axes.set_xscale("log")
        axes.set_xlim(left=none / 1.5)
        axes.set_ylim(-2, 102)
        axes.set_xlabel(
            f"false alarms an hour; dotted: one in the {curve.hours:.2g} hours heard, left of it:"
            " none"
        )
        axes.set_ylabel("words that are missed, %")
        axes.set_title("Listener on running audio, the same threshold for all labels")
        axes.grid(linewidth=0.3)
        axes.legend(fontsize=8, ncols=1 + len(curve.labels) // 20)
        return [self._write(figure, "trade-off.png")]

    def draw_detection(
        self, label: str, curve: DetCurve, chosen: tuple[float, float], threshold: float
    ) -> Path:
        """Writes ``roc.png``: hits against false alarms of one label, and where the threshold is.

        Parameters
        ----------
        label : str
        curve : DetCurve
        chosen : (float, float)
            False alarms and misses at the threshold.
        threshold : float

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        CliError
            It cannot be written.
        """
        figure = self._figure(figsize=(6, 6), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 100], [0, 100], color="grey", linewidth=0.5, linestyle="dotted")
        # The curve of a model without errors lies on the axes: it is drawn over them.
        over: dict[str, Any] = {"clip_on": False, "zorder": 3}
        axes.plot(100 * curve.false_alarms, 100 * (1 - curve.misses), linewidth=2, **over)
        axes.plot(
            100 * chosen[0], 100 * (1 - chosen[1]), "o", label=f"threshold {threshold:g}", **over
        )
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.set_xlabel("other frames taken for it, %")
        axes.set_ylabel("frames found, %")
        axes.set_title(f"{_name(label)} against the rest")
        axes.grid(linewidth=0.3)
        axes.legend(loc="lower right")
        return self._write(figure, "roc.png")

    def _confusion(self, evaluation: LabelEvaluation) -> Path:
        """The confusion matrix: shares of each row as shades, counts as numbers."""
        counts, names = evaluation.confusion, [_name(label) for label in evaluation.labels]
        total = counts.sum(axis=1, keepdims=True)
        shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
        size = max(4.0, 1.5 + 0.45 * len(names))
        figure = self._figure(figsize=(size + 1, size), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("taken for")
        axes.set_ylabel("was")
        unit = "recordings" if evaluation.per == "sequence" else "frames"
        axes.set_title(f"{counts.sum():,} {unit}")
        if len(names) <= _MOST_NUMBERS:
            for (row, column), n in np.ndenumerate(counts):
                if n:
                    colour = "white" if shares[row, column] > 0.5 else "black"
                    axes.text(
                        column, row, str(n), ha="center", va="center", color=colour, fontsize=8
                    )
        return self._write(figure, "confusion.png")

    def _trade_off(self, curves: dict[str, Any]) -> Path:
        """Miss rate against false-alarm rate, both as normal deviates."""
        figure = self._figure(figsize=(7, 6), layout="constrained")
        axes = figure.add_subplot()
        for label, curve in curves.items():
            if curve is not None:
                axes.plot(
                    _deviates(curve.false_alarms), _deviates(curve.misses), label=_name(label)
                )
        ticks = _deviates(np.array(_TICKS))
        names = [f"{100 * rate:g}" for rate in _TICKS]
        low, high = _deviates(np.array(_EDGES))
        axes.plot([low, high], [low, high], color="grey", linewidth=0.5, linestyle="dotted")
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_xlabel("false alarms, %")
        axes.set_ylabel("misses, %")
        axes.set_title("Detection-error trade-off: each label against all others")
        axes.grid(linewidth=0.3)
        axes.legend(fontsize=8, ncols=1 + len(curves) // 20)
        return self._write(figure, "det.png")

    def _write(self, figure: Any, name: str) -> Path:
        path, content = self._folder / name, io.BytesIO()
        try:
            self._canvas(figure).print_png(content)
            whole_writes.write(path, content.getvalue())
        except OSError as error:
            raise CliError(f"cannot write {path}: {error.strerror or error}") from None
        return path


def _deviates(rates: np.ndarray) -> np.ndarray:
    normal = NormalDist()
    return np.array([normal.inv_cdf(rate) for rate in np.clip(rates, *_EDGES).tolist()])


def _name(label: str) -> str:
    """A label for matplotlib, without line breaks and formulas."""
    return one_line(label).replace("$", r"\$")
