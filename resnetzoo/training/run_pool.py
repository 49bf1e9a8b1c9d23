"""Runs that take turns on one device: a place that becomes free goes to the next one, and none ends another."""

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
"""A run that pauses behind each step: it gives None where it may go on at once, or else the event that it waits for."""


@dataclass
class _Running(Generic[Place, Result]):
    """A run under way, the place that it has, and what it waits for."""

    steps: Steps[Result]
    place: Place
    event: DeviceEvent | None = None


class RunPool(Generic[Place, Result]):
    """As many runs under way as there are places, a step of each in turn.

    Args:
        starts: by an index, in the order in which they begin: each takes a place and gives its run, which holds
            nothing before its first step, and lets go of everything where it ends.
        places: each belongs to one run at a time, and then to the next one.

    Attributes:
        results: of the runs that have come to their end, by their index.
        errors: what the others failed with, which no longer holds anything of the run.
    """

    def __init__(self, starts: Mapping[int, Callable[[Place], Steps[Result]]], places: Sequence[Place]) -> None:
        self._waiting = deque(starts.items())
        self._free = deque(places)
        self._running: dict[int, _Running[Place, Result]] = {}  # whoever was asked for a step least lately stands first
        self.results: dict[int, Result] = {}
        self.errors: dict[int, Exception] = {}

    def run(self, may_begin: Callable[[], bool]) -> None:
        """Go on until all have ended; once `may_begin` says no, those that have not begun are left out.

        Raises:
            RecordingError: of one run, which ends all of them: the device may be unusable for the others too. What is
                no `Exception`, such as a second Ctrl-C, does so as well.
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
        """A step of each run that need not wait; where all of them must, wait for one instead of asking round."""
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
        """Take a step of this run unless it must wait; whether it need not."""
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
        """Keep the error alone: the memory that the run had is free for the others from now on."""
        try:
            run.steps.throw(error)  # a paused run does not know yet what the device has said of it
        except Exception as last:  # the same one, unless a callback has raised another
            self.errors[index] = last
        self._leave(index)
        forget_frames(self.errors[index])
        free_memory()

    def _leave(self, index: int) -> None:
        self._free.append(self._running.pop(index).place)

    def _end_all(self, error: BaseException) -> None:
        with ExitStack() as ends:  # calls all of them, though one raises
            for run in self._running.values():
                ends.callback(_end_by, run.steps, error)
        self._running.clear()


def _end_by(steps: Steps[Result], error: BaseException) -> None:
    """Raise the error inside a paused run, so that its callbacks hear of it and it lets go of what it holds."""
    with suppress(type(error)):
        steps.throw(error)
