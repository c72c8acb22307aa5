"""Learning curves: what their files hold, also after a training that was resumed."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import pytest

from pylstm.train.loop.curves import Curves, EventFiles
from tests.train.small_trainings import Sums, source, train


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("validation", [None, source(seed=1)])
def test_the_table_is_the_history(tmp_path, validation):
    fitted = train(validation=validation, callbacks=[Curves(tmp_path / "new", plot=False)])
    assert len(rows(tmp_path / "new")) == len(fitted.history) == 3
    for row, entry in zip(rows(tmp_path / "new"), fitted.history, strict=True):
        assert list(row) == [
            "epoch", "step", "loss", "accuracy", "validation_loss", "validation_accuracy", "lr",
            "norm", "seconds",
        ]  # fmt: skip
        for name, text in row.items():
            if name == "seconds":
                assert float(text) > 0
            else:
                assert (None if text == "" else float(text)) == entry[name]


def test_it_is_there_after_every_epoch(tmp_path):
    seen = []

    def look(report):
        if report.kind == "epoch":
            seen.append(len(rows(tmp_path)))

    train(callbacks=[Curves(tmp_path, plot=False), look])
    assert seen == [1, 2, 3]


def test_a_resumed_training_continues_it_and_another_begins_anew(tmp_path):
    options = {"checkpoint": tmp_path / "a.checkpoint", "network": Sums()}
    train(**options, callbacks=[Curves(tmp_path, plot=False)])
    first = rows(tmp_path)
    train(**options, resume=True, epochs=5, callbacks=[Curves(tmp_path, plot=False)])
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2", "3", "4", "5"]
    assert rows(tmp_path)[:3] == first
    train(epochs=2, callbacks=[Curves(tmp_path, plot=False)])
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\0"])
def test_another_table_is_not_replaced(tmp_path, text):
    (tmp_path / "curves.csv").write_text(text)
    with pytest.raises(ValueError, match="is no table of learning curves; expected another"):
        Curves(tmp_path, plot=False)
    assert (tmp_path / "curves.csv").read_text() == text


def test_the_plot(tmp_path):
    pytest.importorskip("matplotlib", reason="for plots: pip install 'pylstm[plot]'")
    train(validation=source(seed=1), epochs=1, callbacks=[Curves(tmp_path)])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_without_the_packages(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'needs matplotlib; pip install "pylstm\[plot\]"'):
        Curves(tmp_path / "a")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match="need tensorboard; pip install tensorboard"):
        EventFiles(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_event_files(tmp_path):
    pytest.importorskip("tensorboard", reason="for event files: pip install tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    fitted = train(validation=source(seed=1), callbacks=[EventFiles(tmp_path)])
    (path,) = tmp_path.iterdir()
    events = [event for event in EventFileLoader(str(path)).Load() if event.summary.value]
    assert [event.step for event in events] == [1, 2, 3]
    for event, entry in zip(events, fitted.history, strict=True):
        found = {value.tag: value.tensor.float_val[0] for value in event.summary.value}
        assert set(found) == set(entry) - {"epoch"}
        assert math.isclose(found["validation_loss"], entry["validation_loss"], rel_tol=1e-5)
