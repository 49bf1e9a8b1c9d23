"""Progress during training: a bar on a terminal, and one line per epoch everywhere."""

import math
import sys
import time

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.strategies.choose import deciding_images, explain_choice
from resnetzoo.training.trainer_state import TrainerState
from resnetzoo.utils.streams import lasting
from resnetzoo.utils.terminal import console


class ProgressBar(Callback):
    """Prints from the first process of a run. A terminal has room for one bar; `bar=False` prints only the lines."""

    def __init__(self, *, bar: bool) -> None:
        self.bar = bar

    def on_fit_start(self, trainer: TrainerState) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._started = (time.perf_counter(), trainer.step)
        self._stream = lasting(sys.stdout)
        self._console = console(self._stream, soft_wrap=True, quiet=not trainer.context.is_main)
        self._said_lost = False
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, {task.fields[speed]} images/s,"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        visible = self.bar and trainer.context.is_main and self._console.is_terminal
        self._progress = Progress(*columns, console=self._console, transient=True, disable=not visible)
        self._task = self._progress.add_task(
            trainer.name, total=trainer.recipe.steps, completed=trainer.step, speed="-"
        )
        self._progress.start()
        if not trainer.finished:
            images = deciding_images(trainer.recipe, trainer.step_state.batch_size)
            execution, device = trainer.execution, trainer.step_state.loader.device
            reason = explain_choice(execution, device, images, trainer.context)
            self._console.print(f"{trainer.name}  {reason}")

    def on_step_end(self, trainer: TrainerState) -> None:
        """Show the steps that the device is known to have finished: none yet at the start of an epoch, and no pace."""
        pace = trainer.metrics.images_per_second()
        done = trainer.step - trainer.metrics.queued.steps
        self._progress.update(self._task, completed=done, speed=f"{pace:,.0f}" if pace else "-")

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        """Print one line, with the time left at the pace so far."""
        self._progress.update(self._task, completed=trainer.step)
        began, before = self._started
        steps = trainer.recipe.steps
        left = (time.perf_counter() - began) / max(trainer.step - before, 1) * (steps - trainer.step)
        epochs = math.ceil(steps / trainer.steps_per_epoch)
        line = (
            f"{trainer.name}  epoch {row.epoch:>3}/{epochs}  train loss {row.train_loss:.4f} error "
            f"{row.train_error:5.2f} %  test error {row.test_error:5.2f} %  lr {row.lr:.4f}  "
            f"{row.images_per_second:,.0f} images/s  {int(left) // 60}:{int(left) % 60:02d} left"
        )
        trainer.files.submit(lambda: self._print(line))  # after its checkpoint, so that no printed epoch is lost

    def _print(self, line: str) -> None:
        self._console.print(line)
        if self._stream.lost is not None and not self._said_lost:
            self._said_lost = True
            lasting(sys.stderr).write(
                f"warning: standard output cannot be written any more ({self._stream.lost}): "
                "training continues without it\n"
            )

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        if run.stopped_early:
            line = (
                f"{trainer.name}  stopped early by a callback, after {trainer.step:,} of {trainer.recipe.steps:,} steps"
            )
            trainer.files.submit(lambda: self._print(line))  # after the line of its last epoch
        self._progress.stop()

    def on_exception(self, trainer: TrainerState, error: BaseException) -> None:
        self._progress.stop()
