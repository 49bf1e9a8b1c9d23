"""The recorder of a run on CUDA: it reports work that waits for the device, and turns other work into a CUDA graph."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TextIO

import torch

from resnetzoo.training.strategies.recording import RunRecorder, Work
from resnetzoo.utils.cuda_graph import Replay, cuda_graph

_WAITS = "called a synchronizing CUDA operation"  # torch's words


class CudaRecorder(RunRecorder):
    """Records on the stream on which the work normally runs.

    The graphs of one run share a pool of memory. This is safe, since they are replayed one after the other on one
    stream, and none of them reads what another left in the pool; lasting values are stored outside it.
    """

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream = stream

    def watch(self, work: Work) -> str | None:
        """Run all of `work`, and return where the host first waited for the device; None if nowhere.

        torch reports such a wait as a warning here. An error would leave the step half done, and would also affect
        other threads, such as one that saves a checkpoint and waits on purpose.
        """
        with reported_waits() as places:
            before = torch.cuda.get_sync_debug_mode()
            try:
                torch.cuda.set_sync_debug_mode("warn")
                work()
            finally:
                torch.cuda.set_sync_debug_mode(before)
        return f"the host waits for the device in {places[0]}" if places else None

    def record(self, work: Work) -> Replay:
        """Capture `work` as a graph."""
        return cuda_graph(self._stream, self._pool)(work)

    @cached_property
    def _pool(self) -> Any:
        return torch.cuda.graph_pool_handle()


@contextmanager
def reported_waits() -> Iterator[list[str]]:
    """Collect where torch warns this thread of a wait for the device; all other warnings are passed on."""
    places: list[str] = []
    thread = threading.get_ident()
    with warnings.catch_warnings():
        show = warnings.showwarning

        def note(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if _WAITS not in str(message):
                show(message, category, filename, lineno, file, line)
            elif threading.get_ident() == thread:
                places.append(f"{filename}:{lineno}")

        warnings.showwarning = note
        warnings.filterwarnings("always", _WAITS)
        warnings.filterwarnings("ignore", "Synchronization debug mode is a prototype")
        yield places
