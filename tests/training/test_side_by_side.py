"""Places for several runs: how many are under way, which begin first, what ends them, and what is checked before."""

import gc
import os
import signal
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import small_network

import resnetzoo
from resnetzoo.errors import (
    CheckpointError,
    CheckpointMismatchError,
    OutputError,
    SomeRunsFailedError,
    TrainingInterrupted,
)
from resnetzoo.training.trainer import Trainer

ONE = resnetzoo.Recipe("ONE", 3, None, 0.05, resnetzoo.recipes.StepDecay((2,)), batch_size=16)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go side by side, as on CUDA."""
    monkeypatch.setattr("resnetzoo.training.concurrent.runs_together", lambda device: True)


def nothing(step: int) -> None:
    """What most runs do at a step beside learning."""


class Log:
    """What the runs of a `fit_many` did, by their seeds."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.under_way: set[int] = set()
        self.most = 0

    def callback(self, seed: int, at_step: Callable[[int], None] = nothing) -> resnetzoo.Callback:
        return Logs(self, seed, at_step)


class Logs(resnetzoo.Callback):
    def __init__(self, log: Log, seed: int, at_step: Callable[[int], None]) -> None:
        self.log = log
        self.seed = seed
        self.at_step = at_step

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        self.log.begun.append(self.seed)
        self.log.under_way.add(self.seed)
        self.log.most = max(self.log.most, len(self.log.under_way))

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self.at_step(trainer.step)

    def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
        self.log.under_way.remove(self.seed)

    def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
        self.log.under_way.remove(self.seed)


def fit_many(
    jobs: list[resnetzoo.Job], data: resnetzoo.Data, *, side_by_side: int | None = None
) -> list[resnetzoo.Run]:
    return resnetzoo.fit_many(jobs, data, device="cpu", precision="fp32", side_by_side=side_by_side, progress=False)


@pytest.mark.usefixtures("together")
def test_the_longest_begin_first_so_many_at_a_time_and_results_keep_their_order(
    tiny_data: resnetzoo.Data, tmp_path: Path
) -> None:
    log, wide, foreign = (
        Log(),
        resnetzoo.ModelSpec("plain", 8, widths=(8, 16, 32)),
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10)),
    )
    resumed = replace(ONE, steps=12)
    stopped = resnetzoo.Job(small_network(3), resumed, 3, tmp_path, [StopsAt(9)])
    resnetzoo.fit(
        stopped.model,
        tiny_data,
        resumed,
        seed=3,
        out=tmp_path,
        device="cpu",
        precision="fp32",
        progress=False,
        callbacks=stopped.callbacks,
    )
    found = fit_many(
        [
            resnetzoo.Job(small_network(0), replace(ONE, steps=4), 0, callbacks=[log.callback(0)]),
            resnetzoo.Job(small_network(1), replace(ONE, steps=6), 1, callbacks=[log.callback(1)]),
            resnetzoo.Job(resnetzoo.CifarNet(wide), replace(ONE, steps=4), 2, callbacks=[log.callback(2)]),
            resnetzoo.Job(small_network(3), resumed, 3, tmp_path, [log.callback(3)]),  # three steps are left
            resnetzoo.Job(foreign, ONE, 4, callbacks=[log.callback(4)]),
        ],
        tiny_data,
        side_by_side=2,
    )
    assert log.begun == [4, 2, 1, 0, 3]
    assert log.most == 2
    assert [run.seed for run in found] == [0, 1, 2, 3, 4]
    assert [run.epochs[-1].step for run in found] == [4, 6, 4, 12, 3]


