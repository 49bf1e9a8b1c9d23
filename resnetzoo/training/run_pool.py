"""Runs that take turns on one device: when a place becomes free, the next run starts in it.

The failure of a run does not end the others, unless its step could not be recorded.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from resnetzoo.errors import RecordingError
from resnetzoo.training.stream import DeviceEvent
from resnetzoo.utils.memory import forget_frames, free_memory

Place = TypeVar("Place")
Result = TypeVar("Result")
Steps = Generator[DeviceEvent | None, None, Result]
"""A run that pauses after each step: it yields None if it can continue at once, otherwise the event it waits for."""


@dataclass
class _Running(Generic[Place, Result]):
    """A run in progress, the place it occupies, and the event it waits for."""

    steps: Steps[Result]
    place: Place
    event: DeviceEvent | None = None


class RunPool(Generic[Place, Result]):
    """Advances as many runs as there are places, one step of each in turn.

    Args:
        starts: functions by index, in the order in which the runs start. Each takes a place and returns its run, which
            holds no resources before its first step and releases all of them when it ends.
        places: each is used by one run at a time, and then by the next.

    Attributes:
        results: the results of the runs that have finished, by index.
        errors: the errors of the runs that failed, by index; they no longer keep any object of their runs alive.
    """

    def __init__(self, starts: Mapping[int, Callable[[Place], Steps[Result]]], places: Sequence[Place]) -> None:
        self._waiting = deque(starts.items())
        self._free = deque(places)
        self._running: dict[int, _Running[Place, Result]] = {}  # the run that has waited longest for a step comes first
        self.results: dict[int, Result] = {}
        self.errors: dict[int, Exception] = {}

    def run(self, may_begin: Callable[[], bool]) -> None:
        """Continue until all runs have ended; once `may_begin` returns False, no further run is started.

        Raises:
            RecordingError: one run raised it, which ends all runs, since the device may be unusable for the others.
                Anything that is not an `Exception`, such as a second Ctrl-C, also ends all runs and is raised.
        """
        try:
            while True:
                while self._waiting and self._free and may_begin():
                    index, start = self._waiting.popleft()
                    place = self._free.popleft()
                    self._running[index] = _Running(start(place), place)
                if not self._running:
                    return
                self._take_turns()
        except BaseException as error:
            self._end_all(error)
            raise

    def _take_turns(self) -> None:
        """Take a step of each run that does not have to wait; if all have to, wait for one instead of polling."""
        moved = [self._advance(index, run) for index, run in list(self._running.items())]
        if any(moved):
            return
        index, run = next(iter(self._running.items()))
        try:
            if run.event is not None:
                run.event.synchronize()
        except Exception as error:
            self._fail(index, run, error)

    def _advance(self, index: int, run: _Running[Place, Result]) -> bool:
        """Take a step of this run; return False, without taking one, if it has to wait."""
        try:
            if run.event is not None and not run.event.query():
                return False
            run.event = next(run.steps)
        except StopIteration as end:
            self.results[index] = end.value
            self._leave(index)
        except RecordingError:
            raise
        except Exception as error:
            self._fail(index, run, error)
        else:
            self._running[index] = self._running.pop(index)
        return True

    def _fail(self, index: int, run: _Running[Place, Result], error: Exception) -> None:
        """Keep only the error, so that the run's memory is free for the others."""
        try:
            run.steps.throw(error)  # a paused run does not know yet which error the device has reported
        except Exception as last:  # the same one, unless a callback has raised another
            self.errors[index] = last
        self._leave(index)
        forget_frames(self.errors[index])
        free_memory()

    def _leave(self, index: int) -> None:
        self._free.append(self._running.pop(index).place)

    def _end_all(self, error: BaseException) -> None:
        with ExitStack() as ends:  # calls all of them, even if one raises
            for run in self._running.values():
                ends.callback(_end_by, run.steps, error)
        self._running.clear()


def _end_by(steps: Steps[Result], error: BaseException) -> None:
    """Raise the error inside a paused run, so that its callbacks are told and it releases what it holds."""
    with suppress(type(error)):
        steps.throw(error)
