"""The runs of a plan, trained one after the other or side by side; one that fails leaves the others alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from resnetzoo.data.image_set import Data
from resnetzoo.errors import ResnetzooError, SomeRunsFailedError, TrainingInterrupted
from resnetzoo.reproduce.plan import PlannedRun
from resnetzoo.training.concurrent import Job, fit_many
from resnetzoo.training.fitting import fit
from resnetzoo.training.schedules import OneCycle, steps_per_epoch


def train_all(
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


_TEST_IMAGES = 100


@dataclass(frozen=True)
class Pace:
    """Seconds an image, in training and in a test."""

    train: float
    test: float

    def seconds(self, run: PlannedRun, data: Data, done: int) -> float:
        """What is left of a run after `done` steps."""
        steps = run.recipe.steps - done
        epochs = -(-steps // steps_per_epoch(len(data.train), run.recipe.batch_size))
        images = steps * min(run.recipe.batch_size, len(data.train))
        return images * self.train + epochs * len(data.test) * self.test


def measure_pace(run: PlannedRun, data: Data, *, device: str, precision: str) -> Pace:
    """Two epochs of one batch each, of which the second is timed; nothing is compiled and nothing kept."""
    small = data.first(min(run.recipe.batch_size, len(data.train)), min(_TEST_IMAGES, len(data.test)))
    recipe = replace(run.recipe, steps=2, epochs=None, lr=1e-3, schedule=OneCycle(), low_start=None)
    timed = fit(run.build(), small, recipe, device=device, precision=precision, compile=False, progress=False)
    row = timed.epochs[-1]
    return Pace(train=1 / row.images_per_second, test=row.test_seconds / len(small.test))


def format_duration(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
