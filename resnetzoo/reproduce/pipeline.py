"""The pipeline from a target to its report: plan, runs, measurements, verdicts, files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from resnetzoo.data.conversion import check_data
from resnetzoo.data.pair import Data
from resnetzoo.errors import CheckpointError, ResultsError, UsageError
from resnetzoo.reproduce.forecast import forecast
from resnetzoo.reproduce.layer_stats import LayerRow, measure_layers
from resnetzoo.reproduce.outcome import Outcome, outcome_of
from resnetzoo.reproduce.plan import Plan, resolve_plan
from resnetzoo.reproduce.planned_run import PlannedRun, finished
from resnetzoo.reproduce.report_folder import prepare_folder, write_report
from resnetzoo.reproduce.targets import Target
from resnetzoo.reproduce.train_runs import train_runs
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.folder_lock import locked
from resnetzoo.utils.paths import user_path


def reproduce(
    target: str | Target,
    data: Data,
    *,
    out: str | Path,
    budget: str = "full",
    seeds: Sequence[int] | None = None,
    depths: Sequence[int] = (),
    runs: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    record: bool | None = None,
    jobs: int | None = None,
    command: str = "",
    say: Callable[[str], None] = print,
) -> Outcome:
    """Train the networks of a target, write its report and return the outcome; finished runs are not repeated.

    Args:
        target: a name in `TARGETS`, such as `figure6`, or a target of your own.
        data: the training and test images; the claims are about CIFAR-10.
        out: the report's folder: new, empty, or this target's own.
        budget: `full`, `short` (fewer steps) or `smoke` (seconds; measures nothing).
        seeds: the seeds of the runs; by default the budget's number of seeds, counted from 0.
        depths: train only the networks of these depths; by default all but those on request.
        runs: the folder of the runs, which several targets can share; by default `out/runs`.
        device: the device, as in `fit`.
        precision: precision of the steps, as in `fit`.
        record: whether to record the steps as CUDA graphs; None decides as in `fit`.
        jobs: number of runs side by side on CUDA, up to 32, by default 8; on other devices one run uses the whole
            machine, and the runs follow one another.
        command: the command that the report states for repeating it.
        say: called with each line of progress.

    Raises:
        UsageError: `data` is not a `Data`, or its images have other channels than the networks expect; an unknown
            target, budget or depth; more than 32 jobs; or `record=True` on a device other than CUDA.
        ResultsError: `out` holds something else, a file of results was changed by hand, or no run has a result.
        CheckpointMismatchError: a run's folder holds another run, or one on other data.
        OutputError: a folder cannot be written, or another process writes to it.
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1; the same call resumes.
        RecordingError: a step could not be recorded on CUDA; start again with `record=False`.
    """
    plan = resolve_plan(
        target,
        budget=budget,
        seeds=seeds,
        depths=depths,
        device=device,
        precision=precision,
        record=record,
        jobs=jobs,
    )
    return run_plan(plan, data, out=out, runs=runs, command=command, say=say)


def run_plan(
    plan: Plan,
    data: Data,
    *,
    out: str | Path,
    runs: str | Path | None = None,
    command: str | Callable[[Sequence[RunRecord]], str] = "",
    say: Callable[[str], None] = print,
) -> Outcome:
    """Train what a plan needs and write its report; the arguments and the errors are those of `reproduce`.

    `command` may also be a function of the records of the finished runs, such as `Plan.command` with its options.
    """
    _check_data(data, plan)
    out = user_path(out)
    part = plan.budget.of(data)
    planned = plan.runs_on(part, user_path(runs) if runs is not None else out / "runs")
    prepare_folder(out, plan.target.name, plan.budget.name, part)
    with locked(out):
        return _run_planned(plan, planned, part, out=out, command=command, say=say)


def _run_planned(
    plan: Plan,
    planned: Sequence[PlannedRun],
    part: Data,
    *,
    out: Path,
    command: str | Callable[[Sequence[RunRecord]], str],
    say: Callable[[str], None],
) -> Outcome:
    """Train the unfinished runs, and write the report of all finished ones."""
    device, precision = str(plan.device), plan.precision
    unfinished = forecast(planned, part, device=device, precision=precision, record=plan.record, say=say)
    if plan.jobs is not None and plan.jobs > plan.runs_at_once:
        say(f"one run fills a {plan.device.type}: {plan.jobs} jobs take turns")
    failed = train_runs(
        unfinished,
        part,
        device=device,
        precision=precision,
        record=plan.record,
        jobs=plan.runs_at_once,
        say=say,
    )

    done = [(run, record) for run in planned if (record := finished(run, part, precision)) is not None]
    if not done:
        raise ResultsError(f"no run has a result: {'; '.join(failed.values())}")
    layers, unmeasured = _layers([run for run, _ in done], part, plan.device) if plan.target.layers else ((), {})
    records = [record for _, record in done]
    outcome = outcome_of(
        plan.target,
        plan.budget,
        command=command if isinstance(command, str) else command(records),
        records=records,
        failed=failed,
        layers=layers,
        unmeasured=unmeasured,
    )
    write_report(outcome, out)
    return outcome


def _check_data(data: Data, plan: Plan) -> None:
    """Refuse images that the networks of a plan cannot read, before anything is computed or written."""
    check_data(data)
    found = data.train.images.shape[1]
    for network in plan.networks:
        wanted = network.spec(num_classes=len(data.classes)).in_chans
        if wanted != found:
            raise UsageError(
                f"{plan.target.name} needs images of {wanted} channels, but those of {data.title} have {found}"
            )


def _layers(
    runs: Sequence[PlannedRun], data: Data, device: torch.device
) -> tuple[tuple[LayerRow, ...], dict[PlannedRun, str]]:
    """The measured layers of each run whose weights exist, and for each other run the reason why it has none."""
    rows: list[LayerRow] = []
    unmeasured = {}
    for run in runs:
        try:
            rows += measure_layers(run, data, device)
        except CheckpointError as error:
            unmeasured[run] = str(error)
    return tuple(rows), unmeasured
