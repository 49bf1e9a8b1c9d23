"""Several runs on one device: networks this small leave most of a GPU idle, so on a GPU they train side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import nn

from resnetzoo.data.pair import Data
from resnetzoo.errors import SomeRunsFailedError, TrainingInterrupted, UsageError
from resnetzoo.models.wrappers import innermost
from resnetzoo.training.callbacks.base import Callback, checked_callbacks
from resnetzoo.training.callbacks.progress import ProgressBar
from resnetzoo.training.callbacks.signals import StopRequest, catch_signals
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.distributed import current_context, local_device
from resnetzoo.training.opening import open_trainer, ordinary_mode
from resnetzoo.training.preflight import steps_left
from resnetzoo.training.presets import QUICK20
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.results import Run
from resnetzoo.training.run_pool import RunPool, Steps
from resnetzoo.training.shared_loaders import SharedLoaders
from resnetzoo.training.side_by_side import USUAL_SIDE_BY_SIDE, check_side_by_side, longest_first, runs_together
from resnetzoo.training.stream import RunStream
from resnetzoo.utils.device import resolve_device, resolve_precision
from resnetzoo.utils.memory import reset_peak_memory
from resnetzoo.utils.paths import user_path
from resnetzoo.utils.text import kind_of, reason_of
from resnetzoo.utils.validation import check_kind, check_whole_number


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
    side_by_side: int | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
) -> list[Run]:
    """Train several networks or seeds on one device, each as `fit` would train it alone, bit for bit on a CPU.

    On CUDA they run side by side, each on its own stream with its step recorded, and share the training set on the
    device. The longest runs start first, and when one ends the next starts. On other devices one run uses the whole
    machine, so they run one after the other in the given order. A run that has ended keeps only its network in memory.

    Args:
        jobs: the runs; `out` folders must differ.
        data: the training and test images of all runs.
        device: the device of all runs, as in `fit`.
        precision: precision of the steps, as in `fit`.
        compile: compile each step; None as in `fit`.
        record: record each step on CUDA; None as in `fit`.
        side_by_side: number of runs that train at once on CUDA, up to 32; 8 if None.
        checkpoint_every: also save after this many steps.
        progress: print one line per epoch.

    Returns:
        The finished runs, in the order of the jobs.

    Raises:
        SomeRunsFailedError: some runs raised an exception; the others finished and are in its `runs`.
        RecordingError: a step could not be recorded on CUDA, which ends all runs of the process.
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 or SIGXCPU; each run finished its step and was
            saved if it has a folder, and no other run was started.
        UsageError: there are no jobs, two jobs share a network or folder, `side_by_side` is more than 32, or `torchrun`
            started several processes. The errors of `fit` about arguments and folders are raised before any run starts.
    """
    jobs = _checked_jobs(jobs)
    if checkpoint_every is not None:
        check_whole_number("checkpoint_every", checkpoint_every)
    if side_by_side is not None:
        check_side_by_side("side_by_side", side_by_side)
    chosen = local_device(resolve_device(device))
    world_size = current_context(chosen).world_size
    if world_size > 1:
        raise UsageError(f"fit_many runs in one process, not in {world_size}: start it without torchrun, or use fit")
    images = [images_left(job, data, precision=precision, device=chosen) for job in jobs]
    at_once = min(len(jobs), side_by_side or USUAL_SIDE_BY_SIDE) if runs_together(chosen) else 1
    order = list(range(len(jobs)))
    if at_once > 1:
        order = longest_first([job.model for job in jobs], images, size=data.train.images.shape[-1])
    loaders = SharedLoaders(data, [job.recipe for job in jobs], chosen)

    def steps_of(job: Job, stop: StopRequest, stream: RunStream) -> Steps[Run]:
        if at_once == 1:
            reset_peak_memory(chosen)
        callbacks = standard_callbacks(stop, out=job.out, checkpoint_every=checkpoint_every)
        lines = [ProgressBar(bar=False)] if progress else []  # the last, since callbacks may say which run begins
        with (
            loaders.of(job.recipe) as loader,
            open_trainer(
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
                stream=stream,
                callbacks=[*callbacks, *job.callbacks, *lines],
            ) as trainer,
        ):
            yield from trainer.steps()
            assert trainer.result is not None  # noqa: S101 (its steps have come to their end)
            return trainer.result

    # Each run restores the mode that it found when it ends, which must be the mode that the others run in.
    saved = all(job.out is not None for job in jobs)
    with catch_signals(saved=saved) as stop, ordinary_mode(chosen):
        reset_peak_memory(chosen)
        starts = {index: partial(steps_of, jobs[index], stop) for index in order}
        # Created together, so that all differ: torch hands out the same 32 streams in turn.
        pool = RunPool(starts, [RunStream(chosen) for _ in range(at_once)])
        pool.run(lambda: stop.signal_number is None)
        _raise_failures(len(jobs), pool.results, pool.errors, stop, saved=saved)
    return [pool.results[index] for index in range(len(jobs))]


def images_left(job: Job, data: Data, *, precision: str, device: torch.device) -> int:
    """The number of images that a job still has to train on, after every check that is possible before it starts.

    Raises:
        UsageError, CheckpointError, CheckpointMismatchError, ResultsError, OutputError: as `fit`.
    """
    steps = steps_left(
        job.model,
        data,
        job.recipe,
        seed=job.seed,
        precision=resolve_precision(precision, device),
        out=None if job.out is None else user_path(job.out),
    )
    return steps * job.recipe.batch_size


def _raise_failures(
    number: int, results: Mapping[int, Run], errors: Mapping[int, Exception], stop: StopRequest, *, saved: bool
) -> None:
    interruptions = [error for error in errors.values() if isinstance(error, TrainingInterrupted)]
    not_begun = number - len(results) - len(errors)
    if interruptions or not_begun:
        others = f"; {not_begun} had not begun" if not_begun else ""
        first = f", the first with: {interruptions[0]}" if interruptions else ""
        signal_number = interruptions[0].signal_number if interruptions else stop.signal_number
        raise TrainingInterrupted(
            f"{len(interruptions)} of {number} runs stopped{first}{others}",
            cast(int, signal_number),
            saved=saved,
        )
    if errors:
        reasons = "; ".join(f"job {index}: {reason_of(error)}" for index, error in sorted(errors.items()))
        done = tuple(results[index] for index in sorted(results))
        raise SomeRunsFailedError(f"{len(errors)} of {number} runs failed: {reasons}", done, dict(errors))


def _checked_jobs(jobs: Iterable[Job]) -> Sequence[Job]:
    """The jobs in a sequence, after checking that they can run together.

    Raises:
        UsageError: they cannot; the message names the job that is wrong.
    """
    if isinstance(jobs, Job) or not isinstance(jobs, Iterable):
        raise UsageError(f"jobs must be a list of jobs, not {kind_of(jobs)}: write fit_many([Job(model)], data)")
    jobs = tuple(jobs)
    if not jobs:
        raise UsageError("fit_many needs at least one Job")
    for index, job in enumerate(jobs):
        check_kind(f"job {index}", job, Job)
        checked_callbacks(job.callbacks)
        for other in jobs[:index]:
            if innermost(job.model) is innermost(other.model):
                raise UsageError(f"job {index} trains the same network as an earlier one: create one for each job")
            if job.out is not None and _resolved(job.out) == _resolved(other.out):
                raise UsageError(f"job {index} has the folder of an earlier one, {job.out}: give each its own")
    return jobs


def _resolved(out: str | Path | None) -> Path | None:
    return None if out is None else user_path(out).resolve()
