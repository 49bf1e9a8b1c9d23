"""How long the runs of a plan should take, from a few measured steps of each network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from resnetzoo.data.image_set import Data
from resnetzoo.reproduce.planned_run import PlannedRun, finished, steps_done
from resnetzoo.training.fitting import fit
from resnetzoo.training.schedules import OneCycle, steps_per_epoch
from resnetzoo.utils.device import Precision

_TEST_IMAGES = 100


@dataclass(frozen=True)
class SecondsPerImage:
    """How long an image of a network takes, in seconds.

    Attributes:
        train: in a training step.
        test: in a test.
    """

    train: float
    test: float

    def seconds(self, run: PlannedRun, data: Data, done: int) -> float:
        """What is left of a run after `done` steps."""
        steps = run.recipe.steps - done
        epochs = -(-steps // steps_per_epoch(len(data.train), run.recipe.batch_size))
        images = steps * min(run.recipe.batch_size, len(data.train))
        return images * self.train + epochs * len(data.test) * self.test


def forecast(
    runs: Sequence[PlannedRun], data: Data, *, device: str, precision: Precision, say: Callable[[str], None]
) -> list[PlannedRun]:
    """Say what is to be run and how long it should take; the runs that are not finished.

    Raises:
        ResultsError, CheckpointMismatchError: as `finished` and `steps_done`, before anything is trained.
    """
    left = [run for run in runs if finished(run, data, precision) is None]
    done = {run: steps_done(run, data, precision) if run in left else run.recipe.steps for run in runs}
    say(f"{len(runs)} runs, {len(runs) - len(left)} of them done; times from two uncompiled steps of each network")
    seconds_per_image = {}
    total = 0.0
    for run in runs:
        seconds = 0.0
        if run in left:
            if run.spec not in seconds_per_image:
                seconds_per_image[run.spec] = measure_seconds_per_image(run, data, device=device, precision=precision)
            seconds = seconds_per_image[run.spec].seconds(run, data, done[run])
            total += seconds
        time = f"about {format_duration(seconds)}" if run in left else "done"
        say(f"  {run.label:<44} {done[run]:>7,} of {run.recipe.steps:>7,} steps   {time}")
    say(f"  {'total, one after the other':<44} {'':>25}   about {format_duration(total)}")
    return left


def measure_seconds_per_image(run: PlannedRun, data: Data, *, device: str, precision: str) -> SecondsPerImage:
    """Two epochs of one batch each, of which the second is timed; nothing is compiled and nothing kept."""
    small = data.first(min(run.recipe.batch_size, len(data.train)), min(_TEST_IMAGES, len(data.test)))
    recipe = replace(run.recipe, steps=2, epochs=None, lr=1e-3, schedule=OneCycle(), low_start=None)
    timed = fit(run.build(), small, recipe, device=device, precision=precision, compile=False, progress=False)
    row = timed.epochs[-1]
    return SecondsPerImage(train=1 / row.images_per_second, test=row.test_seconds / len(small.test))


def format_duration(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
