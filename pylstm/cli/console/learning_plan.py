"""How ``pylstm train`` learns: rate, schedule, weights of labels, masks over frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pylstm.cli.console.errors import USAGE, CliError
from pylstm.cli.console.network_plan import NetworkPlan
from pylstm.cli.console.training_options import ClassWeights, FeatureKind, ScheduleKind

if TYPE_CHECKING:
    from pylstm.train.data.recordings import Recordings

__all__ = ["LearningPlan", "amounts_of"]

# Labels that a network learns anew, and what it already knows.
_RATE, _RATE_OF_BASE = 0.003, 0.0005
# The widest masks over values of a frame: bands beside each other are alike, coefficients are not.
_MASK_VALUES = {FeatureKind.MFCC: 2, FeatureKind.LOGMEL: 6}
_MASK_FRAMES = 10


@dataclass(frozen=True)
class LearningPlan:
    """How a training learns, as the options describe it.

    Attributes
    ----------
    rate : float
        The highest learning rate.
    schedule : ScheduleKind
    class_weights : ClassWeights
    mask_frames, mask_values : int
        The widest masks over frames, and over values of a frame; 0: none.
    """

    rate: float
    schedule: ScheduleKind
    class_weights: ClassWeights
    mask_frames: int
    mask_values: int

    @classmethod
    def of(
        cls,
        network: NetworkPlan,
        *,
        learning_rate: float | None,
        schedule: ScheduleKind,
        class_weights: ClassWeights,
        augment: bool,
        spec_augment: bool,
        mask_frames: int | None,
        mask_values: int | None,
    ) -> LearningPlan:
        """The plan of options of which some may not be given.

        Raises
        ------
        CliError
            Options contradict each other.
        """
        masked = augment and spec_augment
        for name, given in (("--mask-frames", mask_frames), ("--mask-values", mask_values)):
            if given is not None and not masked:
                without = "--no-spec-augment" if augment else "--no-augment"
                raise CliError(f"{name} is given with {without}; expected one of them", USAGE)
        if learning_rate is None:
            learning_rate = _RATE_OF_BASE if network.base is not None else _RATE
        usual = _MASK_VALUES[network.kind]
        return cls(
            rate=learning_rate,
            schedule=schedule,
            class_weights=class_weights,
            mask_frames=(_MASK_FRAMES if mask_frames is None else mask_frames) * masked,
            mask_values=(usual if mask_values is None else mask_values) * masked,
        )

    def factors(self, steps: int, epochs: int) -> Any:
        """The schedule of a training of so many steps and epochs."""
        from pylstm.train.schedules import Constant, Cosine, Plateau, Step

        if self.schedule is ScheduleKind.COSINE:
            return Cosine(steps, warmup_steps=min(100, steps // 10))
        if self.schedule is ScheduleKind.STEP:
            return Step(every_epochs=max(1, epochs // 3), factor=0.1)
        return Plateau() if self.schedule is ScheduleKind.PLATEAU else Constant()

    @property
    def weighs_labels(self) -> bool:
        """Whether labels count differently, so that how much there is of each has to be known."""
        return self.class_weights is not ClassWeights.NONE

    def weights(self, amounts: dict[str, float]) -> list[float] | None:
        r"""The weight of each label in the loss; None: all count alike.

        .. math:: w_k = \frac{\sum_j n_j}{K n_k}

        for K labels with n examples each, so that all labels together count as much as before.

        Raises
        ------
        CliError
            There is no example of a label.
        """
        if not self.weighs_labels:
            return None
        for label, amount in amounts.items():
            if not amount:
                raise CliError(
                    f"--class-weights is balanced, and nothing to learn from is labelled {label};"
                    " expected an example of each label"
                )
        whole = sum(amounts.values())
        return [whole / (len(amounts) * amount) for amount in amounts.values()]

    def masks(self) -> list[Any]:
        """Masks over frames and values, in half of the recordings."""
        from pylstm.train.augment.spec_augment import SpecAugment

        if not (self.mask_frames or self.mask_values):
            return []
        return [
            SpecAugment(
                time_masks=int(self.mask_frames > 0),
                time_width=self.mask_frames,
                frequency_masks=int(self.mask_values > 0),
                frequency_width=self.mask_values,
                p=0.5,
            )
        ]


def amounts_of(recordings: Recordings) -> dict[str, float]:
    """How much there is of each label: recordings, or where each frame has a label, seconds."""
    if recordings.per == "sequence":
        return {label: float(n) for label, n in recordings.counts().items()}
    amounts = dict.fromkeys(recordings.labels, 0.0)
    for item in recordings.items:
        for mark in item.marks:
            amounts[mark.label] += mark.end - mark.start
    if recordings.background is not None:
        marked = sum(n for label, n in amounts.items() if label != recordings.background)
        amounts[recordings.background] = max(0.0, recordings.seconds - marked)
    return amounts
