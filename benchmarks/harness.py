"""Races inside pytest-benchmark: every round runs the calibration and the baselines, then ours, on the same machine.

What pytest-benchmark reports is one call's seconds as the candidate itself measured them: waited for, repeated where
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


class CandidateClock:
    """A timer that moves by what candidates say they took, and by nothing else."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Setting:
    """What the options chose.

    Attributes:
        environment: where and how our networks run.
        compile_all: time every network compiled, not only a few.
        race_seconds: of the rounds of one benchmark, about.
        longest_call: seconds; what is estimated to need more is skipped.
    """

    environment: bench.Environment
    compile_all: bool
    race_seconds: float
    longest_call: float

    @cached_property
    def matrix(self) -> bench.Candidate:
        """The calibration of all work that is made of convolutions."""
        return bench.matrix_product(self.environment)

    @cached_property
    def matrix_rate(self) -> float:
        """FLOP a second, to tell what would take too long; the races measure it anew."""
        bench.warm_up([self.matrix])
        return self.matrix.flop / min(self.matrix.seconds() for _ in range(3))


class Harness:
    """What a benchmark test uses: the setting, a check of what can be afforded, and the race."""

    def __init__(self, benchmark: BenchmarkFixture, clock: CandidateClock, setting: Setting) -> None:
        self.benchmark = benchmark
        self.clock = clock
        self.setting = setting

    def skip_unaffordable(self, name: str, batch_size: int, *, training: bool) -> None:
        """Skip what does not fit into memory or would run for minutes; the reason says how much it would need."""
        cost = resnetzoo.complexity(name)
        # Training keeps the output of each convolution, of its norm and of the ReLU, 4 bytes a number; inference
        # frees them on its way, and no network has more than a tenth of its activations alive at once.
        needed = batch_size * cost.activations * 4 * (3 if training else 0.1)
        free = free_memory(self.setting.environment.device)
        if needed > 0.8 * free:
            pytest.skip(f"needs about {needed / 2**30:.0f} GiB; {free / 2**30:.0f} GiB are free")
        flop = 2 * cost.macs * batch_size * (3 if training else 1)
        seconds = flop / (SLOWEST_FRACTION * self.setting.matrix_rate)
        if seconds > self.setting.longest_call:
            wanted = math.ceil(seconds)
            pytest.skip(f"one call is estimated to take {wanted} s: --longest-call {wanted} times it")

    def race(
        self,
        ours: bench.Candidate,
        baselines: bench.Baselines = bench.NO_BASELINES,
        *,
        calibration: bench.Candidate | None = None,
        at_least: int = MIN_ROUNDS,
    ) -> dict[str, Any]:
        """Run the rounds and leave every figure in `extra_info`; returned, to be added to.

        Args:
            ours: what the benchmark is about.
            baselines: who runs in the same rounds.
            calibration: the matrix product unless another stands for this kind of work.
            at_least: rounds, however long they take.
        """
        unit = calibration or self.setting.matrix
        others = [unit, *baselines.candidates]
        seconds: dict[str, list[float]] = {candidate.name: [] for candidate in [*others, ours]}

        def run_others() -> None:
            for candidate in others:
                seconds[candidate.name].append(candidate.seconds())

        def run_ours() -> None:
            took = ours.seconds()
            seconds[ours.name].append(took)
            self.clock.now += took

        try:
            first = bench.warm_up([*others, ours])
            rounds = max(at_least, affordable_rounds(self.setting.race_seconds, [*others, ours]))
            self.benchmark.pedantic(run_ours, setup=run_others, rounds=rounds)  # type: ignore[no-untyped-call]
        finally:
            for candidate in (ours, *baselines.candidates):
                candidate.release()
        timings = {name: bench.Timing(first[name], tuple(values)) for name, values in seconds.items()}
        info: dict[str, Any] = self.benchmark.extra_info
        info.update(figures(ours, unit, baselines, timings))
        info.update(self.setting.environment.facts())
        return info


def affordable_rounds(seconds: float, candidates: Sequence[bench.Candidate]) -> int:
    """How many rounds fit into the time, an odd number, so that the median is one of them."""
    began = time.perf_counter()
    for candidate in candidates:
        candidate.seconds()
    fitting = int(seconds / max(time.perf_counter() - began, 1e-9))
    return max(MIN_ROUNDS, min(MAX_ROUNDS, fitting)) | 1


def figures(
    ours: bench.Candidate, unit: bench.Candidate, baselines: bench.Baselines, timings: dict[str, bench.Timing]
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
        **{key: value for key, value in speed_of(ours, our).items() if key not in ("seconds", "precision")},
        "peers": {
            peer.name: {**speed_of(peer, timings[peer.name]), "ratio": bench.ratio(timings[peer.name], our)}
            for peer in baselines.candidates
        },
    }
    if counted:
        found["fraction_of_matrix_rate"] = found["gflops"] / found["calibration"]["gflops"]
    if baselines.peer:
        found |= {"peer": baselines.peer, "ratio": found["peers"][baselines.peer]["ratio"]}
    if baselines.missing:
        found["missing"] = list(baselines.missing)
    return found


def speed_of(candidate: bench.Candidate, timing: bench.Timing) -> dict[str, Any]:
    """Seconds, and images/s, GFLOP/s and the precision where there are any."""
    speed: dict[str, Any] = {"seconds": timing.median}
    if candidate.precision:
        speed["precision"] = candidate.precision
    if candidate.images:
        speed["images_per_second"] = candidate.images / timing.median
    if candidate.flop:
        speed["gflops"] = candidate.flop / timing.median / 1e9
    return speed


def free_memory(device: torch.device) -> int:
    """Bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
