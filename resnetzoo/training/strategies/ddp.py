"""The training step of several processes: each trains on its shard of the batch, and all get the same weights."""

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from resnetzoo.errors import UsageError
from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.distributed import DistributedContext, all_there
from resnetzoo.training.module_settings import ModuleSettings
from resnetzoo.training.optimizer import set_lr
from resnetzoo.training.strategies.base import Strategy
from resnetzoo.training.strategies.eager import EagerStep
from resnetzoo.training.strategies.execution import Execution


class DDPStep(Strategy):
    """`EagerStep` on this process's shard of each batch; the gradient is that of the mean loss of the whole batch.

    The batch of the recipe is the global one, so that the run is the same for any number of processes.

    Args:
        step: the step of a model that `wrap_ddp` made.
        context: the processes that share the run.
        settings: settings of the network, and the twin that `wrap_ddp` made of it.
    """

    execution = Execution(shared=True)

    def __init__(self, step: EagerStep, context: DistributedContext, settings: ModuleSettings) -> None:
        self.step = step
        self.context = context
        self.settings = settings

    def begin_epoch(self, augmentation: Tensor) -> None:
        self.settings.carry_over()
        self.step.begin_epoch(augmentation)

    def __call__(self, indices: slice, lr: float) -> None:
        shard = self.context.shard(indices)
        # DDP averages the processes' gradients with equal weights, but a longer shard must count for more.
        weight = self.context.world_size * (shard.stop - shard.start) / (indices.stop - indices.start)
        set_lr(self.step.state.optimizer, lr)
        with all_there():
            self.step.training_step(self.step.augmentation, shard, weight)


def wrap_ddp(model: nn.Module, context: DistributedContext, device: torch.device) -> DistributedDataParallel:
    """`model` for one of several processes: gradients averaged, batch norm over the global batch.

    The result shares the parameters and buffers of `model`, which become those of the first process.
    """
    twin = with_summed_batchnorm(model, context.all_reduce_sum)
    twin.train()
    with all_there():
        return DistributedDataParallel(twin, device_ids=None if device.type == "cpu" else [device])


def check_shards(context: DistributedContext, images: int, batch_size: int) -> None:
    """Check that each process gets at least one image of each batch.

    Raises:
        UsageError: the smallest batch has fewer images than there are processes.
    """
    smallest = images % batch_size or batch_size
    if smallest < context.world_size:
        raise UsageError(
            f"each of {context.world_size} processes needs an image of each batch, but the smallest batch of "
            f"{images:,} images in batches of {batch_size} has {smallest}: take another batch size, or fewer processes"
        )
