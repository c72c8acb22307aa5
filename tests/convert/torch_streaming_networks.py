"""Networks in PyTorch that give their last row alone, take states, or look symbols up, each with a
way to run it as its users do."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

pytest.importorskip("torch", reason="it is PyTorch's: pip install 'pylstm[torch]'")

import torch
from torch import nn
from torch.nn import functional

N = 13
"""Values of a frame."""


class WakeWord(nn.Module):
    """Norm, GRU, and the state after the last frame."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(N)
        self.gru = nn.GRU(N, 8, 2, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(8, 2)

    def forward(self, x: Any) -> Any:
        x = self.norm(x.permute(0, 2, 1)).permute(0, 2, 1)
        _, h = self.gru(x)
        return torch.sigmoid(self.fc(h[-1]))


class Classifier(nn.Module):
    """The usual form of tutorials: states of zeros, and the last row."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N, 8, batch_first=True)
        self.fc = nn.Linear(8, 2)

    def forward(self, x: Any) -> Any:
        h0 = torch.zeros(1, x.size(0), 8).to(x.device)
        c0 = torch.zeros(1, x.size(0), 8, device=x.device)
        out, (_, _) = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])


class Squeezed(nn.Module):
    """h of the only layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N, 8, proj_size=5)
        self.fc = nn.Linear(5, 2)

    def forward(self, x: Any) -> Any:
        _, (h, _) = self.lstm(x)
        return self.fc(functional.relu(h.squeeze(0)))


class Recurrent2d(nn.Module):
    """Convolutions over time and bands, a GRU, the last row: later frames are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d((1, 2))
        self.gru = nn.GRU(4 * 6, 8, batch_first=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = self.pool(functional.relu(self.norm(self.conv(x.unsqueeze(1)))))
        x, _ = self.gru(x.transpose(1, 2).flatten(2))
        return self.fc(x[:, -1:]).log_softmax(-1)


class Depthwise(nn.Module):
    """Depthwise convolutions with a stride, a mean over bands."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, (4, 5), (2, 2), (1, 2), bias=False)
        blocks = [(nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 6, 1)) for _ in range(2)]
        self.blocks = nn.ModuleList([nn.Sequential(*pair, nn.BatchNorm2d(6)) for pair in blocks])
        self.fc = nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        x = functional.relu6(self.first(x[:, None]))
        for block in self.blocks:
            x = x + functional.hardswish(block(x))
        return self.fc(x.mean(3).transpose(1, 2))


class Mask(nn.Module):
    """A mask over a spectrum, from its logarithm."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(N, 8, batch_first=True)
        self.fc = nn.Linear(8, N)

    def forward(self, x: Any) -> Any:
        level = torch.log10(torch.clamp(x**2, min=1e-6)) - torch.log(x.abs().clamp(1e-3, 10.0))
        y, _ = self.gru(functional.selu(level + torch.log2(x.pow(2) + 1e-3)))
        return x * self.fc(y).sigmoid().clamp(max=0.9)


Result = namedtuple("Result", "logits hidden")


class Named(nn.Module):
    """Two heads out of a dict of modules, in a tuple with names, and a state."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({"rnn": nn.GRU(N, 8, batch_first=True), "fc": nn.Linear(8, 5)})

    def forward(self, x: Any, h: Any = None) -> Any:
        y, h = self.parts["rnn"](x, h)
        return Result(self.parts["fc"](y), h)


class Heads(nn.Module):
    """Two heads, in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(N, 8, batch_first=True)
        self.heads = nn.ModuleDict({"one": nn.Linear(8, 1), "two": nn.Linear(8, 2)})

    def forward(self, x: Any) -> Any:
        y, _ = self.rnn(x)
        return {name: head(y) for name, head in self.heads.items()}


class Remembering(nn.Module):
    """What keeps its state itself."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N, 8, batch_first=True)
        self.state: Any = None

    def forward(self, x: Any) -> Any:
        y, self.state = self.lstm(x, self.state)
        return y


class Stateful(nn.Module):
    """A sequence with the state before and after it."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N, 8, 2, batch_first=True)

    def forward(self, x: Any, state: Any) -> Any:
        return self.lstm(x, state)


class TwoCells(nn.Module):
    """One frame a call; an argument and a result for each cell."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.GRUCell(N, 8), nn.RNNCell(8, 5, nonlinearity="relu")
        self.fc = nn.Linear(5, 2)

    def forward(self, x: Any, h: Any, g: Any) -> Any:
        h = self.first(torch.relu(x), h)
        g = self.second(h, g)
        return self.fc(g), h, g


