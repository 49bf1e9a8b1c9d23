"""The step as PyTorch runs it, operation by operation: batch, forward, loss, backward, update, sums."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.training.optimizer import clip_gradients, set_lr
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.strategies.execution import Execution
from resnetzoo.utils.device import Precision, autocast
from resnetzoo.utils.fp32 import full_fp32

LossFn = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Images (n, C, H, W) and labels (n,) -> mean loss () and logits (n, classes)."""


class EagerStep(Strategy):
    """The step as PyTorch runs it.

    Args:
        loss_fn: the forward pass and its loss.
        state: what the step works on.
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
        """Everything of a step but the learning rate; the loss's gradient counts `weight` times."""
        state = self.state
        size = indices.stop - indices.start if isinstance(indices, slice) else len(indices)
        with full_fp32(state.loader.device, benchmark=state.search and size == state.batch_size):
            images, labels = state.loader.batch(augmentation, indices)
            loss, logits = self.forward(images, labels)
            state.optimizer.zero_grad()
            (loss * weight).backward()  # type: ignore[no-untyped-call]
            if state.clip_norm is not None:  # of several processes each has the whole batch's gradient by now
                clip_gradients(state.optimizer, state.clip_norm)
            state.optimizer.step()
            state.metrics.add(loss.detach() * len(labels), logits.detach(), labels)

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, C, H, W) and labels (n,) -> mean loss () and logits (n, classes)."""
        return self.loss_fn(images, labels)


def make_loss(model: nn.Module, recipe: Recipe, device: torch.device, precision: Precision) -> LossFn:
    """The forward pass of `model` and its loss (cross-entropy in nats, with the recipe's label smoothing)."""

    def loss_fn(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with autocast(device, precision):
            logits = model(images)  # (n, classes)
        return F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing), logits

    return loss_fn
