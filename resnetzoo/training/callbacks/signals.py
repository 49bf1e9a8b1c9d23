"""Ctrl-C and SIGTERM: the step in progress is finished and saved before the run ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.trainer_state import TrainerState


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
def catch_signals() -> Iterator[StopRequest]:
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


class StopOnSignal(Callback):
    """Interrupts a run once a stop was requested in any of its processes; all of them learn it at the same step.

    It comes first, so that the checkpoint behind it knows that this step is the last one.
    """

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_step_end(self, trainer: TrainerState) -> None:
        if not trainer.epoch_is_complete:  # else the epoch's end asks, where there is more to save
            self._interrupt_if_requested(trainer)

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        self._interrupt_if_requested(trainer)

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        """A signal that came while the last epoch was saved must not be lost either."""
        self._interrupt_if_requested(trainer)

    def _interrupt_if_requested(self, trainer: TrainerState) -> None:
        number = trainer.context.all_reduce_max(self.request.signal_number or 0)
        if number:
            trainer.interrupt(number)
