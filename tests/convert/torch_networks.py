"""Networks in PyTorch, as people write them, for the tests of importers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="it is PyTorch's: pip install 'pylstm[torch]'")

import torch
from torch import nn
from torch.nn import functional

Network = Callable[[int], Any]


class Tagger(nn.Module):
    """The usual form: an LSTM, whose state nobody takes, and a head."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, size + 1, 2, batch_first=True, dropout=0.3)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(size + 1, 3)

    def forward(self, x: Any, state: Any = None) -> Any:
        out, state = self.lstm(x, state)
        return torch.softmax(self.head(self.drop(functional.relu(out))), dim=-1)


class Separable(nn.Module):
    """Convolutions over time between two ways to arrange a tensor, with a residual."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(size, size, 5, padding=2, groups=size, bias=False)
        self.norm = nn.BatchNorm1d(size)
        self.pointwise = nn.Conv1d(size, size, 1)
        self.gru = nn.GRU(size, size, batch_first=True)
        self.out = nn.Linear(size, 2)

    def forward(self, x: Any) -> Any:
        y = x.transpose(1, 2)
        y = torch.relu(self.norm(self.depthwise(y)))
        y = self.pointwise(y) + x.transpose(1, 2)
        y, h = self.gru(y.permute(0, 2, 1))
        return self.out(y), h


class Causal(nn.Module):
    """Causal convolutions, by zeros in front and by cutting off the end."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first = nn.utils.parametrizations.weight_norm(nn.Conv1d(size, 6, 3))
        self.second = nn.Conv1d(6, 6, 3, padding=4, dilation=2)
        self.act = nn.PReLU(6)
        self.scale = nn.Parameter(torch.rand(6, 1) + 0.5)

    def forward(self, x: Any) -> Any:
        y = functional.leaky_relu(self.first(functional.pad(x, (2, 0))), 0.2)
        z = self.act(self.second(y)[:, :, :-4].contiguous())
        return (y * self.scale + z) / 2 - 1


class Pictures(nn.Module):
    """A convolution over time and bands, whose channels an LSTM takes band by band."""

    def __init__(self, size: int) -> None:
        super().__init__()
        bands = 8 + size
        self.conv = nn.Conv2d(1, 4, (3, 5), stride=(1, 2), padding=(1, 2))
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d((1, 2))
        self.lstm = nn.LSTM(4 * ((bands + 1) // 2 // 2), 5)
        self.head = nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 2), nn.Sigmoid())

    def forward(self, x: Any) -> Any:
        y = self.pool(functional.relu(self.norm(self.conv(x.unsqueeze(1)))))
        b, c, t, f = y.shape
        y = y.permute(2, 0, 1, 3).reshape(t, b, c * f)
        return self.head(self.lstm(y)[0])


class Heads(nn.Module):
    """Parts of a row, a gate, rows side by side, two outputs."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.wide = nn.Linear(size, 4 * size)
        self.rnn = nn.RNN(2 * size, size, nonlinearity="relu")
        self.one = nn.Linear(3 * size, 2)
        self.two = nn.Linear(size, 1)

    def forward(self, x: Any) -> Any:
        a, b = self.wide(x).chunk(2, dim=-1)
        y, _ = self.rnn(a * torch.sigmoid(b))
        z = torch.cat([y, a[..., : x.shape[-1]], x], -1)
        return self.one(z).tanh(), torch.sigmoid(self.two(y).squeeze(-1).unsqueeze(-1))


class Chunks(nn.Module):
    """Convolutions inside of a frame, which is a chunk of samples."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv1d(1, 3, 4, stride=2), nn.ReLU(), nn.Conv1d(3, 2, 3))
        self.length = (8 + size - 4) // 2 + 1 - 2
        self.lstm = nn.LSTM(2 * self.length, 4)
        self.out = nn.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        y = self.encoder(x[:, None, :]).flatten(1)
        return torch.sigmoid(self.out(self.lstm(y)[0]))


class Stepwise(nn.Module):
    """An initial state of zeros, frames of all sequences in one row of them, constants."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.rand(size))
        self.gru = nn.GRU(size, 6, 2, batch_first=True)
        self.head = nn.Linear(6, size)

    def forward(self, x: Any) -> Any:
        z = (x - self.mean) / 1.5
        y, _ = self.gru(z, torch.zeros(2, x.size(0), 6, device=x.device))
        b, t, n = y.shape
        mask = self.head(y.reshape(b * t, n)).view(b, t, -1)
        return functional.log_softmax(x * torch.sigmoid(mask), dim=2)


class Cut(nn.Module):
    """Without the last rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, x: Any) -> Any:
        return x[:, :, : -self.rows].contiguous()


class Block(nn.Module):
    """A block of a temporal convolutional network, as its authors have written it."""

    def __init__(self, channels: int, outputs: int, dilation: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        around = {"padding": 2 * dilation, "dilation": dilation}
        self.net = nn.Sequential(
            norm(nn.Conv1d(channels, outputs, 3, **around)),
            Cut(2 * dilation),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            norm(nn.Conv1d(outputs, outputs, 3, **around)),
            Cut(2 * dilation),
            nn.ReLU(),
        )
        self.skip = nn.Conv1d(channels, outputs, 1) if channels != outputs else None

    def forward(self, x: Any) -> Any:
        return torch.relu(self.net(x) + (x if self.skip is None else self.skip(x)))


class Temporal(nn.Module):
    """Blocks in a list, normalised between them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(size, 5, 1), Block(5, 5, 2)])
        self.norms = nn.ModuleList([nn.LayerNorm(5), nn.LayerNorm(5)])

    def forward(self, x: Any) -> Any:
        for block, norm in zip(self.blocks, self.norms, strict=True):
            x = norm(block(x).mT).mT
        return x


class NoiseSuppressor(nn.Module):
    """The network of RNNoise 0.2: two convolutions, three GRUs, all of them together, two heads."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(size, 10, 3)
        self.conv2 = nn.Conv1d(10, 12, 3)
        self.gru1, self.gru2, self.gru3 = (nn.GRU(12, 12, batch_first=True) for _ in range(3))
        self.gains = nn.Linear(4 * 12, size)
        self.speech = nn.Linear(4 * 12, 1)

    def forward(self, x: Any) -> Any:
        y = torch.tanh(self.conv1(x.permute(0, 2, 1)))
        y = torch.tanh(self.conv2(y)).permute(0, 2, 1)
        first, _ = self.gru1(y)
        second, _ = self.gru2(first)
        third, _ = self.gru3(second)
        together = torch.cat([y, first, second, third], dim=-1)
        return torch.sigmoid(self.gains(together)), torch.sigmoid(self.speech(together))


# The network of a size, what its input is, and the width of a frame.
NETWORKS: dict[str, tuple[Network, str, Callable[[int], int]]] = {
    "tagger": (Tagger, "BTF", lambda size: size),
    "separable": (Separable, "BTF", lambda size: size),
    "causal": (Causal, "BFT", lambda size: size),
    "pictures": (Pictures, "BTF", lambda size: 8 + size),
    "stepwise": (Stepwise, "BTF", lambda size: size),
    "temporal": (Temporal, "BFT", lambda size: size),
    "heads": (Heads, "TBF", lambda size: size),
    "noise_suppressor": (NoiseSuppressor, "BTF", lambda size: size),
    "chunks": (Chunks, "TF", lambda size: 8 + size),
}
