"""Races inside pytest-benchmark: every round runs the calibration and the rivals, then ours, on the same machine.

What pytest-benchmark reports is one call's seconds as the contestant itself measured them: waited for, repeated where
short, and without the epoch in which `fit` compiles.
"""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

import resnetzoo
from resnetzoo import bench

MIN_ROUNDS, MAX_ROUNDS = 3, 15
# Uncompiled, the slowest networks do about this share of the matrix rate.
SLOWEST_FRACTION = 0.05


class ContestantClock:
    """A timer that moves by what contestants say they took, and by nothing else."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Setting:
    """What the options chose.

    Attributes:
        place: where and how our networks run.
        compile_all: time every network compiled, not only a few.
        race_seconds: of the rounds of one benchmark, about.
        longest_call: seconds; what is estimated to need more is skipped.
    """

    place: bench.Place
    compile_all: bool
    race_seconds: float
    longest_call: float

    @cached_property
    def matrix(self) -> bench.Contestant:
        """The calibration of all work that is made of convolutions."""
        return bench.matrix_product(self.place)

    @cached_property
    def matrix_rate(self) -> float:
        """FLOP a second, to tell what would take too long; the races measure it anew."""
        bench.warm_up([self.matrix])
        return self.matrix.flop / min(self.matrix.seconds() for _ in range(3))


class Harness:
    """What a benchmark test uses: the setting, a check of what can be afforded, and the race."""

    def __init__(self, benchmark: BenchmarkFixture, clock: ContestantClock, setting: Setting) -> None:
        self.benchmark = benchmark
        self.clock = clock
        self.setting = setting

    def skip_unaffordable(self, name: str, batch_size: int, *, training: bool) -> None:
        """Skip what does not fit into memory or would run for minutes; the reason says how much it would need."""
        cost = resnetzoo.complexity(name)
        # Training keeps the output of each convolution, of its norm and of the ReLU, 4 bytes a number; inference
        # frees them on its way, and no network has more than a tenth of its activations alive at once.
        needed = batch_size * cost.activations * 4 * (3 if training else 0.1)
        free = free_memory(self.setting.place.device)
        if needed > 0.8 * free:
            pytest.skip(f"needs about {needed / 2**30:.0f} GiB; {free / 2**30:.0f} GiB are free")
        flop = 2 * cost.macs * batch_size * (3 if training else 1)
        seconds = flop / (SLOWEST_FRACTION * self.setting.matrix_rate)
        if seconds > self.setting.longest_call:
            wanted = math.ceil(seconds)
            pytest.skip(f"one call is estimated to take {wanted} s: --longest-call {wanted} times it")

    def race(
        self,
        ours: bench.Contestant,
        rivals: bench.Rivals = bench.NO_RIVALS,
        *,
        calibration: bench.Contestant | None = None,
        at_least: int = MIN_ROUNDS,
    ) -> dict[str, Any]:
        """Run the rounds and leave every figure in `extra_info`; returned, to be added to.

        Args:
            ours: what the benchmark is about.
            rivals: who runs in the same rounds.
            calibration: the matrix product unless another stands for this kind of work.
            at_least: rounds, however long they take.
        """
        unit = calibration or self.setting.matrix
        others = [unit, *rivals.contestants]
        first = bench.warm_up([*others, ours])
        rounds = max(at_least, affordable_rounds(self.setting.race_seconds, [*others, ours]))
        seconds: dict[str, list[float]] = {contestant.name: [] for contestant in [*others, ours]}

        def run_others() -> None:
            for contestant in others:
                seconds[contestant.name].append(contestant.seconds())

        def run_ours() -> None:
            took = ours.seconds()
            seconds[ours.name].append(took)
            self.clock.now += took

        self.benchmark.pedantic(run_ours, setup=run_others, rounds=rounds)  # type: ignore[no-untyped-call]
        timings = {name: bench.Timing(first[name], tuple(values)) for name, values in seconds.items()}
        info: dict[str, Any] = self.benchmark.extra_info
        info.update(figures(ours, unit, rivals, timings))
        info.update(self.setting.place.facts())
        return info


def affordable_rounds(seconds: float, contestants: Sequence[bench.Contestant]) -> int:
    """How many rounds fit into the time, an odd number, so that the median is one of them."""
    began = time.perf_counter()
    for contestant in contestants:
        contestant.seconds()
    fitting = int(seconds / max(time.perf_counter() - began, 1e-9))
    return max(MIN_ROUNDS, min(MAX_ROUNDS, fitting)) | 1


def figures(
    ours: bench.Contestant, unit: bench.Contestant, rivals: bench.Rivals, timings: dict[str, bench.Timing]
) -> dict[str, Any]:
    """What `extra_info` carries of a race.

    `normalised` has no unit and higher is better: ours over the calibration of the same round, the median. Where both
    count FLOP it is the fraction of the matrix rate, else how often ours fits into one call of the calibration.
    """
    our, yard = timings[ours.name], timings[unit.name]
    speed = median(one / other for one, other in zip(yard.rounds, our.rounds, strict=True))
    counted = bool(ours.flop and unit.flop)
    found: dict[str, Any] = {
        "normalised": speed * ours.flop / unit.flop if counted else speed,
        "calibration": {"name": unit.name, **speed_of(unit, yard)},
        "first_seconds": our.first,
        **{key: value for key, value in speed_of(ours, our).items() if key != "seconds"},
        "peers": {
            rival.name: {**speed_of(rival, timings[rival.name]), "ratio": bench.ratio(timings[rival.name], our)}
            for rival in rivals.contestants
        },
    }
    if counted:
        found["fraction_of_matrix_rate"] = found["gflops"] / found["calibration"]["gflops"]
    if rivals.peer:
        found |= {"peer": rivals.peer, "ratio": found["peers"][rivals.peer]["ratio"]}
    if rivals.missing:
        found["missing"] = list(rivals.missing)
    return found


def speed_of(contestant: bench.Contestant, timing: bench.Timing) -> dict[str, float]:
    """Seconds, and images/s and GFLOP/s where there are any."""
    speed = {"seconds": timing.median}
    if contestant.images:
        speed["images_per_second"] = contestant.images / timing.median
    if contestant.flop:
        speed["gflops"] = contestant.flop / timing.median / 1e9
    return speed


def free_memory(device: torch.device) -> int:
    """Bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