class TupleCell(nn.Module):
    """One frame a call; the state is a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(N, 8)

    def forward(self, x: Any, state: Any) -> Any:
        h, c = state
        h, c = self.cell(x, (h, c))
        return h, (h, c)


class StackedCell(nn.Module):
    """One frame a call; the state is one tensor, and zeros where there is none yet."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTMCell(N, N)
        self.decoder = nn.Sequential(nn.Dropout(0.1), nn.ReLU(), nn.Conv1d(N, 1, 1), nn.Sigmoid())

    def forward(self, x: Any, state: Any = None) -> Any:
        h, c = self.rnn(x) if state is None else self.rnn(x, (state[0], state[1]))
        return self.decoder(h.unsqueeze(-1).float()).squeeze(1), torch.stack([h, c])


class FrameOfSequence(nn.Module):
    """One frame a call, of a module that takes sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N, 8, 2, batch_first=True)
        self.fc = nn.Linear(8, 2)

    def forward(self, x: Any, h: Any, c: Any) -> Any:
        _, (h, c) = self.lstm(x.unsqueeze(1), (h, c))
        return self.fc(h[-1]), h, c


class Predictor(nn.Module):
    """Symbols to rows, over two of which a convolution goes."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(N, 6, padding_idx=0)
        self.conv = nn.Conv1d(6, 6, 2, groups=2, bias=False)

    def forward(self, y: Any) -> Any:
        rows = self.embedding(y.clamp(min=0)).permute(0, 2, 1)
        return functional.relu(self.conv(functional.pad(rows, (1, 0))).permute(0, 2, 1))


def of_sequence(module: Any, x: Any) -> Any:
    """Rows of one call; heads beside each other."""
    y = module(x[None])
    values = list(y.values()) if isinstance(y, dict) else [y[0] if isinstance(y, tuple) else y]
    return torch.cat(values, -1)[0]


def of_each_end(module: Any, x: Any) -> Any:
    """The last row, of each number of frames."""
    return torch.cat([module(x[None, :n]).reshape(1, -1) for n in range(1, len(x) + 1)])


def frame_by_frame(*states: Any) -> Callable[[Any, Any], Any]:
    """Calls of one frame, whose states come back in the order in which they are taken."""

    def run(module: Any, x: Any) -> Any:
        rows, given = [], states
        for row in x:
            y, *given = module(row[None], *given)
            rows.append(y)
        return torch.cat(rows)

    return run


def zeros(*shape: int) -> Any:
    return torch.zeros(shape)


@dataclass(frozen=True)
class Case:
    """A network, how it is run, and what `from_torch` is told."""

    make: Callable[[], Any]
    run: Callable[[Any, Any], Any] = of_sequence
    settings: dict[str, Any] = field(default_factory=dict)


CASES: dict[str, Case] = {
    "wake_word": Case(WakeWord, of_each_end),
    "classifier": Case(Classifier, of_each_end),
    "squeezed": Case(
        Squeezed, lambda m, x: torch.cat([m(x[:n, None]) for n in range(1, len(x) + 1)])
    ),
    "recurrent_2d": Case(Recurrent2d, of_each_end, {"input_size": N}),
    "depthwise": Case(Depthwise, settings={"input_size": N, "axes": "BTF"}),
    "mask": Case(Mask, settings={"input_size": N}),
    "named": Case(Named),
    "heads": Case(Heads),
    "remembering": Case(Remembering),
    "stateful": Case(Stateful, lambda m, x: m(x[None], (zeros(2, 1, 8), zeros(2, 1, 8)))[0][0]),
    "two_cells": Case(TwoCells, frame_by_frame(zeros(1, 8), zeros(1, 5))),
    "tuple_cell": Case(TupleCell, frame_by_frame((zeros(1, 8), zeros(1, 8)))),
    "stacked_cell": Case(StackedCell, frame_by_frame()),
    "frame_of_sequence": Case(FrameOfSequence, frame_by_frame(zeros(2, 1, 8), zeros(2, 1, 8))),
    "predictor": Case(Predictor, lambda m, x: m(x.argmax(-1)[None])[0], {"one_hot": True}),
    "both_directions": Case(
        lambda: nn.Sequential(nn.LSTM(N, 6, 2, bidirectional=True, proj_size=4), nn.Linear(8, 2)),
        lambda m, x: m[1](m[0](x)[0]),
    ),
}
