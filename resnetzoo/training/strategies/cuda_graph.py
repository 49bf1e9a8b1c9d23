"""A step recorded once as a CUDA graph and replayed: the hundreds of small kernels of a step cost one launch."""

from dataclasses import replace

import torch

from resnetzoo.data.device_loader import EpochAugmentation
from resnetzoo.training.optimizer import set_lr
from resnetzoo.training.strategies.base import Strategy
from resnetzoo.training.strategies.eager import EagerStep
from resnetzoo.utils.cuda_graph import Recorder, Replay

WARM_UP_STEPS = 3  # run as they are first: they make the momentum buffers and let cuDNN choose its algorithms


class CudaGraphStep(Strategy):
    """An eager or compiled step with its whole batches recorded and replayed.

    What changes from step to step stands in tensors of fixed address: the augmentation, the indices of the batch in
    its order, and the learning rate. The smaller batch at an epoch's end, and the first steps, run as they are.

    Args:
        step: what is recorded.
        record: records a body of device operations; `cuda_graph` makes it.
    """

    def __init__(self, step: EagerStep, record: Recorder) -> None:
        self.execution = replace(step.execution, recorded=True)
        self.step = step
        self.record = record
        self.indices = torch.arange(step.state.batch_size, device=step.state.loader.device)
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
        whole = indices.stop - indices.start == self.step.state.batch_size
        if not whole or self.warm_up_left:
            self.warm_up_left -= whole and self.warm_up_left > 0
            self.step(indices, lr)
            return
        torch.arange(indices.start, indices.stop, out=self.indices)
        set_lr(self.step.state.optimizer, lr)
        if self.replay is None:
            augmentation = self.step.augmentation
            self.replay = self.record(lambda: self.step.training_step(augmentation, self.indices))
        self.replay()
