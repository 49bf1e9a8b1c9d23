"""Sums over the epoch so far, kept on the device until they are asked for, so that no step waits for a GPU."""

import time
from typing import Any

import torch
from torch import Tensor

from resnetzoo.training.distributed import Ranks


class EpochTotals:
    """Summed loss, wrong answers, images and seconds of training.

    The tensors stay the same ones from epoch to epoch: a recorded step adds to them by their address.
    """

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.wrong = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0
        self.seconds = 0.0
        self._since = time.perf_counter()

    def start_clock(self) -> None:
        self._since = time.perf_counter()

    def stop_clock(self) -> None:
        now = time.perf_counter()
        self.seconds += now - self._since
        self._since = now

    def images_per_second(self) -> float:
        """The pace so far, the clock running."""
        return self.images / (self.seconds + time.perf_counter() - self._since)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """A batch's summed loss and its wrong answers; its images are counted by who knows their number."""
        self.loss += loss
        self.wrong += (logits.argmax(dim=1) != labels).sum()

    def loss_per_image(self) -> float:
        return float(self.loss) / self.images

    def error(self) -> float:
        return 100 * int(self.wrong) / self.images

    def to_dict(self) -> dict[str, Any]:
        values = {"loss": float(self.loss), "wrong": int(self.wrong)}
        return {**values, "images": self.images, "seconds": self.seconds}

    def set(self, *, loss: float = 0.0, wrong: int = 0, images: int = 0, seconds: float = 0.0) -> None:
        """Start from these sums; from zero, if none are given."""
        self.loss.fill_(loss)
        self.wrong.fill_(wrong)
        self.images = images
        self.seconds = seconds

    def gather(self, ranks: Ranks) -> None:
        """Put the sums of all processes in the place of this one's."""
        self.loss.copy_(ranks.add_up(self.loss))
        self.wrong.copy_(ranks.add_up(self.wrong))

    def leave_to_first(self, ranks: Ranks) -> None:
        """Behind `gather`, in mid-epoch: the first process carries the sums on, the others start at zero."""
        if not ranks.is_main:
            self.loss.zero_()
            self.wrong.zero_()
