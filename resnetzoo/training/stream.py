"""The queue of a run's work on its device: its own CUDA stream, so that runs do not wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch


class DeviceEvent(Protocol):
    """A position in the queue of a device's work, such as a `torch.cuda.Event`."""

    def query(self) -> bool:
        """Whether the device has reached it."""

    def synchronize(self) -> None:
        """Wait until the device has reached it."""


class RunStream:
    """A CUDA stream; on other devices, which have no streams, it does nothing.

    Attributes:
        cuda: the stream; None on other devices.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.cuda = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    @property
    def is_queue(self) -> bool:
        """Whether a call that launches work may return before the work is done."""
        return self.cuda is not None

    @contextmanager
    def active(self) -> Iterator[None]:
        """A block whose device work is queued on this stream."""
        if self.cuda is None:
            yield
        else:
            with torch.cuda.stream(self.cuda):
                yield

    def wait_for_caller(self) -> None:
        """Make later work here wait for the work on the caller's stream, which prepares the network and the images."""
        if self.cuda is not None:
            self.cuda.wait_stream(torch.cuda.current_stream(self.device))

    def record_event(self) -> DeviceEvent:
        """An event after all work launched so far; waiting for it blocks without using the processor."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(self.cuda)
        return event

    def until_done(self) -> Iterator[DeviceEvent]:
        """Pause until the device has finished all work launched so far, and yield the event to wait for."""
        if not self.is_queue:
            return
        reached = self.record_event()
        while not reached.query():
            yield reached

    def synchronize(self) -> None:
        """Wait until the device has finished all work launched so far."""
        if self.cuda is not None:
            self.cuda.synchronize()
