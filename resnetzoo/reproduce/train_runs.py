"""The runs of a plan, trained one after the other or side by side; one that fails leaves the others alone."""

from collections.abc import Callable, Sequence

import torch

from resnetzoo.data.image_set import Data
from resnetzoo.errors import ResnetzooError, SomeRunsFailedError, TrainingInterrupted
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.training.concurrent import Job, fit_many


def train_runs(
    runs: Sequence[PlannedRun],
    data: Data,
    *,
    device: str,
    precision: str,
    jobs: int,
    say: Callable[[str], None],
) -> dict[PlannedRun, str]:
    """Train the runs, `jobs` of them at a time, each going on from its folder.

    Returns:
        For each run that failed, the reason.

    Raises:
        TrainingInterrupted: Ctrl-C or SIGTERM; what runs was saved.
    """
    failed: dict[PlannedRun, str] = {}
    for first in range(0, len(runs), jobs):
        group = runs[first : first + jobs]
        say(f"run {first + 1} of {len(runs)}: {', '.join(run.label for run in group)}")
        failed |= _train_group(group, data, device=device, precision=precision)
    return failed


def _train_group(group: Sequence[PlannedRun], data: Data, *, device: str, precision: str) -> dict[PlannedRun, str]:
    tasks = [Job(run.build(), run.recipe, run.seed, run.folder) for run in group]
    try:
        fit_many(tasks, data, device=device, precision=precision)
    except TrainingInterrupted:
        raise
    except SomeRunsFailedError as error:
        return {group[index]: str(reason) for index, reason in error.errors.items()}
    except (ResnetzooError, torch.OutOfMemoryError) as error:
        if len(group) == 1:
            return {group[0]: str(error)}
        # One of them cannot begin, or they do not fit the device together: each for itself.
        failed: dict[PlannedRun, str] = {}
        for run in group:
            failed |= _train_group([run], data, device=device, precision=precision)
        return failed
    return {}
