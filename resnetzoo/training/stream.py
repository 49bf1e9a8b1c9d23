"""The queue of a run's work on its device: a CUDA stream of its own, so that runs side by side do not wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch


class DeviceEvent(Protocol):
    """A place in the queue of a device's work, such as a `torch.cuda.Event`."""

    def query(self) -> bool:
        """Whether the device has come so far."""

    def synchronize(self) -> None:
        """Return once it has."""


class RunStream:
    """A CUDA stream; on other devices, which have no streams, it changes nothing.

    Attributes:
        cuda: the stream; None on other devices.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.cuda = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    @property
    def is_queue(self) -> bool:
        """Whether a call that asks for work may return before the work is done."""
        return self.cuda is not None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Device work inside the block goes to this stream."""
        if self.cuda is None:
            yield
        else:
            with torch.cuda.stream(self.cuda):
                yield

    def wait_for_caller(self) -> None:
        """Later work here waits for what was asked for on the caller's stream: the network and the images."""
        if self.cuda is not None:
            self.cuda.wait_stream(torch.cuda.current_stream(self.device))

    def record_event(self) -> DeviceEvent:
        """An event behind all that was asked for so far; who waits for it leaves the processor to others."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(self.cuda)
        return event

    def until_done(self) -> Iterator[DeviceEvent]:
        """Pause until the device has done all that was asked for so far, and give the event to wait for."""
        if not self.is_queue:
            return
        reached = self.record_event()
        while not reached.query():
            yield reached

    def synchronize(self) -> None:
        """Return once the device has done all that was asked for so far."""
        if self.cuda is not None:
            self.cuda.synchronize()
