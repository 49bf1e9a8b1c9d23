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
    """A recorder on `stream`, on which the body was run before, so that its handles and workspaces exist.

    Work that other threads launch on the device in the meantime is neither recorded nor refused, with two exceptions
    that torch does not allow: random numbers from the device's default generator, and another capture, which waits
    here.

    `torch.cuda.graph` would first wait for the whole device, and so for all other streams, to give the graph as much
    memory as possible. A capture itself needs no wait, since it follows the earlier work on its stream.

    Args:
        stream: where the body is recorded.
        pool: the memory pool of the body's allocations, from `torch.cuda.graph_pool_handle`. Several bodies may share a
            pool if no two of them run at the same time, and if tensors that must outlast a replay are allocated before
            it.
    """

    def record(body: Callable[[], None]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        with _ONE_CAPTURE, _no_garbage_collection(), torch.cuda.stream(stream):
            _make_room(stream.device)
            # torch creates its generator state for graphs at the first capture. Created in inference mode, it could not
            # be used outside that mode afterwards (pytorch#166792).
            with torch.inference_mode(False):
                graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                body()
            finally:
                graph.capture_end()
        return graph.replay

    return record


class GraphStream:
    """A separate CUDA stream on which graphs are recorded and replayed, with one memory pool for all of them.

    Whatever stream a caller uses, the device does all callers' work on this stream in the order in which it was
    launched, so that no two callers write the tensors and workspaces of a graph at the same time.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._recorder = cuda_graph(self._stream, torch.cuda.graph_pool_handle())

    def __reduce__(self) -> tuple[Any, ...]:
        """Give a copy its own stream and pool, since both belong to a process."""
        return GraphStream, (self.device,)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """A block whose work runs on this stream, after the caller's earlier work and before its later work.

        So the caller's tensors can be read and written in it, and freed afterwards, as on the caller's own stream.
        """
        caller = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(caller)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            caller.wait_stream(self._stream)

    def record(self, body: Callable[[], None]) -> Replay:
        """Record `body` and return its replay, as a `Recorder`; call it in `joined`, where `body` was run before."""
        return self._recorder(body)

    def caller_records(self) -> bool:
        """Whether the caller is recording a graph, during which no other graph can be replayed."""
        return torch.cuda.is_current_stream_capturing()


def _make_room(device: torch.device) -> None:
    """Release the memory that torch keeps unused on the device, if the graph might need it.

    A graph has its own memory. It needs no more than its body, which was run before, has just left unused. If the
    device has that much to spare, nothing is released, since a release would wait for all streams.
    """
    free, _ = torch.cuda.mem_get_info(device)
    if free < torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device):
        torch.cuda.empty_cache()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A block without garbage collection, which might destroy another graph and so spoil a capture in progress."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
