"""Which features and which layers ``pylstm train`` begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.training_options import Arch, FeatureKind

if TYPE_CHECKING:
    from pylstm.features import Features
    from pylstm.layers.layer import Layer

__all__ = ["NetworkPlan"]

# What --hidden and --layers are if they are not given.
_SIZES = {Arch.LSTM: (64, 2), Arch.GRU: (64, 2), Arch.CRNN: (72, 1)}
_LEAST_BANDS = 7


@dataclass(frozen=True)
class NetworkPlan:
    """A network as the options describe it.

    Attributes
    ----------
    arch : Arch
    hidden, layers : int
        Of the recurrent layers.
    kind : FeatureKind
    n_mfcc, n_mels : int
    dropout : float
        Between recurrent layers.
    seed : int
    """

    arch: Arch
    hidden: int
    layers: int
    kind: FeatureKind
    n_mfcc: int
    n_mels: int
    dropout: float
    seed: int

    @classmethod
    def of(
        cls,
        arch: Arch,
        *,
        hidden: int | None,
        layers: int | None,
        features: FeatureKind | None,
        n_mfcc: int | None,
        n_mels: int | None,
        dropout: float,
        seed: int,
    ) -> NetworkPlan:
        """The plan of options of which some may not be given.

        Raises
        ------
        CliError
            Options contradict each other.
        """
        usual_hidden, usual_layers = _SIZES[arch]
        usual = FeatureKind.LOGMEL if arch is Arch.CRNN else FeatureKind.MFCC
        kind = usual if features is None else features
        layers = usual_layers if layers is None else layers
        if arch is Arch.CRNN and kind is FeatureKind.MFCC:
            raise CliError(
                "--features is mfcc; expected logmel with --arch crnn, whose convolutions see"
                " neighbouring bands",
                USAGE,
            )
        if n_mfcc is not None and kind is FeatureKind.LOGMEL:
            raise CliError("--n-mfcc is given with log-mel features; expected --n-mels", USAGE)
        n_mfcc = 13 if n_mfcc is None else n_mfcc
        # As many bands as coefficients at least, because they are made of bands.
        least = n_mfcc if kind is FeatureKind.MFCC else 1
        if arch is Arch.CRNN:
            least = _LEAST_BANDS
        if n_mels is not None and n_mels < least:
            raise CliError(
                f"--n-mels is {n_mels}; expected {least} or more"
                + (" with --arch crnn" if arch is Arch.CRNN else ", as --n-mfcc"),
                USAGE,
            )
        if dropout and layers == 1:
            raise CliError(
                f"--dropout is {dropout:g} and --layers is 1; expected 2 or more, as it acts"
                " between layers",
                USAGE,
            )
        return cls(
            arch=arch,
            hidden=usual_hidden if hidden is None else hidden,
            layers=layers,
            kind=kind,
            n_mfcc=n_mfcc,
            n_mels=max(40, least) if n_mels is None else n_mels,
            dropout=dropout,
            seed=seed,
        )

    def features(self, sample_rate: int) -> Features:
        """The features at a rate, not yet normalised: 25 ms every 10 ms.

        Raises
        ------
        ValueError
            No features have such numbers.
        """
        from pylstm.features import MFCC, LogMel

        window = round(0.025 * sample_rate)
        n_fft = 1 << (window - 1).bit_length()
        hop = round(0.01 * sample_rate)
        if self.kind is FeatureKind.LOGMEL:
            return LogMel(
                sr=sample_rate, n_fft=n_fft, win_length=window, hop_length=hop, n_mels=self.n_mels
            )
        return MFCC(
            sr=sample_rate,
            n_mfcc=self.n_mfcc,
            n_fft=n_fft,
            win_length=window,
            hop_length=hop,
            n_mels=self.n_mels,
        )

    def stack(self, features: Features, labels: Sequence[str]) -> list[Layer]:
        """The layers, untrained.

        Raises
        ------
        ValueError
            No layers have such numbers.
        """
        from pylstm.train import networks

        make = {Arch.LSTM: networks.lstm, Arch.GRU: networks.gru, Arch.CRNN: networks.crnn}
        return make[self.arch](features, labels, self.hidden, self.layers, self.dropout, self.seed)

    def __str__(self) -> str:
        """The network in words, without its outputs."""
        kind = f"{self.n_mels} log-mel bands"
        if self.kind is FeatureKind.MFCC:
            kind = f"{self.n_mfcc} MFCC"
        cell = "GRU" if self.arch is Arch.GRU else "LSTM"
        front = ", 2 x convolution" if self.arch is Arch.CRNN else ""
        return f"{kind}{front}, {self.layers} x {cell} {self.hidden}"
