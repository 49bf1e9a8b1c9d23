"""One step of training: cut a batch, forward, loss, backward, update, sums. Nothing in it waits for the device."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.device_loader import EpochDraw, TrainBatches
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.running_metrics import EpochTotals
from resnetzoo.utils.device import Precision, autocast

LossOf = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Images (n, C, H, W) and labels (n,) -> mean loss () and logits (n, classes)."""


class Step(Protocol):
    """What an epoch asks of a step."""

    def begin_epoch(self, drawn: EpochDraw) -> None:
        """Take the epoch's draw."""

    def __call__(self, places: slice, lr: float) -> None:
        """Learn from the images at these places of the epoch's order, at this rate."""


class TrainStep:
    """The step as PyTorch runs it, operation by operation.

    Args:
        loss_of: the forward pass, as it is or compiled.
        rest_loss_of: the same for a batch that is smaller than `batch_size`, which a compiled one would compile again.
        optimizer: its parameter groups' `lr` is set here.
        batches: the training set on the device.
        totals: summed up over the epoch.
        batch_size: images of a whole batch.
    """

    def __init__(
        self,
        loss_of: LossOf,
        rest_loss_of: LossOf,
        optimizer: torch.optim.SGD,
        batches: TrainBatches,
        totals: EpochTotals,
        batch_size: int,
    ) -> None:
        self.loss_of = loss_of
        self.rest_loss_of = rest_loss_of
        self.optimizer = optimizer
        self.batches = batches
        self.totals = totals
        self.batch_size = batch_size

    def begin_epoch(self, drawn: EpochDraw) -> None:
        self.drawn = drawn

    def __call__(self, places: slice, lr: float) -> None:
        self.set_rate(lr)
        self.learn(self.drawn, places)

    def learn(self, drawn: EpochDraw, places: slice | Tensor, weight: float = 1.0) -> None:
        """Everything of a step but the rate; the loss's gradient counts `weight` times."""
        images, labels = self.batches.batch(drawn, places)
        loss_of = self.loss_of if len(labels) == self.batch_size else self.rest_loss_of
        loss, logits = loss_of(images, labels)
        self.optimizer.zero_grad()
        (loss * weight).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.totals.add(loss.detach() * len(labels), logits.detach(), labels)

    def set_rate(self, lr: float) -> None:
        """A rate that is a tensor stays the same one, filled anew, since a recorded step reads it by its address."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr


def make_loss(model: nn.Module, recipe: Recipe, device: torch.device, precision: Precision) -> LossOf:
    """The forward pass of `model` and its loss (cross-entropy in nats, with the recipe's label smoothing)."""

    def loss_of(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with autocast(device, precision):
            logits = model(images)  # (n, classes)
        return F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing), logits

    return loss_of


def make_optimizer(model: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.SGD:
    """SGD that updates all parameters in one operation; on CUDA its rate is a tensor there, as recording asks for."""
    return torch.optim.SGD(
        model.parameters(),
        lr=torch.tensor(recipe.lr, device=device) if device.type == "cuda" else recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )
