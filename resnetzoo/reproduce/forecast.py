"""Estimate how long the runs of a plan will take, from a few timed steps of each network."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from resnetzoo.data.pair import Data
from resnetzoo.errors import RecordingError, TrainingInterrupted
from resnetzoo.reproduce.planned_run import PlannedRun, finished, steps_done
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.fitting import fit
from resnetzoo.training.results import EpochRow
from resnetzoo.training.schedules import OneCycle, steps_per_epoch
from resnetzoo.training.strategies.recorded import WARM_UP_STEPS
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.device import Precision, resolve_device
from resnetzoo.utils.memory import forget_frames, free_memory
from resnetzoo.utils.text import counted, reason_of

_TEST_IMAGES = 100
_ENOUGH_SECONDS = 20.0  # for one network; after these seconds, its run ends with the current epoch


@dataclass(frozen=True)
class SecondsPerImage:
    """The seconds that a network needs for one image.

    Attributes:
        train: seconds in a training step.
        test: seconds in a test.
    """

    train: float
    test: float

    def seconds(self, run: PlannedRun, data: Data, done: int) -> float:
        """The seconds that a run still needs after `done` steps."""
        steps = run.recipe.steps - done
        epochs = -(-steps // steps_per_epoch(len(data.train), run.recipe.batch_size))
        images = steps * min(run.recipe.batch_size, len(data.train))
        return images * self.train + epochs * len(data.test) * self.test


@dataclass(frozen=True)
class MeasuredSteps:
    """The steps of a network that are timed.

    Attributes:
        first: the number of steps before the timed ones.
        timed: the number of timed steps.
    """

    first: int
    timed: int

    @classmethod
    def on(cls, device: torch.device) -> "MeasuredSteps":
        """The steps to time: on CUDA 30 replayed steps after warm-up and recording, elsewhere the second step."""
        return cls(first=WARM_UP_STEPS + 1, timed=30) if device.type == "cuda" else cls(first=1, timed=1)

    def __str__(self) -> str:
        return f"times from {counted(self.timed, 'step')} of each network, uncompiled, the first {self.first} left out"


def forecast(
    runs: Sequence[PlannedRun],
    data: Data,
    *,
    device: str,
    precision: Precision,
    record: bool | None,
    say: Callable[[str], None],
) -> list[PlannedRun]:
    """Print the planned runs and how long they should take, and return the unfinished ones.

    A network whose steps cannot be measured has no forecast; its run will report what is wrong.

    Raises:
        ResultsError, CheckpointMismatchError: as in `finished` and `steps_done`, before anything is trained.
        TrainingInterrupted: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1.
        RecordingError: a step could not be recorded on CUDA, which ends all runs of the process.
    """
    left = [run for run in runs if finished(run, data, precision) is None]
    done = {run: steps_done(run, data, precision) if run in left else run.recipe.steps for run in runs}
    say(
        f"{counted(len(runs), 'run')}, {len(runs) - len(left)} of them done; {MeasuredSteps.on(resolve_device(device))}"
    )
    measured: dict[object, SecondsPerImage | str] = {}
    total, unknown = 0.0, 0
    for run in runs:
        answer = "done"
        if run in left:
            if run.spec not in measured:
                measured[run.spec] = _measure_or_reason(run, data, device=device, precision=precision, record=record)
            found = measured[run.spec]
            if isinstance(found, SecondsPerImage):
                seconds = found.seconds(run, data, done[run])
                answer, total = f"about {format_duration(seconds)}", total + seconds
            else:
                answer, unknown = f"no forecast: {found}", unknown + 1
        say(f"  {run.label:<44} {done[run]:>7,} of {run.recipe.steps:>7,} steps   {answer}")
    without = f", without {unknown} of the runs" if unknown else ""
    say(f"  {'total, one after the other':<44} {'':>25}   about {format_duration(total)}{without}")
    return left


def _measure_or_reason(
    run: PlannedRun, data: Data, *, device: str, precision: str, record: bool | None
) -> SecondsPerImage | str:
    """The times of a network, or the reason why there are none."""
    try:
        return measure_seconds_per_image(run, data, device=device, precision=precision, record=record)
    except TrainingInterrupted as error:
        raise TrainingInterrupted(
            "stopped while steps were timed: the same call starts with the runs", error.signal_number
        ) from error
    except RecordingError:
        raise
    except Exception as error:  # too little memory or a network that overflows must not keep the others from starting
        reason = reason_of(error)
        forget_frames(error)
    free_memory()  # after the block, since the exception keeps the failed run alive inside it
    return reason


def measure_seconds_per_image(
    run: PlannedRun, data: Data, *, device: str, precision: str, record: bool | None = None
) -> SecondsPerImage:
    """Measure the times in a short run over the first images, as `MeasuredSteps` states, without compiling or saving.

    If that takes longer than 20 seconds, it ends after the current epoch, and the last epoch counts.
    """
    steps = MeasuredSteps.on(resolve_device(device))
    batch = min(run.recipe.batch_size, len(data.train))
    batches = min(steps.timed, len(data.train) // batch)  # per epoch
    first, timed = (-(-wanted // batches) for wanted in (steps.first, steps.timed))  # in epochs
    small = data.first(batches * batch, min(_TEST_IMAGES, len(data.test)))
    recipe = replace(
        run.recipe,
        steps=(first + timed) * batches,
        epochs=None,
        lr=1e-3,
        schedule=OneCycle(),
        low_start=None,
        extended_at=(),
    )
    rows = fit(
        run.build(),
        small,
        recipe,
        device=device,
        precision=precision,
        compile=False,
        record=record,
        progress=False,
        callbacks=[_Enough(_ENOUGH_SECONDS)],
    ).epochs
    counted = rows[first:] or rows[-1:]
    images = len(counted) * batches * batch
    return SecondsPerImage(
        train=sum(batches * batch / row.images_per_second for row in counted) / images,
        test=counted[-1].test_seconds / len(small.test),
    )


class _Enough(Callback):
    """Ends a run after the epoch in which its time is up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = time.monotonic()

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        if time.monotonic() - self._began > self.seconds:
            trainer.request_stop()


def format_duration(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
