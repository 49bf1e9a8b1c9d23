"""Limit how far a run is ahead of its device: launching a step takes a fraction of the step's own time."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from resnetzoo.training.stream import DeviceEvent

STEPS_BETWEEN_EVENTS = 20
MOST_STEPS_AHEAD = 60  # enough that the device never runs dry, and done in a blink when somebody waits for all of them


@dataclass(frozen=True)
class _Mark:
    """An event, and what was asked for between the one before and this one."""

    event: DeviceEvent
    steps: int
    images: int


class QueuedSteps:
    """The steps that were asked for and that the device is not known to have done; few, since the run waits for it.

    Args:
        record: puts an event behind all that was asked for so far. None where a step is done when its call returns:
            nothing is ever queued there.

    Attributes:
        steps: how many they are.
        images: that they learn from.
    """

    def __init__(self, record: Callable[[], DeviceEvent] | None = None) -> None:
        self._record = record
        self.clear()

    def clear(self) -> None:
        """All of them are done: somebody has waited for the device."""
        self.steps = self.images = 0
        self._unmarked_steps = self._unmarked_images = 0
        self._marks: deque[_Mark] = deque()

    def add(self, images: int) -> None:
        """Count a step that was just asked for; behind every 20 of them goes an event."""
        if self._record is None:
            return
        self.steps += 1
        self.images += images
        self._unmarked_steps += 1
        self._unmarked_images += images
        if self._unmarked_steps == STEPS_BETWEEN_EVENTS:
            self._marks.append(_Mark(self._record(), self._unmarked_steps, self._unmarked_images))
            self._unmarked_steps = self._unmarked_images = 0
            self._forget_done()

    def until_few(self) -> Iterator[DeviceEvent]:
        """Pause while 60 steps or more are queued, and give the event to wait for."""
        while self.steps >= MOST_STEPS_AHEAD:
            self._forget_done()
            if self.steps >= MOST_STEPS_AHEAD:
                yield self._marks[0].event

    def _forget_done(self) -> None:
        while self._marks and self._marks[0].event.query():
            done = self._marks.popleft()
            self.steps -= done.steps
            self.images -= done.images
