"""The queue of a run's work on its device: a CUDA stream of its own, so that runs side by side do not wait."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class RunStream:
    """A CUDA stream; on other devices, which have no streams, it changes nothing.

    Attributes:
        cuda: the stream; None on other devices.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.cuda = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

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

    def until_done(self) -> Iterator[None]:
        """Pause until the device has done everything that was asked of it so far on this stream."""
        if self.cuda is None:
            return
        reached = self.cuda.record_event()
        while not reached.query():
            yield
