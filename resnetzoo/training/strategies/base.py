"""The interface of every strategy, and the state that the steps of a run work on."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.training.mixing import Mixed, draw_mixing, share_of
from resnetzoo.training.optimizer import make_optimizer
from resnetzoo.training.queued_steps import QueuedSteps
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.strategies.cuda_recorder import CudaRecorder
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.training.strategies.recording import Recording, RunRecorder
from resnetzoo.training.stream import RunStream

SEARCH_REPAID_BY_STEPS = 5_000
"""Steps from which cuDNN's search for its fastest algorithms pays, by estimate: it takes a second or two for all the
shapes of a network, and may save a tenth of a step that takes some two milliseconds."""


@dataclass(frozen=True)
class StepState:
    """What the steps of one run read and write, whatever their strategy.

    Attributes:
        loader: the training set on the device.
        optimizer: its parameter groups' `lr` is set at each step.
        metrics: summed up over the epoch.
        stream: where the device's work is queued.
        batch_size: images of a whole batch.
        recorder: records work on the device; None where nothing can be recorded.
        clip_norm: of the recipe.
        mixup: of the recipe.
        search: whether cuDNN times its algorithms for whole batches; other work takes what it expects to be fastest.
    """

    loader: DeviceLoader
    optimizer: torch.optim.SGD
    metrics: RunningMetrics
    stream: RunStream
    batch_size: int
    recorder: RunRecorder | None = None
    clip_norm: float | None = None
    mixup: float = 0.0
    search: bool = False

    @classmethod
    def create(
        cls, model: nn.Module, recipe: Recipe, loader: DeviceLoader, stream: RunStream | None = None
    ) -> "StepState":
        """A fresh one for `model`, which is on the loader's device already; without a stream it gets one of its own."""
        stream = stream or RunStream(loader.device)
        recorder = recorder_for(stream)
        return cls(
            loader=loader,
            stream=stream,
            metrics=RunningMetrics(loader.device, QueuedSteps(stream.record_event if stream.is_queue else None)),
            # What is recorded reads the rate from memory, since a number would stay the one of the recording.
            optimizer=make_optimizer(model, recipe, loader.device, lr_on_device=recorder is not None),
            batch_size=min(recipe.batch_size, len(loader)),
            recorder=recorder,
            clip_norm=recipe.clip_norm,
            mixup=recipe.mixup,
            search=recipe.steps >= SEARCH_REPAID_BY_STEPS,
        )

    def augmentation(self, *, seed: int, epoch: int) -> Tensor:
        """What the loader draws of an epoch, and with mixup the rows of `draw_mixing` below it: int64 (rows, N)."""
        drawn = self.loader.augmentation(seed=seed, epoch=epoch)
        if not self.mixup:
            return drawn
        mixing = draw_mixing(len(self.loader), self.batch_size, self.mixup, seed=seed, epoch=epoch)
        return torch.cat([drawn, mixing.to(drawn.device)])

    def batch(self, augmentation: Tensor, indices: slice | Tensor) -> tuple[Tensor, Tensor, Mixed | None]:
        """Images (n, C, H, W), labels (n,) and what was mixed into them, if anything was.

        Both images of each mix are cut here, so that a process mixes its part of a batch as one process does the whole.
        """
        if not self.mixup:
            return *self.loader.batch(augmentation, indices), None
        drawn, (shares, partners) = augmentation[:-2], augmentation[-2:, indices]
        images, labels = self.loader.batch(drawn, indices)
        others, other_labels = self.loader.batch(drawn, partners)
        share = share_of(shares)
        return torch.lerp(others, images, share), labels, Mixed(other_labels, share)


def recorder_for(stream: RunStream) -> RunRecorder | None:
    """What records the work on a stream; None on a device without streams."""
    return None if stream.cuda is None else CudaRecorder(stream.cuda)


class Strategy(ABC):
    """How a training step is carried out.

    Attributes:
        recording: what the run records with, shared by its tests; None where its steps are not to be recorded.
    """

    recording: Recording | None = None

    @property
    @abstractmethod
    def execution(self) -> Execution:
        """What results say of it."""

    @abstractmethod
    def begin_epoch(self, augmentation: Tensor) -> None:
        """Take the order of the epoch's images and how each of them is augmented, as the loader gives it."""

    @abstractmethod
    def __call__(self, indices: slice, lr: float) -> None:
        """Learn from the images at these indices of the epoch's order; nothing in it waits for the device."""
