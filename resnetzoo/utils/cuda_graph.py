"""Device work recorded once as a CUDA graph and replayed: hundreds of small kernels cost one launch."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

Replay = Callable[[], None]
Recorder = Callable[[Callable[[], None]], Replay]
"""Takes a body of device operations and returns what repeats them on the same memory; the body is not executed yet."""

_ONE_CAPTURE = threading.Lock()  # torch allows one at a time in a process, whatever the thread, stream and device


def cuda_graph(stream: torch.cuda.Stream, pool: Any = None) -> Recorder:
    """Records on `stream`, on which the body was executed before, so that its handles and workspaces are there.

    What other threads ask of the device in the meantime is neither recorded nor refused, but for two things that torch
    does not allow there: numbers drawn from the device's default generator, and another capture, which waits here.

    `torch.cuda.graph` would begin by waiting for the whole device, and so for all other streams, to give the graph as
    much memory as there is. A capture itself needs no wait: it is ordered behind the earlier work of its stream.

    Args:
        stream: where the body is recorded.
        pool: from `torch.cuda.graph_pool_handle`, the memory of what the body allocates. Several bodies may have the
            same one as long as none of them runs beside another, and what is to outlast a replay is allocated before.
    """

    def record(body: Callable[[], None]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        with _ONE_CAPTURE, _no_garbage_collection(), torch.cuda.stream(stream):
            _make_room(stream.device)
            # torch makes the state of its generator for graphs at the first capture. Made in inference mode, it
            # could not be used outside of it afterwards (pytorch#166792).
            with torch.inference_mode(False):
                graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                body()
            finally:
                graph.capture_end()
        return graph.replay

    return record


class GraphStream:
    """A CUDA stream of its own on which graphs are recorded and replayed, with one pool of memory for all of them.

    Whatever stream a caller uses, the device does the callers' work here in the order in which it was asked for, so
    that the tensors and workspaces of a graph are never written by two of them at once.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._recorder = cuda_graph(self._stream, torch.cuda.graph_pool_handle())

    def __reduce__(self) -> tuple[Any, ...]:
        """Streams and pools belong to a process: a copy has its own."""
        return GraphStream, (self.device,)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Work in the block is done here: after all that the caller's stream has to do by now, before all that follows.

        So the caller's tensors can be read and written in it, and let go of afterwards, as on the caller's own stream.
        """
        caller = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(caller)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            caller.wait_stream(self._stream)

    def record(self, body: Callable[[], None]) -> Replay:
        """What repeats `body`, a `Recorder`; inside `joined`, where `body` was executed before."""
        return self._recorder(body)

    def caller_records(self) -> bool:
        """Whether the caller is recording a graph, into which no other can be replayed."""
        return torch.cuda.is_current_stream_capturing()


def _make_room(device: torch.device) -> None:
    """Give back what torch keeps unused of the device's memory, where the graph might want for it.

    A graph has memory of its own. It takes no more than its body, executed before, has just left unused; if the device
    has as much to spare, nothing need be given back, which would wait for all streams.
    """
    free, _ = torch.cuda.mem_get_info(device)
    if free < torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device):
        torch.cuda.empty_cache()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """What a collection destroys may be another graph, and to destroy that in mid-capture would spoil the capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
