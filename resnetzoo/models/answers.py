"""Check what a network returns for a batch: logits, or something that has neither a loss nor an error rate."""

import torch
from torch import Tensor, nn

from resnetzoo.errors import UsageError
from resnetzoo.utils.text import kind_of


def checked_logits_of(model: nn.Module, answer: object, images: int, num_classes: int) -> Tensor:
    """The output of a network for this many images, if it is logits (N, classes), with any number of classes.

    Only its class, type and shape are checked, so that nothing waits for a device.

    Raises:
        UsageError: it is not a tensor, has another shape, or does not hold real numbers; the message states the shape
            that `num_classes` requires.
    """
    name = f"{'in training mode ' if model.training else ''}this {type(model).__name__}"
    if not isinstance(answer, Tensor):
        raise UsageError(
            f"{name} returns {kind_of(answer)}, not a tensor of logits (N, {num_classes}): wrap it in a module whose "
            "forward returns the logits alone"
        )
    if answer.ndim != 2 or len(answer) != images or answer.is_complex() or answer.dtype == torch.bool:
        raise UsageError(
            f"{name} returns {answer.dtype} of {list(answer.shape)}, not logits of [{images}, {num_classes}] for a "
            f"batch of {images:,}"
        )
    return answer
