"""A step recorded once as a CUDA graph and replayed: the hundreds of small kernels of a step cost one launch."""

from collections.abc import Callable

import torch

from resnetzoo.data.device_loader import EpochDraw
from resnetzoo.training.step import TrainStep

Replay = Callable[[], None]
Recorder = Callable[[Callable[[], None]], Replay]
"""Takes a body of device operations and returns what repeats them on the same memory; the body is not executed yet."""

WARM_UP_STEPS = 3  # run as they are first: they make the momentum buffers and let cuDNN choose its algorithms


class RecordedStep:
    """`TrainStep` with its whole batches recorded and replayed.

    What changes from step to step stands in tensors of fixed address: the draw, the places of the batch in it, and
    the rate. The smaller batch at an epoch's end, and the first steps, run as they are.
    """

    def __init__(self, step: TrainStep, record: Recorder) -> None:
        self.step = step
        self.record = record
        self.places = torch.arange(step.batch_size, device=step.batches.device)
        self.drawn: EpochDraw | None = None
        self.replay: Replay | None = None
        self.warm_up_left = WARM_UP_STEPS

    def begin_epoch(self, drawn: EpochDraw) -> None:
        if self.drawn is None:
            self.drawn = EpochDraw(*(part.clone() for part in drawn))
        for kept, new in zip(self.drawn, drawn, strict=True):
            kept.copy_(new)
        self.step.begin_epoch(self.drawn)

    def __call__(self, places: slice, lr: float) -> None:
        whole = places.stop - places.start == self.step.batch_size
        if not whole or self.warm_up_left:
            self.warm_up_left -= whole and self.warm_up_left > 0
            self.step(places, lr)
            return
        torch.arange(places.start, places.stop, out=self.places)
        self.step.set_rate(lr)
        if self.replay is None:
            drawn = self.step.drawn
            self.replay = self.record(lambda: self.step.learn(drawn, self.places))
        self.replay()


def cuda_graph(stream: torch.cuda.Stream) -> Recorder:
    """Records on `stream`, which must be the one that the steps run on."""

    def record(body: Callable[[], None]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            body()
        return graph.replay

    return record
