"""Device work recorded once as a CUDA graph and replayed: hundreds of small kernels cost one launch."""

import threading
from collections.abc import Callable
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

    Args:
        stream: where the body is recorded.
        pool: from `torch.cuda.graph_pool_handle`, the memory of what the body allocates. Several bodies may have the
            same one as long as none of them runs beside another, and what is to outlast a replay is allocated before.
    """

    def record(body: Callable[[], None]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        with _ONE_CAPTURE, torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            body()
        return graph.replay

    return record
