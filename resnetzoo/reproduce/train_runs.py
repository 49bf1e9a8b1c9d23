"""Train the runs of a plan, side by side or one after the other; a failed run does not affect the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from resnetzoo.data.pair import Data
from resnetzoo.errors import ResnetzooError, SomeRunsFailedError
from resnetzoo.reproduce.planned_run import PlannedRun, advice_for_runs
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.concurrent import Job, fit_many, images_left
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.device import resolve_device
from resnetzoo.utils.memory import free_memory, is_out_of_memory
from resnetzoo.utils.text import reason_of

Say = Callable[[str], None]


def train_runs(
    runs: Sequence[PlannedRun],
    data: Data,
    *,
    device: str,
    precision: str,
    record: bool | None,
    jobs: int,
    say: Say,
) -> dict[PlannedRun, str]:
    """Train the runs, `jobs` at a time, each resumed from its folder.

    Runs for which the device had too little memory continue in another round, half as many at a time.

    Returns:
        For each run that failed, the reason.

    Raises:
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1; the active runs were saved.
    """
    failed: dict[PlannedRun, str] = {}
    left, at_once = list(runs), jobs
    while left:
        at_once = min(at_once, len(left))
        failures = _train_round(left, data, device=device, precision=precision, record=record, at_once=at_once, say=say)
        free_memory()  # only reference cycles keep the networks of this round, and the next one needs their memory
        again = [run for run in left if run in failures and failures[run].out_of_memory and at_once > 1]
        failed |= {run: failures[run].reason for run in left if run in failures and run not in again}
        left, at_once = again, at_once // 2
        if left:
            say(f"too little memory for {len(left)} of the runs: they go on, {min(at_once, len(left))} at a time")
    return failed


@dataclass(frozen=True)
class _Failure:
    """A summary of a run's error, since the error itself would keep the run in memory."""

    reason: str
    out_of_memory: bool

    @classmethod
    def of(cls, run: PlannedRun, error: Exception) -> "_Failure":
        return cls(advice_for_runs(reason_of(error), run), is_out_of_memory(error))


def _train_round(
    runs: Sequence[PlannedRun],
    data: Data,
    *,
    device: str,
    precision: str,
    record: bool | None,
    at_once: int,
    say: Say,
) -> dict[PlannedRun, _Failure]:
    """Train each run as far as possible, and return why the failed ones failed."""
    failures: dict[PlannedRun, _Failure] = {}
    jobs: dict[PlannedRun, Job] = {}
    numbers = count(1)
    for run in runs:
        begins = _SayBeginning(numbers, len(runs), run.label, say)
        job = Job(run.build(), run.recipe, run.seed, run.folder, callbacks=[begins])
        try:
            images_left(job, data, precision=precision, device=resolve_device(device))
        except ResnetzooError as error:
            failures[run] = _Failure.of(run, error)
        else:
            jobs[run] = job
    try:
        if jobs:
            fit_many(list(jobs.values()), data, device=device, precision=precision, record=record, side_by_side=at_once)
    except SomeRunsFailedError as error:
        stopped = {list(jobs)[index]: reason for index, reason in error.errors.items()}
        failures |= {run: _Failure.of(run, reason) for run, reason in stopped.items()}
    return failures


class _SayBeginning(Callback):
    """Prints a line when its run starts, numbered in the order in which the runs start."""

    def __init__(self, numbers: Iterator[int], runs: int, label: str, say: Say) -> None:
        self.numbers = numbers
        self.runs = runs
        self.label = label
        self.say = say

    def on_fit_start(self, trainer: TrainerState) -> None:
        self.say(f"run {next(self.numbers)} of {self.runs}: {self.label}")
