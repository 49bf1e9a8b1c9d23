"""Ctrl-C, SIGTERM and the signals of schedulers: the current step is finished and saved before the run ends."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from resnetzoo.errors import TrainingInterrupted
from resnetzoo.training.callbacks.base import Callback
from resnetzoo.training.results import EpochRow, Run
from resnetzoo.training.trainer_state import TrainerState

_ALWAYS = (signal.SIGINT, signal.SIGTERM)
# Sent by closed terminals, by schedulers before they kill a job, and at a limit of CPU time; not all systems have them.
# They are left alone if they would not end the process: if they are ignored, as by nohup, or the caller catches them.
_WHERE_DEADLY = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")


class StopRequest:
    """Whether a stop was requested, and by which signal.

    Args:
        copies: how many times a single Ctrl-C arrives.
    """

    def __init__(self, copies: int = 1) -> None:
        self.signal_number: int | None = None
        self._copies_to_come = copies - 1

    def receive(self, signal_number: int, frame: FrameType | None) -> None:
        """Note the first signal. A further Ctrl-C stops at once; other signals do not, since systems repeat them."""
        if self.signal_number is None:
            self.signal_number = signal_number
        elif signal_number == signal.SIGINT and self._copies_to_come:
            self._copies_to_come -= 1
        elif signal_number == signal.SIGINT:
            raise KeyboardInterrupt


@contextmanager
def catch_signals(*, saved: bool) -> Iterator[StopRequest]:
    """Catch the signals that ask a process to end inside the block, and restore the old handlers after it.

    `saved` states whether the work in the block is kept in folders; it becomes the `saved` of `TrainingInterrupted`.
    Outside the main thread signals cannot be caught, so a stop is never requested.

    Raises:
        TrainingInterrupted: a signal came after the last work in the block; whatever the caller planned next must not
            continue as if there had been none.
    """
    # A terminal sends Ctrl-C to all of its processes, and torchrun also forwards to the ranks what it receives itself.
    request = StopRequest(copies=2 if "TORCHELASTIC_RUN_ID" in os.environ else 1)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    deadly = [getattr(signal, name) for name in _WHERE_DEADLY if hasattr(signal, name)]
    caught = [*_ALWAYS, *(number for number in deadly if signal.getsignal(number) is signal.SIG_DFL)]
    previous = {number: signal.signal(number, request.receive) for number in caught}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if request.signal_number is not None:
        raise TrainingInterrupted(
            "the training had already ended when the signal came", request.signal_number, saved=saved
        )


class StopOnSignal(Callback):
    """Interrupts a run once a stop was requested in any of its processes; all processes learn of it at the same step.

    It is called first, so that the checkpoint callback after it knows that this step is the last one.
    """

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_step_end(self, trainer: TrainerState) -> None:
        if not trainer.epoch_is_complete:  # otherwise the epoch's end asks, when there is more to save
            self._interrupt_if_requested(trainer)

    def on_epoch_end(self, trainer: TrainerState, row: EpochRow) -> None:
        self._interrupt_if_requested(trainer)

    def on_fit_end(self, trainer: TrainerState, run: Run) -> None:
        """Handle a signal that came while the last epoch was being saved."""
        self._interrupt_if_requested(trainer)

    def _interrupt_if_requested(self, trainer: TrainerState) -> None:
        number = trainer.context.all_reduce_max(self.request.signal_number or 0)
        if number:
            trainer.interrupt(number)
