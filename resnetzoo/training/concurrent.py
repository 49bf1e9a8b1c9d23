"""Several runs on one device: networks this small leave most of a GPU idle, so there they train side by side."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.data.image_set import Data
from resnetzoo.errors import ResnetzooError, SomeRunsFailedError, TrainingInterrupted, UsageError
from resnetzoo.training.callbacks import stop_requests
from resnetzoo.training.distributed import current_context
from resnetzoo.training.fitting import make_loader, prepare
from resnetzoo.training.recipes import QUICK20, Recipe
from resnetzoo.training.results import Run
from resnetzoo.utils.device import resolve_device, tuned
from resnetzoo.utils.validation import check_whole_number


@dataclass(frozen=True, eq=False)
class Job:
    """One run of `fit_many`; the fields are the arguments of `fit`."""

    model: nn.Module
    recipe: Recipe = QUICK20
    seed: int = 0
    out: str | Path | None = None


def fit_many(
    jobs: Sequence[Job],
    data: Data,
    *,
    device: str = "auto",
    precision: str = "auto",
    compile: bool | None = None,  # noqa: A002 (torch's own word)
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
        checkpoint_every: save every so many steps too.
        progress: show a line an epoch.

    Returns:
        The finished runs, in the order of the jobs.

    Raises:
        SomeRunsFailedError: some failed on the way; the others went on to their end and are in its `runs`.
        TrainingInterrupted: Ctrl-C or SIGTERM; each run finished its step and was saved.
        UsageError: no jobs, the same network or folder twice, or started by `torchrun`; and what `fit` raises of
            arguments and folders, before any run begins.
    """
    _check_jobs(jobs)
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    on = resolve_device(device)
    context = current_context(on)
    if context.world_size > 1:
        raise UsageError(
            f"fit_many runs in one process, not in {context.world_size}: start it without torchrun, or use fit"
        )
    cuts: dict[tuple[object, ...], DeviceLoader] = {}
    with tuned(on), ExitStack() as bars, stop_requests() as stop:
        trainings = []
        for job in jobs:
            recipe = job.recipe.for_images(len(data.train))
            cut = (recipe.normalization, recipe.crop_padding, recipe.flip)
            if cut not in cuts:
                cuts[cut] = make_loader(data, recipe, on)
            trainings.append(
                prepare(
                    job.model,
                    data,
                    recipe,
                    cuts[cut],
                    seed=job.seed,
                    precision=precision,
                    compile=compile,
                    out=job.out,
                    context=context,
                )
            )
        shown = [bars.enter_context(training.progress(shown=progress, bar=False)) for training in trainings]
        steps = [
            training.steps(lines, stop, checkpoint_every) for training, lines in zip(trainings, shown, strict=True)
        ]
        together = [dict(enumerate(steps))] if runs_together(on) else [{place: run} for place, run in enumerate(steps)]
        failed = {place: error for group in together for place, error in _interleave(group).items()}
    runs = [training.result() if place not in failed else None for place, training in enumerate(trainings)]
    _raise_failures(failed, runs)
    return [run for run in runs if run is not None]


def runs_together(device: torch.device) -> bool:
    """Whether runs side by side gain anything: where the device works on while the next step is asked for."""
    return device.type == "cuda"


def _interleave(running: dict[int, Iterator[None]]) -> dict[int, ResnetzooError]:
    """A step of each in turn, until all have ended; by place, the errors of those that failed."""
    failed: dict[int, ResnetzooError] = {}
    while running:
        for place, run in list(running.items()):
            try:
                next(run)
            except StopIteration:
                del running[place]
            except ResnetzooError as error:
                failed[place] = error
                del running[place]
    return failed


def _raise_failures(failed: dict[int, ResnetzooError], runs: Sequence[Run | None]) -> None:
    done = tuple(run for run in runs if run is not None)
    for error in failed.values():
        if isinstance(error, TrainingInterrupted):
            raise TrainingInterrupted(
                f"{len(failed)} of {len(runs)} runs stopped, the first with: {error}", error.signal_number
            )
    if failed:
        reasons = "; ".join(f"job {place}: {error}" for place, error in failed.items())
        raise SomeRunsFailedError(f"{len(failed)} of {len(runs)} runs failed: {reasons}", done, failed)


def _check_jobs(jobs: Sequence[Job]) -> None:
    if not jobs:
        raise UsageError("fit_many needs at least one Job")
    for place, job in enumerate(jobs):
        for other in jobs[:place]:
            if job.model is other.model:
                raise UsageError(f"job {place} trains the same network as an earlier one: create one for each job")
            if job.out is not None and other.out is not None and Path(job.out) == Path(other.out):
                raise UsageError(f"job {place} has the folder of an earlier one, {job.out}: give each its own")
