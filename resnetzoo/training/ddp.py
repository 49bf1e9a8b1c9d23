"""The step of several processes: each learns from its part of the batch, and all end with the same weights."""

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from resnetzoo.data.device_loader import EpochAugmentation
from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.step import EagerStep


class DDPStep:
    """`EagerStep` on this process's part of each batch; the gradient is that of the loss's mean over the whole batch.

    The batch of the recipe is the global one, so that the run is the same for any number of processes.
    """

    def __init__(self, step: EagerStep, context: DistributedContext) -> None:
        self.step = step
        self.context = context

    def begin_epoch(self, augmentation: EpochAugmentation) -> None:
        self.step.begin_epoch(augmentation)

    def __call__(self, indices: slice, lr: float) -> None:
        mine = self.context.shard(indices)
        # The processes' gradients are averaged, each with the same weight: a longer part must count for more.
        weight = self.context.world_size * (mine.stop - mine.start) / (indices.stop - indices.start)
        self.step.set_lr(lr)
        self.step.training_step(self.step.augmentation, mine, weight)


def wrap_ddp(model: nn.Module, context: DistributedContext, device: torch.device) -> nn.Module:
    """`model` for one of several processes: gradients averaged, batch norm over the global batch.

    The result shares the parameters and buffers of `model`, which become those of the first process.
    """
    twin = with_summed_batchnorm(model, context.all_reduce_sum)
    twin.train()
    return DistributedDataParallel(twin, device_ids=None if device.type == "cpu" else [device])
