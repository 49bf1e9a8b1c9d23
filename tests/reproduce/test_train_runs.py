"""The runs of a plan on a device whose memory is too small for all of them at once, or for one alone."""

import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import TINY_RECIPE
from torch import Tensor

import resnetzoo
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.reproduce.train_runs import train_runs
from resnetzoo.training.results import read_record
from resnetzoo.training.strategies.eager import EagerStep
from resnetzoo.training.trainer import Trainer

SPEC = resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16))
FULL = "CUDA out of memory. Tried to allocate 2.00 MiB"


class Memory:
    """Of a device: from the second epoch on, a network learns only where no more than `room` of them are under way."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = room
        self.under_way: dict[int, Trainer] = {}
        self.begun: list[tuple[int, int]] = []
        self.built: list[weakref.ref[resnetzoo.CifarNet]] = []
        self.said: list[str] = []
        self.alive_between_rounds: list[int] = []
        start, release, build, forward = Trainer.start, Trainer.release, PlannedRun.build, EagerStep.forward

        def starting(trainer: Trainer) -> None:
            self.under_way[id(trainer.model)] = trainer
            start(trainer)
            self.begun.append((trainer.seed, trainer.step))

        def releasing(trainer: Trainer) -> None:
            del self.under_way[id(trainer.model)]
            release(trainer)

        def building(run: PlannedRun) -> resnetzoo.CifarNet:
            network = build(run)
            self.built.append(weakref.ref(network))
            return network

        def learning(step: EagerStep, *batch: Any) -> tuple[Tensor, Tensor]:
            trainer = next(trainer for trainer in self.under_way.values() if trainer.strategy is step)
            if trainer.step >= 3 and len(self.under_way) > self.room:
                raise torch.OutOfMemoryError(FULL)
            return forward(step, *batch)

        monkeypatch.setattr(Trainer, "start", starting)
        monkeypatch.setattr(Trainer, "release", releasing)
        monkeypatch.setattr(PlannedRun, "build", building)
        monkeypatch.setattr(EagerStep, "forward", learning)

    def say(self, line: str) -> None:
        self.said.append(line)
        if "too little memory" in line:
            self.alive_between_rounds.append(sum(network() is not None for network in self.built))


def planned(folder: Path, runs: int) -> list[PlannedRun]:
    return [PlannedRun(SPEC, TINY_RECIPE, seed, folder / str(seed)) for seed in range(runs)]


def train(runs: list[PlannedRun], data: resnetzoo.Data, memory: Memory, jobs: int) -> dict[PlannedRun, str]:
    return train_runs(runs, data, device="cpu", precision="fp32", record=None, jobs=jobs, say=memory.say)


@pytest.fixture(autouse=True)
def _together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go side by side, as on CUDA."""
    monkeypatch.setattr("resnetzoo.training.concurrent.runs_together", lambda device: True)


@pytest.mark.slow
def test_runs_without_memory_go_on_half_as_many_at_a_time(
    tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, memory = planned(tmp_path, 4), Memory(1, monkeypatch)
    assert train(runs, tiny_data, memory, jobs=4) == {}
    # Of four under way three must go; whoever begins beside the next one must go, too; the last ones are alone.
    assert [line for line in memory.said if "memory" in line] == [
        "too little memory for 3 of the runs: they go on, 2 at a time",
        "too little memory for 2 of the runs: they go on, 1 at a time",
    ]
    assert memory.begun == [*((seed, 0) for seed in range(4)), (0, 3), (1, 3), (2, 3), (1, 3), (2, 3)]
    assert memory.said[0] == f"run 1 of 4: {runs[0].label}"
    assert memory.said[-1] == f"run 2 of 2: {runs[2].label}"
    assert memory.alive_between_rounds == [0, 0]
    alone = resnetzoo.fit(
        runs[0].build(), tiny_data, TINY_RECIPE, seed=0, device="cpu", precision="fp32", progress=False
    )
    kept = read_record(runs[0].folder / "run.json")
    assert [(row.train_loss, row.test_loss) for row in kept.epochs] == [
        (row.train_loss, row.test_loss) for row in alone.epochs
    ]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.slow
def test_a_run_that_finds_no_memory_alone_has_failed(
    tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    runs, memory = planned(tmp_path, 3), Memory(0, monkeypatch)
    failed = train(runs, tiny_data, memory, jobs)
    assert failed == dict.fromkeys(runs, f"OutOfMemoryError: {FULL}")
    assert memory.alive_between_rounds == [0] * (jobs == 3)
    assert len(memory.begun) == (6 if jobs == 3 else 3)


def test_what_else_fails_is_not_tried_again(
    tiny_data: resnetzoo.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, memory = planned(tmp_path, 3), Memory(3, monkeypatch)
    runs[1] = replace(runs[1], recipe=replace(TINY_RECIPE, lr=1e30))
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "checkpoint.pt").write_bytes(b"no checkpoint")
    failed = train(runs, tiny_data, memory, jobs=3)
    assert list(failed) == [runs[1], runs[2]]
    assert "truncated or damaged" in failed[runs[2]]
    assert "the loss became" in failed[runs[1]]
    assert len(memory.begun) == 2
    assert read_record(runs[0].folder / "run.json").seed == 0
