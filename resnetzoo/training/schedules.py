"""Learning-rate schedules as frozen data, and the number of steps of an epoch."""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_kind, check_number, check_real, check_whole_number


@dataclass(frozen=True)
class StepDecay:
    """Multiply the rate by `factor` at each milestone; an extension continues at the last rate.

    Raises:
        UsageError: a milestone is not a step number, or a factor is negative or not finite.
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
    """Rise linearly over the first share of the steps, then fall linearly to zero; each extension is another cycle.

    Source: arXiv:1708.07120 for the cycle, and arXiv:1905.04753 for the linear decay, which is best on a small budget.

    Raises:
        UsageError: the share of the rise is outside 0 to 1.
    """

    rise: float = 0.1

    def __post_init__(self) -> None:
        check_real("rise", self.rise)
        if not 0 <= self.rise <= 1:
            raise UsageError(f"rise must be from 0 to 1, a share of the steps, not {self.rise!r}")


@dataclass(frozen=True)
class LowStart:
    """Train at rate `lr` until an epoch's training error is below `until_error` percent.

    It applies to networks of `min_depth` layers or more, and does not return once it has ended.

    Raises:
        UsageError: an impossible rate, error or depth.
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


class StretchedStep(int):
    """A step of a stretched schedule, rounded; stretching it again starts at its exact place, so as to round once."""

    exact: Fraction

    @classmethod
    def of(cls, step: int, old: int, new: int) -> "StretchedStep":
        """The place of `step`, one of `old` steps, among `new` ones."""
        exact = Fraction(getattr(step, "exact", step)) * new / old
        made = cls(round(exact))
        made.exact = exact
        return made


def checked_ends(ends: object, steps: int) -> tuple[int, ...]:
    """The steps at which a run of this length was extended.

    Raises:
        UsageError: the steps do not increase, or are not within the run.
    """
    check_kind("extended_at", ends, tuple | list)
    found = tuple(ends)  # type: ignore[arg-type, var-annotated]
    for end in found:
        check_whole_number("a step of extended_at", end)
    if any(end >= later for end, later in pairwise((*found, steps))):
        raise UsageError(f"extended_at must be increasing steps below the {steps:,} of the recipe, not {found!r}")
    return found


def part_of(step: int, ends: tuple[int, ...]) -> tuple[int, int]:
    """The first step and the end of the part of a run that contains this step; after the last end, of the last part.

    Steps count from 0.

    >>> part_of(19, (20, 30)), part_of(20, (20, 30)), part_of(99, (20, 30))
    ((0, 20), (20, 30), (20, 30))
    """
    number = next((number for number, end in enumerate(ends) if step < end), len(ends) - 1)
    return (0, *ends)[number], ends[number]


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """The number of batches of an epoch, including a smaller last one."""
    return -(-num_images // batch_size)
