"""From a target to its report: plan, forecast, training, measures, verdicts, pictures, files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from resnetzoo.data.image_set import Data
from resnetzoo.errors import CheckpointError, ResultsError
from resnetzoo.reproduce import output as folder
from resnetzoo.reproduce.budgets import budget_of
from resnetzoo.reproduce.execution import format_duration, measure_pace, train_all
from resnetzoo.reproduce.figures import draw_all
from resnetzoo.reproduce.layer_stats import LayerRow, measure_layers
from resnetzoo.reproduce.outcome import Outcome
from resnetzoo.reproduce.plan import PlannedRun, finished, plan_runs, steps_done
from resnetzoo.reproduce.report import tell
from resnetzoo.reproduce.targets import Target, get_target
from resnetzoo.training.concurrent import runs_together
from resnetzoo.utils.device import Precision, resolve_device, resolve_precision
from resnetzoo.utils.validation import check_whole_number

_JOBS_ON_CUDA = 8


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
    jobs: int | None = None,
    command: str = "",
    say: Callable[[str], None] = print,
) -> Outcome:
    """Train what a target needs and write its report; what is done already is not done again.

    Args:
        target: a name of `TARGETS`, such as `figure6`, or a row of your own.
        data: what to learn from and to measure on; the claims are about CIFAR-10.
        out: the report's folder: new, empty, or this target's own.
        budget: `full`, `short` (fewer steps) or `smoke` (seconds; measures nothing).
        seeds: of the runs; the budget's number of them if left out.
        depths: only the networks of these depths.
        runs: where the runs are kept, for several targets to share; `out/runs` if left out.
        device: as in `fit`.
        precision: of the steps.
        jobs: runs side by side on CUDA, 8 if left out; elsewhere one run fills the machine, and they take turns.
        command: what the report names as the way to make it again.
        say: takes each line of progress.

    Raises:
        UsageError: an unknown target, budget or depth.
        ResultsError: `out` holds something else, a file of results was changed by hand, or no run has a result.
        CheckpointMismatchError: a run's folder holds another run, or one on other data.
        OutputError: a folder cannot be written.
        TrainingInterrupted: Ctrl-C or SIGTERM; the same call goes on from there.
    """
    chosen = get_target(target) if isinstance(target, str) else target
    share = budget_of(chosen, budget)
    on = resolve_device(device)
    resolved = resolve_precision(precision, on)
    if jobs is not None:
        check_whole_number("jobs", jobs)
    out = Path(out)
    part = share.of(data)
    kept = Path(runs) if runs is not None else out / "runs"
    planned = plan_runs(chosen, share.recipe, range(share.seeds) if seeds is None else seeds, part, kept, depths)
    folder.take(out, chosen.name, budget, part)

    left = forecast(planned, part, device=str(on), precision=resolved, say=say)
    together = (jobs or _JOBS_ON_CUDA) if runs_together(on) else 1
    if jobs is not None and jobs > together:
        say(f"one run fills a {on.type}: {jobs} jobs take turns")
    failed = train_all(left, part, device=str(on), precision=resolved, jobs=together, say=say)
    done = [(run, record) for run in planned if (record := finished(run, part, resolved)) is not None]
    if not done:
        raise ResultsError(f"no run has a result: {'; '.join(failed.values())}")
    layers, unmeasured = _layers([run for run, _ in done], part, on) if chosen.layers else ((), {})
    reasons = {run.label: reason for run, reason in failed.items()} | unmeasured
    outcome = Outcome(chosen, share, command, tuple(record for _, record in done), reasons, layers)
    folder.write(outcome, tell(outcome, draw_all(outcome, out)), out)
    return outcome


def forecast(
    runs: Sequence[PlannedRun], data: Data, *, device: str, precision: Precision, say: Callable[[str], None]
) -> list[PlannedRun]:
    """Say what is to be run and how long it should take; the runs that are not finished.

    Raises:
        ResultsError, CheckpointMismatchError: as `finished` and `steps_done`, before anything is trained.
    """
    left = [run for run in runs if finished(run, data, precision) is None]
    progress = {run: steps_done(run, data, precision) if run in left else run.recipe.steps for run in runs}
    say(f"{len(runs)} runs, {len(runs) - len(left)} of them done; times from two uncompiled steps of each network")
    paces = {}
    total = 0.0
    for run in runs:
        seconds = 0.0
        if run in left:
            if run.spec not in paces:
                paces[run.spec] = measure_pace(run, data, device=device, precision=precision)
            seconds = paces[run.spec].seconds(run, data, progress[run])
            total += seconds
        time = f"about {format_duration(seconds)}" if run in left else "done"
        say(f"  {run.label:<44} {progress[run]:>7,} of {run.recipe.steps:>7,} steps   {time}")
    say(f"  {'total, one after the other':<44} {'':>25}   about {format_duration(total)}")
    return left


def _layers(
    runs: Sequence[PlannedRun], data: Data, device: torch.device
) -> tuple[tuple[LayerRow, ...], dict[str, str]]:
    """The layers of each run whose weights are there, and why the others have none."""
    rows: list[LayerRow] = []
    failed = {}
    for run in runs:
        try:
            rows += measure_layers(run, data, device)
        except CheckpointError as error:
            failed[f"{run.label}, its layers"] = str(error)
    return tuple(rows), failed
