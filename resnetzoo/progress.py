"""What a person sees while a network trains: a bar on a terminal, a line an epoch everywhere."""

import time
from types import TracebackType

from resnetzoo.run import EpochRow


class TrainingProgress:
    """Used as a context; `advance` after each step, `epoch` after each epoch. `shown=False` keeps it silent.

    A terminal has room for one bar at a time: `bar=False` leaves only the lines.
    """

    def __init__(self, title: str, *, steps: int, done: int, epochs: int, shown: bool, bar: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.title = title
        self.epochs = epochs
        self.steps = steps
        self._start = (time.perf_counter(), done)
        self._done = done
        self._console = Console(quiet=not shown, highlight=False, soft_wrap=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, {task.fields[speed]} images/s,"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        self._bar = Progress(
            *columns, console=self._console, transient=True, disable=not (bar and self._console.is_terminal)
        )
        self._task = self._bar.add_task(title, total=steps, completed=done, speed="-")

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, images_per_second: float) -> None:
        """One step more."""
        self._done += 1
        self._bar.update(self._task, advance=1, speed=f"{images_per_second:,.0f}")

    def say(self, line: str) -> None:
        """A line of its own."""
        self._console.print(f"{self.title}  {line}")

    def epoch(self, row: EpochRow) -> None:
        """One line for a finished epoch, with the time left at the pace so far."""
        began, before = self._start
        left = (time.perf_counter() - began) / max(self._done - before, 1) * (self.steps - self._done)
        self._console.print(
            f"{self.title}  epoch {row.epoch:>3}/{self.epochs}  train loss {row.train_loss:.4f} error "
            f"{row.train_error:5.2f} %  test error {row.test_error:5.2f} %  lr {row.lr:.4f}  "
            f"{row.images_per_second:,.0f} images/s  {int(left) // 60}:{int(left) % 60:02d} left"
        )
