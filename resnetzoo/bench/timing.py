"""Time candidates in rounds: each round runs each of them once, so that a slowdown of the machine affects them all."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from resnetzoo.errors import UsageError
from resnetzoo.utils.validation import check_whole_number

Clock = Callable[[], float]

WARMUP = 2  # calls: the first compiles and allocates, the second tells how many calls one measurement needs


def _release_nothing() -> None:
    """Do nothing, since nothing is held."""


@dataclass(frozen=True)
class Candidate:
    """Something to time against others.

    Attributes:
        name: its name in tables, unique within a race.
        seconds: does the work and returns how long one call took.
        images: the number of images in one call; 0 if the work is not on images.
        flop: floating-point operations of one call, two per multiply-add; 0 if other work takes the time.
        release: releases what it holds; called once after timing, after which `seconds` is not called any more.
        precision: the precision that it computes in, as named in tables; empty if precision does not apply.
    """

    name: str
    seconds: Callable[[], float]
    images: int = 0
    flop: int = 0
    release: Callable[[], None] = _release_nothing
    precision: str = ""


@dataclass(frozen=True)
class Timing:
    """The seconds of one candidate.

    Attributes:
        first: the seconds of its whole first call, before any round, including compilation. The first call of a
            candidate that trains is a whole measurement of several steps.
        rounds: seconds of one call, in each round.

    Raises:
        UsageError: there are no rounds.
    """

    first: float
    rounds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.rounds:
            raise UsageError("rounds must be the seconds of one round or more, not ()")

    @property
    def median(self) -> float:
        """Median of the rounds, in seconds."""
        return statistics.median(self.rounds)


class TimedCall:
    """Calls `work` and returns the seconds of one call, waiting for the device before it reads the clock.

    Short work is repeated until a measurement takes `at_least` seconds. The first call is made once, and the second
    determines the number of repetitions.
    """

    def __init__(
        self,
        work: Callable[[], object],
        device: torch.device,
        *,
        at_least: float = 0.1,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.work = work
        self.device = device
        self.at_least = at_least
        self.clock = clock
        self.calls = 0
        self.repeats = 1

    def __call__(self) -> float:
        synchronize(self.device)
        began = self.clock()
        for _ in range(self.repeats):
            self.work()
        synchronize(self.device)
        seconds = (self.clock() - began) / self.repeats
        self.calls += 1
        if self.calls == WARMUP:
            self.repeats = max(1, math.ceil(self.at_least / max(seconds, 1e-9)))
        return seconds


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def warm_up(candidates: Sequence[Candidate], *, clock: Clock = time.perf_counter) -> dict[str, float]:
    """Call each candidate `WARMUP` times; return the seconds of each one's first call, by name.

    Raises:
        UsageError: there are no candidates, or two share a name.
    """
    if not candidates:
        raise UsageError("candidates must be one or more, such as those of forward and forward_baselines, not []")
    names = [candidate.name for candidate in candidates]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f'two candidates are called "{twice}"; give each its own name')
    first = {}
    for candidate in candidates:
        began = clock()
        candidate.seconds()
        first[candidate.name] = clock() - began
        for _ in range(1, WARMUP):
            candidate.seconds()
    return first


def race(candidates: Sequence[Candidate], *, rounds: int = 7, clock: Clock = time.perf_counter) -> dict[str, Timing]:
    """Warm up, then time every candidate once in each round, and return the timings by name.

    Raises:
        UsageError: `rounds` is below 1, there are no candidates, or two share a name.
    """
    check_whole_number("rounds", rounds)
    first = warm_up(candidates, clock=clock)
    seconds: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    for number in range(rounds):
        start = number % len(candidates)
        for candidate in [*candidates[start:], *candidates[:start]]:
            seconds[candidate.name].append(candidate.seconds())
    return {name: Timing(first[name], tuple(values)) for name, values in seconds.items()}
