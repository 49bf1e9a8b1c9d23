"""How a learning rate moves: each schedule as frozen data, and the number of steps of an epoch."""

import math
from dataclasses import dataclass
from typing import Any

from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_kind, check_number, check_real, check_whole_number


@dataclass(frozen=True)
class StepDecay:
    """Multiply the rate by `factor` at each of these steps.

    Raises:
        UsageError: a milestone that is no step, or a factor that is negative or not finite.
    """

    milestones: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_kind("milestones", self.milestones, tuple | list)
        object.__setattr__(self, "milestones", tuple(self.milestones))  # a list would never equal what a file gives
        for milestone in self.milestones:
            check_whole_number("a milestone", milestone, minimum=0)
        check_number("factor", self.factor, 0, math.inf)


@dataclass(frozen=True)
class OneCycle:
    """Rise linearly over the first share of the steps, then fall linearly to zero.

    Source: the cycle, arXiv:1708.07120; the straight fall, best where the budget is small, arXiv:1905.04753.

    Raises:
        UsageError: a rise outside 0 to 1.
    """

    rise: float = 0.1

    def __post_init__(self) -> None:
        check_real("rise", self.rise)
        if not 0 <= self.rise <= 1:
            raise UsageError(f"rise must be from 0 to 1, a share of the steps, not {self.rise!r}")


@dataclass(frozen=True)
class LowStart:
    """Begin at rate `lr` until an epoch's training error is below `until_error` percent.

    It concerns networks of `min_depth` layers and more, and it ends for good.

    Raises:
        UsageError: a rate, an error or a depth that cannot be.
    """

    lr: float
    until_error: float
    min_depth: int

    def __post_init__(self) -> None:
        check_number("lr of the low start", self.lr, 0, math.inf)
        check_number("until_error", self.until_error, 0, 100)
        check_whole_number("min_depth", self.min_depth, minimum=0)


def schedule_from_dict(values: dict[str, Any]) -> StepDecay | OneCycle:
    """The schedule that `Recipe.to_dict` described."""
    if values["kind"] == "OneCycle":
        return OneCycle(rise=values["rise"])
    return StepDecay(milestones=tuple(values["milestones"]), factor=values["factor"])


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Batches of an epoch, the last of them as small as it comes."""
    return -(-num_images // batch_size)
