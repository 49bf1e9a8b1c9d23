"""What a person sees while a network trains: a bar on a terminal, a line an epoch everywhere."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from resnetzoo.training.results import EpochRow


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


class StopRequest:
    """Whether a stop was asked for, and by which signal."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def receive(self, signal_number: int, frame: FrameType | None) -> None:
        """Note the first signal; a second Ctrl-C stops at once."""
        if self.signal_number is not None:
            raise KeyboardInterrupt
        self.signal_number = signal_number


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM inside the block, and put the old handlers back behind it.

    Outside the main thread signals cannot be caught: there the request is never made.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    caught = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, request.receive) for number in caught}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
