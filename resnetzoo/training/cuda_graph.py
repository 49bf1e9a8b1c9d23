"""A step recorded once as a CUDA graph and replayed: the hundreds of small kernels of a step cost one launch."""

from collections.abc import Callable

import torch

from resnetzoo.data.device_loader import EpochAugmentation
from resnetzoo.training.step import EagerStep

Replay = Callable[[], None]
Recorder = Callable[[Callable[[], None]], Replay]
"""Takes a body of device operations and returns what repeats them on the same memory; the body is not executed yet."""

WARM_UP_STEPS = 3  # run as they are first: they make the momentum buffers and let cuDNN choose its algorithms


class CudaGraphStep:
    """`EagerStep` with its whole batches recorded and replayed.

    What changes from step to step stands in tensors of fixed address: the draw, the indices of the batch in it, and
    the rate. The smaller batch at an epoch's end, and the first steps, run as they are.
    """

    def __init__(self, step: EagerStep, record: Recorder) -> None:
        self.step = step
        self.record = record
        self.indices = torch.arange(step.batch_size, device=step.loader.device)
        self.augmentation: EpochAugmentation | None = None
        self.replay: Replay | None = None
        self.warm_up_left = WARM_UP_STEPS

    def begin_epoch(self, augmentation: EpochAugmentation) -> None:
        if self.augmentation is None:
            self.augmentation = EpochAugmentation(*(part.clone() for part in augmentation))
        for kept, new in zip(self.augmentation, augmentation, strict=True):
            kept.copy_(new)
        self.step.begin_epoch(self.augmentation)

    def __call__(self, indices: slice, lr: float) -> None:
        whole = indices.stop - indices.start == self.step.batch_size
        if not whole or self.warm_up_left:
            self.warm_up_left -= whole and self.warm_up_left > 0
            self.step(indices, lr)
            return
        torch.arange(indices.start, indices.stop, out=self.indices)
        self.step.set_lr(lr)
        if self.replay is None:
            augmentation = self.step.augmentation
            self.replay = self.record(lambda: self.step.training_step(augmentation, self.indices))
        self.replay()


def cuda_graph(stream: torch.cuda.Stream) -> Recorder:
    """Records on `stream`, which must be the one that the steps run on."""

    def record(body: Callable[[], None]) -> Replay:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            body()
        return graph.replay

    return record
