"""How a learning rate moves: each schedule as frozen data, and the number of steps of an epoch."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StepDecay:
    """Multiply the rate by `factor` at each of these steps."""

    milestones: tuple[int, ...]
    factor: float = 0.1


@dataclass(frozen=True)
class OneCycle:
    """Rise linearly over the first share of the steps, then fall linearly to zero.

    Source: the cycle, arXiv:1708.07120; the straight fall, best where the budget is small, arXiv:1905.04753.
    """

    rise: float = 0.1


@dataclass(frozen=True)
class LowStart:
    """Begin at rate `lr` until an epoch's training error is below `until_error` percent.

    It concerns networks of `min_depth` layers and more, and it ends for good.
    """

    lr: float
    until_error: float
    min_depth: int


def schedule_from_dict(values: dict[str, Any]) -> StepDecay | OneCycle:
    """The schedule that `Recipe.to_dict` described."""
    if values["kind"] == "OneCycle":
        return OneCycle(rise=values["rise"])
    return StepDecay(milestones=tuple(values["milestones"]), factor=values["factor"])


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Batches of an epoch, the last of them as small as it comes."""
    return -(-num_images // batch_size)
