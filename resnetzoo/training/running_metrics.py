"""Sums over the epoch so far, kept on the device until they are read, so that no step waits for a GPU."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.queued_steps import QueuedSteps


class RunningMetrics:
    """Summed loss, incorrect predictions, images and seconds of training since the epoch began.

    The tensors are reused from epoch to epoch, since a CUDA graph adds to them by their address.

    Attributes:
        loss: summed loss in nats, () on the device; reading its value waits for the device.
        num_incorrect: number of images whose most likely class is not the label, () int64 on the device.
        images: number of images, including those of other processes; known without waiting.
        summed: number of images in the sums: of this process within an epoch, and of all processes once it has ended.
        seconds: seconds of training, up to the last `stop_clock`.
        queued: the steps that may not be finished on the device, and the number of images in them.

    Args:
        device: where the sums are kept.
        queued: an empty `QueuedSteps`; None if a step is done when its call returns.
    """

    def __init__(self, device: torch.device, queued: QueuedSteps | None = None) -> None:
        self.loss = torch.zeros((), dtype=torch.float32, device=device)
        self.num_incorrect = torch.zeros((), dtype=torch.int64, device=device)
        self.images = self.summed = 0
        self.seconds = 0.0
        self.queued = queued or QueuedSteps()
        self._since = time.perf_counter()

    def start_clock(self) -> None:
        """Start counting the time as training time."""
        self._since = time.perf_counter()

    def stop_clock(self) -> None:
        """Add the time since `start_clock`, and continue counting from now."""
        now = time.perf_counter()
        self.seconds += now - self._since
        self._since = now

    def images_per_second(self) -> float:
        """The pace so far, counting only images whose steps are known to be finished; the clock must be running."""
        return (self.images - self.queued.images) / (self.seconds + time.perf_counter() - self._since)

    def count(self, images: int, own: int) -> None:
        """Count the images of a step that was just launched, and those of them that this process has."""
        self.images += images
        self.summed += own
        self.queued.add(images)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch's summed loss () and the errors of its logits (n, classes); `count` counts its images."""
        self.loss += loss
        self.num_incorrect += (logits.argmax(dim=1) != labels).sum()

    def mean_loss(self) -> float:
        """Mean loss per image in nats, NaN before the epoch's first step; waits for the device.

        With several processes it is over the images of this one, and in `on_epoch_end` over those of all.
        """
        return float(self.loss) / self.summed if self.summed else math.nan

    def error(self) -> float:
        """Top-1 error in percent, of the same images as `mean_loss`; waits for the device."""
        return 100 * int(self.num_incorrect) / self.summed if self.summed else math.nan

    def state_dict(self) -> dict[str, Any]:
        """The sums under the names that checkpoints store, `wrong` for `num_incorrect`; waits for the device."""
        return {
            "loss": float(self.loss),
            "wrong": int(self.num_incorrect),
            "images": self.images,
            "seconds": self.seconds,
        }

    @staticmethod
    def no_images() -> dict[str, Any]:
        """What `state_dict` returns before the first step of an epoch."""
        return {"loss": 0.0, "wrong": 0, "images": 0, "seconds": 0.0}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from sums that `state_dict` returned."""
        self._set(state["loss"], state["wrong"], state["images"], state["seconds"])

    def reset(self) -> None:
        """Start from zero."""
        self.load_state_dict(self.no_images())

    def _set(self, loss: float, num_incorrect: int, images: int, seconds: float) -> None:
        self.loss.fill_(loss)
        self.num_incorrect.fill_(num_incorrect)
        self.images = self.summed = images
        self.seconds = seconds

    def all_reduce(self, context: DistributedContext) -> None:
        """Replace this process's loss and errors with the sums over all processes."""
        self.loss.copy_(context.all_reduce_sum(self.loss))
        self.num_incorrect.copy_(context.all_reduce_sum(self.num_incorrect))
        self.summed = self.images

    @contextmanager
    def all_reduced(self, context: DistributedContext) -> Iterator[None]:
        """A block within an epoch whose sums are those over all processes."""
        own = self.loss.clone(), self.num_incorrect.clone(), self.summed
        self.all_reduce(context)
        yield
        self.loss.copy_(own[0])
        self.num_incorrect.copy_(own[1])
        self.summed = own[2]

    def keep_on_main(self, context: DistributedContext) -> None:
        """After `load_state_dict`, let the first process keep the sums and the others start at zero."""
        if not context.is_main:
            self.loss.zero_()
            self.num_incorrect.zero_()
            self.summed = 0
