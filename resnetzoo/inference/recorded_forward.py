"""The forward pass, recorded for each input shape and replayed, so that on CUDA all its kernels cost one launch.

`GraphStream` records, and not torch's compiler, whose graphs may be called only by the thread that made them.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from resnetzoo.inference.forward import ByShape, PlainForward
from resnetzoo.utils.compile import Forward, compile_for
from resnetzoo.utils.compile_gate import GATE
from resnetzoo.utils.cuda_graph import Replay

WARM_UPS = 3  # passes before the recording, in which libraries choose their algorithms and allocate workspaces


class Stream(Protocol):
    """The interface of `GraphStream`, for any device."""

    def joined(self) -> AbstractContextManager[None]: ...

    def record(self, body: Callable[[], None]) -> Replay: ...

    def caller_records(self) -> bool: ...


class Recording(NamedTuple):
    """The input and output of a replay, which have memory of their own, and the replay."""

    inputs: Tensor
    logits: Tensor
    replay: Replay


class RecordedForward:
    """Records when an input shape first appears, then replays.

    Shapes beyond the limit run without a recording, and so do calls that the caller records. All recordings share one
    stream and one memory pool, so only one of them runs at a time: under a lock, a call enqueues the copy of its
    images, the replay and the copy of the logits, and does not wait for the device.

    Args:
        plain: the forward pass of the network as it is, which neither waits for the device nor copies from it.
        stream: the stream that records and replays.
        compile: whether to compile the network before recording it.
        only: the one input shape to record for; None for the first eight shapes.
    """

    def __init__(
        self,
        plain: PlainForward,
        stream: Stream,
        *,
        compile: bool,  # noqa: A002 (as in `optimize`)
        only: torch.Size | None,
    ) -> None:
        self._plain = plain
        self._stream = stream
        self._compile = compile
        self._only = only
        self._start()

    def __call__(self, images: Tensor) -> Tensor:
        if self._stream.caller_records():
            return self._plain(images)
        with self._one_at_a_time:
            recording = self.recordings.get(images)
            if recording is not None:
                return self._replayed(recording, images)
        return self._plain(images)

    def prepare(self, images: Tensor) -> None:
        """Record for images of this shape."""
        with self._one_at_a_time:
            self.recordings.get(images)

    def __getstate__(self) -> dict[str, Any]:
        """Recordings belong to a process: a copy records again."""
        made_at_start = ("recordings", "_compiled", "_one_at_a_time")
        return {name: value for name, value in vars(self).items() if name not in made_at_start}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start()

    def _start(self) -> None:
        self._one_at_a_time = threading.Lock()
        self.recordings: ByShape[Recording] = ByShape(self._record, self._only)
        self._compiled: ByShape[Forward] = ByShape(self._compiled_for, self._only)

    def _replayed(self, recording: Recording, images: Tensor) -> Tensor:
        logits = torch.empty_like(recording.logits)  # allocated on the caller's stream, where it is used
        with self._stream.joined():
            recording.inputs.copy_(images)
            recording.replay()
            logits.copy_(recording.logits)
        return logits

    def _record(self, images: Tensor) -> Recording:
        with self._stream.joined():
            inputs = self._plain.inputs_of(images)
            network = (self._compiled.get(inputs) if self._compile else None) or self._plain.network
            with GATE.call():
                for _ in range(WARM_UPS):
                    warm = network(inputs)
                logits = torch.empty_like(warm, dtype=torch.float32)

                def body() -> None:
                    logits.copy_(network(inputs))

                return Recording(inputs, logits, self._stream.record(body))

    def _compiled_for(self, inputs: Tensor) -> Forward | None:
        return compile_for(inputs, self._plain.network, freeze=True)
