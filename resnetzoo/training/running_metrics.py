"""Sums over the epoch so far, kept on the device until they are read, so that no step waits for a GPU."""

import time
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
        seconds: seconds of training, up to the last `stop_clock`.
        queued: the steps that may not be finished on the device, and the number of images in them.

    Args:
        device: where the sums are kept.
        queued: an empty `QueuedSteps`; None if a step is done when its call returns.
    """

    def __init__(self, device: torch.device, queued: QueuedSteps | None = None) -> None:
        self.loss = torch.zeros((), dtype=torch.float32, device=device)
        self.num_incorrect = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0
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

    def count(self, images: int) -> None:
        """Count the images of a step that was just launched."""
        self.images += images
        self.queued.add(images)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch's summed loss () and the errors of its logits (n, classes); `count` counts its images."""
        self.loss += loss
        self.num_incorrect += (logits.argmax(dim=1) != labels).sum()

    def mean_loss(self) -> float:
        """Mean loss per image in nats; waits for the device."""
        return float(self.loss) / self.images

    def error(self) -> float:
        """Top-1 error in percent; waits for the device."""
        return 100 * int(self.num_incorrect) / self.images

    def state_dict(self) -> dict[str, Any]:
        """The sums under the names that checkpoints store, `wrong` for `num_incorrect`; waits for the device."""
        return {
            "loss": float(self.loss),
            "wrong": int(self.num_incorrect),
            "images": self.images,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from sums that `state_dict` returned."""
        self._set(state["loss"], state["wrong"], state["images"], state["seconds"])

    def reset(self) -> None:
        """Start from zero."""
        self._set(0.0, 0, 0, 0.0)

    def _set(self, loss: float, num_incorrect: int, images: int, seconds: float) -> None:
        self.loss.fill_(loss)
        self.num_incorrect.fill_(num_incorrect)
        self.images = images
        self.seconds = seconds

    def all_reduce(self, context: DistributedContext) -> None:
        """Replace this process's loss and errors with the sums over all processes."""
        self.loss.copy_(context.all_reduce_sum(self.loss))
        self.num_incorrect.copy_(context.all_reduce_sum(self.num_incorrect))

    def keep_on_main(self, context: DistributedContext) -> None:
        """After `all_reduce` within an epoch, let the first process keep the sums and the others start at zero."""
        if not context.is_main:
            self.loss.zero_()
            self.num_incorrect.zero_()
