"""The step of several processes: each learns from its part of the batch, and all end with the same weights."""

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from resnetzoo.data.device_loader import EpochDraw
from resnetzoo.training.batchnorm import with_summed_norms
from resnetzoo.training.distributed import Ranks
from resnetzoo.training.step import TrainStep


class SharedStep:
    """`TrainStep` on this process's part of each batch; the gradient is that of the loss's mean over the whole batch.

    The batch of the recipe is the global one, so that the run is the same for any number of processes.
    """

    def __init__(self, step: TrainStep, ranks: Ranks) -> None:
        self.step = step
        self.ranks = ranks

    def begin_epoch(self, drawn: EpochDraw) -> None:
        self.step.begin_epoch(drawn)

    def __call__(self, places: slice, lr: float) -> None:
        mine = self.ranks.share(places)
        # The processes' gradients are averaged, each with the same weight: a longer part must count for more.
        weight = self.ranks.count * (mine.stop - mine.start) / (places.stop - places.start)
        self.step.set_rate(lr)
        self.step.learn(self.step.drawn, mine, weight)


def share_model(model: nn.Module, ranks: Ranks, device: torch.device) -> nn.Module:
    """`model` for one of several processes: gradients averaged, batch norm over the global batch.

    The result shares the parameters and buffers of `model`, which become those of the first process.
    """
    twin = with_summed_norms(model, ranks.add_up)
    twin.train()
    return DistributedDataParallel(twin, device_ids=None if device.type == "cpu" else [device])
