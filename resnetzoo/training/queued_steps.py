"""Limit how far a run gets ahead of its device: launching a step takes only a fraction of the step's own time."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from resnetzoo.training.stream import DeviceEvent

STEPS_BETWEEN_EVENTS = 20
MOST_STEPS_AHEAD = 60  # enough to keep the device busy, and few enough to finish quickly when they are waited for


@dataclass(frozen=True)
class _Mark:
    """An event, and the work that was queued between the previous event and this one."""

    event: DeviceEvent
    steps: int
    images: int


class QueuedSteps:
    """The steps that were launched but may not be finished on the device; the run waits to keep their number small.

    Args:
        record: records an event after all work launched so far. None if a step is done when its call returns, so that
            nothing is ever queued.

    Attributes:
        steps: the number of queued steps.
        images: the number of images in them.
    """

    def __init__(self, record: Callable[[], DeviceEvent] | None = None) -> None:
        self._record = record
        self.clear()

    def clear(self) -> None:
        """Note that all steps are done, because the run has waited for the device."""
        self.steps = self.images = 0
        self._unmarked_steps = self._unmarked_images = 0
        self._marks: deque[_Mark] = deque()

    def add(self, images: int) -> None:
        """Count a step that was just launched; an event is recorded after every 20 steps."""
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
        """Pause while 60 or more steps are queued, each time yielding the event to wait for."""
        while self.steps >= MOST_STEPS_AHEAD:
            self._forget_done()
            if self.steps >= MOST_STEPS_AHEAD:
                yield self._marks[0].event

    def _forget_done(self) -> None:
        while self._marks and self._marks[0].event.query():
            done = self._marks.popleft()
            self.steps -= done.steps
            self.images -= done.images
