"""A device that is behind those who ask it for work, as a GPU is, on the CPU: streams, events and steps of our own."""

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from resnetzoo.training.strategies.base import Strategy
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.training.stream import RunStream


class SlowStream(RunStream):
    """A queue of work that is done only where somebody waits for it.

    Attributes:
        asked: how much work was asked for.
        done: how much of it the device has done.
        blocked: how often somebody has waited for an event.
    """

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.work: deque[Callable[[], object]] = deque()
        self.asked = self.done = self.blocked = 0

    @property
    def is_queue(self) -> bool:
        return True

    def ask(self, work: Callable[[], object]) -> None:
        self.work.append(work)
        self.asked += 1

    def do_until(self, place: int) -> None:
        while self.done < place:
            self.work.popleft()()
            self.done += 1

    def record_event(self) -> "SlowEvent":
        return SlowEvent(self)

    def synchronize(self) -> None:
        self.do_until(self.asked)


class SlowEvent:
    """A place in the queue."""

    def __init__(self, stream: SlowStream) -> None:
        self.stream = stream
        self.place = stream.asked

    def query(self) -> bool:
        return self.stream.done >= self.place

    def synchronize(self) -> None:
        self.stream.blocked += self.stream.done < self.place
        self.stream.do_until(self.place)


class SlowStep(Strategy):
    """A step that the device does later."""

    def __init__(self, step: Strategy, stream: SlowStream) -> None:
        self.step = step
        self.stream = stream

    @property
    def execution(self) -> Execution:
        return self.step.execution

    def begin_epoch(self, augmentation: Tensor) -> None:
        self.step.begin_epoch(augmentation)

    def __call__(self, indices: slice, lr: float) -> None:
        self.stream.ask(lambda: self.step(indices, lr))