class StopsAt(resnetzoo.Callback):
    """Ends the run behind the epoch that ends with this step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        if row.step == self.step:
            trainer.request_stop()


def test_elsewhere_they_take_turns_in_the_order_given(tiny_data: resnetzoo.Data) -> None:
    log = Log()
    jobs = [
        resnetzoo.Job(small_network(seed), replace(ONE, steps=steps), seed, callbacks=[log.callback(seed)])
        for seed, steps in enumerate((3, 6, 4))
    ]
    fit_many(jobs, tiny_data, side_by_side=8)
    assert (log.begun, log.most) == ([0, 1, 2], 1)


@pytest.mark.usefixtures("together")
def test_eight_at_a_time_are_usual_and_more_than_there_are_streams_is_a_mistake(tiny_data: resnetzoo.Data) -> None:
    log = Log()
    jobs = [resnetzoo.Job(small_network(seed), ONE, seed, callbacks=[log.callback(seed)]) for seed in range(9)]
    with pytest.raises(resnetzoo.UsageError, match=r"side_by_side must be at most 32, not 33: .* streams"):
        fit_many(jobs, tiny_data, side_by_side=33)
    with pytest.raises(resnetzoo.UsageError, match="side_by_side must be a whole number from 1, not 0"):
        fit_many(jobs, tiny_data, side_by_side=0)
    assert not log.begun
    fit_many(jobs, tiny_data)
    assert log.most == 8


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_that_has_ended_has_let_go_when_the_next_begins(
    tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    held: list[list[weakref.ref[object]]] = []
    alive: list[int] = []
    start = Trainer.start

    def starting(trainer: Trainer) -> None:
        alive.append(sum(part() is not None for parts in held for part in parts))
        state = trainer.step_state
        parts: list[object] = [trainer, trainer.strategy, trainer.evaluation_pass, state.optimizer, state.loader]
        held.append([weakref.ref(part) for part in parts])
        start(trainer)

    def fail(step: int) -> None:
        if fails and step == 2:
            raise ValueError("a mistake in a callback")

    monkeypatch.setattr(Trainer, "start", starting)
    cuts = [replace(ONE, crop_padding=padding) for padding in (1, 2, 3)]  # a loader each
    jobs = [
        resnetzoo.Job(small_network(seed), cut, seed, callbacks=[Log().callback(seed, fail)])
        for seed, cut in enumerate(cuts)
    ]
    gc.disable()  # nothing of a run refers to itself
    try:
        if fails:
            with pytest.raises(SomeRunsFailedError, match=r"3 of 3 runs failed: job 0: ValueError: a mistake"):
                fit_many(jobs, tiny_data)
        else:
            fit_many(jobs, tiny_data)
    finally:
        gc.enable()
    assert alive == [0, 0, 0]
    assert not [part() for parts in held for part in parts if part() is not None]


@pytest.mark.usefixtures("together")
def test_runs_that_end_at_different_times_leave_each_other_the_mode_that_they_need(tiny_data: resnetzoo.Data) -> None:
    def jobs() -> list[resnetzoo.Job]:
        lengths = enumerate((9, 3, 6, 3))
        return [resnetzoo.Job(small_network(seed), replace(ONE, steps=steps), seed) for seed, steps in lengths]

    usual = fit_many(jobs(), tiny_data, side_by_side=2)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = fit_many(jobs(), tiny_data, side_by_side=2)
        assert not torch.is_grad_enabled()
        assert torch.is_autocast_enabled("cpu")
    losses = [[(row.train_loss, row.test_loss) for run in runs for row in run.epochs] for runs in (found, usual)]
    assert losses[0] == losses[1]


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), ValueError("mine"), MemoryError()])
def test_whatever_ends_one_run_the_others_go_on(tiny_data: resnetzoo.Data, error: Exception) -> None:
    def fail(step: int) -> None:
        if step == 2:
            raise error

    log = Log()
    jobs = [
        resnetzoo.Job(small_network(seed), ONE, seed, callbacks=[log.callback(seed, fail if seed == 1 else nothing)])
        for seed in range(4)
    ]
    with pytest.raises(SomeRunsFailedError, match=rf"1 of 4 runs failed: job 1: {type(error).__name__}") as caught:
        fit_many(jobs, tiny_data, side_by_side=2)
    assert caught.value.errors == {1: error}
    assert [run.seed for run in caught.value.runs] == [0, 2, 3]
    assert not log.under_way


@pytest.mark.parametrize("side_by_side", [1, 2])
@pytest.mark.usefixtures("together")
def test_a_signal_ends_those_under_way_and_no_other_begins(
    tiny_data: resnetzoo.Data, tmp_path: Path, side_by_side: int
) -> None:
    def interrupt(step: int) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    log = Log()
    jobs = [
        resnetzoo.Job(
            small_network(seed), ONE, seed, tmp_path / str(seed), [log.callback(seed, nothing if seed else interrupt)]
        )
        for seed in range(4)
    ]
    with pytest.raises(TrainingInterrupted, match=rf"{side_by_side} of 4 runs stopped.*had not begun") as caught:
        fit_many(jobs, tiny_data, side_by_side=side_by_side)
    assert caught.value.signal_number == signal.SIGTERM
    assert log.begun == list(range(side_by_side))
    assert not log.under_way
    for seed in log.begun:
        assert (tmp_path / str(seed) / "checkpoint.pt").is_file()
    assert [run.epochs[-1].step for run in fit_many(without_callbacks(jobs), tiny_data)] == [3] * 4


def without_callbacks(jobs: list[resnetzoo.Job]) -> list[resnetzoo.Job]:
    return [replace(job, model=small_network(job.seed), callbacks=()) for job in jobs]


def test_a_second_signal_stops_all_at_once_and_each_hears_of_it(tiny_data: resnetzoo.Data, together: None) -> None:
    heard: list[type[BaseException]] = []

    class Hears(resnetzoo.Callback):
        def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
            if trainer.step == 2:
                raise KeyboardInterrupt

        def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
            heard.append(type(error))

    with pytest.raises(KeyboardInterrupt):
        fit_many([resnetzoo.Job(small_network(seed), ONE, seed, callbacks=[Hears()]) for seed in range(3)], tiny_data)
    assert heard == [KeyboardInterrupt] * 3


@pytest.mark.parametrize("mistake", ["another run", "damaged", "unwritable", "seed", "channels", "classes", "record"])
def test_nothing_begins_where_one_of_them_cannot(tiny_data: resnetzoo.Data, tmp_path: Path, mistake: str) -> None:
    log, out = Log(), tmp_path / "last"
    last = resnetzoo.Job(small_network(9), ONE, 9, out)
    expected: type[Exception] = resnetzoo.UsageError
    if mistake in ("another run", "record"):
        fit_many([last], tiny_data)
        last = resnetzoo.Job(small_network(9), replace(ONE, lr=0.01) if mistake == "another run" else ONE, 9, out)
        expected = CheckpointMismatchError
    if mistake == "record":
        (out / "run.json").write_text((out / "run.json").read_text().replace("TINY", "tiny").replace("0", "1", 1))
        expected = resnetzoo.errors.ResultsError
    elif mistake == "damaged":
        out.mkdir()
        (out / "checkpoint.pt").write_bytes(b"no checkpoint")
        expected = CheckpointError
    elif mistake == "unwritable":
        last, expected = replace(last, out="/proc/nothing"), OutputError
    elif mistake == "seed":
        last = replace(last, seed=-1)
    elif mistake == "channels":
        last = replace(last, model=resnetzoo.plainnet(8, in_chans=1))
    elif mistake == "classes":
        last = replace(last, model=resnetzoo.plainnet(8, num_classes=2))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    first = resnetzoo.Job(small_network(0), ONE, 0, tmp_path / "first", [log.callback(0)])
    with pytest.raises(expected):
        fit_many([first, last], tiny_data)
    assert not log.begun
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
