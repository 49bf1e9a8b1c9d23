"""The step as PyTorch runs it, operation by operation: batch, forward, loss, backward, update, sums."""

from typing import Protocol

import torch
from torch import Tensor, nn

from resnetzoo.training.mixing import Mixed, cross_entropy
from resnetzoo.training.optimizer import clip_gradients, set_lr
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.utils.device import Precision, autocast
from resnetzoo.utils.fp32 import full_fp32


class LossFn(Protocol):
    """Images (n, C, H, W), labels (n,), and what was mixed in, if anything -> mean loss () and logits (n, classes)."""

    def __call__(self, images: Tensor, labels: Tensor, mixed: Mixed | None = None, /) -> tuple[Tensor, Tensor]:
        """Return the mean loss in nats, and the logits."""


class EagerStep(Strategy):
    """The step as PyTorch runs it.

    Args:
        loss_fn: the forward pass and its loss.
        state: what the step uses.
    """

    execution = Execution()

    def __init__(self, loss_fn: LossFn, state: StepState) -> None:
        self.loss_fn = loss_fn
        self.state = state

    def begin_epoch(self, augmentation: Tensor) -> None:
        self.augmentation = augmentation

    def __call__(self, indices: slice, lr: float) -> None:
        set_lr(self.state.optimizer, lr)
        self.training_step(self.augmentation, indices)

    def training_step(self, augmentation: Tensor, indices: slice | Tensor, weight: float = 1.0) -> None:
        """A step except for setting the learning rate; the gradient of the loss is multiplied by `weight`."""
        state = self.state
        size = indices.stop - indices.start if isinstance(indices, slice) else len(indices)
        with full_fp32(state.loader.device, benchmark=state.search and size == state.batch_size):
            images, labels, mixed = state.batch(augmentation, indices)
            loss, logits = self.forward(images, labels, mixed)
            state.optimizer.zero_grad()
            (loss * weight).backward()  # type: ignore[no-untyped-call]
            if state.clip_norm is not None:  # with several processes, each has the gradient of the whole batch by now
                clip_gradients(state.optimizer, state.clip_norm)
            state.optimizer.step()
            targets = labels if mixed is None else mixed.larger(labels)
            state.metrics.add(loss.detach() * len(labels), logits.detach(), targets)

    def forward(self, images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        """The forward pass and its loss, as a `LossFn`."""
        return self.loss_fn(images, labels, mixed)


def make_loss(model: nn.Module, recipe: Recipe, device: torch.device, precision: Precision) -> LossFn:
    """The forward pass of `model` and its loss (cross-entropy in nats, with the recipe's label smoothing)."""

    def loss_fn(images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        with autocast(device, precision):
            logits = model(images)  # (n, classes)
        return cross_entropy(logits.float(), labels, mixed, recipe.label_smoothing), logits

    return loss_fn
