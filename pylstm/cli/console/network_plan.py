"""Which features and which layers ``pylstm train`` begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylstm.arguments import number_of
from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.named_model import NamedModel
from pylstm.cli.console.training_options import Arch, FeatureKind

if TYPE_CHECKING:
    from pylstm.features import Features
    from pylstm.layers.graph import Layers
    from pylstm.model import Model

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
    sample_rate : int
    seed : int
    base : Model, optional
        A trained model that gives the features and all layers but the last.
    frozen : bool
        Whether these layers do not learn.
    """

    arch: Arch
    hidden: int
    layers: int
    kind: FeatureKind
    n_mfcc: int
    n_mels: int
    dropout: float
    sample_rate: int
    seed: int
    base: Model | None = None
    frozen: bool = False

    @classmethod
    def of(
        cls,
        *,
        arch: Arch | None,
        hidden: int | None,
        layers: int | None,
        features: FeatureKind | None,
        n_mfcc: int | None,
        n_mels: int | None,
        dropout: float | None,
        sample_rate: int | None,
        seed: int,
        base: str | None,
        freeze: bool,
        words: bool,
    ) -> NetworkPlan:
        """The plan of options of which some may not be given.

        Words are learnt by convolutions before an LSTM unless an option says otherwise.

        Raises
        ------
        CliError
            Options contradict each other, or the model of --base cannot be read.
        """
        if base is not None:
            said = {
                "--arch": arch,
                "--hidden": hidden,
                "--layers": layers,
                "--features": features,
                "--n-mfcc": n_mfcc,
                "--n-mels": n_mels,
                "--dropout": dropout,
            }
            for name, value in said.items():
                if value is not None:
                    raise CliError(
                        f"{name} is given with --base; expected one of them, as the model has"
                        " features and layers",
                        USAGE,
                    )
            return cls._of_base(base, sample_rate, seed, freeze)
        if freeze:
            raise CliError("--freeze is given without --base; expected both", USAGE)
        if arch is None:
            mfcc = features is FeatureKind.MFCC or n_mfcc is not None
            arch = Arch.CRNN if words and not mfcc else Arch.LSTM
        dropout = dropout or 0.0
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
            sample_rate=16000 if sample_rate is None else sample_rate,
            seed=seed,
        )

    @classmethod
    def _of_base(cls, name: str, sample_rate: int | None, seed: int, freeze: bool) -> NetworkPlan:
        """The plan that begins with a trained model."""
        base = NamedModel.load(name).model
        features = base.features
        if features is None:
            raise CliError(
                f"--base is {name}, a model of frames; expected one with features", USAGE
            )
        if sample_rate not in (None, features.sr):
            raise CliError(
                f"--sample-rate is {sample_rate}; expected {features.sr}, the rate of {name}", USAGE
            )
        return cls(
            arch=Arch.LSTM,
            hidden=0,
            layers=len(base.layers),
            kind=FeatureKind.MFCC if features.kind == "mfcc" else FeatureKind.LOGMEL,
            n_mfcc=0,
            n_mels=0,
            dropout=0.0,
            sample_rate=features.sr,
            seed=seed,
            base=base,
            frozen=freeze,
        )

    @property
    def frozen_layers(self) -> tuple[str, ...]:
        """The names of layers that do not learn."""
        if self.base is None or not self.frozen:
            return ()
        return tuple(node.name for node in self.base.nodes[:-1])

    def features(self) -> Features:
        """The features, 25 ms every 10 ms and not yet normalised, or those of the base.

        Raises
        ------
        ValueError
            No features have such numbers.
        """
        from pylstm.features import MFCC, LogMel

        if self.base is not None and self.base.features is not None:
            return self.base.features
        sample_rate = self.sample_rate
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

    def stack(self, features: Features, labels: Sequence[str], stacked: int = 1) -> Layers:
        """The layers, untrained, or those of the base with a new last one.

        Recurrent layers take so many frames side by side.

        Raises
        ------
        ValueError
            No layers have such numbers.
        """
        from pylstm.train import networks
        from pylstm.train.new_labels import with_new_labels
        from pylstm.train.weighted_graph import WeightedGraph

        if self.base is not None:
            return WeightedGraph(with_new_labels(self.base, labels, self.seed).nodes).graph()
        sizes = (self.hidden, self.layers, self.dropout, self.seed)
        if self.arch is Arch.CRNN:  # whose rows stand for several frames anyway
            return networks.crnn(features, labels, *sizes)
        make = networks.gru if self.arch is Arch.GRU else networks.lstm
        return make(features, labels, *sizes, stacked)

    def __str__(self) -> str:
        """The network in words, without its outputs."""
        if self.base is not None:
            kept = "kept" if self.frozen else "trained before"
            n = self.layers - 1
            values = number_of(self.features().n_features, f"{self.features().kind} value")
            return f"{values}, {number_of(n, 'layer')} {kept}, a new last layer"
        kind = f"{self.n_mels} log-mel bands"
        if self.kind is FeatureKind.MFCC:
            kind = f"{self.n_mfcc} MFCC"
        cell = "GRU" if self.arch is Arch.GRU else "LSTM"
        front = ", 2 x convolution" if self.arch is Arch.CRNN else ""
        return f"{kind}{front}, {self.layers} x {cell} {self.hidden}"
