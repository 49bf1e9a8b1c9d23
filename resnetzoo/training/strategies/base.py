"""What every strategy offers, and what the steps of a run work on."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from resnetzoo.data.device_loader import DeviceLoader, EpochAugmentation
from resnetzoo.training.optimizer import make_optimizer
from resnetzoo.training.queued_steps import QueuedSteps
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.training.stream import RunStream


@dataclass(frozen=True)
class StepState:
    """What the steps of one run read and write, whatever their strategy.

    Attributes:
        loader: the training set on the device.
        optimizer: its parameter groups' `lr` is set at each step.
        metrics: summed up over the epoch.
        stream: where the device's work is queued.
        batch_size: images of a whole batch.
    """

    loader: DeviceLoader
    optimizer: torch.optim.SGD
    metrics: RunningMetrics
    stream: RunStream
    batch_size: int

    @classmethod
    def create(
        cls, model: nn.Module, recipe: Recipe, loader: DeviceLoader, stream: RunStream | None = None
    ) -> "StepState":
        """A fresh one for `model`, which is on the loader's device already; without a stream it gets one of its own."""
        stream = stream or RunStream(loader.device)
        return cls(
            loader=loader,
            stream=stream,
            metrics=RunningMetrics(loader.device, QueuedSteps(stream.record_event if stream.is_queue else None)),
            optimizer=make_optimizer(model, recipe, loader.device),
            batch_size=min(recipe.batch_size, len(loader)),
        )


class Strategy(ABC):
    """How a training step is carried out.

    Attributes:
        execution: what results say of it.
    """

    execution: Execution

    @abstractmethod
    def begin_epoch(self, augmentation: EpochAugmentation) -> None:
        """Take the order of the epoch's images and how each of them is augmented."""

    @abstractmethod
    def __call__(self, indices: slice, lr: float) -> None:
        """Learn from the images at these indices of the epoch's order; nothing in it waits for the device."""
