"""Several runs on one device: networks this small leave most of a GPU idle, so there they train side by side."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.image_set import Data
from resnetzoo.errors import RecordingError, ResnetzooError, SomeRunsFailedError, TrainingInterrupted, UsageError
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.callbacks.signals import catch_signals
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.distributed import current_context, local_device
from resnetzoo.training.opening import make_loader, open_trainer
from resnetzoo.training.recipes import QUICK20, Recipe
from resnetzoo.training.results import Run
from resnetzoo.training.stream import DeviceEvent
from resnetzoo.utils.device import resolve_device
from resnetzoo.utils.validation import check_whole_number


@dataclass(frozen=True, eq=False)
class Job:
    """One run of `fit_many`; the fields are the arguments of `fit`."""

    model: nn.Module
    recipe: Recipe = QUICK20
    seed: int = 0
    out: str | Path | None = None
    callbacks: Sequence[Callback] = ()


def fit_many(
    jobs: Sequence[Job],
    data: Data,
    *,
    device: str = "auto",
    precision: str = "auto",
    compile: bool | None = None,  # noqa: A002 (torch's own word)
    record: bool | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> list[Run]:
    """Train several networks or seeds on one device, each with the result that `fit` alone would give it.

    On CUDA they run side by side, each on a stream of its own with its step recorded, and share the training set
    there; elsewhere one run fills the machine, and they run one after the other.

    Args:
        jobs: the runs; `out` folders must differ.
        data: for all of them.
        device: as in `fit`, for all of them, and so on.
        precision: of the steps.
        compile: compile each step; None as in `fit`.
        record: record each step on CUDA; None as in `fit`.
        checkpoint_every: save every so many steps too.
        progress: show a line an epoch.

    Returns:
        The finished runs, in the order of the jobs.

    Raises:
        SomeRunsFailedError: some failed on the way; the others went on to their end and are in its `runs`.
        RecordingError: a step could not be recorded on CUDA, which ends all runs of the process.
        TrainingInterrupted: Ctrl-C or SIGTERM; each run finished its step and was saved.
        UsageError: no jobs, the same network or folder twice, or started by `torchrun`; and what `fit` raises of
            arguments and folders, before any run begins.
    """
    _check_jobs(jobs)
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    chosen = local_device(resolve_device(device))
    world_size = current_context(chosen).world_size
    if world_size > 1:
        raise UsageError(f"fit_many runs in one process, not in {world_size}: start it without torchrun, or use fit")
    with catch_signals() as stop, ExitStack() as opened:
        trainers = []
        for job, loader in zip(jobs, _shared_loaders(jobs, data, chosen), strict=True):
            run = open_trainer(
                job.model,
                data,
                job.recipe,
                seed=job.seed,
                device=chosen,
                precision=precision,
                compile=compile,
                record=record,
                out=job.out,
                loader=loader,
                callbacks=[
                    *standard_callbacks(stop, out=job.out, checkpoint_every=checkpoint_every, progress=progress),
                    *job.callbacks,
                ],
            )
            trainers.append(opened.enter_context(run))
        steps = dict(enumerate(trainer.steps() for trainer in trainers))
        groups = [steps] if runs_together(chosen) else [{index: run} for index, run in steps.items()]
        failed = {index: error for group in groups for index, error in _interleave(group).items()}
    results = [None if index in failed else trainer.result for index, trainer in enumerate(trainers)]
    _raise_failures(failed, results)
    return [result for result in results if result is not None]


def _shared_loaders(jobs: Sequence[Job], data: Data, device: torch.device) -> list[DeviceLoader]:
    """One for each job; those whose recipes prepare the images alike share it."""
    made: dict[tuple[object, ...], DeviceLoader] = {}
    loaders = []
    for job in jobs:
        key = (job.recipe.normalization, job.recipe.crop_padding, job.recipe.flip)
        if key not in made:
            made[key] = make_loader(data, job.recipe, device)
        loaders.append(made[key])
    return loaders


def runs_together(device: torch.device) -> bool:
    """Whether runs side by side gain anything: where the device works on while the next step is asked for."""
    return device.type == "cuda"


def _interleave(running: dict[int, Generator[DeviceEvent | None, None, None]]) -> dict[int, ResnetzooError]:
    """A step of each in turn, until all have ended; returns the errors of those that failed."""
    failed: dict[int, ResnetzooError] = {}
    while running:
        for index, run in list(running.items()):
            try:
                next(run)
            except StopIteration:
                del running[index]
            except RecordingError:  # the device may be unusable for the others too
                raise
            except ResnetzooError as error:
                failed[index] = error
                del running[index]
    return failed


def _raise_failures(failed: dict[int, ResnetzooError], runs: Sequence[Run | None]) -> None:
    done = tuple(run for run in runs if run is not None)
    for error in failed.values():
        if isinstance(error, TrainingInterrupted):
            raise TrainingInterrupted(
                f"{len(failed)} of {len(runs)} runs stopped, the first with: {error}", error.signal_number
            )
    if failed:
        reasons = "; ".join(f"job {index}: {error}" for index, error in failed.items())
        raise SomeRunsFailedError(f"{len(failed)} of {len(runs)} runs failed: {reasons}", done, failed)


def _check_jobs(jobs: Sequence[Job]) -> None:
    if not jobs:
        raise UsageError("fit_many needs at least one Job")
    for index, job in enumerate(jobs):
        for other in jobs[:index]:
            if job.model is other.model:
                raise UsageError(f"job {index} trains the same network as an earlier one: create one for each job")
            if job.out is not None and other.out is not None and Path(job.out) == Path(other.out):
                raise UsageError(f"job {index} has the folder of an earlier one, {job.out}: give each its own")
