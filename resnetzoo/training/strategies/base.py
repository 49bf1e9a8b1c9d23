"""The interface of every strategy, and the state that the steps of a run use."""

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
"""The estimated number of steps from which cuDNN's search for its fastest algorithms pays: it takes a second or two for
all shapes of a network, and may save a tenth of a step that takes about two milliseconds."""


@dataclass(frozen=True)
class StepState:
    """What the steps of one run read and write, whatever their strategy.

    Attributes:
        loader: the training set on the device.
        optimizer: the `lr` of its parameter groups is set at each step.
        metrics: sums over the epoch.
        stream: where the device's work is queued.
        batch_size: images in a whole batch.
        recorder: records work on the device; None if nothing can be recorded.
        clip_norm: the recipe's `clip_norm`.
        mixup: the recipe's `mixup`.
        layout: memory format of the network and its images.
        search: whether cuDNN times its algorithms for whole batches; other work uses the algorithm that cuDNN expects
            to be fastest.
    """

    loader: DeviceLoader
    optimizer: torch.optim.SGD
    metrics: RunningMetrics
    stream: RunStream
    batch_size: int
    recorder: RunRecorder | None = None
    clip_norm: float | None = None
    mixup: float = 0.0
    layout: torch.memory_format = torch.channels_last
    search: bool = False

    @classmethod
    def create(
        cls,
        model: nn.Module,
        recipe: Recipe,
        loader: DeviceLoader,
        layout: torch.memory_format,
        stream: RunStream | None = None,
    ) -> "StepState":
        """A new state for `model`, which is already on the loader's device; without a stream it gets its own."""
        stream = stream or RunStream(loader.device)
        recorder = recorder_for(stream)
        return cls(
            loader=loader,
            stream=stream,
            metrics=RunningMetrics(loader.device, QueuedSteps(stream.record_event if stream.is_queue else None)),
            # A recorded step reads the rate from memory, since a plain number would keep its value from the recording.
            optimizer=make_optimizer(model, recipe, loader.device, lr_on_device=recorder is not None),
            batch_size=min(recipe.batch_size, len(loader)),
            recorder=recorder,
            clip_norm=recipe.clip_norm,
            mixup=recipe.mixup,
            layout=layout,
            search=recipe.steps >= SEARCH_REPAID_BY_STEPS,
        )

    def augmentation(self, *, seed: int, epoch: int) -> Tensor:
        """The loader's random numbers for an epoch, and with mixup those of `draw_mixing` below: int64 (rows, N)."""
        drawn = self.loader.augmentation(seed=seed, epoch=epoch)
        if not self.mixup:
            return drawn
        mixing = draw_mixing(len(self.loader), self.batch_size, self.mixup, seed=seed, epoch=epoch)
        return torch.cat([drawn, mixing.to(drawn.device)])

    def batch(self, augmentation: Tensor, indices: slice | Tensor) -> tuple[Tensor, Tensor, Mixed | None]:
        """Images (n, C, H, W) in `layout`, labels (n,), and what was mixed into them, if anything.

        Both images of each mix are cropped here, so that a process mixes its part of a batch as a single process mixes
        the whole batch.
        """
        if not self.mixup:
            images, labels = self.loader.batch(augmentation, indices)
            return self._in_layout(images), labels, None
        drawn, (shares, partners) = augmentation[:-2], augmentation[-2:, indices]
        images, labels = self.loader.batch(drawn, indices)
        others, other_labels = self.loader.batch(drawn, partners)
        share = share_of(shares)
        return self._in_layout(torch.lerp(others, images, share)), labels, Mixed(other_labels, share)

    def _in_layout(self, images: Tensor) -> Tensor:
        return images.contiguous() if self.layout == torch.contiguous_format else images  # the loader's: channels-last


def recorder_for(stream: RunStream) -> RunRecorder | None:
    """The recorder of the work on a stream; None on a device without streams."""
    return None if stream.cuda is None else CudaRecorder(stream.cuda)


class Strategy(ABC):
    """How a training step is carried out.

    Attributes:
        recording: records the steps, and the tests of the run; None if the steps are not recorded.
    """

    recording: Recording | None = None

    @property
    @abstractmethod
    def execution(self) -> Execution:
        """How its steps run, as results state it."""

    @abstractmethod
    def begin_epoch(self, augmentation: Tensor) -> None:
        """Load the order of the epoch's images and their augmentation, as the loader drew them."""

    @abstractmethod
    def __call__(self, indices: slice, lr: float) -> None:
        """Train on the images at these indices of the epoch's order, without waiting for the device."""
