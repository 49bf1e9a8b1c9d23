"""Sums over the epoch so far, kept on the device until they are asked for, so that no step waits for a GPU."""

from typing import Any

import torch
from torch import Tensor


class EpochTotals:
    """Summed loss, wrong answers, images and seconds of training."""

    def __init__(
        self, device: torch.device, loss: float = 0.0, wrong: int = 0, images: int = 0, seconds: float = 0.0
    ) -> None:
        self.loss = torch.tensor(loss, device=device)
        self.wrong = torch.tensor(wrong, device=device)
        self.images = images
        self.seconds = seconds

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.loss += loss * len(labels)
        self.wrong += (logits.argmax(dim=1) != labels).sum()
        self.images += len(labels)

    def loss_per_image(self) -> float:
        return float(self.loss) / self.images

    def error(self) -> float:
        return 100 * int(self.wrong) / self.images

    def to_dict(self) -> dict[str, Any]:
        values = {"loss": float(self.loss), "wrong": int(self.wrong)}
        return {**values, "images": self.images, "seconds": self.seconds}
