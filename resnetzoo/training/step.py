"""One step of training: cut a batch, forward, loss, backward, update, sums. Nothing in it waits for the device."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.data.device_loader import DeviceLoader, EpochAugmentation
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.utils.device import Precision, autocast

LossFn = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Images (n, C, H, W) and labels (n,) -> mean loss () and logits (n, classes)."""


class Step(Protocol):
    """What an epoch asks of a step."""

    def begin_epoch(self, augmentation: EpochAugmentation) -> None:
        """Take the epoch's draw."""

    def __call__(self, indices: slice, lr: float) -> None:
        """Learn from the images at these indices of the epoch's order, at this rate."""


class EagerStep:
    """The step as PyTorch runs it, operation by operation.

    Args:
        loss_fn: the forward pass, as it is or compiled.
        rest_loss_fn: the same for a batch that is smaller than `batch_size`, which a compiled one would compile again.
        optimizer: its parameter groups' `lr` is set here.
        batches: the training set on the device.
        totals: summed up over the epoch.
        batch_size: images of a whole batch.
    """

    def __init__(
        self,
        loss_fn: LossFn,
        rest_loss_fn: LossFn,
        optimizer: torch.optim.SGD,
        batches: DeviceLoader,
        totals: RunningMetrics,
        batch_size: int,
    ) -> None:
        self.loss_fn = loss_fn
        self.rest_loss_fn = rest_loss_fn
        self.optimizer = optimizer
        self.loader = batches
        self.metrics = totals
        self.batch_size = batch_size

    def begin_epoch(self, augmentation: EpochAugmentation) -> None:
        self.augmentation = augmentation

    def __call__(self, indices: slice, lr: float) -> None:
        self.set_lr(lr)
        self.training_step(self.augmentation, indices)

    def training_step(self, augmentation: EpochAugmentation, indices: slice | Tensor, weight: float = 1.0) -> None:
        """Everything of a step but the rate; the loss's gradient counts `weight` times."""
        images, labels = self.loader.batch(augmentation, indices)
        loss_fn = self.loss_fn if len(labels) == self.batch_size else self.rest_loss_fn
        loss, logits = loss_fn(images, labels)
        self.optimizer.zero_grad()
        (loss * weight).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.metrics.add(loss.detach() * len(labels), logits.detach(), labels)

    def set_lr(self, lr: float) -> None:
        """A rate that is a tensor stays the same one, filled anew, since a recorded step reads it by its address."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr


def make_loss(model: nn.Module, recipe: Recipe, device: torch.device, precision: Precision) -> LossFn:
    """The forward pass of `model` and its loss (cross-entropy in nats, with the recipe's label smoothing)."""

    def loss_fn(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with autocast(device, precision):
            logits = model(images)  # (n, classes)
        return F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing), logits

    return loss_fn


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
